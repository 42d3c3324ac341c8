"""Pictures to RGB: any bit depth, colour model and orientation that people upload, within a size limit."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sam2_demo.errors import MediaError

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pnm", ".tga", ".jp2", ".heic", ".heif"}
)
MAX_PIXELS = 89_478_485
"""Most pixels of a picture or video frame (256 MiB as RGB): Pillow's own guard against decompression bombs."""

# An explicit list keeps out formats that run other programs (EPS calls Ghostscript) or reach for other files.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF", "PPM", "TGA", "JPEG2000")
_ACCEPTED = "accepted are JPEG, PNG, WebP, AVIF, BMP, GIF, TIFF, TGA, PPM and JPEG 2000 pictures"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_HEIF_NEEDS = (
    "is a HEIC picture, as phones take them, which needs the package pillow-heif: install it with "
    "`pip install pillow-heif`, or save the picture as JPEG"
)
_ORIENTATION_TAG = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
BACKDROP = 255
"""What lies behind transparent parts, of pictures and of videos: white."""
_ALWAYS_8_BIT = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp"})
"""Endings of pictures whose headers need no look for more bits: clips of data sets have thousands of them."""
_MOST_OF_16_BITS = 2**16 - 1
_BIT_DEPTHS = (8, 10, 12, 14, 16)
"""Of cameras and scanners; their files have 16 bits for all but the first."""


def read_picture(
    source: str | os.PathLike[str] | bytes, name: str | None = None, white: float | None = None
) -> np.ndarray:
    """Read a picture from a path or from the bytes of a file; returns (H, W, 3) uint8 RGB.

    Messages call it `name`, or by its file's name, since people who upload a file know no path.

    EXIF orientation is applied. 16-bit values are scaled from 0..65535 to 0..255, float ones from 0..1; grey ones that
    stay below 1/4 of that are taken for those of a camera of 14, 12, 10 or 8 bits in a file of 16. `white` is the value
    that becomes 255 instead, as `white_level` gives it for the pictures of one clip, which stay alike by it.
    Transparent parts are laid over white (`over_white`). Of an animation or multi-page file the first picture is read.
    Raises MediaError for what is missing, empty, damaged, no picture, or over MAX_PIXELS.
    """
    with _opened(source, name) as (image, name):
        return np.ascontiguousarray(_to_rgb(_upright(image, name), white))


def white_level(paths: Sequence[str | os.PathLike[str]]) -> float | None:
    """The one value that becomes white in all pictures of a clip; None where none has more than 8 bits in grey.

    It is the highest of those by which the pictures would be scaled one by one, so pictures of more than 8 bits in grey
    are decoded for it, until one uses all 16. Those that cannot be read are passed over: reading them says why.
    """
    levels = []
    # A clip that grows brighter shows its bits soonest at its end.
    for path in (*paths[-1:], *paths[:-1]):
        if Path(path).suffix.lower() in _ALWAYS_8_BIT:
            continue
        with suppress(MediaError), _opened(path, str(path)) as (image, name):
            if image.mode.startswith("I") or image.mode == "F":
                levels.append(_own_white(_finite(np.asarray(_upright(image, name))), image.mode))
                if image.mode.startswith("I;16") and levels[-1] >= _MOST_OF_16_BITS:
                    break
    return max(levels, default=None)


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return (height, width) of a picture as shown, from its header alone. Raises MediaError with the path."""
    with _opened(path, str(path)) as (image, _):
        width, height = image.size
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Lay (H, W, 4) uint8 RGBA with straight alpha over BACKDROP; returns (H, W, 3) uint8.

    Every reader of pictures and videos comes here, so that what is transparent looks alike in all of them, and the
    colours that files hide under it are never seen.
    """
    colour = rgba[..., :3].astype(np.uint16)
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((colour * alpha + BACKDROP * (255 - alpha) + 127) // 255).astype(np.uint8)


def too_large(what: str, pixels: int) -> MediaError:
    """The refusal of a picture, or of the frames of a video, with more than MAX_PIXELS."""
    return MediaError(
        f"{what} is too large: it has {pixels / 1e6:.1f} megapixels, accepted are up to {MAX_PIXELS / 1e6:.0f}; "
        "make it smaller and open it again"
    )


def _orientation(image: Image.Image) -> int:
    """How a picture that is opened and not decoded is still to be turned, as EXIF counts it: 1 is upright."""
    # Pillow turns TIFFs itself, by their own tag, and says so of their size from the start.
    if _ORIENTATION_TAG in getattr(image, "tag_v2", ()):
        return 1
    return int(image.getexif().get(_ORIENTATION_TAG, 1))


def _upright(image: Image.Image, name: str) -> Image.Image:
    """The picture decoded, and turned as it is shown."""
    try:
        image.load()
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise MediaError(f"{name} is a damaged {image.format} picture ({error}); {_ACCEPTED}") from error


def _formats() -> tuple[str, ...]:
    """What Pillow may open, HEIC among it where the optional reader is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return _FORMATS
    register_heif_opener()
    return (*_FORMATS, "HEIF")


def _is_heif(stream: Path | BinaryIO) -> bool:
    """Whether a file is of the HEIF family (AVIF aside), by its first box."""
    if isinstance(stream, Path):
        with stream.open("rb") as file:
            return _is_heif(file)
    stream.seek(0)
    start = stream.read(12)
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS


@contextmanager
def _opened(source: str | os.PathLike[str] | bytes, name: str | None) -> Iterator[tuple[Image.Image, str]]:
    """Open a picture lazily and yield it with a name for messages."""
    stream: Path | BinaryIO
    if isinstance(source, bytes | bytearray | memoryview):
        name, size, stream = name or "the uploaded picture", len(source), io.BytesIO(source)
    else:
        stream = Path(source)
        name = name or stream.name
        if not stream.is_file():
            what = "is a folder" if stream.is_dir() else "does not exist"
            raise MediaError(f"{stream} {what}; a picture file is needed: {_ACCEPTED}")
        size = stream.stat().st_size
    if size == 0:
        raise MediaError(f"{name} is empty (0 bytes); {_ACCEPTED}")
    try:
        image = Image.open(stream, formats=_formats())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        told = re.search(r"\d+", str(error))  # Pillow tells the size of what it refuses in words only
        raise too_large(name, int(told[0]) if told else MAX_PIXELS) from error
    except UnidentifiedImageError as error:
        if "HEIF" not in _formats() and _is_heif(stream):
            raise MediaError(f"{name} {_HEIF_NEEDS}") from error
        raise MediaError(f"{name} is not a picture that can be read; {_ACCEPTED}") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{name} cannot be read as a picture ({error}); {_ACCEPTED}") from error
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise too_large(name, image.width * image.height)
        yield image, name


def _to_rgb(image: Image.Image, white: float | None) -> np.ndarray:
    """Convert a loaded Pillow picture of any mode to (H, W, 3) uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        grey = _grey_to_8_bit(values, image.mode, white)
        if isinstance(image.info.get("transparency"), int):
            grey[values == image.info["transparency"]] = BACKDROP
        return np.repeat(grey[..., None], 3, axis=2)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:
        # Of 16 bits in each colour Pillow keeps 8, but not of the colour that stands for transparent.
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if "A" in image.mode or "a" in image.mode or clear is not None:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def _grey_to_8_bit(grey: np.ndarray, mode: str, white: float | None) -> np.ndarray:
    """Scale grey values to uint8, by `white` or by what they say themselves."""
    values = _finite(grey)
    top = _own_white(values, mode) if white is None else white
    return np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8)


def _finite(grey: np.ndarray) -> np.ndarray:
    return np.nan_to_num(grey.astype(np.float64), posinf=0.0, neginf=0.0)


def _own_white(values: np.ndarray, mode: str) -> float:
    """The most of the fewest bits that hold whole numbers, above 16 bits their own maximum; 1 or 255 for floats."""
    brightest = float(values.max())
    if mode == "F":
        return 1.0 if brightest <= 1.0 else max(brightest, 255.0)
    return max(2.0 ** _bits_for(brightest) - 1, brightest)


def _bits_for(brightest: float) -> int:
    return next((bits for bits in _BIT_DEPTHS if brightest < 2**bits), _BIT_DEPTHS[-1])

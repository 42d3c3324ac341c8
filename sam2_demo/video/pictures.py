"""Pictures to RGB: any bit depth, colour model and orientation that people upload, within a size limit."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sam2_demo.errors import MediaError

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pnm", ".tga", ".jp2"}
)
MAX_PIXELS = 89_478_485
"""Most pixels of a picture or video frame (256 MiB as RGB): Pillow's own guard against decompression bombs."""

# An explicit list keeps out formats that run other programs (EPS calls Ghostscript) or reach for other files.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF", "PPM", "TGA", "JPEG2000")
_ACCEPTED = "accepted are JPEG, PNG, WebP, AVIF, BMP, GIF, TIFF, TGA, PPM and JPEG 2000 pictures"
_ORIENTATION_TAG = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


def read_picture(source: str | os.PathLike[str] | bytes, name: str | None = None) -> np.ndarray:
    """Read a picture from a path or from the bytes of a file; returns (H, W, 3) uint8 RGB.

    Messages call it `name`, or by its file's name, since people who upload a file know no path.

    EXIF orientation is applied. 16-bit values are scaled from 0..65535 to 0..255, float ones from 0..1.
    Transparent parts are laid over white. Of an animation or multi-page file the first picture is read.
    Raises MediaError for what is missing, empty, damaged, no picture, or over MAX_PIXELS.
    """
    with _opened(source, name) as (image, name):
        try:
            image.load()
            upright = ImageOps.exif_transpose(image)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise MediaError(f"{name} is a damaged {image.format} picture ({error}); {_ACCEPTED}") from error
        return np.ascontiguousarray(_to_rgb(upright))


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return (height, width) of a picture as shown, from its header alone. Raises MediaError with the path."""
    with _opened(path, str(path)) as (image, _):
        width, height = image.size
        sideways = image.getexif().get(_ORIENTATION_TAG) in _SIDEWAYS
        return (width, height) if sideways else (height, width)


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Lay (H, W, 4) uint8 RGBA with straight alpha over white; returns (H, W, 3) uint8."""
    colour = rgba[..., :3].astype(np.uint16)
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


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
        image = Image.open(stream, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{name} is too large ({error}); at most {MAX_PIXELS} pixels are accepted") from error
    except UnidentifiedImageError as error:
        raise MediaError(f"{name} is not a picture that can be read; {_ACCEPTED}") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{name} cannot be read as a picture ({error}); {_ACCEPTED}") from error
    with image:
        if image.width * image.height > MAX_PIXELS:
            found = f"{image.width} x {image.height} pixels"
            raise MediaError(f"{name} has {found}; at most {MAX_PIXELS} pixels are accepted")
        yield image, name


def _to_rgb(image: Image.Image) -> np.ndarray:
    """Convert a loaded Pillow picture of any mode to (H, W, 3) uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = _grey_to_8_bit(np.asarray(image), image.mode)
        return np.repeat(grey[..., None], 3, axis=2)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def _grey_to_8_bit(grey: np.ndarray, mode: str) -> np.ndarray:
    """Scale 16-bit, 32-bit or float grey values to uint8; 32-bit ones above 16 bits by their own maximum."""
    values = np.nan_to_num(grey.astype(np.float64), posinf=0.0, neginf=0.0)
    if mode == "F":
        top = 1.0 if values.max() <= 1.0 else 255.0 if values.max() <= 255.0 else float(values.max())
    else:
        top = max(65535.0, float(values.max()))
    return np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8)

"""Reading and writing the files under every format: JSON and indexed PNG, with errors that name the file."""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sam2_demo.errors import DatasetError, DemoError
from sam2_demo.resuming import replacing

PathLike = str | os.PathLike[str]
# What Pillow raises for pictures that are damaged, or made to look enormous.
UNREADABLE_PICTURE = (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError)
# Marks of UTF-32 begin with those of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    *((mark, "utf-32") for mark in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    *((mark, "utf-16") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)
_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})", re.DOTALL)
MASK_FOLDERS = frozenset({"mask", "masks", "labels", "annotations", "segmentationclass", "segmentation"})
PICTURE_FOLDERS = frozenset({"image", "images", "imgs", "frames", "jpegimages"})
_DIGITS = 16  # of 64 hexadecimal ones: enough to tell files apart, short enough to read


@contextmanager
def content_of(place: PathLike, expected: str) -> Iterator[None]:
    """Reading the content of a file: what is missing in it or of a wrong kind becomes a DatasetError that names it.

    place: the file, perhaps with a part of it; expected: what it should hold, for the message.
    """
    try:
        yield
    except DatasetError as error:
        if str(place) in str(error):
            raise
        raise DatasetError(f"{place}: {error}") from error
    except DemoError as error:
        raise DatasetError(str(error) if str(place) in str(error) else f"{place}: {error}") from error
    except KeyError as error:
        raise DatasetError(f"{place} lacks the field {error}; expected {expected}") from error
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise DatasetError(f"{place} holds a value of a wrong kind ({error}); expected {expected}") from error


def read_json(path: Path) -> Any:
    """The content of a JSON file; DatasetError when it is missing or not JSON."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist; a JSON file is needed") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    return load_json(content, str(path))


def load_json(content: bytes, name: str) -> Any:
    """The value of a JSON text in the encoding that its first bytes tell; DatasetError names it."""
    try:
        return json.loads(content.decode(encoding_of(content)))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{name} is not JSON: {error}") from error


def encoding_of(start: bytes) -> str:
    """The encoding of a text from its first four bytes: UTF-8, or by its byte order mark UTF-16 or UTF-32.

    Windows' editors and shells write such marks, and spreadsheets do.
    """
    return next((name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark)), "utf-8")


def read_text(path: Path, expected: str = "a text file") -> str:
    """The content of a text file in the encoding that its first bytes tell; DatasetError says which line is none."""
    try:
        content = path.read_bytes()
        return content.decode(encoding_of(content))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DatasetError(f"{path}, line {line} is no text in UTF-8 ({error.reason}); save it as UTF-8") from error
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist; {expected} is needed") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def write_text(text: str, path: Path) -> None:
    """Write a text file so that a reader sees the old content or the new, never half of it."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="")


def write_json(content: Any, path: Path, indent: int | None = None) -> None:
    """Write JSON whole or not at all; numpy's numbers and arrays are written as what they hold."""
    write_text(json.dumps(content, indent=indent, default=_plain), path)


def _plain(value: object) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def content_digest(files: Iterable[tuple[str, Path]]) -> str:
    """The beginning of a SHA-256 over the names and contents of files."""
    whole = hashlib.sha256()
    for name, path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{name}\n{content}\n".encode())
    return whole.hexdigest()[:_DIGITS]


def read_values(source: Path | bytes, name: str) -> NDArray[np.integer]:
    """(H, W) whole numbers of an indexed or grey PNG of 1 to 16 bits, white as 1 in those of one bit.

    A black and white picture in colours is read as grey of 0 and 255. The one reader of label maps and masks: data
    sets, formats and the page accept the same. DatasetError names the file.
    """
    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=["PNG"]) as image:
            mode, values = image.mode, np.array(image)
    except FileNotFoundError as error:
        raise DatasetError(f"{name} does not exist; a PNG with labels is needed") from error
    except UNREADABLE_PICTURE as error:
        raise DatasetError(f"{name} cannot be read as a PNG: {error}") from error
    if mode in ("RGB", "RGBA", "LA"):
        grey = values[..., 0]
        colours = values[..., :3] if mode != "LA" else values[..., :1]
        is_plain = (colours == grey[..., None]).all() and (mode == "RGB" or (values[..., -1] == 255).all())
        if is_plain and grey.max() == 255 and ((grey == 0) | (grey == 255)).all():
            return grey
    if values.ndim != 2:
        raise DatasetError(
            f"{name} has colour mode {mode}; labels are 8-bit indexed (P), grey (L) or 1-bit PNGs, or black and white"
        )
    return values.astype(np.uint8) if values.dtype == np.bool_ else values


def read_labels(path: Path, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """(H, W) uint8 labels of a PNG, see `read_values`; `size` is the (H, W) it must have."""
    labels = read_values(path, str(path))
    if labels.dtype != np.uint8 and labels.max(initial=0) > np.iinfo(np.uint8).max:
        raise DatasetError(f"{path} has labels up to {labels.max()}; those of a label map are 0 to 255")
    if size is not None and labels.shape != size:
        raise DatasetError(
            f"{path} is {labels.shape[0]} x {labels.shape[1]} pixels (height x width), expected "
            f"{size[0]} x {size[1]} like the rest of its clip"
        )
    return labels.astype(np.uint8)


def read_mask(source: Path | bytes, name: str) -> NDArray[np.bool_]:
    """(H, W) mask of a PNG of one object: of one value but 0 it is that one, else what is at least half bright."""
    values = read_values(source, name)
    inside = values > 0
    bright = values >= (128 if values.max(initial=0) < 256 else 32768)
    is_one_label = len(np.unique(values[inside])) <= 1
    return inside if is_one_label else bright


def write_labels(labels: NDArray[np.uint8], path: Path) -> None:
    """Write (H, W) uint8 labels as an indexed PNG with the palette of DAVIS and PASCAL VOC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    image.putpalette(voc_palette())
    image.save(path)


def voc_palette() -> list[int]:
    """768 values: the colours of PASCAL VOC, made by spreading an index's bits over R, G and B."""
    return [channel for index in range(256) for channel in _voc_color(index)]


def _voc_color(index: int) -> tuple[int, int, int]:
    red = green = blue = 0
    for shift in range(7, -1, -1):
        red |= (index & 1) << shift
        green |= (index >> 1 & 1) << shift
        blue |= (index >> 2 & 1) << shift
        index >>= 3
    return red, green, blue


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that systems put beside others; cameras do call pictures _DSC0001."""
    return name.startswith((".", "__"))


_ROBOFLOW = re.compile(r"[._-](?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9A-Za-z]+$", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,12})\D*", re.DOTALL)


def numbered_name(name: str) -> tuple[str, int] | None:
    """What stands before the last number of a file's name, and the number; None for a name without one.

    The mark that Roboflow adds to names is passed over: frame_000005_jpg.rf.ab12.jpg is frame 5.
    """
    stem = PurePosixPath(name).stem
    matched = _LAST_NUMBER.fullmatch(_ROBOFLOW.sub("", stem))
    return (matched[1], int(matched[2])) if matched else None


def frame_files(folder: Path, suffix: str = ".png") -> list[Path]:
    """The files of a folder with this suffix, by name; DatasetError when there is none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; one with {suffix} files named by frame is needed")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == suffix and path.name[0] != ".")
    if not files:
        raise DatasetError(f"{folder} holds no {suffix} file; one per annotated frame is needed, as 00000{suffix}")
    return files


def frame_numbers(stems: Iterable[str]) -> list[int] | None:
    """The numbers of names that are alike but for the number at their end, as frame_000003 or clip-2_0007.

    None where they are not, where two have the same number, or of a single name, unless it says that it is a frame.
    """
    found = [_NUMBERED.fullmatch(stem) for stem in stems]
    parts = [(match[1], int(match[2])) for match in found if match]
    numbers = [number for _, number in parts]
    if len(parts) < len(found) or len({prefix for prefix, _ in parts}) != 1 or len(set(numbers)) < len(numbers):
        return None
    says_so = parts[0][0] == "" or "frame" in parts[0][0].lower()
    return numbers if len(numbers) > 1 or says_so else None


def frame_indices_of(files: Iterable[Path], frame_names: list[str] | None = None) -> list[int]:
    """The frame index of each file: its place in `frame_names` (stems of the clip's pictures), or its number.

    Names that end with a number are those of frames where they differ in nothing else; see `frame_numbers`.
    A file alone that has a name is that of a picture, frame 0.
    """
    files = list(files)
    if frame_names is not None:
        places = {name: index for index, name in enumerate(frame_names)}
        for path in files:
            if path.stem not in places:
                raise DatasetError(f"{path} belongs to no frame: the clip has no picture named {path.stem}")
        return [places[path.stem] for path in files]
    numbers = frame_numbers(path.stem for path in files)
    if numbers is not None:
        return numbers
    if len(files) == 1:
        return [0]
    odd = next((path for path in files if not path.stem.isdecimal()), files[0])
    raise DatasetError(
        f"{odd} is not named by its frame; expected a number such as 00000{odd.suffix}, after the same beginning for "
        f"all files, as frame_00000{odd.suffix}"
    )

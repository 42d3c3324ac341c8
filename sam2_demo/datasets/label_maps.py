"""Pictures with label maps: a folder of pictures and 8-bit indexed PNGs (0 background, k the k-th object, 255 ignore).

Layout: `<root>/index.csv` with columns source, file, mask (paths below the root; a picture may have several
maps), or no index and `<stem>.<jpg|jpeg|webp|bmp>` beside `<stem>.png`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats.files import MASK_FOLDERS, PICTURE_FOLDERS, content_of, read_labels, read_text
from sam2_demo.video.pictures import read_picture

IGNORE_LABEL = 255
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif")


@dataclass(frozen=True)
class PictureFiles:
    """Where one picture and its label maps are, and which source set they come from."""

    source: str
    picture: Path
    label_maps: tuple[Path, ...]


@dataclass(frozen=True)
class LabelledPicture:
    """pixels (H, W, 3) uint8 RGB; label_maps: each (H, W) uint8, 0 background, 255 ignore."""

    source: str
    pixels: NDArray[np.uint8]
    label_maps: tuple[NDArray[np.uint8], ...]


def find_labelled_pictures(root: Path) -> list[PictureFiles]:
    """List the pictures below `root` (itself, or its `train` folder) without reading them.

    Raises DatasetError when the folder, its index or every label map is missing.
    """
    if not root.is_dir():
        raise DatasetError(f"data folder {root} does not exist; give a folder of pictures with label maps")
    if not (root / "index.csv").is_file() and (root / "train" / "index.csv").is_file():
        root = root / "train"
    found = _find_by_index(root) if (root / "index.csv").is_file() else find_by_stem(root)
    if not found:
        raise DatasetError(
            f"{root} holds no index.csv and no picture ({', '.join(PICTURE_SUFFIXES)}) with a label map "
            "<stem>.png beside it"
        )
    return found


def _find_by_index(root: Path) -> list[PictureFiles]:
    index = root / "index.csv"
    reader = csv.DictReader(io.StringIO(read_text(index), newline=""), restval="")
    grouped: dict[tuple[str, str], list[Path]] = {}
    try:
        missing = {"source", "file", "mask"} - set(reader.fieldnames or ())
        if missing:
            raise DatasetError(f"{index} lacks the column(s) {', '.join(sorted(missing))}")
        for row in reader:
            empty = [name for name in ("file", "mask") if not row[name]]
            if empty:
                raise DatasetError(f"{index}, line {reader.line_num} has no {' and no '.join(empty)}; expected paths")
            grouped.setdefault((row["source"], row["file"]), []).append(root / row["mask"])
    except csv.Error as error:
        raise DatasetError(f"{index}, line {reader.line_num} is no CSV: {error}") from error
    return [PictureFiles(source, root / file, tuple(sorted(masks))) for (source, file), masks in grouped.items()]


def find_by_stem(root: Path) -> list[PictureFiles]:
    """The pictures below a folder that have a label map of the same stem beside them, or <stem>_mask.png.

    Beside a picture is also masks/ (or labels/, annotations/) beside images/, with the same folders below.
    """
    files = sorted(path for path in root.rglob("*") if path.is_file())
    label_maps: dict[tuple[str, ...], Path] = {}
    pictures: list[Path] = []
    for path in files:
        folders = {part.lower() for part in path.relative_to(root).parent.parts}
        is_png = path.suffix.lower() == ".png"
        if is_png and not folders & PICTURE_FOLDERS:
            label_maps[_place(path, root, path.stem.removesuffix("_mask"))] = path
        elif path.suffix.lower() in PICTURE_SUFFIXES or is_png:
            pictures.append(path)
    found = [(picture, label_maps.get(_place(picture, root, picture.stem))) for picture in pictures]
    return [PictureFiles(_set_of(picture, root), picture, (own,)) for picture, own in found if own is not None]


def _place(path: Path, root: Path, stem: str) -> tuple[str, ...]:
    """Where a picture and its label map agree: folders and stem, the folder that says which of the two it is aside."""
    folders = path.relative_to(root).parent.parts
    return (*(folder for folder in folders if folder.lower() not in MASK_FOLDERS | PICTURE_FOLDERS), stem)


def _set_of(picture: Path, root: Path) -> str:
    folder = picture.parent
    return folder.parent.name if folder.name.lower() in PICTURE_FOLDERS and folder != root else folder.name


def read_labelled_picture(files: PictureFiles, max_side: int | None = None) -> LabelledPicture:
    """Read one picture with its maps, shrunk so that its long side is at most `max_side` pixels."""
    with content_of(files.picture, "a picture"):
        pixels = np.asarray(read_picture(files.picture), np.uint8)
    objects = tuple(as_object(read_labels_of(files.picture, pixels, path)) for path in files.label_maps)
    return shrink(LabelledPicture(files.source, pixels, objects), max_side)


def read_labels_of(picture: Path, pixels: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """(H, W) uint8 labels of a picture that reads as `pixels` (H, W, 3); DatasetError where the sizes differ."""
    labels = read_labels(path)
    if labels.shape == pixels.shape[:2]:
        return labels
    turned = labels.shape == pixels.shape[1::-1]
    raise DatasetError(
        f"label map {path} is {labels.shape[0]} x {labels.shape[1]} pixels (height x width), its picture "
        f"{picture.name} {pixels.shape[0]} x {pixels.shape[1]} as shown; sizes must agree"
        + (". The picture may say by EXIF how it is turned: draw on it as it is shown" if turned else "")
    )


def as_object(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A map of 0 and 255 only is a black and white mask of one object, which gets label 1; others stay."""
    if ((labels > 0) & (labels < IGNORE_LABEL)).any():
        return labels
    return (labels == IGNORE_LABEL).astype(np.uint8)


def shrink(picture: LabelledPicture, max_side: int | None) -> LabelledPicture:
    """The picture with its long side at most `max_side` pixels; None keeps it as it is."""
    height, width = picture.pixels.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return picture
    scale = max_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    pixels = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    maps = [cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT) for labels in picture.label_maps]
    return LabelledPicture(
        picture.source, np.ascontiguousarray(pixels, np.uint8), tuple(np.asarray(labels, np.uint8) for labels in maps)
    )


def spread(count: int, limit: int | None) -> list[int]:
    """At most `limit` of the positions 0 to count - 1, evenly spread."""
    if limit is None or limit >= count:
        return list(range(count))
    return [round(i * (count - 1) / max(1, limit - 1)) for i in range(limit)]

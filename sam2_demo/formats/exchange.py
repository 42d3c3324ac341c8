"""The formats by name, for dialogs and command lines: write one file that holds a clip, and read any of them."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats import alpha_video, coco, csv_tables, davis, mots, per_object_png, sa_v, yolo
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import (
    MASK_FOLDERS,
    PICTURE_FOLDERS,
    PathLike,
    frame_numbers,
    is_hidden,
    read_json,
)
from sam2_demo.resuming import replacing

_MARKS: dict[str, Callable[[Path], ClipAnnotation]] = {"masklet": sa_v.read, "annotations": coco.read}
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_MAX_UNPACKED = 4 << 30


@dataclass(frozen=True)
class Format:
    """One way out: `name` for programs, `title` for people, the ending of the one file that is written."""

    name: str
    title: str
    ending: str
    write: Callable[[ClipAnnotation, Path], None]
    is_folder: bool = False  # written as a folder, handed out as a zip


FORMATS = {
    own.name: own
    for own in (
        Format("sa_v", "SA-V JSON (as the train set)", ".json", sa_v.write),
        Format("sa_v_png", "SA-V PNG (as the val and test sets)", ".zip", sa_v.write, is_folder=True),
        Format("coco", "COCO JSON with run lengths", ".json", coco.write),
        Format("davis", "DAVIS indexed PNG", ".zip", davis.write, is_folder=True),
        Format("png", "One PNG per object and frame", ".zip", per_object_png.write),
        Format("yolo", "YOLO segmentation", ".zip", yolo.write, is_folder=True),
        Format("mots", "MOTS text", ".txt", mots.write),
        Format("mots_png", "MOTS PNG", ".zip", mots.write, is_folder=True),
        Format("csv", "CSV table of boxes, areas, centroids, scores", ".csv", csv_tables.write),
        Format("alpha", "Video with transparent background (WebM)", ".webm", alpha_video.write),
    )
}


def write_file(
    value: ClipAnnotation,
    format_name: str,
    folder: PathLike,
    frames: Iterable[NDArray[np.uint8]] | None = None,
) -> Path:
    """Write a clip as one file `<folder>/<clip>_<format><ending>` and return its path.

    `frames` are the clip's (H, W, 3) RGB pictures, used by the video with alpha only.
    """
    if format_name not in FORMATS:
        raise DatasetError(f"format is {format_name!r}; accepted: {', '.join(FORMATS)}")
    chosen = FORMATS[format_name]
    target = Path(folder) / f"{value.name or 'clip'}_{format_name}{chosen.ending}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if format_name == "alpha":
        alpha_video.write(value, target, frames)
    elif chosen.is_folder:
        with tempfile.TemporaryDirectory() as place:
            chosen.write(value, Path(place))
            _zip(Path(place), target)
    else:
        chosen.write(value, target)
    return target


def read_any(path: PathLike, size: tuple[int, int] | None = None, with_boxes: bool = False) -> ClipAnnotation:
    """Read a file or folder of any of these formats, told apart by ending and content; DatasetError if by none.

    `size` is the pictures' (height, width), for YOLO labels without the clip.json that says it. Files of boxes without
    masks are refused unless `with_boxes`, which takes them as `boxes` of the result.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if not source.exists():
        raise DatasetError(f"{source} does not exist; a file or folder of masks is needed")
    if source.is_dir():
        return _read_folder(source, size, with_boxes)
    if suffix == ".json":
        content = read_json(source)
        reader = next((read for mark, read in _MARKS.items() if isinstance(content, dict) and mark in content), None)
        if reader is coco.read and with_boxes:
            return coco.from_content(content, source)
        if reader is not None:
            return reader(source)
    elif suffix == ".zip":
        with tempfile.TemporaryDirectory() as place:
            _unzip(source, Path(place))
            return _read_folder(Path(place), size, with_boxes)
    elif suffix in (".txt", ".csv", ".webm"):
        return {".txt": mots.read, ".csv": csv_tables.read, ".webm": alpha_video.read}[suffix](source)
    raise DatasetError(
        f"{source} is in no format that can be read: SA-V or COCO JSON, MOTS text, CSV table, WebM with alpha, "
        "or a zip or folder of DAVIS, SA-V, MOTS or per-object PNGs or YOLO labels"
    )


def _read_folder(folder: Path, size: tuple[int, int] | None, with_boxes: bool) -> ClipAnnotation:
    shown = [path for path in folder.iterdir() if not is_hidden(path.name)]
    # Texts that are not named by a frame say nothing of what lies beside them.
    shown = _without_notes(shown) or shown
    if len(shown) == 1 and shown[0].is_dir() and not shown[0].name.isdecimal():
        return _read_folder(shown[0], size, with_boxes)
    names = {path.name for path in shown}
    masks = _beside_pictures(shown)
    if masks is not None:
        return _read_folder(masks, size, with_boxes)
    pictures = [path for path in shown if path.suffix.lower() == ".png"]
    if "labels" in names or any(path.suffix.lower() == ".txt" for path in shown):
        return yolo.read(folder, size, with_boxes)
    if pictures:
        return mots.read(folder) if _is_sixteen_bit(pictures[0]) else davis.read(folder)
    if "clip.json" in names:
        return per_object_png.read(folder)
    return sa_v.read(folder)


def _without_notes(shown: list[Path]) -> list[Path]:
    texts = [path for path in shown if path.suffix.lower() == ".txt" and path.name != "classes.txt"]
    if frame_numbers(path.stem for path in texts) is not None:
        return shown
    return [path for path in shown if path not in texts or path.stem.isdecimal()]


def _beside_pictures(shown: list[Path]) -> Path | None:
    """The one folder of PNGs in a folder where a folder of pictures lies beside it, as images/ and masks/."""
    folders = {path.name.lower(): path for path in shown if path.is_dir()}
    masks = [place for name, place in folders.items() if name in MASK_FOLDERS and any(place.rglob("*.png"))]
    return masks[0] if len(masks) == 1 and PICTURE_FOLDERS & set(folders) else None


def _is_sixteen_bit(path: Path) -> bool:
    header = path.read_bytes()[:26]
    return len(header) > 24 and header[24] == 16  # bit depth in a PNG's header chunk


def _zip(folder: Path, target: Path) -> None:
    with replacing(target) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_TIME)
                archive.writestr(entry, path.read_bytes())


def _unzip(source: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > _MAX_UNPACKED:
                raise DatasetError(f"{source} unpacks to {size} bytes; up to {_MAX_UNPACKED} are read")
            archive.extractall(folder)
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{source} is no zip: {error}") from error

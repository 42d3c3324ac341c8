"""Masks from a file that a person sends: checked before anything is unpacked or decoded, then read by `formats`.

Accepted is what the page exports: see ACCEPTED. Every picture and video must have the clip's size by its header, every
run length must cover exactly one picture and every outline be one of it, because the decoders trust them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sam2_demo.errors import DatasetError, DemoError
from sam2_demo.formats import alpha_video, csv_tables, mots
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.checked.archives import read_archive
from sam2_demo.formats.checked.bounds import PNG_HEADER_SIZE, Extent, check_frame, check_picture, check_size
from sam2_demo.formats.checked.texts import check_json, check_mots, check_table, load_json
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import read_labels

ACCEPTED = (
    "a label map (PNG), a zip of DAVIS, SA-V, MOTS or per-object PNGs or of YOLO labels, a JSON file of SA-V or COCO "
    "with run lengths, a MOTS text (.txt), a CSV table with masks, or a WebM video with alpha"
)
_WRONG_CONTENT = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def read_masks(path: Path, name: str, size: tuple[int, int], num_frames: int) -> ClipAnnotation:
    """The masks of a file called `name` for a clip of (height, width) = `size`; DatasetError says what does not fit."""
    reader = _READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise DatasetError(f"{name} cannot be imported; accepted are {ACCEPTED}")
    extent = Extent(size, num_frames)
    try:
        clip = reader(path, extent)
    except DemoError as error:
        raise DatasetError(_without_places(str(error), path, name)) from error
    except _WRONG_CONTENT as error:
        raise DatasetError(f"{name} is not written as its format says: {type(error).__name__} {error}") from error
    return _fitting(clip, name, extent)


def _fitting(clip: ClipAnnotation, name: str, extent: Extent) -> ClipAnnotation:
    if (clip.height, clip.width) != extent.size:
        raise DatasetError(
            f"{name} has masks of {clip.width} x {clip.height} pixels (width x height), "
            f"expected {extent.size[1]} x {extent.size[0]}"
        )
    clip.masklets = {object_id: masklet for object_id, masklet in clip.masklets.items() if len(masklet)}
    if not clip.masklets:
        raise DatasetError(f"{name} holds no masks; expected at least one object")
    for object_id in clip.masklets:
        if not isinstance(clip.labels.get(object_id, ""), str):
            raise DatasetError(f"{name} has a label of object {object_id} that is no text")
    for frame in clip.annotated_frames:
        check_frame(frame, name, extent)
    return clip


def _read_label_map(path: Path, extent: Extent) -> ClipAnnotation:
    with path.open("rb") as file:
        check_picture(file.read(PNG_HEADER_SIZE), path.name, extent)
    labels = read_labels(path, extent.size)
    clip = ClipAnnotation(*extent.size, 1)
    found = [label for label in np.unique(labels).tolist() if label]
    if found == [VOID_LABEL]:
        clip.masklet(1).set(0, labels == VOID_LABEL)
        return clip
    for label in found:
        if label != VOID_LABEL:
            clip.masklet(label).set(0, labels == label)
    return clip


def _read_json(path: Path, extent: Extent) -> ClipAnnotation:
    check_json(load_json(path.read_bytes(), path.name), path.name, extent)
    return read_any(path)


def _read_mots(path: Path, extent: Extent) -> ClipAnnotation:
    with path.open("rb") as file:
        check_mots(file, path.name, extent)
    return mots.read(path)


def _read_table(path: Path, extent: Extent) -> ClipAnnotation:
    with path.open("rb") as file:
        check_table(file, path.name, extent)
    return csv_tables.read(path)


def _read_alpha_video(path: Path, extent: Extent) -> ClipAnnotation:
    height, width, num_frames = alpha_video.extent(path)
    check_size((height, width), path.name, extent)
    check_frame(num_frames - 1, path.name, extent)
    return alpha_video.read(path)


def _without_places(text: str, path: Path, name: str) -> str:
    return text.replace(str(path), name).replace(path.name, name)


_READERS: dict[str, Callable[[Path, Extent], ClipAnnotation]] = {
    ".png": _read_label_map,
    ".zip": read_archive,
    ".json": _read_json,
    ".txt": _read_mots,
    ".csv": _read_table,
    ".webm": _read_alpha_video,
}

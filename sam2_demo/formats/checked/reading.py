"""Masks from a file that a person sends: checked before anything is unpacked or decoded, then read by `formats`.

Accepted is what the page exports: see ACCEPTED. Every picture and video must have the clip's size by its header, every
run length must cover exactly one picture and every outline be one of it, because the decoders trust them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sam2_demo.errors import DatasetError, DemoError
from sam2_demo.formats import alpha_video, coco, csv_tables, mots
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.checked.archives import read_archive
from sam2_demo.formats.checked.bounds import (
    PNG_HEADER_SIZE,
    Extent,
    check_frame,
    check_picture,
    check_size,
    counts_from_1,
)
from sam2_demo.formats.checked.texts import check_json, check_mots, check_table, load_json
from sam2_demo.formats.coco_identity import of_one_video
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import read_labels
from sam2_demo.masks.masklet import Masklet

ACCEPTED = (
    "a label map (PNG), a zip of DAVIS, SA-V, MOTS or per-object PNGs or of YOLO labels, a JSON file of SA-V or COCO "
    "with run lengths, a MOTS text (.txt), a CSV table with masks, or a WebM video with alpha"
)
_NUMBERED = (".zip", ".txt")  # formats whose frames are numbers in names and lines
_WRONG_CONTENT = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def read_masks(
    path: Path, name: str, size: tuple[int, int], num_frames: int, clip_name: str = "", video: str | None = None
) -> ClipAnnotation:
    """The masks or boxes of a file called `name` for a clip of (height, width) = `size`.

    DatasetError says what does not fit. Frames that are numbered from 1 to the clip's length are counted from 1. Of
    several videos `video` is taken, else the one that is called `clip_name`.
    """
    reader = _READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise DatasetError(f"{name} cannot be imported; accepted are {ACCEPTED}")
    extent = Extent(size, num_frames, clip_name, video)
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
    if not clip.masklets and not clip.boxes:
        raise DatasetError(f"{name} holds no masks; expected at least one object")
    if Path(name).suffix.lower() in _NUMBERED:
        _count_from_0(clip, extent)
    for object_id in (*clip.masklets, *clip.boxes):
        if not isinstance(clip.labels.get(object_id, ""), str):
            raise DatasetError(f"{name} has a label of object {object_id} that is no text")
    for frame in (*clip.annotated_frames, *(frame for own in clip.boxes.values() for frame in own)):
        check_frame(frame, name, extent)
    return clip


def _count_from_0(clip: ClipAnnotation, extent: Extent) -> None:
    """Move masks one frame forward where they are numbered from 1 up to the clip's last frame, as by ffmpeg."""
    frames = clip.annotated_frames
    if not frames or not counts_from_1(frames[0], frames[-1], extent):
        return
    for object_id, masklet in clip.masklets.items():
        clip.masklets[object_id] = moved = Masklet(object_id, clip.height, clip.width)
        for frame in masklet:
            own = masklet.frame(frame)
            moved.set_rle(frame - 1, masklet.rle(frame), own.object_score_logits, own.iou_prediction)
    clip.void = {frame - 1: rle for frame, rle in clip.void.items()}


def _read_label_map(path: Path, extent: Extent) -> ClipAnnotation:
    with path.open("rb") as file:
        check_picture(file.read(PNG_HEADER_SIZE), path.name, extent)
    labels = read_labels(path, extent.size)
    clip = ClipAnnotation(*extent.size, 1, has_frame_indices=False)
    found = [label for label in np.unique(labels).tolist() if label]
    if found == [VOID_LABEL]:
        clip.masklet(1).set(0, labels == VOID_LABEL)
        return clip
    for label in found:
        if label != VOID_LABEL:
            clip.masklet(label).set(0, labels == label)
    return clip


def _read_json(path: Path, extent: Extent) -> ClipAnnotation:
    content = load_json(path.read_bytes(), path.name)
    if "annotations" not in content:
        check_json(content, path.name, extent)
        return read_any(path)
    # The checks are of what is read: files may hold other videos, of other sizes.
    content = of_one_video(content, path.name, extent.video, likely=extent.name)
    check_json(content, path.name, extent)
    return coco.from_content(content, path, num_frames=extent.num_frames)


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

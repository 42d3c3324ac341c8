"""The content of SA-V's train JSON: which fields there are, and how those that follow from the masks are counted.

The derived fields were checked against the published files: sizes average over the frames where the object is
visible, visibility changes count from the first appearance, and the first frame counts annotated frames. Masks do not
tell on how many frames a person edited an object, nor whether one did: extra["masklet_edited_frame_count"] and
extra["masklet_type"] do, by object id.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.clip_fields import take_clip_fields, uneven_fields
from sam2_demo.formats.files import content_of
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import Rle, encode_rle

ANNOTATION_STEP = 4  # 6 annotations per second of a 24 frames/s video
# Not published fields; other readers pass over them. The clock is there where the frame rate does not say the times.
_STEP, _CLOCK = "annotation_step", "frame_clock"
_SMALL, _MEDIUM = 32**2, 96**2
_VIDEO_FIELDS = (
    "video_id",
    "video_duration",
    "video_frame_count",
    "video_height",
    "video_width",
    "video_resolution",
    "video_environment",
    "video_split",
)
_DERIVED = (
    "masklet_size_rel",
    "masklet_size_abs",
    "masklet_size_bucket",
    "masklet_visibility_changes",
    "masklet_first_appeared_frame",
    "masklet_frame_count",
)
_GIVEN = {"masklet_edited_frame_count": 0, "masklet_type": "manual"}
FIELDS = (
    *_VIDEO_FIELDS,
    "masklet",
    "masklet_id",
    *_DERIVED,
    *_GIVEN,
    "masklet_stability_score",
    "masklet_num",
)


def from_content(content: Any, source: Path) -> ClipAnnotation:
    """The clip of a file's content; what masks do not tell is kept under extra["sa_v"]."""
    _check_fields(content, source)
    rows: list[list[Rle]] = content["masklet"]
    ids = [int(object_id) for object_id in content["masklet_id"]]
    num_frames = int(content["video_frame_count"])
    step = _read_step(content, num_frames, source)
    duration = float(content["video_duration"])
    clip = ClipAnnotation(
        height=int(content["video_height"]),
        width=int(content["video_width"]),
        num_frames=num_frames,
        frame_rate=num_frames / duration if duration else 24.0,
        name=content["video_id"],
    )
    take_clip_fields(clip, content.get(_CLOCK, {}))
    stability = content["masklet_stability_score"]
    scores = stability if stability and isinstance(stability[0], list) else None
    for object_id in ids:
        clip.masklet(object_id)
    for row_index, row in enumerate(rows):
        if len(row) != len(ids):
            raise DatasetError(f"{source}: frame {row_index} has {len(row)} masks, masklet_id has {len(ids)} ids")
        for column, (object_id, rle) in enumerate(zip(ids, row, strict=True)):
            _set(clip, object_id, row_index * step, rle, source)
            if scores is not None:
                clip.extra.setdefault("stability", {}).setdefault(object_id, {})[row_index * step] = scores[row_index][
                    column
                ]
    kept = {key: value for key, value in content.items() if key not in ("masklet", "masklet_stability_score")}
    clip.extra["sa_v"] = kept | {_STEP: step}
    return clip.check()


def to_content(value: ClipAnnotation, annotation_step: int | None = None) -> dict[str, Any]:
    """The published fields in their published order; unknown ones that the file had follow.

    The step stands last, as "annotation_step", and only where a reader would take the rows for other frames.
    """
    kept: dict[str, Any] = value.extra.get("sa_v", {})
    step = annotation_step or _step_of(value)
    if step < 1:
        raise DatasetError(f"annotation_step is {annotation_step}; every n-th frame means 1 or more")
    frames = list(range(0, value.num_frames, step))
    ids = [int(i) for i in kept.get("masklet_id", []) if int(i) in value.masklets]
    ids += [object_id for object_id in value.object_ids if object_id not in ids]
    kept_columns = {int(object_id): column for column, object_id in enumerate(kept.get("masklet_id", []))}
    masklets = [value.masklets[object_id] for object_id in ids]
    content = _video_fields(value, kept)
    empty = encode_rle(np.zeros((value.height, value.width), np.bool_))
    content["masklet"] = [[m.rle(frame) if frame in m else dict(empty) for m in masklets] for frame in frames]
    content["masklet_id"] = ids
    derived = [_derived(masklet, frames, step) for masklet in masklets]
    for name in _DERIVED:
        content[name] = [
            _unless_same(_kept(kept, name, kept_columns.get(object_id)), values[name])
            for object_id, values in zip(ids, derived, strict=True)
        ]
    for name, default in _GIVEN.items():
        given: dict[int, Any] = value.extra.get(name, {})
        content[name] = [_first_given(_kept(kept, name, kept_columns.get(i)), given.get(i), default) for i in ids]
    content["masklet_stability_score"] = _stability(value, ids, frames)
    content["masklet_num"] = len(ids)
    content |= {key: kept[key] for key in kept if key not in content and key not in (_STEP, _CLOCK)}
    clock = uneven_fields(value)
    if clock:
        content[_CLOCK] = clock | {"frame_rate": value.frame_rate}
    usual = range(0, value.num_frames, _usual_step(value.num_frames, len(frames)) or step)
    return content if list(usual) == frames else content | {_STEP: step}


def _check_fields(content: Any, source: Path) -> None:
    if not isinstance(content, dict):
        raise DatasetError(f"{source} holds a {type(content).__name__}; SA-V files hold an object with named fields")
    missing = [name for name in FIELDS if name not in content]
    if missing:
        raise DatasetError(f"{source} lacks the SA-V fields {', '.join(missing)}")
    count = len(content["masklet_id"])
    if len(set(content["masklet_id"])) != count:
        raise DatasetError(f"{source}: masklet_id {content['masklet_id']} names an object twice")
    for name in (*_DERIVED, *_GIVEN):
        if len(content[name]) != count:
            raise DatasetError(f"{source}: {name} has {len(content[name])} values for {count} objects")
    stability, rows = content["masklet_stability_score"], len(content["masklet"])
    per_mask = bool(stability) and isinstance(stability[0], list)
    if per_mask and (len(stability) != rows or any(len(row) != count for row in stability)):
        raise DatasetError(f"{source}: masklet_stability_score is not {rows} frames by {count} objects")


def _set(clip: ClipAnnotation, object_id: int, frame_index: int, rle: Rle, source: Path) -> None:
    with content_of(f"{source}: frame {frame_index}, object {object_id}", "run lengths with size and counts"):
        if list(rle["size"]) != [clip.height, clip.width]:
            raise DatasetError(
                f"a mask of object {object_id} has size {rle['size']}, the video is "
                f"[{clip.height}, {clip.width}] (height, width)"
            )
        clip.masklet(object_id).set_rle(frame_index, rle)


def _read_step(content: dict[str, Any], num_frames: int, source: Path) -> int:
    """The step that the file states, as this project's files do where it is not the usual one, else the usual one."""
    step, rows = content.get(_STEP), len(content["masklet"])
    if step is None:
        step = _usual_step(num_frames, rows)
        if step is None:
            raise DatasetError(f"{source} annotates {rows} frames of a video of {num_frames}; every n-th was expected")
    elif not isinstance(step, int) or step < 1 or math.ceil(num_frames / step) != rows:
        raise DatasetError(
            f"{source}: {_STEP} is {step!r}; expected a whole number of 1 or more by which {rows} frames of a video "
            f"of {num_frames} are annotated"
        )
    return int(step)


def _usual_step(num_frames: int, rows: int) -> int | None:
    """The published step if it gives so many rows, else the smallest that does, None if none does."""
    steps = (ANNOTATION_STEP, *range(1, num_frames + 1))
    return next((step for step in steps if math.ceil(num_frames / step) == rows), None)


def _step_of(value: ClipAnnotation) -> int:
    kept = value.extra.get("sa_v", {}).get(_STEP)
    for step in (kept, ANNOTATION_STEP):
        if step and all(frame % step == 0 for frame in value.annotated_frames):
            return int(step)
    return 1


def _video_fields(value: ClipAnnotation, kept: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "video_id": value.name,
        "video_duration": value.end_time,
        "video_frame_count": float(value.num_frames),
        "video_height": float(value.height),
        "video_width": float(value.width),
        "video_resolution": float(value.height * value.width),
        "video_environment": kept.get("video_environment", "Unknown"),
        "video_split": kept.get("video_split", "train"),
    }
    return {name: _unless_same(kept.get(name), computed) for name, computed in fields.items()}


def _derived(masklet: Masklet, frames: list[int], step: int) -> dict[str, Any]:
    areas = np.array([masklet.area(frame) if frame in masklet else 0 for frame in frames])
    visible = areas > 0
    first = int(np.argmax(visible)) if visible.any() else 0
    mean_area = float(areas[visible].mean()) if visible.any() else 0.0
    return {
        "masklet_size_rel": mean_area / (masklet.height * masklet.width),
        "masklet_size_abs": mean_area,
        "masklet_size_bucket": "small" if mean_area < _SMALL else "medium" if mean_area < _MEDIUM else "large",
        "masklet_visibility_changes": int(np.count_nonzero(np.diff(visible[first:].astype(int)))),
        "masklet_first_appeared_frame": float(first),
        "masklet_frame_count": len(frames),
    }


def _stability(value: ClipAnnotation, ids: list[int], frames: list[int]) -> list[Any]:
    scores: dict[int, dict[int, float]] = value.extra.get("stability", {})
    if not any(scores.values()):
        return [None] * len(ids)
    return [[scores.get(object_id, {}).get(frame, 0.0) for object_id in ids] for frame in frames]


def _kept(kept: dict[str, Any], name: str, column: int | None) -> Any:
    return kept[name][column] if name in kept and column is not None else None


def _first_given(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _unless_same(kept: Any, computed: Any) -> Any:
    """The kept spelling (published files round to 10 digits) while the masks still say the same."""
    if isinstance(kept, int | float) and isinstance(computed, int | float):
        return kept if math.isclose(kept, computed, rel_tol=1e-8, abs_tol=1e-8) else computed
    return kept if kept == computed else computed

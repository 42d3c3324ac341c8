"""What files of masks say of their clip, beside the masks: name, length, times and the pictures' names.

The same fields stand in the clip.json of folders and zips, and in COCO's and SA-V's JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation

_EVEN = 1e-9  # seconds; less is rounding


def clip_fields(value: ClipAnnotation) -> dict[str, Any]:
    """Name, number of frames, frame rate, and what `uneven_fields` and the pictures' names add."""
    fields: dict[str, Any] = {"name": value.name, "num_frames": value.num_frames, "frame_rate": value.frame_rate}
    if value.picture_names:
        fields["picture_names"] = list(value.picture_names)
    return fields | uneven_fields(value)


def uneven_fields(value: ClipAnnotation) -> dict[str, Any]:
    """Times (seconds), duration (seconds) and pixel aspect, each where the frame rate does not say it already."""
    fields: dict[str, Any] = {}
    even = (frame / value.frame_rate for frame in range(value.num_frames))
    if any(abs(time - expected) > _EVEN for time, expected in zip(value.times, even, strict=False)):
        fields["times"] = [float(time) for time in value.times]
    if "times" in fields or abs(value.end_time - value.num_frames / value.frame_rate) > _EVEN:
        fields["duration"] = value.end_time
    if value.pixel_aspect != 1:
        fields["pixel_aspect"] = value.pixel_aspect
    return fields


def take_clip_fields(clip: ClipAnnotation, fields: dict[str, Any]) -> ClipAnnotation:
    """Give a clip what such fields say; the clip keeps what they do not. DatasetError for values of a wrong kind."""
    clip.name = str(fields.get("name", clip.name))
    clip.num_frames = max(clip.num_frames, int(fields.get("num_frames", 0)))
    clip.frame_rate = float(fields.get("frame_rate", clip.frame_rate))
    names, times = fields.get("picture_names", []), fields.get("times", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError("picture_names are no list of texts")
    if not isinstance(times, list):
        raise DatasetError("times are no list of numbers")
    # Those of another clip, as where files were added, say nothing of this one.
    clip.picture_names = names if len(names) == clip.num_frames else []
    clip.times = [float(time) for time in times] if len(times) == clip.num_frames else ()
    if fields.get("duration") is not None and (clip.times or not times):
        clip.duration = float(fields["duration"])
    clip.pixel_aspect = float(fields.get("pixel_aspect", 1.0))
    return clip


def picture_stems(fields: dict[str, Any], found: Iterable[str]) -> list[str] | None:
    """What the frames' files are called, without endings, where such fields name the pictures of all that were `found`.

    None where they do not: then files are named by number.
    """
    names = fields.get("picture_names")
    stems = [PurePath(str(name)).stem for name in names] if isinstance(names, list) else []
    return stems if stems and set(found) <= set(stems) else None

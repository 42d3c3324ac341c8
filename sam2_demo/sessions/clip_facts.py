"""What a page is told of a clip beside its masks: its times, and for every masked frame the scores and the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sam2_demo.masks.frame_state import frame_state
from sam2_demo.masks.masklet import Masklet
from sam2_demo.video.frame_reader import FrameReader


def reader_to_json(reader: FrameReader) -> dict[str, Any]:
    """Length, rate and sound of a clip; every frame's time in seconds where frames do not come evenly."""
    return {
        "num_frames": reader.num_frames,
        "frame_rate": float(reader.frame_rate),
        "duration": float(reader.duration),
        "has_audio": bool(reader.has_audio),
        "times": None if has_even_times(reader) else [round(float(time), 4) for time in reader.times],
    }


def has_even_times(reader: FrameReader) -> bool:
    """Whether frame k is shown at k / frame rate, so that the page need not be told every time."""
    even = np.arange(reader.num_frames) / reader.frame_rate
    return bool(np.abs(reader.times - even).max(initial=0.0) < 0.5 / reader.frame_rate)


def tracks_to_json(masklets: Mapping[int, Masklet]) -> dict[str, list[list[Any]]]:
    """Per object and masked frame: [frame, object score, share of the frame, predicted IoU, centre, state]."""
    return {
        str(object_id): [_track_entry(masklet, frame) for frame in masklet.frame_indices]
        for object_id, masklet in masklets.items()
    }


def _track_entry(masklet: Masklet, frame: int) -> list[Any]:
    found = masklet.frame(frame)
    share = round(masklet.area(frame) / (masklet.height * masklet.width), 5)
    return [
        frame,
        round(found.object_score_logits, 2),
        share,
        round(found.iou_prediction, 3),
        mask_center(masklet, frame),
        frame_state(masklet, frame),
    ]


def facts_to_json(masklet: Masklet, frame: int) -> dict[str, Any]:
    """What the page shows of one mask beside its outline: share of the frame, scores, centre and state."""
    found = masklet.frame(frame)
    return {
        "area": masklet.area(frame) / (masklet.height * masklet.width),
        "score": found.object_score_logits,
        "iou": found.iou_prediction,
        "center": mask_center(masklet, frame),
        "state": frame_state(masklet, frame),
    }


def mask_center(masklet: Masklet, frame: int) -> tuple[float, float] | None:
    """The middle of a mask's bounds as shares of width and height; None for an empty mask."""
    box = masklet.box(frame)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    return round((x0 + x1) / 2 / masklet.width, 5), round((y0 + y1) / 2 / masklet.height, 5)

"""Frames between tracked ones: which they are, and what they show (fast mode; no part of SAM 2).

Between two neighbours a mask moves and grows evenly: both are brought to where it should be by then and averaged.
Objects that are hidden on one side take the shape of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from sam2_demo.tracking.frame_records import FrameRecord
from sam2_demo.tracking.frame_step import HIDDEN_LOGIT

_SURE = 10.0  # logits are averaged up to here, or one side's certainty would overrule the other's doubt


def in_strides(frames: range, stride: int, is_prompted: Callable[[int], bool]) -> Iterator[list[int]]:
    """The frames in groups of which the last is to be tracked and those before it lie between: every `stride`-th, the
    first, the last, and those that are prompted, whose masks stand."""
    group: list[int] = []
    for frame in frames:
        group.append(frame)
        if frame in (frames[0], frames[-1]) or len(group) == stride or is_prompted(frame):
            yield group
            group = []


def record_between(before: FrameRecord, after: FrameRecord, share: float) -> FrameRecord:
    """What a frame shows that lies `share` (0 to 1) of the way from one record to another of the same object."""
    nearer = before if share < 0.5 else after
    score = (1 - share) * before.object_score_logits + share * after.object_score_logits
    iou = (1 - share) * before.iou_prediction + share * after.iou_prediction
    first, second = before.low_res_logits, after.low_res_logits
    if score <= 0:
        logits = torch.full_like(first, HIDDEN_LOGIT)
    elif before.object_score_logits <= 0 or after.object_score_logits <= 0:
        logits = first if before.object_score_logits > 0 else second
    else:
        moved = _logits_between(first[0, 0].cpu().numpy(), second[0, 0].cpu().numpy(), share)
        logits = torch.from_numpy(moved)[None, None].to(first.device)
    return FrameRecord(logits, nearer.object_pointer, score, iou, is_interpolated=True)


@dataclass(frozen=True)
class _Placement:
    """Where a mask is, (x, y) in cells, and how large, the root of its area."""

    centre: NDArray[np.float64]
    side: float


def _placement(logits: NDArray[np.float32]) -> _Placement | None:
    rows, columns = np.nonzero(logits > 0)
    if len(rows) == 0:
        return None
    return _Placement(np.array([columns.mean(), rows.mean()]), float(np.sqrt(len(rows))))


def _logits_between(before: NDArray[np.float32], after: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """(h, w) logits of both sides, moved towards each other and averaged; as they are where one side is empty."""
    sides = [before.clip(-_SURE, _SURE), after.clip(-_SURE, _SURE)]
    places = [_placement(side) for side in sides]
    if places[0] is not None and places[1] is not None:
        centre = (1 - share) * places[0].centre + share * places[1].centre
        size = places[0].side ** (1 - share) * places[1].side ** share
        sides = [_moved(own, place, centre, size) for own, place in zip(sides, places, strict=True) if place]
    return np.asarray((1 - share) * sides[0] + share * sides[1], np.float32)


def _moved(
    logits: NDArray[np.float32], place: _Placement, centre: NDArray[np.float64], side: float
) -> NDArray[np.float32]:
    """Logits whose mask comes to lie around `centre` with the root of its area `side`."""
    scale = place.side / side
    offset = place.centre - scale * centre
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (logits.shape[1], logits.shape[0])
    return np.asarray(cv2.warpAffine(logits, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)

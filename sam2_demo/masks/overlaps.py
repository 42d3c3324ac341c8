"""Masks that are about the same thing or the same pixels: box IoU, suppression of doubles, highest logit wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAME_BOX = 0.85  # IoU of boxes above which the better of two masks stands for the other under any thresholds
BOX_NMS_THRESHOLD = 0.7  # IoU of boxes above which the worse of two chosen masks is dropped, as published


class ScoredBox(Protocol):
    """A mask's box (x0, y0, x1, y1) and its two scores."""

    @property
    def box(self) -> Sequence[float]: ...

    @property
    def predicted_iou(self) -> float: ...

    @property
    def stability(self) -> float: ...


def stands_for(one: ScoredBox, other: ScoredBox) -> bool:
    """Whether `one` is at least as good by both scores and has nearly the same box."""
    if one.predicted_iou < other.predicted_iou or one.stability < other.stability:
        return False
    return box_iou(one.box, other.box) > SAME_BOX


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    joint = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / joint if joint else 0.0


def box_nms(boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> list[int]:
    """Non-maximum suppression of boxes (N, 4): indices kept, best first; drops those whose IoU with a better one is
    above."""
    order = np.argsort(-scores, kind="stable")
    x0, y0, x1, y1 = boxes.T
    areas = (x1 - x0) * (y1 - y0)
    kept: list[int] = []
    while len(order):
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        width = np.minimum(x1[best], x1[rest]) - np.maximum(x0[best], x0[rest])
        height = np.minimum(y1[best], y1[rest]) - np.maximum(y0[best], y0[rest])
        shared = width.clip(0) * height.clip(0)
        # A product form of shared / union <= threshold that keeps pairs of boxes without area.
        order = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return kept


def resolve_overlaps(logits: dict[int, NDArray[np.float32]]) -> dict[int, NDArray[np.bool_]]:
    """Masks by object id in which every pixel belongs to at most one object: the one of highest logit > 0."""
    if not logits:
        return {}
    winner = np.maximum.reduce(list(logits.values()))
    taken = np.zeros(winner.shape, dtype=bool)
    masks = {}
    for object_id, own in logits.items():
        masks[object_id] = (own > 0) & (own == winner) & ~taken
        taken |= masks[object_id]
    return masks

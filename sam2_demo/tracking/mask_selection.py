"""Choosing among many candidate masks: grids of points, crops, stability, boxes, non-maximum suppression.

Source: SAM appendix B ("automatic mask generation details") and the released options of SAM 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CropBox = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels of the picture
SAME_BOX = 0.85  # IoU of boxes above which two masks stand for one thing
STABILITY_OFFSET = 1.0  # how far the threshold moves up and down for a mask's stability
_EDGE_TOLERANCE = 20.0  # pixels within which a mask's box counts as cut off by its crop


def point_grid(points_per_side: int) -> NDArray[np.float64]:
    """Evenly spaced points (n * n, 2) xy in [0, 1], row by row."""
    offset = 1 / (2 * points_per_side)
    line = np.linspace(offset, 1 - offset, points_per_side)
    x, y = np.meshgrid(line, line)
    return np.stack((x, y), axis=-1).reshape(-1, 2)


def crop_boxes(size: tuple[int, int], num_layers: int, overlap_ratio: float) -> list[tuple[int, CropBox]]:
    """(layer, box) of the whole picture (layer 0) and of 2**i x 2**i overlapping crops for each further layer i; a
    picture narrower than that has fewer."""
    height, width = size
    crops: list[tuple[int, CropBox]] = [(0, (0, 0, width, height))]
    for layer in range(1, num_layers + 1):
        per_side = 2**layer
        overlap = int(overlap_ratio * min(height, width) * (2 / per_side))
        crop_width, crop_height = (math.ceil((overlap * (per_side - 1) + n) / per_side) for n in (width, height))
        starts_x = [int((crop_width - overlap) * i) for i in range(per_side)]
        starts_y = [int((crop_height - overlap) * i) for i in range(per_side)]
        crops += [
            (layer, (x, y, min(x + crop_width, width), min(y + crop_height, height)))
            for x, y in product(starts_x, starts_y)
            if x < width and y < height
        ]
    return crops


def stability_scores(logits: Tensor, threshold: float, offset: float) -> Tensor:
    """IoU (N,) of the masks (N, H, W) cut at threshold + offset and at threshold - offset."""
    inner = (logits > threshold + offset).sum(dim=(-1, -2))
    outer = (logits > threshold - offset).sum(dim=(-1, -2))
    return inner / outer


def mask_stability(logits: NDArray[np.float32], offset: float = STABILITY_OFFSET) -> float:
    """The same of one (H, W) mask, cut around 0; 1 where nothing reaches even the lower threshold."""
    outer = np.count_nonzero(logits > -offset)
    return np.count_nonzero(logits > offset) / outer if outer else 1.0


def mask_boxes(masks: Tensor) -> Tensor:
    """First and last pixel of masks (N, H, W) as boxes (N, 4) x0, y0, x1, y1; zeros for an empty mask."""
    boxes = masks.new_zeros((len(masks), 4), dtype=torch.float32)
    for axis, columns in ((1, masks.any(dim=1)), (0, masks.any(dim=2))):
        length = columns.shape[1]
        first = columns.int().argmax(dim=1)
        last = length - 1 - columns.flip(1).int().argmax(dim=1)
        low, high = (0, 2) if axis == 1 else (1, 3)
        is_any = columns.any(dim=1)
        boxes[:, low] = torch.where(is_any, first, 0).float()
        boxes[:, high] = torch.where(is_any, last, 0).float()
    return boxes


def is_cut_by_crop(boxes: Tensor, crop: CropBox, size: tuple[int, int]) -> Tensor:
    """Which boxes (N, 4), in crop pixels, touch an edge of the crop that is no edge of the picture."""
    edges = boxes.new_tensor(crop, dtype=torch.float32)
    picture = boxes.new_tensor((0, 0, size[1], size[0]), dtype=torch.float32)
    placed = boxes + boxes.new_tensor((crop[0], crop[1], crop[0], crop[1]))
    near_crop = (placed - edges).abs() <= _EDGE_TOLERANCE
    near_picture = (placed - picture).abs() <= _EDGE_TOLERANCE
    return (near_crop & ~near_picture).any(dim=1)


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    joint = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / joint if joint else 0.0


def suppress_overlaps(boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> list[int]:
    """Non-maximum suppression: indices kept, best first; drops boxes whose IoU with a better one is above."""
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


def without_small_regions(mask: NDArray[np.bool_], min_area: float) -> tuple[NDArray[np.bool_], bool]:
    """The mask with holes below `min_area` filled, then islands below it removed, and whether it changed.

    When all islands are small the largest one stays.
    """
    filled = _turn_small_regions(~mask, min_area)
    with_holes_filled = mask if filled is None else ~filled
    kept = _turn_small_regions(with_holes_filled, min_area)
    result = with_holes_filled if kept is None else kept
    return result, filled is not None or kept is not None


def _turn_small_regions(region: NDArray[np.bool_], min_area: float) -> NDArray[np.bool_] | None:
    """`region` without its parts below `min_area`, or None when there are none to remove."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not (areas < min_area).any():
        return None
    if not (areas >= min_area).any():
        return labels == int(areas.argmax()) + 1
    return np.concatenate([[False], areas >= min_area])[labels]

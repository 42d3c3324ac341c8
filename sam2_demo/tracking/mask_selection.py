"""Choosing among many candidate masks: grids of points, crops, stability, boxes.

Source: SAM appendix B ("automatic mask generation details") and the released options of SAM 2.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CropBox = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels of the picture
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

"""Prompts drawn from ground truth: first clicks, jittered boxes, corrective clicks in error regions (appendix D.2)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_BOX_NOISE_SHARE, _BOX_NOISE_LIMIT = 0.1, 20 / 1024  # of the box's side; of the picture's side


def sample_click(
    rng: np.random.Generator, region: NDArray[np.bool_], centre_probability: float = 0.5
) -> tuple[float, float]:
    """A click (x, y) in pixels inside `region` (H, W): its most inner pixel, or any one at random.

    Random clicks keep off the outline a little, as people do. An empty region gives its array's centre.
    """
    if not region.any():
        return (region.shape[1] - 1) / 2, (region.shape[0] - 1) / 2
    padded = np.pad(region, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    if rng.random() < centre_probability:
        y, x = np.unravel_index(int(distance.argmax()), distance.shape)
        return float(x), float(y)
    rows, columns = np.nonzero(distance >= min(2.0, float(distance.max())))
    pick = int(rng.integers(len(rows)))
    return float(columns[pick]), float(rows[pick])


def sample_box(
    rng: np.random.Generator, mask: NDArray[np.bool_], tight_probability: float = 0.5
) -> tuple[float, float, float, float]:
    """The box (x0, y0, x1, y1) in pixels around `mask` (H, W), often with its sides moved a little."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    height, width = mask.shape
    if len(rows) == 0:
        return 0.0, 0.0, float(width - 1), float(height - 1)
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    if rng.random() >= tight_probability:
        sides = np.tile([box[2] - box[0], box[3] - box[1]], 2)
        limit = np.tile([width, height], 2) * _BOX_NOISE_LIMIT
        box += np.clip(rng.normal(size=4) * _BOX_NOISE_SHARE * sides, -limit, limit)
    x0, x1 = np.clip(np.sort(box[[0, 2]]), 0, width)
    y0, y1 = np.clip(np.sort(box[[1, 3]]), 0, height)
    return float(x0), float(y0), float(x1), float(y1)


def sample_correction(
    rng: np.random.Generator,
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    centre_probability: float = 0.5,
) -> tuple[tuple[float, float], int]:
    """A click in an error region of (H, W) masks, and its label: 1 on what is missing, 0 on what is too much.

    At the centre of the largest error, or uniformly over all errors; without any error, inside the object.
    """
    missing, excess = truth & ~predicted & valid, predicted & ~truth & valid
    if not (missing.any() or excess.any()):
        return sample_click(rng, truth if truth.any() else ~truth, centre_probability), int(truth.any())
    if rng.random() < centre_probability:
        inner = [
            cv2.distanceTransform(np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
            for region in (missing, excess)
        ]
        label = 1 if inner[0].max() >= inner[1].max() else 0
        distance = inner[1 - label]
        y, x = np.unravel_index(int(distance.argmax()), distance.shape)
        return (float(x), float(y)), label
    rows, columns = np.nonzero(missing | excess)
    pick = int(rng.integers(len(rows)))
    return (float(columns[pick]), float(rows[pick])), int(missing[rows[pick], columns[pick]])

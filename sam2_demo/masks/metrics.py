"""J and F of two masks, as the DAVIS and SA-V evaluators count them (Perazzi et al. 2016, section 5).

J (region similarity) is the intersection over union. F (boundary accuracy) is the harmonic mean of the
precision and recall of the boundary pixels, matched within 0.8 % of the picture's diagonal.
Both conventions on empty masks are theirs: two empty masks agree fully, one empty mask not at all.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.masks.run_lengths import pixels_inside

BoolMask = NDArray[np.bool_]
BOUNDARY_TOLERANCE = 0.008  # of the diagonal, rounded up to whole pixels


def region_similarity(mask: BoolMask, reference: BoolMask, void: BoolMask | None = None) -> float:
    """J: intersection over union of two (H, W) bool masks, in [0, 1]; pixels in `void` do not count."""
    mask, reference = _checked_pair(mask, reference, void)
    intersection = np.count_nonzero(mask & reference)
    union = np.count_nonzero(mask | reference)
    return intersection / union if union else 1.0


def boundary_accuracy(
    mask: BoolMask,
    reference: BoolMask,
    void: BoolMask | None = None,
    tolerance: float = BOUNDARY_TOLERANCE,
) -> float:
    """F of the boundaries of two (H, W) bool masks, in [0, 1].

    `tolerance` is a share of the diagonal, or pixels when it is 1 or more. Void pixels are cleared in both.
    """
    mask, reference = _checked_pair(mask, reference, void)
    radius = tolerance if tolerance >= 1 else np.ceil(tolerance * np.linalg.norm(mask.shape))
    boundary, reference_boundary = boundary_pixels(mask), boundary_pixels(reference)
    count, reference_count = int(boundary.sum()), int(reference_boundary.sum())
    if count == 0 or reference_count == 0:
        return float(count == reference_count)
    disk = _disk(float(radius))
    near_reference = cv2.dilate(reference_boundary.view(np.uint8), disk).view(np.bool_)
    near_mask = cv2.dilate(boundary.view(np.uint8), disk).view(np.bool_)
    precision = np.count_nonzero(boundary & near_reference) / count
    recall = np.count_nonzero(reference_boundary & near_mask) / reference_count
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_pixels(mask: BoolMask) -> BoolMask:
    """The (H, W) pixels that differ from their right, lower or lower right neighbour.

    As in the reference, nothing lies beyond the last column and row except that their end pixel never counts:
    in the last row only the right neighbour matters, in the last column only the lower one.
    """
    edges = np.zeros(mask.shape, np.bool_)
    edges[:-1, :-1] = (
        (mask[:-1, :-1] ^ mask[:-1, 1:]) | (mask[:-1, :-1] ^ mask[1:, :-1]) | (mask[:-1, :-1] ^ mask[1:, 1:])
    )
    edges[-1, :-1] = mask[-1, :-1] ^ mask[-1, 1:]
    edges[:-1, -1] = mask[:-1, -1] ^ mask[1:, -1]
    return edges


@lru_cache(maxsize=32)
def _disk(radius: float) -> NDArray[np.uint8]:
    offsets = np.arange(-radius, radius + 1)
    return np.asarray(offsets[:, None] ** 2 + offsets[None] ** 2 <= radius**2, dtype=np.uint8)


def _checked_pair(mask: BoolMask, reference: BoolMask, void: BoolMask | None) -> tuple[BoolMask, BoolMask]:
    if mask.ndim != 2 or mask.shape != reference.shape:
        raise InputError(f"two masks of the same (height, width) are compared, got {mask.shape} and {reference.shape}")
    mask, reference = pixels_inside(mask), pixels_inside(reference)
    if void is None:
        return mask, reference
    if void.shape != mask.shape:
        raise InputError(f"void pixels have shape {void.shape}, the masks {mask.shape}")
    counted = ~pixels_inside(void)
    return mask & counted, reference & counted

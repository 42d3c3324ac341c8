"""The connected parts of a mask, and masks without their small ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]


def connected_parts(mask: BoolMask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The 8-connected parts of a (H, W) mask: labels (H, W), 0 outside, and how many pixels each label has."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32)


def small_parts(mask: BoolMask, min_area: float, keep_largest: bool = True) -> BoolMask:
    """Where a (H, W) mask has parts of fewer than `min_area` pixels; `keep_largest`: its largest part is none."""
    labels, areas = connected_parts(mask)
    is_small = areas < min_area
    is_small[0] = False
    if keep_largest and len(areas) > 1:
        is_small[1 + int(areas[1:].argmax())] = False
    return np.asarray(is_small[labels])


def without_small_regions(mask: BoolMask, min_area: float) -> tuple[BoolMask, bool]:
    """The mask with holes below `min_area` filled, then islands below it removed, and whether it changed.

    Of islands and of holes, the largest stays whatever its size.
    """
    holes = small_parts(~mask, min_area)
    filled = mask | holes
    islands = small_parts(filled, min_area)
    if not (holes.any() or islands.any()):
        return mask, False
    return filled & ~islands, True

"""Clicks and boxes that stand in for a person, from ground truth; deterministic (paper, appendix F.1.2).

A click goes to the centre of the error: of all missing and all superfluous pixels, to the one farthest from
the rim of its region. On an empty prediction that is the centre of the object.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import PromptError

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class Click:
    """A click at (x, y) in pixels; positive on what is missing, negative on what is too much."""

    x: float
    y: float
    positive: bool

    @property
    def label(self) -> int:
        """1 for a positive click, 0 for a negative one."""
        return int(self.positive)


def click_on_error(
    reference: BoolMask, prediction: BoolMask | None = None, void: BoolMask | None = None
) -> Click | None:
    """The next click for a (H, W) prediction, None where there is no error left.

    Between missing and superfluous regions the thicker one wins, a tie goes to the superfluous one, as in the
    original; within a region the first farthest pixel in reading order.
    """
    predicted = np.zeros(reference.shape, np.bool_) if prediction is None else prediction
    if predicted.shape != reference.shape:
        raise PromptError(f"the prediction has shape {predicted.shape}, the reference {reference.shape}")
    missing, superfluous = reference & ~predicted, predicted & ~reference
    if void is not None:
        missing, superfluous = missing & ~void, superfluous & ~void
    if not (missing.any() or superfluous.any()):
        return None
    depth_missing, depth_superfluous = inner_distance(missing), inner_distance(superfluous)
    positive = bool(depth_missing.max() > depth_superfluous.max())
    depth = depth_missing if positive else depth_superfluous
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Click(float(x), float(y), positive)


def inner_distance(region: BoolMask) -> NDArray[np.float32]:
    """(H, W) distance in pixels to the nearest pixel outside `region`; beyond the picture is outside."""
    padded = np.pad(region, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance[1:-1, 1:-1], np.float32)


def box_around(mask: BoolMask) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) in pixels of the first and last object pixels, as the original's mask_to_box.

    At least one pixel wide and high, because a box prompt needs an extent.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        raise PromptError("an empty mask has no box; prompts come from frames where the object is seen")
    x0, y0 = float(columns[0]), float(rows[0])
    return x0, y0, max(float(columns[-1]), x0 + 1), max(float(rows[-1]), y0 + 1)

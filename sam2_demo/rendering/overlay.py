"""What painting over a frame is made of: bounds and outlines of masks, and an object cut out of its frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def mask_bounds(mask: Mask) -> tuple[int, int, int, int] | None:
    """(x0, y0, x1, y1) of the true pixels of an (H, W) mask, end exclusive; None for an empty mask."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask, bool).view(np.uint8))
    return (x, y, x + width, y + height) if width else None


def outline_width(height: int, width: int) -> int:
    """Width of outlines in pixels, in proportion to the picture (3 at 1280 x 720)."""
    return max(1, round(max(height, width) / 450))


def mask_outline(mask: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """The ring of `reach` pixels just outside an (H, W) uint8 mask of 0 and 1, of the same shape."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.subtract(cv2.dilate(mask, disc), mask), np.uint8)


def draw_cutout(frame: Frame, mask: Mask) -> NDArray[np.uint8]:
    """The object alone, (h, w, 4) uint8 RGBA cropped to its bounds; an empty mask gives the frame's size, clear.

    Colours outside are 0 too: whoever gets the file could look under the transparency.
    """
    x0, y0, x1, y1 = mask_bounds(mask) or (0, 0, frame.shape[1], frame.shape[0])
    inside = mask[y0:y1, x0:x1, None].astype(np.uint8)
    return np.concatenate([frame[y0:y1, x0:x1] * inside, inside * 255], axis=2)

"""Objects painted over a frame: a translucent fill and an outline, for the page and the exported video."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.rendering.palette import Color

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def mask_bounds(mask: Mask) -> tuple[int, int, int, int] | None:
    """(x0, y0, x1, y1) of the true pixels of an (H, W) mask, end exclusive; None for an empty mask."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask, bool).view(np.uint8))
    return (x, y, x + width, y + height) if width else None


def outline_width(height: int, width: int) -> int:
    """Width of outlines in pixels, in proportion to the picture (3 at 1280 x 720)."""
    return max(1, round(max(height, width) / 450))


def draw_overlay(
    frame: Frame,
    masks: Mapping[int, Mask],
    colors: Mapping[int, Color],
    opacity: float = 0.45,
    outline: bool = True,
) -> Frame:
    """A copy of an (H, W, 3) uint8 RGB frame with each object's (H, W) bool mask filled and outlined.

    Objects are painted in the order of `masks`; opacity is 0 (no fill) to 1 (solid).
    """
    out = frame.copy()
    reach = outline_width(*frame.shape[:2])
    for object_id, mask in masks.items():
        bounds = mask_bounds(mask)
        if bounds is None:
            continue
        x0, y0, x1, y1 = _grow(bounds, reach, frame.shape[:2])
        part = np.ascontiguousarray(mask[y0:y1, x0:x1], bool).view(np.uint8)
        region = np.ascontiguousarray(out[y0:y1, x0:x1])
        color = np.full_like(region, colors[object_id])
        filled = cv2.addWeighted(region, 1 - opacity, color, opacity, 0)
        cv2.copyTo(filled, part, region)
        if outline:
            cv2.copyTo(color, mask_outline(part, reach), region)
        out[y0:y1, x0:x1] = region
    return out


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


def _grow(bounds: tuple[int, int, int, int], reach: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = bounds
    return max(0, x0 - reach), max(0, y0 - reach), min(size[1], x1 + reach), min(size[0], y1 + reach)

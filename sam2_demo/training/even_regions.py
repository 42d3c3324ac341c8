"""Parts that no annotation names: the evenly coloured region around a click, where its outline is plain.

Whole objects are most of what is annotated, so a network trained on them never offers a pane or a lid. A region counts
that hardly grows while the tolerance of its colour does (the idea of maximally stable extremal regions, Matas et al.
2002), is compact, and lies inside the annotated object.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_TOLERANCES = (5, 7, 10, 14, 19, 25, 32)  # of each channel of Lab, in 8-bit steps
_MOST_GROWTH = 1.2  # of the area from one tolerance to the next
_AREA_SHARES = (0.0015, 0.35)  # of the picture
_LEAST_SOLIDITY = 0.7  # of the area of its convex hull
_LEAST_CONTRAST = 20  # median along the outline of the largest step among 3 x 3 pixels of any channel
_LEAST_RADIUS = 2.5  # pixels of the halved picture
_LEAST_INSIDE = 0.9  # of the region, in the object
_MOST_OF_OBJECT = 0.7  # above, it is the object


def find_parts(pixels: NDArray[np.uint8], clicks: NDArray[np.float32], objects: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The region (N, S, S) around each click (N, 2), xy, in pictures (N, S, S, 3); empty where none is a plain part of
    its object (N, S, S)."""
    return np.stack([_part(*item) for item in zip(pixels, clicks, objects, strict=True)])


def _part(pixels: NDArray[np.uint8], click: NDArray[np.float32], thing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    size = len(pixels)
    half = cv2.resize(pixels, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.medianBlur(cv2.cvtColor(half, cv2.COLOR_RGB2LAB), 5), np.uint8)
    seed = (int(click[0]) // 2, int(click[1]) // 2)
    region = _stable_region(lab, (min(seed[0], size // 2 - 1), min(seed[1], size // 2 - 1)))
    if region is None:
        return np.zeros(thing.shape, np.bool_)
    full = cv2.resize(region, (size, size), interpolation=cv2.INTER_NEAREST_EXACT) > 0
    shared = int((full & thing).sum())
    is_part = _LEAST_INSIDE * full.sum() <= shared <= _MOST_OF_OBJECT * thing.sum()
    return full & thing if is_part else np.zeros(thing.shape, np.bool_)


def _stable_region(lab: NDArray[np.uint8], seed: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The component around `seed` at the tolerance where it grows least, smoothed; None where it is no plain thing."""
    floods = [_flood(lab, seed, tolerance) for tolerance in _TOLERANCES]
    areas = np.array([flood.sum() for flood in floods], np.float64)
    growth = areas[1:] / areas[:-1]
    least, most = (share * lab.shape[0] * lab.shape[1] for share in _AREA_SHARES)
    growth[(areas[:-1] < least) | (areas[:-1] > most)] = np.inf
    best = int(growth.argmin())
    if growth[best] > _MOST_GROWTH:
        return None
    region = cv2.morphologyEx(floods[best], cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(outline))
    if hull == 0 or cv2.contourArea(outline) < _LEAST_SOLIDITY * hull:
        return None
    steps = cv2.morphologyEx(lab, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)
    if np.median(steps[outline[:, 0, 1], outline[:, 0, 0]]) < _LEAST_CONTRAST:
        return None
    filled = cv2.drawContours(np.zeros_like(region), [outline], -1, 1, cv2.FILLED)
    radius = cv2.distanceTransform(filled, cv2.DIST_L2, 3).max()
    return np.asarray(filled, np.uint8) if radius >= _LEAST_RADIUS else None


def _flood(lab: NDArray[np.uint8], seed: tuple[int, int], tolerance: int) -> NDArray[np.uint8]:
    mask = np.zeros((lab.shape[0] + 2, lab.shape[1] + 2), np.uint8)
    flags = 4 | (1 << 8) | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
    cv2.floodFill(lab, mask, seed, (0, 0, 0), (tolerance,) * 3, (tolerance,) * 3, flags)
    return mask[1:-1, 1:-1]

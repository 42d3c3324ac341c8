"""Masks to polygons and back without loss, also with holes and several parts.

A polygon runs through the centres of an object's rim pixels. A hole joins its outline by a cut one pixel line
wide that runs over object pixels only, so one polygon per part is enough and filling it gives the mask back.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.int32]  # (N, 2) xy, indices of pixels


def mask_polygons(mask: NDArray[np.bool_]) -> list[Polygon]:
    """One closed polygon for each 8-connected part of a (H, W) mask, holes cut in; empty for an empty mask."""
    found, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    polygons = []
    for index in range(len(found)):
        if hierarchy[0][index][3] < 0:
            child, holes = hierarchy[0][index][2], []
            while child >= 0:
                holes.append(_points(found[child]))
                child = hierarchy[0][child][0]
            polygons.append(_thinned(_with_holes(_points(found[index]), holes, mask)))
    return polygons


def polygons_mask(polygons: Sequence[Polygon], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The (H, W) mask that polygons fill, each on its own, rims included."""
    filled = np.zeros(size, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(filled, [np.asarray(polygon, np.int32)], 1)
    return filled.astype(np.bool_)


def _points(contour: NDArray[np.generic]) -> Polygon:
    return np.asarray(contour, np.int32).reshape(-1, 2)


def _with_holes(outline: Polygon, holes: list[Polygon], mask: NDArray[np.bool_]) -> Polygon:
    """Join holes from left to right, each by a horizontal cut to the rim on its left."""
    for hole in sorted(holes, key=lambda points: int(points[:, 0].min())):
        start = int(hole[:, 0].argmin())
        x, y = (int(value) for value in hole[start])
        while x > 0 and mask[y, x - 1]:
            x -= 1
        # The pixel where the cut ends is on the rim of this part or on a hole that was joined before.
        end = int(((outline - (x, y)) ** 2).sum(axis=1).argmin())
        around = np.roll(hole, -start, axis=0)
        outline = np.concatenate([outline[: end + 1], around, around[:1], outline[end:]])
    return outline


def _thinned(polygon: Polygon) -> Polygon:
    """Leave out points on straight runs; three points at least, as every reader of polygons expects."""
    if len(polygon) > 3:
        before, after = polygon - np.roll(polygon, 1, axis=0), np.roll(polygon, -1, axis=0) - polygon
        corners = polygon[(before != after).any(axis=1) | (np.abs(before).max(axis=1) > 1)]
        polygon = corners if len(corners) >= 3 else polygon
    if len(polygon) >= 3:
        return polygon
    return np.concatenate([polygon, np.repeat(polygon[-1:], 3 - len(polygon), axis=0)])

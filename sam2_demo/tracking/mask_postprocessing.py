"""Masks for display: small holes filled and specks removed by connected components; overlaps resolved.

Works on low-res logits (SAM 2's released setting: areas up to 8 low-res pixels), needs no compiled extension.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_FILLED_LOGIT, _REMOVED_LOGIT = 0.1, -0.1
_CONNECTIVITY = 8


def clean_logits(low_res_logits: NDArray[np.float32], max_area: int) -> NDArray[np.float32]:
    """Low-res logits (h, w) with holes and specks of up to `max_area` pixels turned; a copy if anything changes.

    The largest part of the object is kept whatever its size.
    """
    inside = low_res_logits > 0
    if max_area <= 0 or not inside.any():
        return low_res_logits
    holes = _small_parts(~inside, max_area, keep_largest=False)
    specks = _small_parts(inside, max_area, keep_largest=True)
    if not (holes.any() or specks.any()):
        return low_res_logits
    cleaned = low_res_logits.copy()
    cleaned[holes] = _FILLED_LOGIT
    cleaned[specks] = _REMOVED_LOGIT
    return cleaned


def _small_parts(region: NDArray[np.bool_], max_area: int, keep_largest: bool) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=_CONNECTIVITY)
    areas = stats[:, cv2.CC_STAT_AREA]
    is_small = areas <= max_area
    is_small[0] = False  # label 0 is everything outside the region
    if keep_largest and count > 1:
        is_small[1 + int(areas[1:].argmax())] = False
    return is_small[labels]


def resolve_overlaps(logits: dict[int, NDArray[np.float32]]) -> dict[int, NDArray[np.bool_]]:
    """Masks by object id in which every pixel belongs to at most one object: the one of highest logit > 0."""
    if not logits:
        return {}
    winner = np.maximum.reduce(list(logits.values()))
    taken = np.zeros(winner.shape, dtype=bool)
    masks = {}
    for object_id, own in logits.items():
        masks[object_id] = (own > 0) & (own == winner) & ~taken
        taken |= masks[object_id]
    return masks

"""Masks for display: small holes filled and specks removed by connected components.

Works on low-res logits (SAM 2's released setting: areas up to 8 low-res pixels), needs no compiled extension.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam2_demo.masks.regions import small_parts

_FILLED_LOGIT, _REMOVED_LOGIT = 0.1, -0.1


def clean_logits(low_res_logits: NDArray[np.float32], max_area: int) -> NDArray[np.float32]:
    """Low-res logits (h, w) with holes and specks of up to `max_area` pixels turned; a copy if anything changes.

    The largest part of the object is kept whatever its size.
    """
    inside = low_res_logits > 0
    if max_area <= 0 or not inside.any():
        return low_res_logits
    holes = small_parts(~inside, max_area + 1, keep_largest=False)
    specks = small_parts(inside, max_area + 1)
    if not (holes.any() or specks.any()):
        return low_res_logits
    cleaned = low_res_logits.copy()
    cleaned[holes] = _FILLED_LOGIT
    cleaned[specks] = _REMOVED_LOGIT
    return cleaned

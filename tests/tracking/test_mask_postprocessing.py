"""Small holes are filled and specks removed; big ones and the object itself stay."""

from __future__ import annotations

import numpy as np

from sam2_demo.tracking.mask_postprocessing import clean_logits


def square(value=5.0):
    logits = np.full((32, 32), -5.0, np.float32)
    logits[8:24, 8:24] = value
    return logits


def test_holes_and_specks():
    logits = square()
    logits[10:12, 10:12] = -1  # a hole of 4
    logits[15:18, 15:18] = -1  # a hole of 9
    logits[2:4, 2:4] = 3  # a speck of 4
    logits[28:31, 28:31] = 3  # a speck of 9
    cleaned = clean_logits(logits, 8) > 0
    assert cleaned[10, 10] and not cleaned[16, 16]
    assert not cleaned[2, 2] and cleaned[29, 29]
    assert logits[10, 10] == -1, "the input is not changed"


def test_nothing_to_do_returns_the_same_array():
    logits = square()
    assert clean_logits(logits, 8) is logits
    assert clean_logits(np.full((8, 8), -1.0, np.float32), 8).max() == -1


def test_a_tiny_object_is_kept():
    logits = np.full((32, 32), -5.0, np.float32)
    logits[3:5, 3:5] = 2
    logits[20, 20] = 2
    cleaned = clean_logits(logits, 8) > 0
    assert cleaned.sum() == 4 and cleaned[3, 3]

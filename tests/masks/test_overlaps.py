"""Overlapping masks and boxes: one pixel, one object; which of two masks stands for the other."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sam2_demo.masks.overlaps import BOX_NMS_THRESHOLD, resolve_overlaps, stands_for

FOUND_MASKS = Path(__file__).resolve().parents[2] / "sam2_demo/ui/canvas/masks/found_masks.js"


def test_overlaps_go_to_the_higher_logit():
    a, b = np.full((2, 32, 32), -5.0, np.float32)
    a[8:24, 8:24], b[8:24, 8:24] = 5, 7
    b[:, :16] = -1
    masks = resolve_overlaps({1: a, 9: b})
    assert not (masks[1] & masks[9]).any()
    assert masks[9][10, 20] and masks[1][10, 10]
    tie = resolve_overlaps({1: a, 2: a.copy()})
    assert tie[1].sum() == 256 and tie[2].sum() == 0


def scored(iou, stability, x1=10.0):
    return SimpleNamespace(box=(0.0, 0.0, x1, 10.0), predicted_iou=iou, stability=stability)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (scored(0.9, 0.9), scored(0.8, 0.8), True),
        (scored(0.9, 0.9), scored(0.9, 0.9), True),
        (scored(0.9, 0.7), scored(0.8, 0.8), False),
        (scored(0.7, 0.9), scored(0.8, 0.8), False),
        (scored(0.9, 0.9), scored(0.8, 0.8, x1=11.7), True),
        (scored(0.9, 0.9), scored(0.8, 0.8, x1=11.9), False),
    ],
)
def test_a_mask_stands_for_one_of_nearly_the_same_box_that_is_no_better_by_either_score(one, other, expected):
    assert stands_for(one, other) is expected


def test_the_page_drops_doubles_as_the_library_does():
    assert float(re.search(r"BOX_NMS_THRESHOLD = ([0-9.]+)", FOUND_MASKS.read_text()).group(1)) == BOX_NMS_THRESHOLD

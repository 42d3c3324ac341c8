"""Prompts are checked before they reach the network, and messages say what was wrong and what is accepted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_demo.errors import PromptError
from sam2_demo.tracking.prompts import as_frame_prompts, read_prompts

SIZE = (40, 60)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"points": [(62, 5)]}, r"outside the picture, which is 60 x 40"),
        ({"points": [(5, -2)]}, "outside the picture"),
        ({"points": [(float("nan"), 5)]}, "finite"),
        ({"points": [(float("inf"), 5)]}, "finite"),
        ({"points": [(1, 2, 3)]}, "got 3 numbers"),
        ({"points": [("a", 2)]}, "list of numbers"),
        ({"points": 7}, "list"),
        ({"points": [(1, 2)], "point_labels": [1, 0]}, "as many labels"),
        ({"points": [(1, 2)], "point_labels": [2]}, "1 .positive. or 0 .negative., got 2"),
        ({"point_labels": [1]}, "without points"),
        ({"points": [(1, 1)] * 1001}, "at most 1000"),
        ({"box": (10, 10, 5, 20)}, "inverted"),
        ({"box": (10, 10, 10, 20)}, "no area"),
        ({"box": (10, 10, 20)}, "got 3 numbers"),
        ({"box": (10, 10, 90, 20)}, "outside the picture"),
        ({"box": (10, float("nan"), 20, 20)}, "finite"),
        ({"mask": np.zeros((40, 61), bool)}, r"size \(height, width\) \(40, 60\)"),
        ({"mask": np.full((40, 60), np.nan)}, "mask must be bool"),
    ],
)
def test_wrong_prompts_are_explained(given, message):
    values = {"points": None, "point_labels": None, "box": None, "mask": None, **given}
    with pytest.raises(PromptError, match=message):
        read_prompts(**values, size=SIZE)


def test_corners_of_the_picture_are_inside():
    prompts = read_prompts([(0, 0), (60, 40)], None, (0, 0, 60, 40), None, SIZE)
    assert prompts.num_points == 4
    assert all(p.is_positive for p in prompts.points)


def test_box_comes_first_as_two_labelled_points_in_input_pixels():
    prompts = read_prompts([(30, 20)], [0], (6, 4, 54, 36), None, SIZE)
    tensors = as_frame_prompts(prompts, SIZE, 128, None, torch.device("cpu"))
    expected = torch.tensor([[6 / 60, 4 / 40], [54 / 60, 36 / 40], [0.5, 0.5]]) * 128
    torch.testing.assert_close(tensors.point_coords_model[0], expected)
    assert tensors.point_labels.tolist() == [[2, 3, 0]]


def test_mask_alone_is_direct_and_with_clicks_becomes_logits():
    mask = np.zeros(SIZE, np.uint8)
    mask[10:30, 20:40] = 255
    alone = as_frame_prompts(read_prompts(None, None, None, mask, SIZE), SIZE, 64, None, torch.device("cpu"))
    assert alone.mask.shape == (1, 1, 64, 64) and alone.mask.dtype == torch.bool
    assert alone.points is None and alone.low_res_logits is None
    both = as_frame_prompts(
        read_prompts([(30, 20)], [1], None, mask, SIZE), SIZE, 64, torch.zeros(1, 1, 16, 16), torch.device("cpu")
    )
    assert both.mask is None
    assert both.low_res_logits[0, 0, 8, 8] == 10 and both.low_res_logits[0, 0, 0, 0] == -10


def test_later_prompts_join_earlier_ones():
    first = read_prompts([(1, 1)], [1], (0, 0, 9, 9), None, SIZE)
    second = read_prompts([(2, 2)], [0], (0, 0, 5, 5), None, SIZE)
    joined = first.then(second)
    assert [p.is_positive for p in joined.points] == [True, False]
    assert joined.box.x1 == 5

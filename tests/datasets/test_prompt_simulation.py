"""Simulated prompts: where clicks and boxes go."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_demo.datasets.prompt_simulation import Click, box_around, click_on_error, inner_distance
from sam2_demo.errors import PromptError


def rectangle(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    mask = np.zeros((50, 70), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_the_first_click_is_the_centre_of_the_object():
    assert click_on_error(rectangle(10, 21, 20, 31)) == Click(25, 15, True)


def test_the_thicker_error_gets_the_click():
    reference = rectangle(10, 31, 10, 31)
    too_much = reference | rectangle(10, 31, 40, 69)
    click = click_on_error(reference, too_much)
    assert click == Click(50, 20, False) and click.label == 0
    too_little = reference & ~rectangle(10, 31, 10, 25)
    click = click_on_error(reference, too_little)
    assert click.positive and click.label == 1 and reference[int(click.y), int(click.x)]
    assert not too_little[int(click.y), int(click.x)]


def test_thickness_decides_and_not_area():
    reference = rectangle(0, 3, 0, 70)  # 210 pixels, 2 deep
    prediction = rectangle(30, 41, 30, 41)  # 121 pixels, 6 deep
    assert click_on_error(reference, prediction) == Click(35, 35, False)


def test_the_border_of_the_picture_is_outside():
    assert click_on_error(np.ones((11, 11), bool)) == Click(5, 5, True)
    assert inner_distance(np.ones((3, 3), bool)).tolist() == [[1, 1, 1], [1, 2, 1], [1, 1, 1]]


def test_no_error_no_click_and_void_is_no_error():
    mask = rectangle(10, 20, 10, 20)
    assert click_on_error(mask, mask) is None
    assert click_on_error(mask, mask | rectangle(30, 40, 30, 40), void=rectangle(25, 45, 25, 45)) is None


def test_clicks_are_deterministic():
    rng = np.random.default_rng(0)
    reference, prediction = rng.random((60, 60)) > 0.4, rng.random((60, 60)) > 0.6
    assert len({click_on_error(reference, prediction) for _ in range(5)}) == 1


def test_box_holds_the_first_and_last_pixels_and_has_an_extent():
    assert box_around(rectangle(10, 20, 30, 45)) == (30, 10, 44, 19)
    assert box_around(rectangle(10, 11, 30, 31)) == (30, 10, 31, 11)
    with pytest.raises(PromptError, match="empty"):
        box_around(np.zeros((5, 5), bool))


def test_sizes_that_differ_are_refused():
    with pytest.raises(PromptError, match=r"\(4, 5\).*\(5, 4\)"):
        click_on_error(np.ones((5, 4), bool), np.ones((4, 5), bool))

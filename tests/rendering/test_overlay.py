"""Overlays: what is painted where, and that the given frame stays as it was."""

import numpy as np

from sam2_demo.rendering.overlay import draw_cutout, draw_overlay, mask_bounds, outline_width

RED, BLUE = (255, 0, 0), (0, 0, 255)


def square(height=60, width=80, y0=20, y1=40, x0=30, x1=50):
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_fill_is_blended_and_the_rest_untouched():
    frame = np.full((60, 80, 3), 100, np.uint8)
    out = draw_overlay(frame, {1: square()}, {1: RED}, opacity=0.5, outline=False)
    assert np.allclose(out[30, 40], (178, 50, 50), atol=1)
    outside = ~square()
    assert (out[outside] == 100).all()
    assert (frame == 100).all()


def test_outline_lies_just_outside_the_mask_in_solid_color():
    out = draw_overlay(np.zeros((60, 80, 3), np.uint8), {1: square()}, {1: RED}, opacity=0.0)
    assert tuple(out[19, 40]) == RED
    assert tuple(out[30, 40]) == (0, 0, 0)
    assert tuple(out[15, 40]) == (0, 0, 0)


def test_masks_at_the_border_and_empty_ones_are_fine():
    frame = np.zeros((60, 80, 3), np.uint8)
    whole, empty = np.ones((60, 80), bool), np.zeros((60, 80), bool)
    out = draw_overlay(frame, {1: whole, 2: empty}, {1: BLUE, 2: RED}, opacity=1.0)
    assert (out == BLUE).all()


def test_later_objects_are_painted_over_earlier_ones():
    frame = np.zeros((60, 80, 3), np.uint8)
    out = draw_overlay(frame, {1: square(), 2: square()}, {1: RED, 2: BLUE}, opacity=1.0)
    assert tuple(out[30, 40]) == BLUE


def test_pictures_of_one_pixel():
    out = draw_overlay(np.zeros((1, 1, 3), np.uint8), {1: np.ones((1, 1), bool)}, {1: RED}, opacity=1.0)
    assert tuple(out[0, 0]) == RED
    assert outline_width(1, 1) == 1


def test_masks_that_are_views_of_larger_arrays():
    big = np.zeros((60, 160), bool)
    big[20:40, 60:100] = True
    out = draw_overlay(np.zeros((60, 80, 3), np.uint8), {1: big[:, ::2]}, {1: RED}, opacity=1.0)
    assert tuple(out[30, 40]) == RED


def test_cutout_is_cropped_with_the_mask_as_alpha():
    frame = np.full((60, 80, 3), 7, np.uint8)
    mask = square()
    mask[20, 30] = False
    cut = draw_cutout(frame, mask)
    assert cut.shape == (20, 20, 4)
    assert cut[0, 0, 3] == 0 and cut[5, 5, 3] == 255
    assert draw_cutout(frame, np.zeros((60, 80), bool)).shape == (60, 80, 4)


def test_bounds_end_after_the_last_pixel():
    assert mask_bounds(square()) == (30, 20, 50, 40)
    assert mask_bounds(np.zeros((3, 3), bool)) is None

"""Outlines, bounds and cut-outs of masks."""

import numpy as np

from sam2_demo.rendering.overlay import draw_cutout, mask_bounds, mask_outline, outline_width


def square(height=60, width=80, y0=20, y1=40, x0=30, x1=50):
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_an_outline_lies_just_outside_the_mask():
    ring = mask_outline(square().view(np.uint8), 3).astype(bool)
    assert ring[19, 40] and ring[17, 40] and not ring[16, 40]
    assert not (ring & square()).any()
    assert outline_width(720, 1280) == 3 and outline_width(1, 1) == 1


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


def test_a_cut_out_holds_nothing_of_what_lies_around_it():
    rng = np.random.default_rng(0)
    frame = rng.integers(1, 256, (60, 80, 3)).astype(np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[10:30, 20:50] = True
    mask[15:20, 30:40] = False  # a hole hides as much as the rim
    cut = draw_cutout(frame, mask)
    assert not cut[cut[..., 3] == 0].any()
    assert (cut[cut[..., 3] == 255][:, :3] == frame[mask]).all()
    assert not draw_cutout(frame, mask & False).any()

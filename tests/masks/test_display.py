"""Painted masks from the browser: decoded when right, refused when they do not fit."""

import numpy as np
import pytest

from sam2_demo.errors import PromptError
from sam2_demo.masks.display import decode_mask, display_size, encode_mask
from sam2_demo.masks.run_lengths import covered_pixels


def blob(height=37, width=53):
    y, x = np.mgrid[0:height, 0:width]
    return (x - 20) ** 2 + (y - 18) ** 2 < 150


def test_round_trip_at_display_size():
    mask = blob()
    code = encode_mask(mask, (37, 53))
    assert covered_pixels(code) == 37 * 53
    assert (decode_mask(code, (37, 53), (37, 53)) == mask).all()


def test_smaller_display_is_scaled_back():
    mask = np.kron(blob(), np.ones((2, 2), bool)).astype(bool)
    code = encode_mask(mask, (37, 53))
    assert (decode_mask(code, (37, 53), (74, 106)) == mask).all()


@pytest.mark.parametrize("text", ["", "0", "zzzz", "oooooooooooooooooooo", "\x00", "~~~~", "1" * 1000])
def test_runs_that_do_not_fit_are_refused(text):
    with pytest.raises(PromptError):
        decode_mask(text, (37, 53), (37, 53))


@pytest.mark.parametrize("end", ["P", "o", "PP"])
def test_runs_that_end_in_the_middle_of_one_are_refused(end):
    code = encode_mask(blob(), (37, 53)) + end  # the decoder would read on behind the text
    with pytest.raises(PromptError, match="end in the middle of one"):
        decode_mask(code, (37, 53), (37, 53))


def test_display_size_keeps_small_ones_and_bounds_large_ones():
    assert display_size((720, 1280), 1280) == (720, 1280)
    assert display_size((2160, 3840), 1280) == (720, 1280)
    assert display_size((1, 9000), 1280) == (1, 1280)


@pytest.mark.parametrize("display", [(40, 53), (45, 61)])
def test_scaled_masks_stay_where_they_are(display):
    """Plain nearest neighbour would move them by up to half a pixel: a mirrored mask then scales to another one."""
    size, mask = (120, 160), blob(120, 160)
    shown, turned = (decode_mask(encode_mask(own, display), display, display) for own in (mask, mask[::-1, ::-1]))
    assert np.mean(shown == turned[::-1, ::-1]) > 0.998
    for counts in (encode_mask(shown, display), encode_mask(turned, display)):
        assert decode_mask(counts, display, size).shape == size
    back = decode_mask(encode_mask(mask, display), display, size)
    centres = [np.array([v.mean() for v in np.nonzero(own)]) for own in (mask, back)]
    np.testing.assert_allclose(centres[0], centres[1], atol=0.35)

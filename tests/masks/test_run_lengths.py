"""Compressed run lengths: counted right, and refused with the reason before the decoder sees them."""

import numpy as np
import pytest

from sam2_demo.errors import InputError
from sam2_demo.masks.run_lengths import covered_pixels, decode_rle, encode_rle, run_lengths


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (37, 53), (720, 1280)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_runs_cover_the_mask_that_they_were_made_of(size, share):
    mask = np.random.default_rng(7).random(size) < share
    rle = encode_rle(mask)
    assert covered_pixels(rle["counts"]) == covered_pixels(rle["counts"].encode()) == mask.size
    assert np.array_equal(decode_rle(rle), mask)
    assert np.array_equal(decode_rle(run_lengths(mask)), mask)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ("1~", "character '~' does not occur"),
        ("1\x7f", "does not occur"),
        ("é", "does not occur"),
        ("1o", "end in the middle of one"),
        ("P", "end in the middle of one"),
        ("ooooooo0", "out of range"),
        ("O", "negative"),
        ("5520J", "negative"),
    ],
)
def test_what_is_no_code_is_refused_with_the_reason(counts, reason):
    with pytest.raises(InputError, match=reason):
        covered_pixels(counts)
    with pytest.raises(InputError, match="are damaged: .*" + reason):
        decode_rle({"size": [4, 4], "counts": counts})


def test_runs_of_another_size_are_refused():
    with pytest.raises(InputError, match="cover 16 pixels; a mask of 4 x 5 has 20"):
        decode_rle({"size": [4, 5], "counts": encode_rle(np.eye(4, dtype=bool))["counts"]})

"""The masklet value type: coding, sizes, scores, order."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sam2_demo.errors import InputError
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import decode_rle, encode_rle


@pytest.fixture
def masklet() -> Masklet:
    return Masklet(7, 20, 30)


def random_mask(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((20, 30)) > 0.6


def test_masks_and_scores_come_back_as_they_were_set(masklet):
    for frame_index in (5, 2, 9):
        masklet.set(frame_index, random_mask(frame_index), -1.5 * frame_index, 0.1 * frame_index)
    assert masklet.frame_indices == [2, 5, 9]
    assert len(masklet) == 3 and 5 in masklet and 4 not in masklet
    for frame_index in masklet:
        np.testing.assert_array_equal(masklet.mask(frame_index), random_mask(frame_index))
        assert masklet.mask(frame_index).dtype == bool
        assert masklet.area(frame_index) == random_mask(frame_index).sum()
        assert masklet.frame(frame_index).object_score_logits == -1.5 * frame_index
        assert masklet.frame(frame_index).iou_prediction == pytest.approx(0.1 * frame_index)


def test_box_is_xyxy_with_open_end_and_none_when_empty(masklet):
    mask = np.zeros((20, 30), bool)
    mask[4:9, 11:13] = True
    masklet.set(0, mask)
    masklet.set(1, np.zeros((20, 30), bool))
    assert masklet.box(0) == (11, 4, 13, 9)
    assert masklet.box(1) is None and masklet.area(1) == 0


def test_rle_is_what_pycocotools_writes(masklet):
    mask = random_mask(3)
    masklet.set(3, mask)
    rle = masklet.to_rle()[3]
    assert rle["size"] == [20, 30] and isinstance(rle["counts"], str)
    np.testing.assert_array_equal(coco_mask.decode(rle).astype(bool), mask)
    assert rle == encode_rle(mask.astype(np.uint8) * 255)


def test_uncompressed_counts_are_read():
    rle = {"size": [2, 2], "counts": [1, 2, 1]}
    np.testing.assert_array_equal(decode_rle(rle), [[False, True], [True, False]])
    masklet = Masklet(1, 2, 2)
    masklet.set_rle(0, rle)
    np.testing.assert_array_equal(masklet.mask(0), [[False, True], [True, False]])


def test_setting_replaces_and_discarding_forgets(masklet):
    masklet.set(1, random_mask(1))
    masklet.set(1, random_mask(2))
    np.testing.assert_array_equal(masklet.mask(1), random_mask(2))
    masklet.discard(1)
    masklet.discard(1)
    assert masklet.frame_indices == []
    with pytest.raises(InputError, match="object 7 has no mask on frame 1"):
        masklet.mask(1)


def test_wrong_sizes_are_refused_with_both_sizes(masklet):
    with pytest.raises(InputError, match=r"\(30, 20\).*\(20, 30\)"):
        masklet.set(0, np.zeros((30, 20), bool))
    with pytest.raises(InputError, match=r"\[3, 4\].*\[20, 30\]"):
        masklet.set_rle(0, {"size": [3, 4], "counts": "<"})
    with pytest.raises(InputError, match="-1"):
        masklet.set(-1, random_mask(0))
    with pytest.raises(InputError, match="0 x 5"):
        Masklet(1, 0, 5)
    with pytest.raises(InputError, match="two dimensions"):
        encode_rle(np.zeros((1, 2, 3), bool))


def test_equality_is_by_content(masklet):
    other = Masklet(7, 20, 30)
    masklet.set(0, random_mask(0))
    assert masklet != other
    other.set(0, random_mask(0))
    assert masklet == other
    other.set(0, random_mask(0), iou_prediction=0.5)
    assert masklet != other


def test_runs_that_do_not_fill_the_mask_are_refused(masklet):
    whole = encode_rle(random_mask(3))
    for size in ((1, 1), (1, 70), (300, 400), (20, 30)):
        for density in (0.0, 0.001, 0.5, 1.0):
            mask = np.random.default_rng(size[0]).random(size) < density
            np.testing.assert_array_equal(decode_rle(encode_rle(mask)), mask)
    cut = {"size": [20, 30], "counts": whole["counts"][:7]}
    # Decoded as they are, such runs would show what was in memory before.
    wrong = {cut["counts"]: "cover .* pixels|are damaged", "": "cover 0 pixels"}
    wrong |= {"zz": "are damaged", "\x01": "are damaged"}
    for counts, found in wrong.items():
        with pytest.raises(InputError, match=rf"run lengths ({found})"):
            decode_rle({"size": [20, 30], "counts": counts})
        with pytest.raises(InputError, match="run lengths"):
            masklet.set_rle(0, {"size": [20, 30], "counts": counts})
    with pytest.raises(InputError, match="cover 7 pixels"):
        decode_rle({"size": [20, 30], "counts": [3, 4]})

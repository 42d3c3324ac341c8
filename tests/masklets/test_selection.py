"""Which masks start a masklet and which masklets stay."""

import numpy as np
import pytest

from sam2_demo.errors import ConfigError
from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.masklets.selection import (
    TrackedMasklet,
    covered_area,
    keep_good,
    mask_ious,
    masklet_ious,
    new_candidates,
    uncovered_share,
)
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import decode_rle, encode_rle
from tests.masklets.stand_in import HEIGHT, WIDTH, block, record

OPTIONS = MaskletOptions(min_area=20)


def masklet_of(masks: dict[int, np.ndarray], stability: float = 1.0) -> TrackedMasklet:
    masklet = Masklet(0, HEIGHT, WIDTH)
    for frame, mask in masks.items():
        masklet.set(frame, mask)
    return TrackedMasklet(masklet, dict.fromkeys(masks, stability))


def test_areas_and_shares_match_pixel_counts() -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((HEIGHT, WIDTH)) < share for share in (0.1, 0.5, 0.9)]
    codes = [encode_rle(mask) for mask in masks]
    assert covered_area(codes[:2]) == (masks[0] | masks[1]).sum()
    assert covered_area([]) == 0
    outside = masks[2] & ~(masks[0] | masks[1])
    assert uncovered_share(codes[2], codes[:2]) == pytest.approx(outside.sum() / masks[2].sum())
    assert uncovered_share(codes[0], []) == 1
    expected = [(masks[0] & mask).sum() / (masks[0] | mask).sum() for mask in masks]
    np.testing.assert_allclose(mask_ious(codes[0], codes), expected)


def test_best_of_equal_masks_is_taken_and_small_ones_are_not() -> None:
    records = [
        record(block(10, 10, 30, 30), 0.85),
        record(block(11, 10, 30, 30), 0.95),  # IoU 0.95 with the first
        record(block(50, 10, 54, 14), 0.99),  # 16 pixels
        record(block(15, 15, 20, 20), 0.90),  # a part of the first: not the same thing
    ]
    found = new_candidates(records, [], OPTIONS, limit=9)
    assert [decode_rle(one.rle).sum() for one in found] == [380, 25]
    assert found[0].quality == pytest.approx(0.95 * 0.95)


def test_masks_beside_tracked_ones_must_be_mostly_new() -> None:
    tracked = [encode_rle(block(0, 0, 40, 48))]
    records = [record(block(30, 0, 44, 20)), record(block(36, 0, 46, 20)), record(block(60, 0, 70, 20))]
    left_edges = {decode_rle(c.rle).any(axis=0).argmax() for c in new_candidates(records, tracked, OPTIONS, 9)}
    assert left_edges == {36, 60}  # 4 of 14, 6 of 10 and all columns are new


def test_limit_keeps_the_best() -> None:
    records = [record(block(10 * i, 0, 10 * i + 8, 20), 0.8 + 0.02 * i) for i in range(6)]
    assert [round(c.quality / 0.95, 2) for c in new_candidates(records, [], OPTIONS, 2)] == [0.9, 0.88]
    assert new_candidates(records, [], OPTIONS, 0) == []


def test_masklet_iou_is_taken_over_all_frames() -> None:
    first = {0: block(0, 0, 10, 10), 1: block(0, 0, 10, 10)}
    second = {0: block(0, 0, 10, 10), 1: block(0, 0, 5, 10), 2: block(0, 0, 5, 10)}
    ious = masklet_ious([masklet_of(first).masklet, masklet_of(second).masklet])
    np.testing.assert_allclose(ious, [[1, 150 / 250], [150 / 250, 1]])
    nothing = masklet_of({0: np.zeros((HEIGHT, WIDTH), bool)}).masklet
    assert masklet_ious([nothing, nothing]).tolist() == [[0, 0], [0, 0]]


def test_unstable_unseen_and_double_masklets_are_dropped() -> None:
    frames = range(3)
    stable = masklet_of({t: block(t, 0, t + 10, 20) for t in frames}, 0.97)
    double = masklet_of({t: block(t, 0, t + 10, 19) for t in frames}, 0.99)
    shaky = masklet_of({t: block(50, 0, 60, 20) for t in frames}, 0.5)
    unseen = masklet_of({t: np.zeros((HEIGHT, WIDTH), bool) for t in frames}, 1.0)
    other = masklet_of({t: block(30, 0, 40, 20) for t in frames}, 0.92)
    assert keep_good([stable, double, shaky, unseen, other], OPTIONS) == [double, other]


def test_masklets_that_are_lost_at_once_are_dropped() -> None:
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    lost = masklet_of({0: block(0, 0, 10, 20), 4: nothing, 8: nothing})
    last = masklet_of({8: block(30, 0, 40, 20)})
    assert keep_good([lost, last], OPTIONS) == [last]
    assert keep_good([lost, last], MaskletOptions(min_visible_frames=1)) == [lost, last]


def test_hidden_frames_do_not_make_a_masklet_stable() -> None:
    masks = {0: block(0, 0, 10, 10), 1: np.zeros((HEIGHT, WIDTH), bool)}
    masklet = masklet_of(masks)
    masklet.stability = {0: 0.6, 1: 1.0}
    assert masklet.mean_stability == pytest.approx(0.6)
    assert masklet.visible_frames == [0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"points_per_side": 0}, "points_per_side is 0; accepted: 1 or more"),
        ({"find_every": -1}, "find_every is -1; accepted: 0 or more"),
        ({"min_uncovered": 1.5}, "min_uncovered is 1.5; accepted: 0 to 1"),
        ({"pred_iou_thresh": float("nan")}, "pred_iou_thresh is nan"),
        ({"duplicate_iou": 0.0}, "duplicate_iou is 0.0; accepted: above 0"),
        ({"crop_layers": 5}, "crop_layers is 5; accepted: 0 to 4"),
    ],
)
def test_wrong_options_say_what_is_accepted(changes: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        MaskletOptions(**changes)

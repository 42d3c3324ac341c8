"""What other programs hand over: numpy's scalars as ids, logits for masks, boxes that detectors have rounded."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sam2_demo.errors import InputError, PromptError
from sam2_demo.evaluation.metrics import region_similarity
from sam2_demo.masks.masklet import Masklet, plain_object_id
from sam2_demo.masks.run_lengths import encode_rle, run_lengths
from sam2_demo.tracking.prompts import read_object_id, read_prompts

SIZE = (200, 300)
LOGITS = np.where(np.eye(*SIZE) > 0, 3.5, -4.25).astype(np.float32)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.int32, np.float64, np.float32, float, np.array])
def test_ids_of_any_type_are_plain_ints(kind):
    for given in (plain_object_id(kind(7)), read_object_id(kind(7)), Masklet(kind(7), 2, 3).object_id):
        assert type(given) is int and given == 7
    masklet = Masklet(1, np.int64(2), np.int32(3))
    masklet.set(np.int64(4), np.ones((2, 3), np.uint16), np.float32(2), np.float32(0.5))
    assert json.loads(json.dumps(masklet.to_rle())) == {"4": encode_rle(np.ones((2, 3)))}


@pytest.mark.parametrize("given", [True, np.bool_(True), 1.5, np.float32("nan"), "1", None, -1, [1], np.array([1, 2])])
def test_what_is_no_id_is_refused(given):
    with pytest.raises(PromptError, match="an object id is a whole number of 0 or more, got"):
        read_object_id(given)


def mask_prompt(mask):
    return read_prompts(None, None, None, mask, SIZE)


@pytest.mark.parametrize(
    "give",
    [
        mask_prompt,
        encode_rle,
        run_lengths,
        lambda mask: Masklet(1, *SIZE).set(0, mask),
        lambda mask: region_similarity(mask, mask > 0),
    ],
)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16, np.int16])
def test_logits_are_no_mask(give, kind):
    with pytest.raises(InputError, match=r"no negative values, this one goes from -4.* to 3.*: of logits, give"):
        give(LOGITS.astype(kind))


@pytest.mark.parametrize(
    "mask", [LOGITS > 0, (LOGITS > 0) * 255, (LOGITS > 0) * np.uint16(65535), (LOGITS > 0) / 2, (LOGITS > 0) * -0.0]
)
def test_masks_of_any_type_are_inside_where_not_zero(mask):
    np.testing.assert_array_equal(mask_prompt(mask).mask.mask, mask != 0)
    assert encode_rle(mask) == encode_rle(mask != 0)


def test_pictures_for_masks_are_refused_with_advice():
    with pytest.raises(PromptError, match=r"mask\[..., 3\] for its opacity"):
        mask_prompt(np.zeros((*SIZE, 4), np.uint8))
    with pytest.raises(PromptError, match=r"give one of the masks, as masks\[0\]"):
        mask_prompt(np.zeros((3, *SIZE), bool))


@pytest.mark.parametrize("over", [0.0001, 0.5, 1.0])
def test_places_up_to_a_pixel_outside_are_moved_to_the_rim(over):
    prompts = read_prompts(
        [(300 + over, 110), (-over, 200 + over)], None, np.float64([-over, -over, 300 + over, 200]), None, SIZE
    )
    assert [(p.x, p.y) for p in prompts.points] == [(300, 110), (0, 200)]
    box = prompts.box
    assert (box.x0, box.y0, box.x1, box.y1) == (0, 0, 300, 200)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"box": (10, 10, 301.0001, 110)},
            r"a box corner at \(301\.0001, 110\.0\) is outside the picture, which is 300",
        ),
        ({"points": [(1.5, -1.00000012)]}, r"a click at \(1\.5, -1\.00000012\) is outside"),
        ({"box": (300.25, 10, 300.75, 20)}, r"the box \(300\.25, 10\.0, 300\.75, 20\.0\) has no area in the picture"),
        ({"box": (20.0000001, 10, 20, 20)}, r"the box \(20\.0000001, 10\.0, 20\.0, 20\.0\) is inverted"),
    ],
)
def test_places_further_outside_are_named_unrounded(given, words):
    values = {"points": None, "point_labels": None, "box": None, "mask": None, **given}
    with pytest.raises(PromptError, match=words):
        read_prompts(**values, size=SIZE)

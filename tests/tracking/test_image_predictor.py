"""Pictures: candidates, order, refinement, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_demo.errors import InputError, PromptError
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.prompts import as_frame_prompts, read_prompts


@pytest.fixture
def predictor(nano_network, clip_frames):
    predictor = ImagePredictor(nano_network)
    predictor.set_image(clip_frames[0])
    return predictor


def test_three_candidates_best_first(predictor):
    result = predictor.predict(points=[(15, 24)])
    assert result.masks.shape == result.mask_logits.shape == (3, 48, 80)
    assert result.masks.dtype == bool and result.mask_logits.dtype == np.float32
    assert result.low_res_logits.shape == (3, 16, 16)
    assert (np.diff(result.iou_predictions) <= 0).all()
    assert ((result.iou_predictions >= 0) & (result.iou_predictions <= 1)).all()


def test_single_mask(predictor):
    assert predictor.predict(box=(5, 14, 25, 34), multimask=False).masks.shape == (1, 48, 80)


def test_earlier_logits_change_the_answer(predictor):
    first = predictor.predict(points=[(15, 24)])
    again = predictor.predict(points=[(15, 24)], low_res_logits=first.low_res_logits[0])
    assert np.abs(again.mask_logits - first.mask_logits).max() > 1e-3
    assert predictor.predict(low_res_logits=first.low_res_logits[:1]).masks.shape == (3, 48, 80)


def test_a_mask_alone_is_the_answer(predictor, clip_frames):
    mask = np.zeros((48, 80), np.uint8)
    mask[10:30, 5:26] = 255
    mask[12, 40] = 1  # a speck, which is not cleaned away
    result = predictor.predict(mask=mask)
    assert np.array_equal(result.masks, [mask > 0]) and result.iou_predictions.tolist() == [1.0]
    agreement = (result.mask_logits[0] > 0) == (mask > 0)
    assert agreement.mean() > 0.97 and result.low_res_logits.shape == (1, 16, 16)


@pytest.mark.parametrize("points", [[(15, 24)], [(15, 24), (60, 5)]])
def test_clicks_refine_a_mask_as_they_do_on_a_clip(predictor, points):
    mask = np.zeros((48, 80), bool)
    mask[10:40, 2:40] = True
    labels = [1, 0][: len(points)]
    result = predictor.predict(points=points, point_labels=labels, mask=mask, multimask=len(points) == 1)
    of_a_clip = as_frame_prompts(
        read_prompts(points, labels, None, mask, (48, 80)), (48, 80), 64, None, torch.device("cpu")
    ).low_res_logits
    expected = predictor.predict(points, labels, low_res_logits=of_a_clip[0, 0], multimask=len(points) == 1)
    np.testing.assert_array_equal(result.low_res_logits, expected.low_res_logits)
    unrefined = predictor.predict(points=points, point_labels=labels, multimask=len(points) == 1)
    assert np.abs(unrefined.mask_logits[0] - result.mask_logits[0]).max() > 1e-3


def test_a_mask_and_logits_together_are_refused(predictor):
    logits = predictor.predict(points=[(15, 24)]).low_res_logits[0]
    with pytest.raises(PromptError, match="either a mask or low-res logits"):
        predictor.predict(points=[(15, 24)], mask=np.ones((48, 80), bool), low_res_logits=logits)
    with pytest.raises(PromptError, match="picture's size"):
        predictor.predict(mask=np.ones((48, 81), bool))


def test_same_prompt_same_answer(predictor):
    a, b = (predictor.predict(points=[(15, 24), (60, 5)], point_labels=[1, 0]) for _ in range(2))
    np.testing.assert_array_equal(a.mask_logits, b.mask_logits)


def test_flipped_and_read_only_arrays_are_taken(nano_network, clip_frames):
    logits = []
    for given in (np.ascontiguousarray(clip_frames[0]), clip_frames[0][..., ::-1].copy()[..., ::-1]):
        given.flags.writeable = False
        predictor = ImagePredictor(nano_network)
        predictor.set_image(given)
        logits.append(predictor.predict(points=[(15, 24)]).mask_logits)
    np.testing.assert_array_equal(*logits)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (37, 53)])
def test_odd_sizes(nano_network, shape):
    predictor = ImagePredictor(nano_network)
    predictor.set_image(np.zeros((*shape, 3), np.uint8))
    assert predictor.predict(points=[(0, 0)]).masks.shape == (3, *shape)


@pytest.mark.parametrize(
    "picture",
    [*(np.zeros(shape, np.uint8) for shape in [(4, 4), (4, 4, 4), (0, 4, 3)]), np.zeros((4, 4, 3)), "x"],
)
def test_wrong_pictures_are_refused(nano_network, picture):
    predictor = ImagePredictor(nano_network)
    with pytest.raises(InputError, match="picture"):
        predictor.set_image(picture)


def test_a_failed_picture_leaves_the_last_one(predictor):
    with pytest.raises(InputError):
        predictor.set_image(np.zeros((4, 4), np.uint8))
    assert predictor.size == (48, 80)
    assert predictor.predict(points=[(15, 24)]).masks.shape == (3, 48, 80)


def test_messages(predictor, nano_network):
    with pytest.raises(PromptError, match="no prompt"):
        predictor.predict()
    with pytest.raises(PromptError, match=r"shape \(16, 16\)"):
        predictor.predict(points=[(1, 1)], low_res_logits=np.zeros((8, 8), np.float32))
    with pytest.raises(PromptError, match="set_image"):
        ImagePredictor(nano_network).predict(points=[(1, 1)])

"""How answers are made of candidates: masks keep to their box, islands go, readings agree, pictures may be mirrored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_demo.network.config import EMBEDDED_CONFIG, OFFICIAL_CONFIGS, PUBLISHED_ANSWERS, AnswerConfig
from sam2_demo.network.outputs import MaskPrediction
from sam2_demo.network.prompt_encoder import (
    BOX_END_LABEL,
    BOX_START_LABEL,
    NEGATIVE_LABEL,
    PADDING_LABEL,
    POSITIVE_LABEL,
)
from sam2_demo.tracking.answers import choose, keep_to_box, with_single_when_clear, without_islands
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

SIDE = 24  # of low-res logits; four times as many input pixels


def points(*given: tuple[float, float, int]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[(x, y) for x, y, _ in given]]), torch.tensor([[label for *_, label in given]])


BOX = ((20.0, 40.0, BOX_START_LABEL), (60.0, 60.0, BOX_END_LABEL))


def test_mask_falls_off_beyond_its_box():
    kept = keep_to_box(torch.full((1, 2, SIDE, SIDE), 10.0), points(*BOX), slope=100.0)
    inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    inside[10:15, 5:15] = True
    assert (kept[:, :, inside] == 10.0).all()
    # 4 pixels wide of a box 40 x 20: a tenth and a fifth of its sides.
    found = [kept[0, 0, 12, 15], kept[0, 0, 12, 17], kept[0, 0, 16, 10], kept[0, 0, 9, 4], kept[0, 1, 0, 0]]
    np.testing.assert_allclose(found, [5.0, -15.0, -20.0, 0.0, -180.0], atol=1e-4)


@pytest.mark.parametrize(("label", "is_widened"), [(POSITIVE_LABEL, True), (NEGATIVE_LABEL, False)])
def test_positive_clicks_widen_the_box(label, is_widened):
    kept = keep_to_box(torch.full((1, 1, SIDE, SIDE), 10.0), points(*BOX, (90.0, 50.0, label)), slope=100.0)
    assert (kept[0, 0, 12, 21] == 10.0) == is_widened


def test_clicks_alone_set_no_limits():
    logits = torch.randn(1, 3, SIDE, SIDE)
    assert keep_to_box(logits, points((20.0, 20.0, POSITIVE_LABEL)), slope=100.0) is logits


def test_objects_without_a_box_keep_their_mask_beside_those_with_one():
    coords, labels = points(*BOX)
    coords, labels = coords.repeat(2, 1, 1), torch.cat((labels, torch.tensor([[POSITIVE_LABEL, NEGATIVE_LABEL]])))
    kept = keep_to_box(torch.full((2, 1, SIDE, SIDE), 10.0), (coords, labels), slope=100.0)
    assert (kept[0] < 0).any() and (kept[1] == 10.0).all()


def test_islands_without_a_click_go_unless_they_are_large():
    logits = torch.full((1, 1, SIDE, SIDE), -3.0)
    logits[..., 2:8, 2:8] = 2.0  # 36 cells, clicked
    logits[..., 12:15, 12:15] = 1.5  # 9 cells
    logits[..., 12:17, 2:6] = 1.0  # 20 cells: more than half
    logits[..., 20:22, 20:22] = 4.0  # 4 cells, clicked
    given = points((12.0, 12.0, POSITIVE_LABEL), (82.0, 82.0, POSITIVE_LABEL), (52.0, 52.0, NEGATIVE_LABEL))
    kept = without_islands(logits, given, share=0.5)
    expected = logits.clone()
    expected[..., 12:15, 12:15] = -1.5
    torch.testing.assert_close(kept, expected)


def test_a_mask_beside_all_clicks_stays():
    logits = torch.full((1, 1, SIDE, SIDE), -3.0)
    logits[..., 2:8, 2:8] = 2.0
    logits[..., 12:14, 12:14] = 2.0
    assert without_islands(logits, points((80.0, 8.0, POSITIVE_LABEL)), share=0.5) is logits
    assert without_islands(logits, points(*BOX), share=0.5) is logits


def test_reading_that_agrees_with_the_others_is_chosen():
    logits = torch.full((2, 3, SIDE, SIDE), -1.0)
    logits[:, 0, :12] = 1.0
    logits[:, 1, :, :12] = 1.0
    logits[:, 2, :, :13] = 1.0
    ious = torch.tensor([[0.8, 0.78, 0.77], [0.9, 0.3, 0.3]])
    candidates = MaskPrediction(logits, ious, torch.zeros(2, 3, 8), torch.zeros(2, 1))
    found = choose(candidates, None, AnswerConfig(by_agreement=True))
    assert found[0] > 0  # two that are alike outvote a better one
    assert found[1] == 0  # but not a far better one


def test_a_part_is_never_the_answer_to_a_click():
    ious = torch.tensor([[0.9, 0.3, 0.5], [0.2, 0.8, 0.1]])
    candidates = MaskPrediction(torch.ones(2, 3, SIDE, SIDE), ious, torch.zeros(2, 3, 8), torch.zeros(2, 1))
    answers = AnswerConfig(parts_first=True)
    clicks, boxes = points((4.0, 4.0, POSITIVE_LABEL)), points(*BOX)
    clicks, boxes = (tuple(torch.cat([own] * 2) for own in given) for given in (clicks, boxes))
    assert choose(candidates, clicks, answers).tolist() == [2, 1]
    assert choose(candidates, boxes, answers).tolist() == [0, 1]
    assert choose(candidates, None, answers).tolist() == [0, 1]  # tracked: all three are the object
    assert choose(candidates, clicks, AnswerConfig()).tolist() == [0, 1]
    alone = MaskPrediction(torch.ones(2, 1, SIDE, SIDE), ious[:, :1], torch.zeros(2, 1, 8), torch.zeros(2, 1))
    assert choose(alone, clicks, answers).tolist() == [0, 0]


def test_clear_prompts_are_answered_by_the_single_mask_among_three():
    ious = torch.tensor([[0.1, 0.9, 0.8, 0.7], [0.1, 0.9, 0.8, 0.7]])
    logits = torch.arange(4.0).view(1, 4, 1, 1).expand(2, 4, SIDE, SIDE)
    all_four = MaskPrediction(logits, ious, torch.arange(4.0).view(1, 4, 1).expand(2, 4, 8), torch.zeros(2, 1))
    three = MaskPrediction(logits[:, 1:], ious[:, 1:], all_four.mask_tokens[:, 1:], all_four.object_score_logits)
    labels = torch.tensor([[BOX_START_LABEL, BOX_END_LABEL], [POSITIVE_LABEL, PADDING_LABEL]])
    given = with_single_when_clear(three, all_four, labels)
    assert given.low_res_logits[:, :, 0, 0].tolist() == [[0, 2, 3], [1, 2, 3]]
    assert given.mask_tokens[:, :, 0].tolist() == [[0, 2, 3], [1, 2, 3]]
    torch.testing.assert_close(given.iou_predictions, torch.tensor([[0.1, 0.8, 0.7], [0.9, 0.8, 0.7]]))
    points = torch.zeros(2, 2, 2), labels
    assert choose(given, points, AnswerConfig(single_when_clear=True)).tolist() == [0, 0]
    assert choose(given, points, AnswerConfig(single_when_clear=True, parts_first=True)).tolist() == [0, 1]
    assert with_single_when_clear(three, all_four, labels[1:].expand(2, -1)) is three
    clicks = torch.tensor([[POSITIVE_LABEL, NEGATIVE_LABEL]] * 2)
    assert with_single_when_clear(three, all_four, clicks).low_res_logits[:, 0, 0, 0].tolist() == [0, 0]


@pytest.mark.parametrize("closer_look", [True, False])
@pytest.mark.parametrize(
    "prompt", [{"box": (60, 50, 180, 160)}, {"points": [(100, 90), (150, 120)], "point_labels": [1, 0]}]
)
def test_best_of_three_for_a_clear_prompt_is_the_single_answer(embedded, closer_look, prompt):
    picture = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
    predictor = ImagePredictor(embedded, TrackingOptions(closer_look=closer_look))
    predictor.set_image(picture)
    one, three = (predictor.predict(**prompt, multimask=several) for several in (False, True))
    assert len(one.masks) == 1 and len(three.masks) == 3
    np.testing.assert_allclose(three.mask_logits[0], one.mask_logits[0], atol=1e-4)
    assert three.iou_predictions[0] == pytest.approx(float(one.iou_predictions[0]), abs=1e-4)


@pytest.mark.parametrize(
    "prompt", [{"points": [(150, 200), (90, 40)], "point_labels": [1, 0]}, {"box": (100, 120, 220, 260)}]
)
def test_mirrored_picture_has_the_mirrored_answer(embedded, prompt):
    picture = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    turned = {name: value for name, value in prompt.items() if name == "point_labels"}
    if "box" in prompt:
        x0, y0, x1, y1 = prompt["box"]
        turned["box"] = (383 - x1, y0, 383 - x0, y1)
    else:
        turned["points"] = [(383 - x, y) for x, y in prompt["points"]]
    differences = []
    for mirrored in (True, False):
        predictor = ImagePredictor(
            embedded, TrackingOptions(closer_look=False, answers=AnswerConfig(mirrored=mirrored))
        )
        logits = []
        for own, given in ((picture, prompt), (np.ascontiguousarray(picture[:, ::-1]), turned)):
            predictor.set_image(own)
            first = predictor.predict(**given, multimask=False)
            logits.append(predictor.predict(**given, multimask=False, low_res_logits=first.low_res_logits[0]))
        differences.append(np.abs(logits[0].mask_logits - logits[1].mask_logits[..., ::-1]).max())
    assert differences[0] < 1e-3 < 0.1 < differences[1]


def test_best_candidate_comes_first_and_is_what_a_clip_shows(embedded):
    picture = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
    options = TrackingOptions(closer_look=False, max_fill_area=0)
    predictor = ImagePredictor(embedded, options)
    predictor.set_image(picture)
    session = VideoPredictor(embedded, options).open([picture])
    for x, y in [(40, 40), (160, 120), (250, 60)]:
        found, shown = predictor.predict(points=[(x, y)]), session.add_prompt(0, x, points=[(x, y)])
        assert np.mean(found.masks[0] == shown.masks[x]) > 0.95  # frames are resized in another way
    session.close()
    results = [predictor.predict(points=[(x, y)]) for x in range(16, 320, 32) for y in range(16, 240, 32)]
    assert all((np.diff(found.iou_predictions[1:]) <= 0).all() for found in results)


def test_official_models_answer_as_published():
    assert all(config.answers == PUBLISHED_ANSWERS == AnswerConfig() for config in OFFICIAL_CONFIGS.values())
    assert EMBEDDED_CONFIG.answers.box_slope > 0


def test_answers_can_be_set(embedded, nano_network):
    assert TrackingOptions().answers_with(embedded) == EMBEDDED_CONFIG.answers
    assert TrackingOptions(answers=PUBLISHED_ANSWERS).answers_with(embedded) == PUBLISHED_ANSWERS
    assert TrackingOptions().answers_with(nano_network) == PUBLISHED_ANSWERS

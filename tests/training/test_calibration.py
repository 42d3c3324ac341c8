"""Scores are put on a line that makes them mean what they say, inside the heads that give them."""

import numpy as np
import pytest
import torch

from sam2_demo.network.mask_decoder import NUM_MASK_TOKENS
from sam2_demo.training import calibration
from sam2_demo.training.calibration import calibrate_scores, calibration_error
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker
from sam2_demo.training.score_record import ScoreRecord


def drawn_pairs(slope: float, offset: float, count: int = 4000) -> np.ndarray:
    """Logits, and what comes true as often as a line on them says."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, count)
    chances = 1 / (1 + np.exp(-(slope * logits + offset)))
    return np.stack([logits, rng.random(count) < chances], axis=1).astype(np.float32)


@pytest.fixture
def record_of(monkeypatch):
    """Lets the network be calibrated on given scores."""

    def use(record: ScoreRecord) -> None:
        monkeypatch.setattr(calibration, "_collect", lambda *_: record)

    return use


@pytest.mark.parametrize("line", [(0.5, 0.0), (1.0, -1.5), (2.0, 1.0)])
def test_the_line_by_which_scores_are_true_is_found(small_network, record_of, line):
    pairs = drawn_pairs(*line)
    record_of(ScoreRecord(single_iou=pairs, multi_iou=pairs[::-1], object_score=pairs))
    lines = calibrate_scores(small_network, [])
    for name in ("predicted IoU of single masks", "predicted IoU of the three"):
        assert lines[name] == pytest.approx(line, abs=0.15)
    assert calibration_error(pairs, *line) < 0.02 < 0.05 < calibration_error(pairs)
    assert lines["object score"][0] == pytest.approx(line[0], abs=0.15)


def test_heads_give_their_scores_on_the_line_and_nothing_else_changes(small_network, record_of):
    decoder = small_network.sam_mask_decoder
    tokens = torch.randn(5, small_network.config.hidden_dim)
    ious, scores = decoder.iou_prediction_head(tokens), decoder.pred_obj_score_head(tokens)
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    record_of(ScoreRecord(drawn_pairs(0.5, 1), drawn_pairs(2, -1), drawn_pairs(1.5, 0.5)))
    lines = list(calibrate_scores(small_network, []).values())
    expected = torch.cat([lines[0][0] * ious[:, :1] + lines[0][1], lines[1][0] * ious[:, 1:] + lines[1][1]], dim=1)
    torch.testing.assert_close(decoder.iou_prediction_head(tokens), expected)
    torch.testing.assert_close(decoder.pred_obj_score_head(tokens), lines[2][0] * scores + lines[2][1])
    changed = {name for name, value in small_network.state_dict().items() if not torch.equal(value, before[name])}
    heads = (decoder.iou_prediction_head, decoder.pred_obj_score_head)
    assert len(changed) == 4 and all(name.startswith("sam_mask_decoder.") for name in changed)
    assert [head.layers[-1].get_parameter("bias").shape[0] for head in heads] == [NUM_MASK_TOKENS, 1]


def test_hardly_any_visible_frame_falls_below_zero(small_network, record_of):
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(1, 1, 200), rng.normal(0.8, 1, 2000)])
    pairs = np.stack([logits, np.arange(2200) < 200], axis=1).astype(np.float32)  # mostly hidden
    record_of(ScoreRecord(object_score=pairs))
    slope, offset = calibrate_scores(small_network, [])["object score"]
    assert (slope * pairs[:200, 0] + offset <= 0).mean() == pytest.approx(0.025, abs=0.01)


def test_predicted_ious_may_stay_as_they_are(small_network, record_of):
    decoder = small_network.sam_mask_decoder
    before = decoder.iou_prediction_head.layers[-1].get_parameter("weight").clone()
    record_of(ScoreRecord(drawn_pairs(0.5, 1), drawn_pairs(2, -1), drawn_pairs(1.5, 0.5)))
    lines = list(calibrate_scores(small_network, [], with_ious=False).values())
    assert lines[:2] == [(1.0, 0.0)] * 2 and lines[2][0] == pytest.approx(1.5, abs=0.15)
    assert torch.equal(decoder.iou_prediction_head.layers[-1].get_parameter("weight"), before)


@pytest.mark.parametrize("lowest", [3.0, -3.0])
def test_where_nothing_was_hidden_only_zero_moves_and_only_down_the_scores(small_network, record_of, lowest):
    pairs = np.stack([np.full(50, lowest), np.ones(50)], axis=1).astype(np.float32)
    record_of(ScoreRecord(object_score=pairs))
    assert calibrate_scores(small_network, [])["object score"] == (1.0, min(0.0, -lowest))


def test_too_few_scores_and_none_change_nothing(small_network, record_of):
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    assert set(calibrate_scores(small_network, []).values()) == {(1.0, 0.0)}
    record_of(ScoreRecord(single_iou=drawn_pairs(2, 1, count=8), multi_iou=drawn_pairs(-2, 0)))
    assert set(calibrate_scores(small_network, []).values()) == {(1.0, 0.0)}
    assert all(torch.equal(value, before[name]) for name, value in small_network.state_dict().items())


def test_scores_come_of_clips_and_pictures(small_network, drawn_pictures):
    source = PictureBatchMaker(drawn_pictures, PictureAugmentation())
    clips = [ClipBatchMaker(source).make(number, 1, 2, 4, 64) for number in range(2)]
    record = calibration._collect(small_network, clips, [source.make(0, 3, 2, 64)])
    assert len(record.single_iou) == 3 * 1 * 2 + 3 * 1  # boxes twice, clicks once corrected
    assert len(record.multi_iou) >= 3 and 1 <= len(record.object_score) <= 2 * 2 * 3
    assert all(((own[:, 1] >= 0) & (own[:, 1] <= 1)).all() for own in record.parts)
    assert small_network.training

"""A network's scores are gathered beside the truth and summed up; baselines, which have none, stay without."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.evaluation import confidence, rows
from sam2_demo.evaluation.__main__ import main
from sam2_demo.evaluation.scoring import EVERY_FRAME, score_clip
from sam2_demo.masks.masklet import Masklet
from tests.evaluation.test_command_line import vos
from tests.evaluation.test_image_protocol import QuadrantPredictor
from tests.training.test_data import label_root  # noqa: F401 - a fixture


def test_pairs_of_a_clip_tell_seen_frames_from_hidden_ones(davis_root):
    clip = DavisClips(davis_root).clip("first")
    truth = clip.truth.masklets[1]
    given = {1: Masklet(1, truth.height, truth.width)}
    for frame in truth.frame_indices:
        given[1].set(frame, truth.mask(frame), 2.0 if frame < 6 else -2.0, 0.7)
    scores = {1: score_clip(clip, given | {2: clip.truth.masklets[2]}, EVERY_FRAME)[1]}
    pairs = confidence.of_clip(clip, given, scores)
    assert pairs["predicted_iou"] == [[pytest.approx(0.7), 1.0]] * 6
    probabilities = [guess for guess, _ in pairs["visible"]]
    assert probabilities == pytest.approx([1 / (1 + np.exp(-2))] * 6 + [1 / (1 + np.exp(2))] * 6)
    found = confidence.summarize([{"confidence": pairs}, {}])["reliability"]
    assert found["predicted_iou"]["error"] == pytest.approx(0.3)
    assert found["predicted_iou"]["counts"] == [0] * 7 + [6, 0, 0] and found["predicted_iou"]["actual"][0] is None
    assert "predicted iou 0.300" in confidence.notes({"mine": {"reliability": found}})[0]


def test_baselines_have_no_scores_of_their_own(davis_root, tmp_path):
    assert vos(davis_root, tmp_path / "out") == 0
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "reliability" not in result and confidence.notes({"flow": result}) == []


def test_networks_are_measured_on_clips(davis_root, color_tracker, tmp_path, monkeypatch):
    monkeypatch.setattr(rows.Model, "clip_predictor", lambda self: color_tracker)
    arguments = ["vos", "--data", str(davis_root), "--prompt", "mask", "--model", "embedded"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "results.json").read_text())["reliability"]
    # Two clips: ten frames of the first object, of the second those from frame 4 to the last but one.
    assert sum(found["visible"]["counts"]) == 2 * (10 + 7) and set(found) == {"predicted_iou", "visible"}
    assert "Expected calibration error of embedded" in (tmp_path / "out" / "report.html").read_text()


def test_networks_are_measured_on_pictures(label_root, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(rows.Model, "picture_predictor", lambda self: QuadrantPredictor())
    arguments = ["image", "--data", str(label_root), "--clicks", "1", "--box", "--model", "embedded"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert sum(result["reliability"]["predicted_iou"]["counts"]) == 2 * result["num_objects"] > 0

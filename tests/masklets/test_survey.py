"""The survey counts what `generate` would keep, and the presets fit their models."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sam2_demo.masklets.__main__ import main
from sam2_demo.masklets.options import MaskletOptions, preset
from sam2_demo.masklets.survey import IOU_STEPS, STABILITY_STEPS, as_table, count_masks
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator
from sam2_demo.tracking.video_predictor import VideoPredictor


def test_counts_are_those_of_everything_mode(nano_network, clip_frames):
    options = MaskletOptions(points_per_side=4, min_area=1)
    counts = count_masks(VideoPredictor(nano_network), clip_frames[:2], options)
    assert counts.shape == (len(IOU_STEPS), len(STABILITY_STEPS)) and counts[0, 0] >= 1
    for row, column in ((0, 0), (1, 2), (3, 1)):
        generator = AutomaticMaskGenerator(
            nano_network,
            points_per_side=4,
            pred_iou_thresh=IOU_STEPS[row],
            stability_score_thresh=STABILITY_STEPS[column],
        )
        expected = np.mean([len(generator.generate(frame)) for frame in clip_frames[:2]])
        assert counts[row, column] == expected
    lines = as_table(counts).splitlines()
    assert len(lines) == 1 + len(IOU_STEPS) and lines[0].endswith("0.95")


def test_small_masks_do_not_count(nano_network, clip_frames):
    too_large = MaskletOptions(points_per_side=2, min_area=48 * 80 + 1)
    assert count_masks(VideoPredictor(nano_network), clip_frames[:1], too_large).max() == 0


def test_presets_keep_all_but_the_thresholds():
    published, embedded = preset(is_embedded=False), preset(is_embedded=True)
    assert published == MaskletOptions() and embedded.points_per_side == published.points_per_side
    for name in ("pred_iou_thresh", "stability_thresh", "masklet_stability_thresh"):
        assert getattr(embedded, name) < getattr(published, name)


def test_the_command_surveys_without_writing(nano_network, clip_frames, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sam2_demo.weights.load_network", lambda source, **settings: nano_network)
    (tmp_path / "clip").mkdir()
    Image.fromarray(clip_frames[0]).save(tmp_path / "clip" / "0.png")
    assert main([str(tmp_path / "clip"), "--survey", "--points-per-side", "2"]) == 0
    shown = capsys.readouterr().out
    assert "mean of 1 first frames" in shown and "predicted IoU" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]

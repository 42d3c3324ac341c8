"""Rounds of clicks: which frames are clicked, offline and online, and what the curve holds."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.evaluation.__main__ import main
from sam2_demo.evaluation.interactive_protocol import InteractiveProtocol, interact, worst_frame
from sam2_demo.evaluation.memoryless import MemorylessPredictor
from sam2_demo.evaluation.rows import Model
from sam2_demo.evaluation.scoring import EVERY_FRAME, score_clip


@pytest.fixture
def clip(davis_root):
    clip = DavisClips(davis_root).clip("first")
    del clip.truth.masklets[2]
    return clip


def shift_on(bad: dict[int, int]):
    """Damage: the masks of these frames are shifted by so many pixels."""
    return lambda frame_index, mask: np.roll(mask, bad.get(frame_index, 0), axis=1)


def curve(clip, rounds) -> list[float]:
    return [score_clip(clip, masklets, EVERY_FRAME)[1].summary["J&F"] for masklets in rounds.masklets]


def test_offline_clicks_the_worst_frame_of_each_round(clip, color_tracker):
    color_tracker.damage = shift_on({3: 6, 5: 20, 9: 10})
    rounds = interact(color_tracker, clip, InteractiveProtocol("offline", frames=4))
    assert rounds.clicked[1] == [0, 5, 9, 3]
    values = curve(clip, rounds)
    assert values == sorted(values) and values[0] < values[1] < values[2] < values[3]
    assert len(color_tracker.sessions) == 1


def test_offline_stops_when_everything_is_right(clip, color_tracker):
    color_tracker.damage = shift_on({5: 20})
    rounds = interact(color_tracker, clip, InteractiveProtocol("offline", frames=8))
    values = curve(clip, rounds)
    assert len(values) == 8 and values[0] < values[1] and set(values[1:]) == {values[-1]}


def test_online_stops_below_the_threshold_in_order_of_time(clip, color_tracker):
    color_tracker.damage = shift_on({3: 1, 5: 20, 9: 10, 10: 10})
    rounds = interact(color_tracker, clip, InteractiveProtocol("online", frames=3))
    # Frame 3 is still above 0.75, frame 10 comes after the third frame is used up.
    assert rounds.clicked[1] == [0, 5, 9]
    assert len(color_tracker.sessions) == 3  # one pass for each budget
    values = curve(clip, rounds)
    assert values[0] < values[1] < values[2]


def test_online_stops_early_when_the_budget_is_not_used(clip, color_tracker):
    color_tracker.damage = shift_on({5: 20})
    rounds = interact(color_tracker, clip, InteractiveProtocol("online", frames=8))
    assert rounds.clicked[1] == [0, 5] and len(color_tracker.sessions) == 3
    assert len(curve(clip, rounds)) == 8


def test_each_object_has_its_own_clicks_and_starts_when_it_is_seen(davis_root, color_tracker):
    both = DavisClips(davis_root).clip("first")
    color_tracker.damage = shift_on({6: 25, 9: 25})
    rounds = interact(color_tracker, both, InteractiveProtocol("offline", frames=2))
    assert rounds.clicked[1][0] == 0 and rounds.clicked[2][0] == 4
    assert all(len(frames) == 2 for frames in rounds.clicked.values())
    assert all(rounds.masklets[-1][2].area(frame) == 0 for frame in range(4))


def test_the_worst_frame_shows_the_object_and_is_new(clip, color_tracker):
    rounds = interact(color_tracker, clip, InteractiveProtocol("offline", frames=1))
    prediction = rounds.masklets[0][1]
    empty = np.zeros((40, 60), bool)
    prediction.set(4, empty)
    prediction.set(7, empty)
    clip.truth.masklets[1].set(4, empty)
    prediction.set(4, ~empty)
    assert worst_frame(clip, prediction, [0]) == 7
    assert worst_frame(clip, prediction, [0, 7]) not in (4, 7)


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_the_real_session_takes_corrections(clip, nano_network, mode):
    from sam2_demo.tracking.video_predictor import VideoPredictor

    rounds = interact(VideoPredictor(nano_network), clip, InteractiveProtocol(mode, frames=2))
    assert 1 <= len(rounds.clicked[1]) <= 2
    assert rounds.masklets[0][1].frame_indices == rounds.masklets[1][1].frame_indices == list(range(12))
    assert rounds.masklets[0][1] != rounds.masklets[1][1]


def test_the_memoryless_row_goes_on_with_every_object_after_a_pause(davis_root, nano_network):
    both = DavisClips(davis_root).clip("first")
    truth = both.truth.masklets[2]
    truth.set(0, truth.mask(4))
    for frame in range(1, 12):
        truth.set(frame, np.zeros((40, 60), bool))  # so that the pass never stops for this object
    rounds = interact(MemorylessPredictor(nano_network), both, InteractiveProtocol("online", frames=2, threshold=0.99))
    assert {object_id: len(frames) for object_id, frames in rounds.clicked.items()} == {1: 2, 2: 1}
    assert all(rounds.masklets[1][object_id].frame_indices == list(range(12)) for object_id in (1, 2))


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_command_line(davis_root, tmp_path, color_tracker, monkeypatch, mode):
    color_tracker.damage = shift_on({6: 25})
    monkeypatch.setattr(Model, "clip_predictor", lambda self: color_tracker)
    out = tmp_path / "out"
    arguments = ["interactive", "--data", str(davis_root), "--mode", mode, "--frames", "3", "--out", str(out)]
    assert main(arguments) == 0
    result = json.loads((out / "results.json").read_text())
    assert len(result["curve"]) == 3 and result["curve"][0] < result["curve"][1]
    assert result["J&F"] == pytest.approx(np.mean(result["curve"])) and result["num_objects"] == 4
    assert set(result["per_sequence"]) == {"first", "second"}
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert len(rows) == 2 * 2 * 3 and rows[0]["clicked_frames"] == "1"
    assert (out / "plots" / "curve.png").is_file() and (out / "report.html").is_file()
    opened = len(color_tracker.sessions)
    assert main(arguments) == 0 and len(color_tracker.sessions) == opened  # everything was done before

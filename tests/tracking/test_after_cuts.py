"""Cuts: nothing recent is carried across, the object is looked for again, and what is not found is not guessed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from sam2_demo.errors import ConfigError
from sam2_demo.tracking.after_cuts import NOT_FOUND_SCORE, shot_of
from sam2_demo.tracking.appearance import Scene
from sam2_demo.tracking.direction import frames_in_order, within_shot
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

SIZE = (120, 160)
CUTS = [6, 12]


def ground(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(60, 200, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def disc(picture: np.ndarray, centre: tuple[int, int], colour: tuple[int, int, int]) -> np.ndarray:
    return cv2.circle(picture.copy(), centre, 18, colour, -1, cv2.LINE_AA)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """A red disc on one ground, another scene without it, and the red disc elsewhere on the first ground."""
    first, other = ground(1), ground(9)
    red, blue = (220, 20, 20), (20, 40, 230)
    return (
        [disc(first, (40 + 2 * t, 60), red) for t in range(6)]
        + [disc(other, (60 + t, 60), blue) for t in range(6)]
        + [disc(first, (115 - 2 * t, 70), red) for t in range(6)]
    )


def track(network, frames, at_cuts, **options):
    tracker = VideoPredictor(network, TrackingOptions(at_cuts=at_cuts, **options)).open(frames)
    tracker.add_prompt(0, 1, points=[(40, 60)])
    return tracker, {result.frame_index: result for result in tracker.propagate()}


def covers(mask: np.ndarray, centre: tuple[int, int]) -> float:
    truth = cv2.circle(np.zeros(SIZE, np.uint8), centre, 18, 1, -1) > 0
    return (mask & truth).sum() / (mask | truth).sum()


@pytest.mark.parametrize("rule", ["published", "distractor_aware", "tree"])
def test_the_object_is_found_again_and_not_guessed_between(embedded, frames, rule):
    tracker, results = track(embedded, frames, "look_again", memory_rule=rule)
    assert tracker.cuts == CUTS
    for t in range(6, 12):
        assert not results[t].masks[1].any() and results[t].object_score_logits[1] <= NOT_FOUND_SCORE
    for t in range(12, 18):
        assert covers(results[t].masks[1], (115 - 2 * (t - 12), 70)) > 0.7, t


def test_without_heeding_cuts_something_is_guessed(embedded, frames):
    """Or the test above would hold for a network that needs no help."""
    _, results = track(embedded, frames, "track_on")
    assert any(results[t].masks[1].any() for t in range(6, 12))


def test_lost_frames_are_no_memories(embedded, frames):
    tracker, _ = track(embedded, frames, "look_again")
    own = tracker._tracks[1]
    notes = {t: own.records.get(t).note for t in range(6, 12)}
    assert all(note.is_lost for note in notes.values())
    assert not any(t in own.bank.recent for t in notes)
    assert next(own.past(12, 18, backward=False).tracked())[0] == 5


def test_tracking_stops_at_a_cut(embedded, frames):
    _, results = track(embedded, frames, "stop")
    assert list(results) == list(range(6))


def test_a_prompt_in_a_shot_is_believed(embedded, frames):
    tracker = VideoPredictor(embedded, TrackingOptions(at_cuts="look_again")).open(frames)
    tracker.add_prompt(0, 1, points=[(40, 60)])
    tracker.add_prompt(6, 1, points=[(60, 60)])  # the blue disc
    results = {result.frame_index: result for result in tracker.propagate()}
    assert all(covers(results[t].masks[1], (60 + t - 6, 60)) > 0.7 for t in range(6, 12))


def test_going_on_after_a_restart_goes_on_looking(embedded, frames):
    tracker, whole = track(embedded, frames, "look_again")
    saved = [tracker.save_frame(1, t) for t in range(9)]
    again = VideoPredictor(embedded, TrackingOptions(at_cuts="look_again")).open(frames)
    again.restore_object(1, {0: {"points": [(40, 60)]}}, saved)
    for result in again.propagate(start_frame_index=9):
        t = result.frame_index
        assert result.masks[1].any() == whole[t].masks[1].any()
        assert not whole[t].masks[1].any() or covers(result.masks[1], (115 - 2 * (t - 12), 70)) > 0.7


def test_cuts_may_be_given(embedded, frames):
    tracker = VideoPredictor(embedded, TrackingOptions(at_cuts="stop")).open(frames)
    tracker.cuts = [4, 2]
    assert tracker.cuts == [2, 4]
    tracker.add_prompt(3, 1, points=[(46, 60)])
    assert [result.frame_index for result in tracker.propagate(direction="both")] == [3, 2]


def test_shots_and_plans():
    assert [shot_of(t, [3, 5], 9) for t in (0, 3, 4, 8)] == [range(3), range(3, 5), range(3, 5), range(5, 9)]
    plan = frames_in_order(5, None, "both", 20)
    assert within_shot(plan, range(4, 8)) == [(range(5, 8), False), (range(4, 3, -1), True)]
    assert within_shot(plan, range(5, 8)) == [(range(5, 8), False)]
    with pytest.raises(ConfigError, match="track_on, look_again, stop"):
        TrackingOptions(at_cuts="jump")


@torch.inference_mode()
def test_likeness_is_of_colours_and_features(embedded, frames):
    view = VideoPredictor(embedded).open(frames)._view
    side = embedded.config.low_res_size

    def seen(t, centre):
        mask = cv2.circle(np.zeros(SIZE, np.uint8), centre, 18, 1, -1).astype(np.float32)
        logits = torch.from_numpy(cv2.resize(mask, (side, side))) - 0.5
        return Scene(frames[t], view.encode(t), side).appearance(logits)

    red, again, blue = seen(0, (40, 60)), seen(14, (111, 70)), seen(8, (62, 60))
    assert red.likeness(red) == pytest.approx(1, abs=1e-4)
    assert red.likeness(again) > 0.8 > 0.3 > red.likeness(blue)
    assert Scene(frames[0], view.encode(0), side).appearance(torch.full((side, side), -1.0)) is None

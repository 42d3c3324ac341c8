"""Prompts on first frames, objects that come later, overlaps; with a predictor that goes by colour."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.errors import PromptError
from sam2_demo.evaluation.scoring import DAVIS_RULES, score_clip
from sam2_demo.evaluation.video_protocol import PROMPTS, keep_highest, track_clip


@pytest.fixture
def clip(davis_root):
    return DavisClips(davis_root).clip("first")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_prompt_tracks_both_objects(clip, color_tracker, prompt):
    masklets = track_clip(color_tracker, clip, prompt, exclusive=True)
    assert masklets[1].frame_indices == masklets[2].frame_indices == list(range(12))
    scores = score_clip(clip, masklets, DAVIS_RULES)
    assert min(own.summary["J"] for own in scores.values()) > 0.9


def test_objects_that_appear_later_are_tracked_apart_and_from_their_first_frame(clip, color_tracker):
    masklets = track_clip(color_tracker, clip, "mask", exclusive=True)
    first, second = color_tracker.sessions
    assert [(asked[0], asked[1]) for asked in first.asked] == [(0, 1)]
    assert [(asked[0], asked[1]) for asked in second.asked] == [(4, 2)]
    assert all(masklets[2].area(frame) == 0 for frame in range(4)) and masklets[2].area(4) > 0
    assert first.closed and second.closed


def test_an_object_that_is_never_seen_is_predicted_empty(clip, color_tracker):
    clip.truth.masklet(9).set(0, np.zeros((40, 60), bool))
    masklets = track_clip(color_tracker, clip, "box", exclusive=False)
    assert len(masklets[9]) == 12 and not any(masklets[9].area(frame) for frame in masklets[9])


def test_clicks_stop_when_the_mask_is_right_and_later_ones_join(clip, color_tracker):
    color_tracker.damage = lambda frame_index, mask: np.roll(mask, 3, axis=1)
    track_clip(color_tracker, clip, "clicks5", exclusive=True)
    asked = color_tracker.sessions[0].asked
    assert [call[-1] for call in asked] == [True, False, False, *[False] * (len(asked) - 3)]
    assert asked[0][3] == [1] and 0 in [label for call in asked for label in call[3]]


def test_pixels_go_to_the_highest_logit():
    masks = {1: np.array([[True, True, False]]), 2: np.array([[True, True, True]]), 3: np.array([[True, False, False]])}
    logits = {1: np.array([[2.0, 1.0, -1]]), 2: np.array([[1.0, 3.0, 0.5]]), 3: np.array([[2.0, 9.0, 9]])}
    kept = keep_highest(masks, logits)
    assert kept[1].tolist() == [[True, False, False]]
    assert kept[2].tolist() == [[False, True, True]]
    assert kept[3].tolist() == [[False, False, False]]


def test_an_unknown_prompt_lists_those_there_are(clip, color_tracker):
    with pytest.raises(PromptError, match="'scribble'; accepted: click, clicks3"):
        track_clip(color_tracker, clip, "scribble", exclusive=True)


def test_the_real_session_gives_masklets_of_every_frame(clip, nano_network):
    from sam2_demo.tracking.video_predictor import VideoPredictor

    masklets = track_clip(VideoPredictor(nano_network), clip, "clicks3", exclusive=True)
    assert masklets[1].frame_indices == masklets[2].frame_indices == list(range(12))
    together = sum(masklet.mask(6).astype(int) for masklet in masklets.values())
    assert together.max() <= 1
    score_clip(clip, masklets, DAVIS_RULES)

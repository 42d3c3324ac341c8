"""Seen, unsure, gone: by the mask and its two scores, against thresholds that can be set."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_demo.errors import ConfigError, InputError
from sam2_demo.masks.frame_state import StateThresholds, frame_state
from sam2_demo.masks.masklet import Masklet


@pytest.fixture
def masklet() -> Masklet:
    made = Masklet(1, 4, 5)
    full, empty = np.ones((4, 5), bool), np.zeros((4, 5), bool)
    made.set(0, full, object_score_logits=6.0, iou_prediction=0.9)
    made.set(1, full, object_score_logits=6.0, iou_prediction=0.3)
    made.set(2, full, object_score_logits=-0.5, iou_prediction=0.9)  # another's claim, or a mask that was painted over
    made.set(3, empty, object_score_logits=6.0, iou_prediction=0.9)
    return made


def test_states_follow_mask_and_scores(masklet):
    assert [frame_state(masklet, frame) for frame in range(4)] == ["seen", "unsure", "unsure", "gone"]


def test_thresholds_can_be_set(masklet):
    easy, hard = StateThresholds(0.2, -1.0), StateThresholds(0.95, 0.0)
    assert [frame_state(masklet, frame, easy) for frame in range(4)] == ["seen", "seen", "seen", "gone"]
    assert [frame_state(masklet, frame, hard) for frame in range(4)] == ["unsure", "unsure", "unsure", "gone"]
    with pytest.raises(ConfigError, match="least_iou is 3"):
        StateThresholds(3)


def test_a_frame_without_a_mask_has_no_state(masklet):
    with pytest.raises(InputError):
        frame_state(masklet, 9)

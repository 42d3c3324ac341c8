"""Made clips of what trackers fail at: they hold what they promise, and the measure of right frames is one."""

from __future__ import annotations

import numpy as np
import pytest

from tools.memory_rules.situations import NUM_FRAMES, SITUATIONS, right_frames


@pytest.mark.parametrize("name", SITUATIONS)
def test_situations_are_what_they_are_called(name):
    clip, again = SITUATIONS[name](3), SITUATIONS[name](3)
    areas = clip.masks.sum(axis=(1, 2))
    assert len(clip.frames) == NUM_FRAMES and areas[0] > 100 and areas[-1] > 100
    assert np.array_equal(clip.masks, again.masks) and np.array_equal(clip.frames[7], again.frames[7])
    hidden = int((areas <= areas.max() / 50).sum())
    if name == "crossing twins":
        assert areas.min() < 0.7 * areas.max() and hidden < NUM_FRAMES / 4
    else:
        assert NUM_FRAMES / 5 <= hidden <= 0.85 * NUM_FRAMES


def test_right_frames_are_counted():
    truth = np.zeros((5, 10, 10), bool)
    truth[:3, 2:6, 2:6] = True
    found = truth.copy()
    assert right_frames(found, truth) == 1
    found[1] = np.roll(found[1], 4, axis=1)  # somewhere else
    found[4, 0:3, 0:3] = True  # guessed where it is hidden
    assert right_frames(found, truth) == 0.5
    found[0] = False  # the prompted frame does not count
    assert right_frames(found, truth) == 0.5

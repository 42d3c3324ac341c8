"""A correction in the middle of a strided run: what is prepared ahead follows it, and masks stay the same."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sam2_demo.tracking import clip_view
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.speed import frames_ahead
from sam2_demo.tracking.speed.frames_ahead import FramesAhead
from sam2_demo.tracking.video_predictor import VideoPredictor


@pytest.fixture
def two_threads(set_threads):
    set_threads(2)


def corrected_run(network, frames):
    """Masks of a run over every second frame; with frame 4 known, frame 7 is prompted, which makes it go on at 9."""
    session = VideoPredictor(network, TrackingOptions(frame_stride=2, closer_look=False)).open(frames)
    session.add_prompt(0, 1, points=[(15, 24)])
    masks = {}
    for result in session.propagate():
        masks[result.frame_index] = result.masks[1]
        if result.frame_index == 4:
            session.add_prompt(7, 1, points=[(29, 24)])
    return masks


def test_what_is_ahead_follows_a_correction(two_threads, nano_network, clip_frames, monkeypatch):
    with monkeypatch.context() as apart:
        apart.setattr(frames_ahead, "halves_for", lambda network: None)
        expected = corrected_run(nano_network, clip_frames[:17])
    encoded: list[bool] = []
    beside: dict[int, bool] = {}
    encode, take = clip_view.encode_image, FramesAhead.take

    def noting_encode(*given):
        encoded.append(threading.current_thread().name.startswith("half"))
        return encode(*given)

    def noting_take(self, frame_index):
        embedding = take(self, frame_index)
        beside[frame_index] = self.is_encoding()
        return embedding

    monkeypatch.setattr(clip_view, "encode_image", noting_encode)
    monkeypatch.setattr(FramesAhead, "take", noting_take)
    found = corrected_run(nano_network, clip_frames[:17])
    assert list(found) == list(expected) == list(range(17))
    assert all((found[frame] == expected[frame]).all() for frame in expected)
    # Here: 0 and 7 for the prompts, 2 as the first one tracked and 9 as the first one of the new order. Beside: 4, 6,
    # 11, 13, 15 and 16, and 8, which was begun before the prompt.
    assert beside == {2: True, 4: True, 6: True, 9: True, 11: True, 13: True, 15: True, 16: False}
    assert encoded.count(False) == 4 and encoded.count(True) == 7


def test_nothing_is_encoding_once_the_next_frame_came_from_elsewhere(two_threads, nano_network, clip_frames):
    session = VideoPredictor(nano_network, TrackingOptions(closer_look=False)).open(clip_frames)
    view = session._view
    with FramesAhead(view, range(6)) as ahead:
        ahead.take(0)
        assert ahead.is_encoding()
        done = []
        ahead.do_beside(lambda: done.append(0))
        assert done and not ahead.is_encoding()
        embedding = ahead.take(3)
        assert ahead.is_encoding()
        np.testing.assert_allclose(embedding.features, view.encode(3).features, atol=1e-4)
    assert not ahead.is_encoding()

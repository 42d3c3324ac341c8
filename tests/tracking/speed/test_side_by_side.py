"""One object of a small network is tracked beside the encoding of the next frame: same masks, half the threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from sam2_demo.network.config import OFFICIAL_CONFIGS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking import clip_view, followed_objects
from sam2_demo.tracking.speed import frames_ahead
from sam2_demo.tracking.speed.side_by_side import halves_for
from sam2_demo.tracking.video_predictor import VideoPredictor


@pytest.fixture
def four_threads(set_threads):
    set_threads(4)


def threads_of_a_new_thread() -> int:
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_halves_have_half_the_threads_and_nobody_else_has(four_threads, nano_network):
    halves = halves_for(nano_network)
    assert [halves.submit(torch.get_num_threads).result() for _ in range(4)] == [2, 2, 2, 2]
    assert torch.get_num_threads() == 4 and threads_of_a_new_thread() == 4
    assert halves_for(nano_network) is halves


def test_the_number_of_all_threads_to_come_is_taken_back_after_each_half(four_threads, nano_network, monkeypatch):
    set_to = torch.set_num_threads
    set_to(6)  # halves that no other test has made
    seen: list[tuple[str, int]] = []

    def noting(number):
        seen.append((threading.current_thread().name.split("_")[0], number))
        set_to(number)

    monkeypatch.setattr(torch, "set_num_threads", noting)
    halves = halves_for(nano_network)
    assert [number for _, number in seen] == [3, 6, 3, 6]
    assert [name == "half" for name, _ in seen] == [True, False, True, False]
    assert [halves.submit(torch.get_num_threads).result() for _ in range(4)] == [3] * 4


def test_no_halves_of_one_thread_of_compiled_and_of_large_networks(four_threads, nano_network):
    with torch.device("meta"):
        large = Sam2Network(OFFICIAL_CONFIGS["sam2.1-hiera-tiny"])
    large.__class__ = type("OnCpu", (Sam2Network,), {"device": torch.device("cpu")})
    assert halves_for(large) is None
    nano_network.compiled = True
    try:
        assert halves_for(nano_network) is None
    finally:
        nano_network.compiled = False
    torch.set_num_threads(1)
    assert halves_for(nano_network) is None


def tracked(network, frames, num_objects):
    session = VideoPredictor(network).open(frames)
    for index in range(num_objects):
        session.add_prompt(0, index + 1, points=[(15 + 20 * index, 24)])
    return [result.mask_logits for result in session.propagate()]


@pytest.mark.parametrize("num_objects", [1, 3])
def test_same_masks(four_threads, nano_network, clip_frames, monkeypatch, num_objects):
    seen: dict[str, list[str]] = {"encode": [], "track": []}

    def noting(kind, work):
        def noted(*given, **named):
            seen[kind].append("half" if threading.current_thread().name.startswith("half") else "main")
            return work(*given, **named)

        return noted

    with monkeypatch.context() as apart:
        apart.setattr(frames_ahead, "halves_for", lambda network: None)
        expected = tracked(nano_network, clip_frames[:6], num_objects)
    monkeypatch.setattr(clip_view, "encode_image", noting("encode", clip_view.encode_image))
    monkeypatch.setattr(followed_objects, "frame_step", noting("track", followed_objects.frame_step))
    found = tracked(nano_network, clip_frames[:6], num_objects)
    for one, other in zip(found, expected, strict=True):
        for object_id, logits in other.items():
            np.testing.assert_allclose(one[object_id], logits, atol=1e-4)
    # Frame 0 is encoded for the prompt and frame 1 by the first step; beside the last frame there is nothing to encode.
    assert seen["encode"] == ["main"] * 2 + ["half"] * 4
    beside, alone = ["half"] + ["main"] * (num_objects > 1), ["main"]
    assert seen["track"] == beside * 4 + alone


def test_leaving_early_leaves_nothing_behind(four_threads, nano_network, clip_frames):
    session = VideoPredictor(nano_network).open(clip_frames)
    session.add_prompt(0, 1, points=[(15, 24)])
    run = session.propagate()
    for _ in range(3):
        next(run)
    run.close()
    session.close()
    assert halves_for(nano_network).submit(lambda: "free").result(timeout=10) == "free"


def test_an_error_in_the_next_frame_comes_with_it(four_threads, nano_network, clip_frames, monkeypatch):
    session = VideoPredictor(nano_network).open(clip_frames[:6])
    session.add_prompt(0, 1, points=[(15, 24)])
    read = session.frames.read

    def damaged(index):
        if index == 3:
            raise ValueError("frame 3 is damaged")
        return read(index)

    monkeypatch.setattr(session.frames, "read", damaged)
    run = session.propagate()
    assert [next(run).frame_index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="frame 3"):
        next(run)

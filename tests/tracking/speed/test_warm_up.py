"""Compiling ahead: the same masks, progress in words, and the uncompiled network where it fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sam2_demo.network import inference
from sam2_demo.tracking.speed.warm_up import warm_up
from sam2_demo.tracking.video_predictor import VideoPredictor
from tests.conftest import NANO_CONFIG, lively_network


@pytest.fixture
def network(monkeypatch):
    torch._dynamo.reset()
    monkeypatch.setattr(inference, "_COMPILER", "eager")  # captures the graphs; needs no C++ compiler
    monkeypatch.setitem(inference._COMPILED_PARTS, "cpu", inference._COMPILED_PARTS["cuda"])
    yield lively_network(NANO_CONFIG, seed=2)
    torch._dynamo.reset()


def track(network, clip_frames):
    session = VideoPredictor(network).open(clip_frames[:6])
    for object_id in (1, 2):
        session.add_prompt(0, object_id, points=[(15 * object_id, 24)])
    return [result.mask_logits[2] for result in session.propagate()]


def test_compiled_network_gives_the_same_masks(network, clip_frames):
    plain = track(network, clip_frames)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    network.compiled = True
    steps = []
    assert warm_up(network, lambda step, share: steps.append((step, share))) == ""
    assert [step for step, _ in steps] == [
        "Compiling: a click",
        "Compiling: tracking, 1 at once",
        "Compiling: tracking, 3 at once",
    ]
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    stats = torch._dynamo.utils.counters["stats"]
    graphs = stats["unique_graphs"]
    assert graphs > before
    np.testing.assert_allclose(track(network, clip_frames), plain, atol=1e-4)
    assert stats["unique_graphs"] == graphs  # nothing was left to compile
    assert network.compiled


def test_network_that_cannot_be_compiled_runs_uncompiled(network, clip_frames, monkeypatch):
    plain = track(network, clip_frames)

    def fail(self, *_args, **_options):
        raise RuntimeError("Cannot find a working triton installation")

    monkeypatch.setattr(nn.Module, "compile", fail)
    network.compiled = True
    assert "RuntimeError" in warm_up(network, lambda step, share: None)
    assert not network.compiled
    np.testing.assert_array_equal(track(network, clip_frames), plain)

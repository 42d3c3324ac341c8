"""What a session holds in memory stops growing after the first hundred frames, whatever the clip's length."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from sam2_demo import TrackingOptions, VideoPredictor
from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.tracking import clip_tracker
from sam2_demo.tracking.embedding_cache import EmbeddingCache


class MadeFrames(Sequence):
    """A long clip that is never in memory."""

    def __init__(self, clip_frames, length):
        self.clip_frames, self.length = clip_frames, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return self.clip_frames[index % len(self.clip_frames)]


def tensor_bytes() -> int:
    gc.collect()
    storages = {}
    for thing in gc.get_objects():
        # By exact type: what a test that compiled left behind (FakeTensor) has no storage.
        if type(thing) in (torch.Tensor, torch.nn.Parameter) and thing.device.type == "cpu":
            storage = thing.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


def test_tensors_do_not_grow_with_the_clip(nano_network, clip_frames):
    options = TrackingOptions(recent_memories=16, embedding_cache_bytes=2**19)
    session = VideoPredictor(nano_network, options).open(MadeFrames(clip_frames, 160))
    for object_id in (1, 2):
        session.add_prompt(0, object_id, points=[(15, 24)])
    held = {}
    for result in session.propagate():
        if result.frame_index in (60, 110, 159):
            held[result.frame_index] = tensor_bytes()
    assert held[110] <= 1.02 * held[60] and held[159] <= 1.02 * held[60], held
    assert len(session.masklets[1]) == 160
    session.close()


def test_the_cache_is_bounded_by_number_and_bytes():
    def embedding(size: int) -> ImageEmbedding:
        part = torch.zeros(size, dtype=torch.uint8)
        return ImageEmbedding(part, (part, part))

    small = EmbeddingCache(max_bytes=10_000, max_entries=5)
    for index in range(20):
        small.get(index, lambda: embedding(10))
    assert [index for index in range(20) if index in small] == [15, 16, 17, 18, 19]
    large = EmbeddingCache(max_bytes=1000)
    for index in range(20):
        large.get(index, lambda: embedding(100))
    assert [index for index in range(20) if index in large] == [17, 18, 19]


def test_clips_share_one_bound(nano_network, clip_frames):
    predictor = VideoPredictor(nano_network)
    sessions = [predictor.open(clip_frames) for _ in range(2)]
    for session in sessions:
        session.add_prompt(0, 1, points=[(15, 24)])
    one = predictor._embeddings._bytes // 2
    assert one > 0
    predictor._embeddings.max_bytes = 5 * one
    for session in sessions:
        assert len(list(session.propagate())) == len(clip_frames)
    assert predictor._embeddings._bytes == 5 * one
    sessions[1].close()
    assert predictor._embeddings._bytes == 0  # the last five were its own
    assert len(list(sessions[0].propagate())) == len(clip_frames)


def test_open_reads_frames_on_demand(nano_network, clip_frames):
    session = VideoPredictor(nano_network).open(MadeFrames(clip_frames, 10_000))
    assert session.num_frames == 10_000
    assert session.add_prompt(9_999, 1, points=[(15, 24)]).masks[1].shape == np.shape(clip_frames[0])[:2]


@pytest.mark.parametrize(("stride", "first", "times"), [(1, 0, 2), (2, 1, 1)])
def test_freed_memory_is_given_back_now_and_then(nano_network, clip_frames, monkeypatch, stride, first, times):
    given_back = []
    monkeypatch.setattr(clip_tracker, "_FRAMES_BETWEEN_TRIMS", 10)
    monkeypatch.setattr(clip_tracker, "give_back_memory", lambda: given_back.append(1))
    session = VideoPredictor(nano_network, TrackingOptions(frame_stride=stride)).open(clip_frames)
    session.add_prompt(first, 1, points=[(15, 24)])
    assert len(list(session.propagate())) == 24 - first and len(given_back) == times


def test_a_closed_session_ends_its_runs(nano_network, clip_frames):
    session = VideoPredictor(nano_network).open(clip_frames)
    session.add_prompt(0, 1, points=[(15, 24)])
    steps = session.propagate()
    next(steps)
    session.close()
    assert list(steps) == []

"""Frames are prepared one ahead, each once, also where the order changes; errors come where the frame is taken."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import wait

import pytest
import torch

from sam2_demo.errors import MediaError
from sam2_demo.tracking.speed import frames_ahead
from sam2_demo.tracking.speed.frames_ahead import Prefetch


def test_each_frame_is_prepared_once_and_the_next_one_in_a_thread():
    prepared: dict[int, str] = {}

    def prepare(index: int) -> torch.Tensor:
        assert index not in prepared
        prepared[index] = threading.current_thread().name
        return torch.tensor(index)

    with Prefetch(prepare, [3, 4, 5], lambda index: False) as ahead:
        assert [int(ahead.take(index)) for index in (3, 4, 5)] == [3, 4, 5]
    assert prepared[3] == threading.current_thread().name
    assert prepared[4].startswith("prefetch") and prepared[5].startswith("prefetch")


def test_no_more_than_one_frame_ahead_and_none_that_is_known():
    prepared: list[int] = []
    with Prefetch(lambda i: prepared.append(i) or torch.tensor(i), [0, 1, 2, 3], lambda i: i == 3) as ahead:
        ahead.take(0)
    assert sorted(prepared) in ([0], [0, 1])
    with Prefetch(lambda i: prepared.append(i) or torch.tensor(i), [2, 3], lambda i: i == 3) as ahead:
        ahead.take(2)
    assert 3 not in prepared


def test_frames_out_of_order_are_right():
    with Prefetch(torch.tensor, [0, 1, 2], lambda index: False) as ahead:
        assert [int(ahead.take(index)) for index in (0, 2, 1, 0)] == [0, 2, 1, 0]


def test_frames_before_the_one_in_the_making_leave_it_alone():
    prepared: list[int] = []
    with Prefetch(lambda i: prepared.append(i) or i, [5, 6, 7, 8], lambda index: False) as ahead:
        assert [ahead.take(index) for index in (5, 2, 5, 6)] == [5, 2, 5, 6]  # memories made anew of 2 and 5
        assert ahead.take(8) == 8 and not ahead.is_ahead  # 7 came from elsewhere
    assert sorted(prepared) in ([2, 5, 5, 6, 7, 8], [2, 5, 5, 6, 8])


def test_errors_come_with_their_frame():
    def prepare(index: int) -> torch.Tensor:
        if index == 1:
            raise MediaError("frame 1 cannot be decoded")
        return torch.tensor(index)

    with Prefetch(prepare, [0, 1, 2], lambda index: False) as ahead:
        assert int(ahead.take(0)) == 0
        with pytest.raises(MediaError, match="frame 1"):
            ahead.take(1)
        assert int(ahead.take(2)) == 2


@pytest.mark.parametrize(
    ("order", "asked", "out_of_order"),
    [
        ([0, 2, 4, 6, 8, 9], [0, 2, 5, 7, 9], 5),
        ([0, 2, 4, 6, 8, 9], [0, 2, 3, 5, 7, 9], 3),
        ([9, 7, 5, 3, 1, 0], [9, 7, 6, 4, 2, 0], 6),
        ([4, 6, 8, 9, 3, 1, 0], [4, 5, 7, 9, 3, 1, 0], 5),
        ([4, 6, 8, 9, 3, 1, 0], [4, 6, 8, 9, 2, 0], 2),
        ([0, 4, 8, 9], [0, 3, 7, 9], 3),
    ],
)
def test_an_order_that_shifts_is_followed(order, asked, out_of_order):
    prepared: dict[int, str] = {}

    def prepare(index: int) -> int:
        prepared[index] = threading.current_thread().name
        return index

    with Prefetch(prepare, order, lambda index: False) as ahead:
        for index in asked:
            assert ahead.take(index) == index
            ahead.wait()
    here = threading.current_thread().name
    assert [index for index in asked if prepared[index] == here] == [asked[0], out_of_order]
    assert len(prepared) == len(asked) + 1  # nothing in vain but what was begun before the shift


def test_a_passed_frame_begins_nothing():
    prepared: list[int] = []
    with Prefetch(lambda i: prepared.append(i) or i, [0, 1, 2, 3, 4], lambda index: index == 4) as ahead:
        assert [ahead.take(index) for index in (0, 1, 2, 3, 1)] == [0, 1, 2, 3, 1]  # a memory made anew of 1
        assert not ahead.is_ahead
    assert prepared == [0, 1, 2, 3, 1]


def test_ahead_until_waited_for():
    with Prefetch(lambda index: index, [0, 1, 2], lambda index: False) as ahead:
        assert not ahead.is_ahead
        ahead.take(0)
        assert ahead.is_ahead
        ahead.wait()
        assert not ahead.is_ahead
        assert ahead.take(1) == 1 and ahead.is_ahead
        assert ahead.take(2) == 2 and not ahead.is_ahead


@pytest.fixture
def waited(monkeypatch):
    """Who waited for a frame, which is not for ever here; garbage is collected only where a test says so."""
    seen: list[str] = []

    def noting(futures):
        seen.append(threading.current_thread().name)
        return wait(futures, timeout=2)

    monkeypatch.setattr(frames_ahead, "wait", noting)
    gc.disable()
    yield seen
    gc.enable()


def abandon_a_run(prepare) -> None:
    """Leave a run behind its first frame, in a circle of references that only the garbage collector opens."""

    def run():
        with Prefetch(prepare, [0, 1], lambda index: False) as ahead:
            yield ahead.take(0)

    circle: list[object] = [run()]
    circle.append(circle)
    next(circle[0])


def test_an_abandoned_run_may_end_in_the_thread_that_prepares(waited):
    is_abandoned, is_done = threading.Event(), threading.Event()

    def prepare(index: int) -> int:
        if index == 1:
            is_abandoned.wait(5)
            gc.collect()
            is_done.set()
        return index

    abandon_a_run(prepare)
    is_abandoned.set()
    assert is_done.wait(10) and waited == []


def test_an_abandoned_run_may_end_in_a_thread_that_holds_the_clip(waited):
    clip, has_begun, had_clip = threading.Lock(), threading.Event(), []

    def prepare(index: int) -> int:
        if index == 1:
            has_begun.set()
            had_clip.append(clip.acquire(timeout=4))
        return index

    with clip:
        abandon_a_run(prepare)
        assert has_begun.wait(5)
        gc.collect()
        assert waited == had_clip == []

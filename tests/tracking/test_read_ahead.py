"""Frames are prepared one ahead, each once, and errors come where the frame is taken."""

from __future__ import annotations

import threading

import pytest
import torch

from sam2_demo.errors import MediaError
from sam2_demo.tracking.read_ahead import ReadAhead


def test_each_frame_is_prepared_once_and_the_next_one_in_a_thread():
    prepared: dict[int, str] = {}

    def prepare(index: int) -> torch.Tensor:
        assert index not in prepared
        prepared[index] = threading.current_thread().name
        return torch.tensor(index)

    with ReadAhead(prepare, [3, 4, 5], lambda index: False) as ahead:
        assert [int(ahead.take(index)) for index in (3, 4, 5)] == [3, 4, 5]
    assert prepared[3] == threading.current_thread().name
    assert prepared[4].startswith("read-ahead") and prepared[5].startswith("read-ahead")


def test_no_more_than_one_frame_ahead_and_none_that_is_known():
    prepared: list[int] = []
    with ReadAhead(lambda i: prepared.append(i) or torch.tensor(i), [0, 1, 2, 3], lambda i: i == 3) as ahead:
        ahead.take(0)
    assert sorted(prepared) in ([0], [0, 1])
    with ReadAhead(lambda i: prepared.append(i) or torch.tensor(i), [2, 3], lambda i: i == 3) as ahead:
        ahead.take(2)
    assert 3 not in prepared


def test_frames_out_of_order_are_right():
    with ReadAhead(torch.tensor, [0, 1, 2], lambda index: False) as ahead:
        assert [int(ahead.take(index)) for index in (0, 2, 1, 0)] == [0, 2, 1, 0]


def test_frames_before_the_one_in_the_making_leave_it_alone():
    prepared: list[int] = []
    with ReadAhead(lambda i: prepared.append(i) or i, [5, 6, 7, 8], lambda index: False) as ahead:
        assert [ahead.take(index) for index in (5, 2, 5, 6)] == [5, 2, 5, 6]  # memories made anew of 2 and 5
        assert ahead.take(8) == 8 and not ahead.is_ahead  # 7 came from elsewhere
    assert sorted(prepared) in ([2, 5, 5, 6, 7, 8], [2, 5, 5, 6, 8])


def test_errors_come_with_their_frame():
    def prepare(index: int) -> torch.Tensor:
        if index == 1:
            raise MediaError("frame 1 cannot be decoded")
        return torch.tensor(index)

    with ReadAhead(prepare, [0, 1, 2], lambda index: False) as ahead:
        assert int(ahead.take(0)) == 0
        with pytest.raises(MediaError, match="frame 1"):
            ahead.take(1)
        assert int(ahead.take(2)) == 2

"""What a frame attends to: conditioning frames always, recent memories and pointers by distance."""

from __future__ import annotations

import pytest
import torch

from sam2_demo.errors import ConfigError
from sam2_demo.tracking.memory_bank import FrameMemory, MemoryBank, stack_selections
from sam2_demo.tracking.options import FAST_MEMORY, MemoryLimits


def bank_of(conditioning, recent):
    bank = MemoryBank(capacity=64)
    for is_conditioning, frames in ((True, conditioning), (False, recent)):
        for t in frames:
            memory = FrameMemory(torch.full((1, 16, 4, 4), float(t)), torch.full((1, 32), float(t)))
            bank.remember(t, memory, is_conditioning)
    return bank


def slots(selection):
    return [(slot, int(features[0, 0, 0, 0])) for slot, features in selection.memories]


def distances(selection):
    return [(distance, int(pointer[0, 0])) for distance, pointer in selection.pointers]


def test_forward(nano_network):
    selection = bank_of([0, 30], range(1, 20)).select(nano_network, 20, 40, backward=False)
    assert slots(selection) == [(0, 0), (0, 30), (6, 14), (5, 15), (4, 16), (3, 17), (2, 18), (1, 19)]
    # Frame 30 is later: attended to as memory, but its pointer is not used.
    assert distances(selection) == [(20, 0), *((d, 20 - d) for d in range(1, 16))]


def test_backward_mirrors(nano_network):
    selection = bank_of([39, 9], range(20, 39)).select(nano_network, 19, 40, backward=True)
    assert slots(selection) == [(0, 39), (0, 9), (6, 25), (5, 24), (4, 23), (3, 22), (2, 21), (1, 20)]
    assert distances(selection) == [(20, 39), *((d, 19 + d) for d in range(1, 16))]


def test_a_conditioning_frame_is_not_also_recent(nano_network):
    selection = bank_of([0, 3], [1, 2, 4]).select(nano_network, 5, 40, backward=False)
    assert slots(selection) == [(0, 0), (0, 3), (4, 1), (3, 2), (1, 4)]
    assert distances(selection) == [(5, 0), (2, 3), (1, 4), (3, 2), (4, 1)]


def test_short_clips_have_fewer_pointers(nano_network):
    selection = bank_of([0], range(1, 7)).select(nano_network, 7, 8, backward=False)
    assert selection.longest_distance == 7
    assert len(selection.pointers) == 7


def test_capacity_drops_the_oldest():
    bank = MemoryBank(capacity=16)
    for t in range(20):
        bank.remember(t, FrameMemory(torch.zeros(1, 16, 4, 4), torch.zeros(1, 32)), is_conditioning=False)
    assert list(bank.recent) == list(range(4, 20))


def test_tokens_split_pointers_last(nano_network):
    bank = bank_of([0], [1])
    selection = bank.select(nano_network, 2, 40, backward=False)
    memory = stack_selections(nano_network, [selection, selection])
    assert memory.tokens.shape == (2, 2 * 16 + 2 * 2, 16) and memory.position.shape == (1, 2 * 16 + 2 * 2, 16)
    assert memory.num_pointer_tokens == 4


def test_objects_of_different_ages_are_stacked(nano_network):
    selections = [
        bank.select(nano_network, 20, 40, backward=False)
        for bank in (bank_of([0], range(1, 20)), bank_of([2], [*range(3, 20)]))
    ]
    assert selections[0].shape == selections[1].shape and distances(selections[0]) != distances(selections[1])
    together = stack_selections(nano_network, selections)
    for row, selection in enumerate(selections):
        alone = stack_selections(nano_network, [selection])
        torch.testing.assert_close(together.tokens[row : row + 1], alone.tokens)
        torch.testing.assert_close(together.position[row : row + 1], alone.position)
    alike = stack_selections(nano_network, selections[:1] * 2)
    assert alike.position.shape[0] == 1 and alike.tokens.shape[0] == 2


def test_fast_mode_attends_to_the_nearest(nano_network):
    bank = bank_of([0, 25, 30], range(1, 20))
    selection = bank.select(nano_network, 20, 40, backward=False, limits=FAST_MEMORY)
    assert slots(selection) == [(0, 25), (0, 30), (4, 16), (3, 17), (2, 18), (1, 19)]
    assert distances(selection) == distances(bank.select(nano_network, 20, 40, backward=False))


def test_impossible_limits_are_refused():
    with pytest.raises(ConfigError, match="conditioning 1 or more"):
        MemoryLimits(conditioning=0)

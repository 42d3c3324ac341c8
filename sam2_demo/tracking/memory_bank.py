"""What one object remembers: conditioning frames, recent memories, object pointers (SAM 2 section 4).

All conditioning frames are attended to, whenever they lie; of the other frames those that a memory rule names, as
published the six nearest behind the current one (in tracking direction) and up to fifteen object pointers.
Conditioning frames share one temporal slot, recent memories each have their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from sam2_demo.network.object_pointer import split_pointers
from sam2_demo.network.outputs import MemoryTokens
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.memory_rules.published import Published
from sam2_demo.tracking.memory_rules.rule import Limits, Past, Recollection
from sam2_demo.tracking.options import MemoryLimits


@dataclass(frozen=True)
class FrameMemory:
    """One frame's memory of one object, of P = 1 or, under a rule that follows several readings, more pathways.

    features: (P, memory_dim, h, w), or (P, memory_dim, N) latents; object_pointer: (P, C).
    """

    features: Tensor
    object_pointer: Tensor


@dataclass(frozen=True)
class MemorySelection:
    """What a frame attends to, in order; objects whose `shape` agrees can be computed as one batch.

    memories: (temporal slot, features), slot = frames behind the current one, 0 for conditioning frames
    (stored last in the table); pointers: (signed frame distance, pointer), positive for past frames.
    """

    memories: list[tuple[int, Tensor]]
    pointers: list[tuple[int, Tensor]]
    longest_distance: int

    @property
    def shape(self) -> tuple[object, ...]:
        """Slots and number of pointers: equal for selections that can be stacked."""
        return tuple(slot for slot, _ in self.memories), len(self.pointers), self.longest_distance


class Recall(Protocol):
    """Rebuilds what the bank no longer holds of a tracked frame; None where the frame never was tracked."""

    def recall_features(self, frame_index: int) -> Tensor | None:
        """Memory features (P, memory_dim, h, w)."""

    def recall_pointer(self, frame_index: int) -> Tensor | None:
        """Object pointers (P, C)."""


@dataclass
class MemoryBank:
    """Memories of one object by frame index; recent ones are bounded by `capacity`, older ones recalled.

    asked: the latest frame that attended to each of the others, noted where it is a dict: what nobody asks for any
    more may be forgotten.
    """

    capacity: int
    recall: Recall | None = None
    conditioning: dict[int, FrameMemory] = field(default_factory=dict)
    recent: dict[int, FrameMemory] = field(default_factory=dict)
    asked: dict[int, int] | None = None

    def remember(self, frame_index: int, memory: FrameMemory, is_conditioning: bool) -> None:
        """Store a frame's memory; a frame is either a conditioning or a recent one, never both."""
        self.forget(frame_index)
        if is_conditioning:
            self.conditioning[frame_index] = memory
            return
        self.recent[frame_index] = memory
        while len(self.recent) > self.capacity:
            del self.recent[next(iter(self.recent))]

    def forget(self, frame_index: int) -> None:
        """Drop a frame's memory if there is one."""
        self.conditioning.pop(frame_index, None)
        self.recent.pop(frame_index, None)

    def _note_asked(self, frame_index: int, by: int) -> None:
        if self.asked is not None:
            self.asked[frame_index] = by

    def _features(self, frame_index: int) -> Tensor | None:
        if frame_index in self.recent:
            return self.recent[frame_index].features
        return self.recall.recall_features(frame_index) if self.recall else None

    def _pointer(self, frame_index: int) -> Tensor | None:
        if frame_index in self.recent:
            return self.recent[frame_index].object_pointer
        return self.recall.recall_pointer(frame_index) if self.recall else None

    def select(
        self,
        network: Sam2Network,
        frame_index: int,
        num_frames: int,
        backward: bool,
        limits: MemoryLimits | None = None,
    ) -> MemorySelection:
        """What frame `frame_index` of a clip of `num_frames` attends to as published."""
        limits = limits or MemoryLimits()
        reach = recall_limits(network, num_frames, limits.recent)
        past = Past(
            frame_index, backward, num_frames, self.conditioning, lambda _: None, lambda _: None, range(num_frames)
        )
        recollection = Published().recall(past, 0, reach)
        return self.gather(frame_index, backward, recollection, reach.pointers, limits.conditioning)

    def gather(
        self,
        frame_index: int,
        backward: bool,
        recollection: Recollection,
        longest_distance: int,
        most_conditioning: int | None = None,
    ) -> MemorySelection:
        """What frame `frame_index` attends to when tracking in that direction: the conditioning frames (at most so
        many, the nearest) and what a memory rule recalls. longest_distance: the unit of the pointers' distances.
        """
        step = 1 if backward else -1
        nearest = sorted(self.conditioning, key=lambda t: abs(t - frame_index))[:most_conditioning]
        memories = [(0, memory.features) for t, memory in self.conditioning.items() if t in nearest]
        pointers = [
            (step * (t - frame_index), memory.object_pointer)
            for t, memory in self.conditioning.items()
            if step * (t - frame_index) >= 0
        ]
        as_anchors = [(0, frame) for frame in recollection.anchors]
        anchor_pointers = [(step * (frame - frame_index), frame) for frame in recollection.anchors]

        def of_path(frame: int, rows: Tensor) -> Tensor:
            path = recollection.path.get(frame, 0)
            return rows[path : path + 1]

        # Nearest last among the memories, nearest first among the pointers: the released code's order.
        for slot, frame in [*as_anchors, *recollection.recent]:
            if (features := self._features(frame)) is not None:
                weight = recollection.weights.get(frame)
                own = of_path(frame, features)
                self._note_asked(frame, frame_index)
                memories.append((slot, own if weight is None else own * weight))
        for distance, frame in [*anchor_pointers, *recollection.pointers]:
            if (pointer := self._pointer(frame)) is not None:
                pointers.append((distance, of_path(frame, pointer)))
                self._note_asked(frame, frame_index)
        return MemorySelection(memories, pointers, longest_distance)


def recall_limits(network: Sam2Network, num_frames: int, recent: int | None = None) -> Limits:
    """How much a rule may recall in a clip of `num_frames`; `recent`: at most so many recent memories."""
    config = network.config
    most_recent = config.num_memories - 1 if recent is None else min(recent, config.num_memories - 1)
    return Limits(most_recent, min(num_frames, config.max_object_pointers) - 1)


def stack_selections(network: Sam2Network, selections: Sequence[MemorySelection]) -> MemoryTokens:
    """Selections of B objects with equal shape -> tokens for memory attention, (B, N, memory_dim)."""
    first = selections[0]
    maps, codes = [], []
    for index, (slot, features) in enumerate(first.memories):
        stacked = torch.cat([selection.memories[index][1] for selection in selections])
        stacked = stacked.to(network.device)
        code = network.memory_position(features) + network.maskmem_tpos_enc[slot - 1, 0]
        maps.append(stacked.flatten(2).transpose(1, 2))  # (B, N, memory_dim)
        codes.append(code)
    num_pointer_tokens = 0
    if first.pointers:
        tokens, code = _stack_pointers(network, selections)
        num_pointer_tokens = tokens.shape[1]
        maps.append(tokens)
        codes.append(code)
    rows = max(code.shape[0] for code in codes)
    position = torch.cat([code.expand(rows, -1, -1) for code in codes], dim=1)
    return MemoryTokens(torch.cat(maps, dim=1), position, num_pointer_tokens)


def _stack_pointers(network: Sam2Network, selections: Sequence[MemorySelection]) -> tuple[Tensor, Tensor]:
    """Tokens (B, N, memory_dim) and their codes: one row where distances are the same for all objects."""
    first, memory_dim = selections[0], network.config.memory_dim
    pointers = torch.stack([torch.cat([pointer for _, pointer in selection.pointers]) for selection in selections]).to(
        network.device, first.memories[0][1].dtype
    )  # (B, P, C)
    rows = [[float(distance) for distance, _ in selection.pointers] for selection in selections]
    distances = torch.tensor(rows[:1] if all(row == rows[0] for row in rows) else rows, device=network.device)
    code = network.obj_ptr_tpos_proj(distances.flatten() / max(first.longest_distance, 1))
    code = code.unflatten(0, distances.shape)  # (1 or B, P, memory_dim)
    splits = pointers.shape[2] // memory_dim
    return split_pointers(pointers, memory_dim), code.repeat_interleave(splits, dim=1)

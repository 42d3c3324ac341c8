"""One tracked frame of many objects: each attends to what the memory rule recalls and takes what it decides.

Objects, and under some rules the readings of one object, whose memories have the same shape go through the network as
one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.after_cuts import SearchBehindCuts, is_lost_behind_cut, shot_of
from sam2_demo.tracking.clip_view import ClipView
from sam2_demo.tracking.frame_records import FrameRecord
from sam2_demo.tracking.frame_step import FrameOutput, FramePrompts, encode_memory, frame_step, take_candidates
from sam2_demo.tracking.memory_bank import FrameMemory, MemorySelection, recall_limits, stack_selections
from sam2_demo.tracking.memory_rules.catalogue import make_memory_rule
from sam2_demo.tracking.memory_rules.rule import Box, Decision, Past
from sam2_demo.tracking.object_track import ObjectTrack
from sam2_demo.tracking.options import TrackingOptions


@dataclass(eq=False)
class Reading:
    """One pathway of one object on the frame that is tracked; answer: a batch's output and which row of it."""

    owner: FollowedObject
    selection: MemorySelection
    answer: tuple[FrameOutput, int] | None = None


@dataclass(eq=False)
class FollowedObject:
    """An object on the frame that is tracked."""

    track: ObjectTrack
    past: Past
    readings: list[Reading] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        """Whether all readings have been."""
        return all(reading.answer is not None for reading in self.readings)


@dataclass(frozen=True, eq=False)
class Taken:
    """The answer of some objects: logits (N, 1, h, w), pointers (N, C), scores (N, 1), predicted IoUs (N,)."""

    low_res_logits: Tensor
    object_pointers: Tensor
    object_score_logits: Tensor
    iou_predictions: Tensor

    @classmethod
    def of(cls, output: FrameOutput, rows: slice = slice(None)) -> Taken:
        """Rows of an output."""
        return cls(
            output.low_res_logits[rows],
            output.object_pointers[rows],
            output.object_score_logits[rows],
            output.iou_predictions[rows],
        )

    @classmethod
    def together(cls, parts: Sequence[Taken]) -> Taken:
        """Several as one batch."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            torch.cat([part.low_res_logits for part in parts]),
            torch.cat([part.object_pointers for part in parts]),
            torch.cat([part.object_score_logits for part in parts]),
            torch.cat([part.iou_predictions for part in parts]),
        )

    def record(self, row: int) -> FrameRecord:
        """One row as a record."""
        return FrameRecord(
            low_res_logits=self.low_res_logits[row : row + 1],
            object_pointer=self.object_pointers[row : row + 1],
            object_score_logits=float(self.object_score_logits[row, 0]),
            iou_prediction=float(self.iou_predictions[row]),
        )


class ObjectFollower:
    """Tracks objects of one clip by one memory rule."""

    def __init__(self, network: Sam2Network, view: ClipView, num_frames: int, options: TrackingOptions) -> None:
        self.network = network
        self.rule = make_memory_rule(options.memory_rule)
        self.cuts: Sequence[int] = ()  # frames with which shots begin, where they are to be heeded
        self._search = SearchBehindCuts(network, view)
        self._view = view
        self._num_frames = num_frames
        self._most_conditioning = options.memory_limits.conditioning
        self._limits = recall_limits(network, num_frames, options.memory_limits.recent)

    def follow(self, track: ObjectTrack, frame_index: int, backward: bool) -> FollowedObject:
        """An object with what it attends to on a frame, one reading per pathway."""
        past = self._past(track, frame_index, backward)
        followed = FollowedObject(track, past)
        behind = past.neighbour() if self.rule.num_paths > 1 else None
        for path in range(len(behind[1]) if behind else 1):
            followed.readings.append(Reading(followed, self._select(followed, path)))
        return followed

    def select_again(self, track: ObjectTrack, frame_index: int, backward: bool) -> MemorySelection:
        """What an object attended to on a frame that was tracked."""
        followed = FollowedObject(track, self._past(track, frame_index, backward))
        record = track.records.get(frame_index)
        return self._select(followed, 0 if record is None else record.note.parent)

    def _past(self, track: ObjectTrack, frame_index: int, backward: bool) -> Past:
        shot = shot_of(frame_index, self.cuts, self._num_frames)
        return track.past(frame_index, self._num_frames, backward, shot)

    def _select(self, followed: FollowedObject, path: int) -> MemorySelection:
        past = followed.past
        recollection = self.rule.recall(past, path, self._limits)
        return followed.track.bank.gather(
            past.frame_index, past.backward, recollection, self._limits.pointers, self._most_conditioning
        )

    @torch.inference_mode()
    def step(self, embedding: ImageEmbedding, readings: Sequence[Reading]) -> None:
        """Decode readings whose memories have the same shape; objects that are answered then remember the frame."""
        memory = stack_selections(self.network, [reading.selection for reading in readings])
        output = frame_step(self.network, embedding.expand(len(readings)), FramePrompts(), memory, multimask=True)
        for row, reading in enumerate(readings):
            reading.answer = output, row
        owners = list(dict.fromkeys(reading.owner for reading in readings))
        answered = [owner for owner in owners if owner.is_answered]
        if answered:
            self._remember(embedding, answered)

    def _remember(self, embedding: ImageEmbedding, answered: Sequence[FollowedObject]) -> None:
        decisions = [self._decide(followed) for followed in answered]
        parts = [
            self._take(followed.readings[decision.path], decision.index)
            for followed, own in zip(answered, decisions, strict=True)
            for decision in own
        ]
        taken = Taken.together(parts)
        features = encode_memory(
            self.network,
            embedding.expand(len(taken.low_res_logits)),
            taken.low_res_logits,
            taken.object_score_logits,
            binarize=False,
        )
        start = 0
        for followed, own in zip(answered, decisions, strict=True):
            rows = range(start, start + len(own))
            start = rows.stop
            records = [replace(taken.record(row), note=d.note) for row, d in zip(rows, own, strict=True)]
            frame, track = followed.past.frame_index, followed.track
            track.records.set(frame, replace(records[0], rivals=tuple(records[1:])))
            pointers = taken.object_pointers[rows.start : rows.stop]
            track.bank.remember(frame, FrameMemory(features[rows.start : rows.stop], pointers), is_conditioning=False)
            if self.cuts and is_lost_behind_cut(followed.past):
                record = track.records.get(frame) or records[0]
                settled = self._search.settle(track, followed.past, embedding, record)
                if settled is not record:
                    track.records.set(frame, settled)
                    track.bank.forget(frame)  # whose memory was of another mask

    def _decide(self, followed: FollowedObject) -> list[Decision]:
        seen = [_Seen(self._view, *reading.answer) for reading in followed.readings if reading.answer]
        return self.rule.decide(followed.past, seen)

    def _take(self, reading: Reading, index: int | None) -> Taken:
        if reading.answer is None:
            raise RuntimeError("a reading that was not answered cannot be taken")
        output, row = reading.answer
        if index is None or index == int(output.chosen[row]):
            return Taken.of(output, slice(row, row + 1))
        place = torch.tensor([[row], [index]], device=output.chosen.device)
        return Taken.of(take_candidates(self.network, output, *place))


class _Seen:
    """The candidates of one reading, as rules see them; nothing is waited for until they look."""

    def __init__(self, view: ClipView, output: FrameOutput, row: int) -> None:
        self._view, self._output, self._row = view, output, row
        self._masks: dict[int, NDArray[np.bool_]] = {}

    @cached_property
    def ious(self) -> tuple[float, ...]:
        return tuple(self._output.candidates.iou_predictions[self._row].tolist())

    @cached_property
    def best(self) -> int:
        return int(self._output.chosen[self._row])

    @cached_property
    def object_score_logits(self) -> float:
        return float(self._output.object_score_logits[self._row, 0])

    def _logits(self, index: int) -> Tensor:
        return self._output.candidates.low_res_logits[self._row, index][None, None].float()

    def box(self, index: int) -> Box | None:
        if self.object_score_logits <= 0:
            return None
        side = self._view.input_size
        is_inside = self._view.network.upscale_logits(self._logits(index), (side, side))[0, 0] > 0
        rows, columns = (torch.nonzero(is_inside.any(dim=axis))[:, 0].tolist() for axis in (1, 0))
        return (float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])) if rows else None

    def mask(self, index: int) -> NDArray[np.bool_]:
        if index not in self._masks:
            inside = self._view.upscale(self._logits(index)) > 0
            self._masks[index] = inside if self.object_score_logits > 0 else np.zeros_like(inside)
        return self._masks[index]

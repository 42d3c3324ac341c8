"""Everything one object owns in a session: prompts, records, memories, masklet.

Objects share nothing but the picture's embedding, so adding, removing or correcting one never touches another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.masks.masklet import Masklet
from sam2_demo.tracking.appearance import Appearance
from sam2_demo.tracking.frame_records import FrameRecord, FrameRecords
from sam2_demo.tracking.memory_bank import FrameMemory, MemoryBank
from sam2_demo.tracking.memory_rules.rule import FrameSummary, Past
from sam2_demo.tracking.prompts import GIVEN_MASK_LOGIT, Prompts

EncodeMemory = Callable[[int, FrameRecord], Tensor]


@dataclass(eq=False)
class ObjectTrack:
    """State of one object.

    prompts: by frame; pending: prompted frames whose memory is encoded when tracking starts, so that a row of
    clicks costs no memory encoding; tracked: frames that tracking has passed -> whether it went backward;
    unprompted: what tracking had said of a frame before it was prompted, restored when prompts are cleared;
    appearances: what the object looks like on prompted frames, as far as it was asked.
    """

    masklet: Masklet
    records: FrameRecords
    bank: MemoryBank
    encode_memory: EncodeMemory
    prompts: dict[int, Prompts] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    tracked: dict[int, bool] = field(default_factory=dict)
    unprompted: dict[int, FrameRecord] = field(default_factory=dict)
    appearances: dict[int, Appearance | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bank.recall = self

    def settled(self, frame_index: int, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (H, W) of a frame; where a person gave nothing but a mask, its own: it is the frame's mask as it is,
        not what the network's coarser input keeps of it."""
        prompts = self.prompts.get(frame_index)
        if prompts is None or prompts.mask is None or prompts.num_points:
            return logits
        return np.where(prompts.mask.mask, np.float32(GIVEN_MASK_LOGIT), np.float32(-GIVEN_MASK_LOGIT))

    def recall_features(self, frame_index: int) -> Tensor | None:
        """Memory features of a tracked frame, encoded again from its record."""
        record = self._tracked_record(frame_index)
        if record is None:
            return None
        features = torch.cat([self.encode_memory(frame_index, path) for path in record.paths])
        self.bank.remember(frame_index, FrameMemory(features, _pointers(record)), is_conditioning=False)
        return features

    def recall_pointer(self, frame_index: int) -> Tensor | None:
        """Object pointers of a tracked frame, from its record."""
        record = self._tracked_record(frame_index)
        return None if record is None else _pointers(record)

    def past(self, frame_index: int, num_frames: int, backward: bool, shot: range | None = None) -> Past:
        """What memory rules see of the frames behind one; shot: the frames between cuts around it, None: all."""
        shot = range(num_frames) if shot is None else shot
        kept = None if self.bank.asked is None else self.records.frame_indices
        return Past(
            frame_index, backward, num_frames, self.bank.conditioning, self._summary, self.tracked.get, shot, kept
        )

    def _summary(self, frame_index: int) -> FrameSummary | None:
        earlier = self.unprompted.get(frame_index)
        if earlier is not None:
            return None if earlier.is_interpolated else earlier.summary
        return self.records.summary(frame_index) if frame_index in self.tracked else None

    def _tracked_record(self, frame_index: int) -> FrameRecord | None:
        # A frame that was prompted after tracking keeps its tracked memory until tracking starts again.
        record = self.unprompted.get(frame_index)
        if record is None and frame_index in self.tracked:
            record = self.records.get(frame_index)
        return None if record is None or record.is_interpolated else record

    def set_interpolated(self, frame_index: int, record: FrameRecord, backward: bool) -> None:
        """Take over a frame that was passed over, whose memory is forgotten."""
        self.tracked[frame_index] = backward
        self.records.set(frame_index, record)

    def forget_tracked(self, frame_index: int) -> None:
        """Forget the memory of a frame that tracking passes over this time; its mask stays until there is a new one."""
        if frame_index not in self.prompts:
            self.bank.forget(frame_index)
            self.tracked.pop(frame_index, None)

    def set_prompted(self, frame_index: int, prompts: Prompts, record: FrameRecord) -> None:
        """Take over prompts and what the network answered to them."""
        earlier = self.records.get(frame_index)
        if earlier is not None and not earlier.is_prompted:
            self.unprompted[frame_index] = earlier
        self.prompts[frame_index] = prompts
        self.appearances.pop(frame_index, None)
        self.pending.add(frame_index)
        self.records.set(frame_index, record)

    def clear_prompts(self, frame_index: int) -> FrameRecord | None:
        """Take a frame's prompts away, if it has any; returns what tracking had said of it before, if it had."""
        if self.prompts.pop(frame_index, None) is None:
            return self.records.get(frame_index)
        self.pending.discard(frame_index)
        self.bank.forget(frame_index)
        earlier = self.unprompted.pop(frame_index, None)
        if earlier is None:
            self.records.discard(frame_index)
            self.tracked.pop(frame_index, None)
            self.masklet.discard(frame_index)
        else:
            self.records.set(frame_index, earlier)
        return earlier

    def commit_pending(self) -> None:
        """Encode the memories of newly prompted frames: they are conditioning frames from now on."""
        for frame_index in sorted(self.pending):
            record = self.records.get(frame_index)
            if record is not None:
                memory = FrameMemory(self.encode_memory(frame_index, record), record.object_pointer)
                self.bank.remember(frame_index, memory, is_conditioning=True)
        self.pending.clear()

    def fade(self, newest: int, reach: int, most_prompted: int) -> None:
        """Forget what a stream can do without, so that an object takes the same memory after days.

        Of its prompted frames the latest `most_prompted` stay conditioning frames; the memory of an older one goes on
        as that of a tracked frame. Tracked frames are forgotten once they are `reach` frames old and nobody attended
        to them in as many frames: what a rule still recalls stays, however old.
        """
        asked = self.bank.asked = {} if self.bank.asked is None else self.bank.asked
        for frame in sorted(self.prompts)[:-most_prompted]:
            self._demote(frame)
        for frame in [frame for frame in self.records.frame_indices if newest - frame >= reach]:
            self.masklet.discard(frame)
            if frame not in self.prompts and newest - asked.get(frame, frame) >= reach:
                self._join_pathways(frame)
                self.bank.forget(frame)
                self.records.discard(frame)
                for notes in (asked, self.tracked, self.unprompted):
                    notes.pop(frame, None)

    def _demote(self, frame_index: int) -> None:
        memory = self.bank.conditioning.get(frame_index)
        if memory is not None:
            self.bank.remember(frame_index, memory, is_conditioning=False)
        for notes in (self.prompts, self.unprompted):
            notes.pop(frame_index, None)
        self.tracked.setdefault(frame_index, False)

    def _join_pathways(self, frame_index: int) -> None:
        """Have the pathways of the tracked frame after one that goes continue those of the frame before it."""
        gone = self.records.get(frame_index)
        after = next((frame for frame in self.records.frame_indices if frame > frame_index), None)
        record = None if after is None or after in self.prompts else self.records.get(after)
        if gone is None or after is None or record is None or not (gone.rivals or record.rivals):
            return

        def joined(own: FrameRecord) -> FrameRecord:
            passed = gone.paths[min(own.note.parent, len(gone.paths) - 1)]
            return replace(own, note=replace(own.note, parent=passed.note.parent), rivals=())

        first, *rivals = (joined(own) for own in record.paths)
        self.records.set(after, replace(first, rivals=tuple(rivals)))


def _pointers(record: FrameRecord) -> Tensor:
    return torch.cat([path.object_pointer for path in record.paths])

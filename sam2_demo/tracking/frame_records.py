"""What the tracker said of one object, frame by frame: exact for the latest frames, compact on disk for the rest.

Memories are rebuilt from these records, so that memory does not grow with the clip.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_demo.tracking.frame_step import HIDDEN_LOGIT
from sam2_demo.tracking.memory_rules.rule import EMPTY_NOTE, FrameNote, FrameSummary, PathSummary

# Logits are kept as bytes on an inverse hyperbolic sine scale: steps of 0.011 around the mask's edge, where they
# decide, and of 1.4 at +-32, beyond which a mask is certain.
_SOFTNESS = 0.25
_LIMIT = 32.0
_STEPS = 127
_PROMPTED, _INTERPOLATED = 1.0, 2.0  # kinds of records; 0: tracked
_PER_UNIT = _STEPS / np.arcsinh(_LIMIT / _SOFTNESS)


@dataclass(frozen=True, eq=False)
class FrameRecord:
    """One frame of one object.

    low_res_logits: (1, 1, S/4, S/4) float32; object_pointer: (1, C); object_score_logits: > 0 where visible;
    iou_prediction: in [0, 1]; is_prompted: whether a person's prompts made it; is_interpolated: whether it was made of
    its neighbours' (`between_frames`): then it serves as no memory. note: what the memory rule notes of it; rivals: the
    other pathways' records, under a rule that follows several.
    """

    low_res_logits: Tensor
    object_pointer: Tensor
    object_score_logits: float
    iou_prediction: float
    is_prompted: bool = False
    is_interpolated: bool = False
    note: FrameNote = EMPTY_NOTE
    rivals: tuple[FrameRecord, ...] = ()

    @property
    def paths(self) -> tuple[FrameRecord, ...]:
        """The records of all pathways, the one that is shown first."""
        return self, *self.rivals

    @property
    def summary(self) -> FrameSummary:
        """What memory rules see of it."""
        return tuple(PathSummary(own.object_score_logits, own.iou_prediction, own.note) for own in self.paths)

    def resized(self, side: int) -> FrameRecord:
        """The record with low-res logits of another side, as a network input of another size has them."""
        if self.low_res_logits.shape[-1] == side:
            return self
        logits = F.interpolate(
            self.low_res_logits, size=(side, side), mode="bilinear", align_corners=False, antialias=True
        )
        rivals = tuple(rival.resized(side) for rival in self.rivals)
        note = replace(self.note, motion=())  # which is in pixels of the network's input
        return replace(self, low_res_logits=logits, note=note, rivals=rivals)


def pack_record(record: FrameRecord) -> bytes:
    """A record as compressed bytes; `unpack_record` gives it back with logits to about 2 %."""
    logits = record.low_res_logits.float().cpu().numpy()
    pointer = record.object_pointer.float().cpu().numpy()
    kind = _INTERPOLATED if record.is_interpolated else float(record.is_prompted)
    scores = np.array([record.object_score_logits, record.iou_prediction, kind], dtype="<f4")
    sizes = np.array([logits.shape[-1], pointer.shape[-1]], dtype="<u2")
    steps = np.clip(np.rint(np.arcsinh(logits / _SOFTNESS) * _PER_UNIT), -_STEPS, _STEPS).astype(np.int8)
    own = sizes.tobytes() + scores.tobytes() + pointer.astype("<f2").tobytes() + steps.tobytes()
    further = [] if record.note == EMPTY_NOTE and not record.rivals else [record.note.to_bytes()]
    further += [pack_record(rival) for rival in record.rivals]
    return zlib.compress(own + b"".join(struct.pack("<I", len(part)) + part for part in further), level=1)


def unpack_record(packed: bytes, device: torch.device) -> FrameRecord:
    """Inverse of `pack_record`, on `device`."""
    raw = zlib.decompress(packed)
    side, width = (int(n) for n in np.frombuffer(raw, "<u2", 2))
    score, iou, kind = (float(v) for v in np.frombuffer(raw, "<f4", 3, offset=4))
    pointer = np.frombuffer(raw, "<f2", width, offset=16).astype(np.float32)
    end = 16 + 2 * width + side * side
    steps = np.frombuffer(raw, np.int8, side * side, offset=16 + 2 * width)
    note, *rivals = _split(raw[end:]) or [EMPTY_NOTE.to_bytes()]
    logits = np.sinh(steps.astype(np.float32) / np.float32(_PER_UNIT)).reshape(1, 1, side, side) * _SOFTNESS
    if score <= 0 and not (steps > -_STEPS).any():
        logits[:] = HIDDEN_LOGIT
    return FrameRecord(
        torch.from_numpy(logits).to(device),
        torch.from_numpy(pointer)[None].to(device),
        score,
        iou,
        is_prompted=kind == _PROMPTED,
        is_interpolated=kind == _INTERPOLATED,
        note=FrameNote.from_bytes(note),
        rivals=tuple(unpack_record(rival, device) for rival in rivals),
    )


def _split(raw: bytes) -> list[bytes]:
    """Parts of which each has its length before it."""
    parts = []
    while raw:
        (length,) = struct.unpack_from("<I", raw)
        parts.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return parts


class FrameRecords:
    """Records by frame index; at most `capacity` are held in memory, older ones wait in a temporary file."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.capacity = capacity
        self.device = device
        self._held: OrderedDict[int, FrameRecord] = OrderedDict()
        self._places: dict[int, tuple[int, int]] = {}
        self._summaries: dict[int, FrameSummary] = {}  # of records that may serve as memories
        self._file: IO[bytes] | None = None  # made when it is first needed: most clips never fill the memory

    def set(self, frame_index: int, record: FrameRecord) -> None:
        """Store the record of a frame; replaces what the frame held."""
        self._places.pop(frame_index, None)
        self._held[frame_index] = record
        self._held.move_to_end(frame_index)
        self._summaries.pop(frame_index, None)
        if not record.is_interpolated:
            self._summaries[frame_index] = record.summary
        while len(self._held) > self.capacity:
            oldest, old = self._held.popitem(last=False)
            self._places[oldest] = self._write(pack_record(old))

    def _write(self, packed: bytes) -> tuple[int, int]:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the records, removed with them
        start = self._file.seek(0, 2)
        self._file.write(packed)
        return start, len(packed)

    def get(self, frame_index: int) -> FrameRecord | None:
        """The record of a frame, or None."""
        if frame_index in self._held:
            return self._held[frame_index]
        if frame_index not in self._places or self._file is None:
            return None
        start, length = self._places[frame_index]
        self._file.seek(start)
        return unpack_record(self._file.read(length), self.device)

    def discard(self, frame_index: int) -> None:
        """Forget a frame; nothing happens where there is none."""
        self._held.pop(frame_index, None)
        self._places.pop(frame_index, None)
        self._summaries.pop(frame_index, None)

    def summary(self, frame_index: int) -> FrameSummary | None:
        """What memory rules see of a frame, without reading its record; None where nothing may serve as a memory."""
        return self._summaries.get(frame_index)

    @property
    def frame_indices(self) -> list[int]:
        """The frames that have a record, sorted."""
        return sorted({*self._held, *self._places})

    def __contains__(self, frame_index: object) -> bool:
        return frame_index in self._held or frame_index in self._places

    def close(self) -> None:
        """Free the temporary file."""
        if self._file is not None:
            self._file.close()

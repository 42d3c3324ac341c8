"""What a memory rule sees and says.

A rule decides, for one object and one frame, which frames behind it are remembered and which of the decoder's
candidates is taken. It keeps nothing between frames but a `FrameNote`, which is stored with the frame's record: so
tracking goes on after a restart, after a correction in the middle and in either direction as if there had been no
break.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True)
class FrameNote:
    """What a rule notes about a frame that it has tracked; plain numbers.

    area: pixels of the mask, None where nobody counted; areas: those of the last ten frames with a mask, this one's
    last; anchors: the latest frames that were promoted, at most four, this one last if it is one; motion: state of the
    motion model after this frame; box_agreement: IoU of the predicted box and the mask's; parent, score: the pathway
    of the frame behind that this one continues, and the sum of its log IoUs; is_lost: the object was not found behind a
    cut, so that the frame is no memory.
    """

    area: int | None = None
    areas: tuple[int, ...] = ()
    anchors: tuple[int, ...] = ()
    motion: tuple[float, ...] = ()
    box_agreement: float | None = None
    parent: int = 0
    score: float = 0.0
    is_lost: bool = False

    def to_bytes(self) -> bytes:
        """The note as text; `from_bytes` gives it back exactly."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> FrameNote:
        """Inverse of `to_bytes`; fields of other versions are passed over."""
        known = {own.name for own in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(text).items()
            if name in known
        }
        return cls(**given)


EMPTY_NOTE = FrameNote()


@dataclass(frozen=True)
class PathSummary:
    """Scores and note of one pathway on a frame that was tracked."""

    object_score_logits: float
    iou_prediction: float
    note: FrameNote = EMPTY_NOTE

    @property
    def is_empty(self) -> bool:
        """Whether the mask is known, or predicted, to be empty."""
        return self.object_score_logits <= 0 or self.note.area == 0


FrameSummary = tuple[PathSummary, ...]  # the pathways of a frame, the one that is shown first


@dataclass(frozen=True)
class Past:
    """What lies behind a frame in the direction of tracking.

    prompted: frames that a person prompted, wherever they lie; look_up: the summary of a frame that was tracked and
    may serve as a memory, None for others. went_backward: which way a tracked frame was passed. shot: the frames
    between two cuts that this one lies among; no recent memory is taken from beyond. kept: the frames of which anything
    is known still, where others are forgotten, as in streams; None: any frame of the clip.
    """

    frame_index: int
    backward: bool
    num_frames: int
    prompted: Collection[int]
    look_up: Callable[[int], FrameSummary | None]
    went_backward: Callable[[int], bool | None]
    shot: range
    kept: Collection[int] | None = None

    @property
    def step(self) -> int:
        """From a frame to the one behind it."""
        return 1 if self.backward else -1

    def distance(self, frame_index: int) -> int:
        """How many frames one lies behind; negative for one ahead."""
        return self.step * (frame_index - self.frame_index)

    def summary(self, frame_index: int) -> FrameSummary | None:
        """The summary of a frame of this shot that was tracked, is not prompted and shows more than that the object was
        not found."""
        if frame_index in self.prompted or frame_index not in self.shot:
            return None
        summary = self.look_up(frame_index)
        return None if summary is None or summary[0].note.is_lost else summary

    def is_place(self, frame_index: int) -> bool:
        """Whether a frame of this shot may hold a memory, as far as is known without looking for one."""
        if frame_index in self.prompted or frame_index not in self.shot:
            return False
        summary = self.look_up(frame_index)
        return summary is None or not summary[0].note.is_lost

    def across_cuts(self) -> Past:
        """The same without regard to cuts."""
        return replace(self, shot=range(self.num_frames))

    def tracked(self) -> Iterator[tuple[int, FrameSummary]]:
        """Tracked frames behind this one, the nearest first."""
        for frame_index in self.behind():
            summary = self.summary(frame_index)
            if summary is not None:
                yield frame_index, summary

    def behind(self) -> Iterable[int]:
        """Places of this shot behind that may hold anything, the nearest first; a stream has few, however old it is."""
        if self.kept is not None:
            near = (frame for frame in self.kept if self.distance(frame) > 0 and frame in self.shot)
            return sorted(near, key=self.distance)
        last = self.shot.stop if self.backward else self.shot.start - 1
        return range(self.frame_index + self.step, last, self.step)

    def neighbour(self) -> tuple[int, FrameSummary] | None:
        """The nearest tracked frame behind, if it was passed in the same direction and no prompt lies between."""
        frame_index, summary = next(self.tracked(), (None, None))
        if frame_index is None or summary is None or self.went_backward(frame_index) is not self.backward:
            return None
        is_apart = any(0 < self.distance(prompted) < self.distance(frame_index) for prompted in self.prompted)
        return None if is_apart else (frame_index, summary)


@dataclass(frozen=True)
class Recollection:
    """What a frame attends to besides the prompted frames; frames that turn out to hold nothing are passed over.

    recent: (temporal slot, frame), the farthest first; slot 1 is the last frame's. pointers: (distance, frame), the
    nearest first. anchors: promoted frames, which share the prompted frames' slot. path: which pathway of a frame is
    meant, 0 where none is named. weights: factors of a frame's memory features.
    """

    recent: Sequence[tuple[int, int]]
    pointers: Sequence[tuple[int, int]]
    anchors: Sequence[int] = ()
    path: dict[int, int] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """How much a frame attends to: recent memories and object pointers besides those of prompted frames."""

    recent: int
    pointers: int


class Candidates(Protocol):
    """The decoder's M masks of one pathway on the frame that is being tracked; those of a hidden object are empty.

    ious: predicted IoU of each; best: which the network itself takes; object_score_logits: > 0 where visible.
    """

    @property
    def ious(self) -> tuple[float, ...]: ...
    @property
    def best(self) -> int: ...
    @property
    def object_score_logits(self) -> float: ...

    def box(self, index: int) -> Box | None:
        """Bounds of a candidate in pixels of the network's input, the last ones included; None for an empty one."""

    def mask(self, index: int) -> NDArray[np.bool_]:
        """A candidate (H, W) at the frame's size."""


@dataclass(frozen=True)
class Decision:
    """A candidate that is taken: of which pathway, which one (None: the network's own choice), and what is noted."""

    path: int
    index: int | None
    note: FrameNote = EMPTY_NOTE


class MemoryRule:
    """What SAM 2 does (section 4): the nearest frames behind, and the candidate of highest predicted IoU."""

    num_paths: int = 1

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """What `path` attends to on the frame."""
        return Recollection(nearest(past, limits.recent)[::-1], nearest(past, limits.pointers))

    def decide(self, past: Past, paths: Sequence[Candidates]) -> list[Decision]:
        """What is taken, the pathway that is shown first; at most `num_paths`."""
        return [Decision(0, None)]


def nearest(past: Past, count: int) -> list[tuple[int, int]]:
    """(distance, frame) of the `count` places behind, the nearest first, whatever they hold but a lost object."""
    places = ((distance, past.frame_index + past.step * distance) for distance in range(1, count + 1))
    return [(d, frame) for d, frame in places if past.is_place(frame)]


def in_ranks(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Frames, the nearest first, as recent memories whose temporal slot is their rank."""
    return [(rank, frame) for rank, frame in enumerate(frames, start=1)][::-1]

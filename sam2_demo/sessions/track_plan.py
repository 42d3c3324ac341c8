"""Which frames of which objects are to be tracked, and in which order: only what a change touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """Neighbouring frames from `start` to `end`, both included, that the same objects need; end < start: backward."""

    object_ids: tuple[int, ...]
    start: int
    end: int
    backward: bool

    def __len__(self) -> int:
        return abs(self.end - self.start) + 1


@dataclass(frozen=True)
class Need:
    """Frames of one object that are not tracked (any more), and the frames on which it was prompted (not empty)."""

    todo: Collection[int]
    prompted: Collection[int]


@dataclass(frozen=True)
class Span:
    """The frames from `first` to `last`; those before `turn` are tracked backward where a prompt lies behind them."""

    first: int
    last: int
    turn: int

    @classmethod
    def of(cls, start: int | None, direction: str, end: int | None, num_frames: int) -> Span:
        """What a person asked for; without `start` the whole clip. `end` bounds the side on which it lies."""
        top = num_frames - 1
        if start is None:
            return cls(0, top, 0)
        ahead = top if end is None or end < start else end
        behind = 0 if end is None or end > start else end
        if direction == "forward":
            return cls(start, ahead, start)
        if direction == "backward":
            return cls(behind, start, start + 1)
        return cls(behind, ahead, start)


def touched_range(frame: int, others: Iterable[int], num_frames: int) -> tuple[int, int]:
    """First and last frame that a change of the prompts on `frame` touches: up to the object's next prompts."""
    others = list(others)
    before = max((other for other in others if other < frame), default=-1)
    after = min((other for other in others if other > frame), default=num_frames)
    return before + 1, after - 1


def plan_runs(needs: Mapping[int, Need], span: Span) -> list[Run]:
    """Runs that give each object its frames within the span: forward ones first, from prompts outward."""
    forward: dict[int, list[int]] = {}
    backward: dict[int, list[int]] = {}
    for object_id, need in needs.items():
        first, last = min(need.prompted), max(need.prompted)
        for frame in need.todo:
            if not span.first <= frame <= span.last:
                continue
            # Memory comes from prompts: before the first one and after the last one there is only one way.
            goes_back = frame < first or (frame < span.turn and frame <= last)
            (backward if goes_back else forward).setdefault(frame, []).append(object_id)
    return _runs(forward, False) + _runs(backward, True)


def _runs(table: dict[int, list[int]], backward: bool) -> list[Run]:
    runs: list[Run] = []
    step = -1 if backward else 1
    for frame in sorted(table, reverse=backward):
        objects = tuple(table[frame])
        if runs and runs[-1].object_ids == objects and runs[-1].end + step == frame:
            runs[-1] = Run(objects, runs[-1].start, frame, backward)
        else:
            runs.append(Run(objects, frame, frame, backward))
    return runs

"""Which frames a tracking run visits, in which order."""

from __future__ import annotations

from typing import Literal

from sam2_demo.errors import PromptError

Direction = Literal["forward", "backward", "both"]


def frames_in_order(start: int, end: int | None, direction: Direction, num_frames: int) -> list[tuple[range, bool]]:
    """Frame ranges and whether they run backward; for "both", `end` bounds the side on which it lies.

    PromptError where the end lies behind the start.
    """
    if end is not None and ((direction == "forward" and end < start) or (direction == "backward" and end > start)):
        raise PromptError(f"tracking {direction} from frame {start} cannot end at frame {end}")
    last = num_frames - 1 if end is None or end < start else end
    first = 0 if end is None or end > start else end
    if direction == "forward":
        return [(range(start, last + 1), False)]
    if direction == "backward":
        return [(range(start, first - 1, -1), True)]
    return [(range(start, last + 1), False), (range(start - 1, first - 1, -1), True)]


def within_shot(plan: list[tuple[range, bool]], shot: range) -> list[tuple[range, bool]]:
    """The plan of a run that starts in a shot and stops at its ends."""
    inside = [([frame for frame in frames if frame in shot], backward) for frames, backward in plan]
    return [(range(own[0], own[-1] + (-1 if back else 1), -1 if back else 1), back) for own, back in inside if own]

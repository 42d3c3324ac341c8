"""For one thing that moves fast: the candidate that lies where the motion so far leads (SAMURAI, Yang et al. 2024).

A Kalman filter follows the mask's box. After 15 frames in a row of a predicted IoU above 0.3 the candidate with the
highest 0.15 * IoU(predicted box, its box) + 0.85 * predicted IoU is taken, before that the one of highest predicted
IoU; a frame below 0.3 starts the count again. Remembered are frames of a predicted IoU above 0.5 on which the object
is visible and lies on the predicted box, searched back from the last, which always counts. Pointers as published.

The weight of 0.15 is the paper's and the large model's; the configurations of the smaller models ship 0.25.

The published code differs in two things more. It never remembers the first frame after the prompt, unless as the last:
its search stops one frame early, which nothing speaks for. And it starts the filter on the prompted frame if that
has a single click, on the first tracked one otherwise; here always on the first tracked one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sam2_demo.tracking.memory_rules.kalman import BoxFilter, box_overlap
from sam2_demo.tracking.memory_rules.rule import (
    Box,
    Candidates,
    Decision,
    FrameNote,
    Limits,
    MemoryRule,
    Past,
    PathSummary,
    Recollection,
    in_ranks,
    nearest,
)

_MOTION_WEIGHT = 0.15
_STEADY_FRAMES, _STEADY_IOU = 15, 0.3
_REMEMBERED_IOU = 0.5
_NO_BOX: Box = (0.0, 0.0, 0.0, 0.0)  # of an empty mask


@dataclass(frozen=True)
class MotionChoice:
    """The candidate taken, and what the motion model knows after it."""

    index: int
    motion: tuple[float, ...]
    box_agreement: float | None


class Motion(MemoryRule):
    """Chooses by motion, and remembers what fitted."""

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """The latest frames that fitted, in ranks; the pointers of the nearest."""
        last = past.frame_index + past.step
        good = (frame for frame, paths in past.tracked() if frame == last or fitted(paths[0]))
        return Recollection(in_ranks(list(islice(good, limits.recent))), nearest(past, limits.pointers))

    def decide(self, past: Past, paths: Sequence[Candidates]) -> list[Decision]:
        """The candidate that fits, and the state of the motion model."""
        choice = choose_by_motion(past, paths[0])
        return [Decision(0, choice.index, FrameNote(motion=choice.motion, box_agreement=choice.box_agreement))]


def fitted(summary: PathSummary) -> bool:
    """Whether a frame is worth remembering."""
    agreement = summary.note.box_agreement
    is_on_box = agreement is None or agreement > 0
    return summary.iou_prediction > _REMEMBERED_IOU and summary.object_score_logits > 0 and is_on_box


def choose_by_motion(past: Past, candidates: Candidates) -> MotionChoice:
    """One step of the motion model: predict, choose, and update with what was chosen."""
    behind, best = past.neighbour(), candidates.best
    state = behind[1][0].note.motion if behind else ()
    if behind is None or not state or state[-1] == 0:
        return MotionChoice(best, _state(BoxFilter.start(_box(candidates, best)), 1), None)
    steady, predicted = int(state[-1]), BoxFilter.from_numbers(state[:-1])
    for _ in range(past.distance(behind[0])):
        predicted = predicted.predict()
    if steady < _STEADY_FRAMES:
        if candidates.ious[best] <= _STEADY_IOU:
            return MotionChoice(best, _state(predicted, 0), None)
        return MotionChoice(best, _state(predicted.update(_box(candidates, best)), steady + 1), None)
    boxes = [candidates.box(index) for index in range(len(candidates.ious))]
    agreements = [0.0 if box is None else box_overlap(predicted.box, box) for box in boxes]
    scores = [
        _MOTION_WEIGHT * agreement + (1 - _MOTION_WEIGHT) * iou
        for agreement, iou in zip(agreements, candidates.ious, strict=True)
    ]
    taken = max(range(len(scores)), key=scores.__getitem__)
    if candidates.ious[taken] < _STEADY_IOU:
        return MotionChoice(taken, _state(predicted, 0), agreements[taken])
    return MotionChoice(taken, _state(predicted.update(boxes[taken] or _NO_BOX), steady), agreements[taken])


def _box(candidates: Candidates, index: int) -> Box:
    return candidates.box(index) or _NO_BOX


def _state(box_filter: BoxFilter, steady: int) -> tuple[float, ...]:
    return (*box_filter.to_numbers(), float(steady))

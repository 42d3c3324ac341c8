"""For long clips and long hiding: several readings of the clip are followed at once (after SAM2Long, Ding et al. 2025).

Each of P pathways has memories of its own and decodes three masks; a mask adds log(predicted IoU + 1e-5) to its
pathway's score, and the best P of all go on. Where no pathway is sure whether the object is visible (all object scores
within +-2) P masks of different predicted IoU (to two digits) go on, so that unlike readings survive. A pathway
remembers frames of a predicted IoU above 0.1 on which the object is visible, the last always; their features weigh
0.95 to 1.05, in the order of their object scores; prompted frames always weigh 1, as do pointers, which the
paper leaves open. Written from the paper's text.

What is shown is, on every frame, the pathway that is best by then; the paper shows at the end the one that was best
over the whole clip, for which a person who watches would have to wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from sam2_demo.tracking.memory_rules.rule import (
    Candidates,
    Decision,
    FrameNote,
    Limits,
    MemoryRule,
    Past,
    PathSummary,
    Recollection,
    in_ranks,
)

_SMALLEST_IOU = 1e-5
_UNSURE = 2.0
_REMEMBERED_IOU = 0.1
_WEIGHTS = 0.95, 1.05


class Tree(MemoryRule):
    """Follows `num_paths` readings."""

    def __init__(self, num_paths: int = 3) -> None:
        self.num_paths = num_paths

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """The pathway's own latest frames of use, in ranks; pointers of its nearest frames."""
        last = past.frame_index + past.step
        line = list(self._line(past, path, limits))
        good = [
            (frame, own, summary)
            for frame, own, summary in line
            if frame == last or (summary.iou_prediction > _REMEMBERED_IOU and summary.object_score_logits > 0)
        ][: limits.recent]
        by_score = sorted(good, key=lambda entry: entry[2].object_score_logits)
        factors = np.linspace(*_WEIGHTS, len(good)) if len(good) > 1 else [1.0]
        near = [entry for entry in line if past.distance(entry[0]) <= limits.pointers]
        return Recollection(
            recent=in_ranks([frame for frame, _, _ in good]),
            pointers=[(past.distance(frame), frame) for frame, _, _ in near],
            path={frame: own for frame, own, _ in [*good, *near]},
            weights={frame: float(factor) for (frame, _, _), factor in zip(by_score, factors, strict=False)},
        )

    def _line(self, past: Past, path: int, limits: Limits) -> Iterator[tuple[int, int, PathSummary]]:
        """Frames behind with the place and the summary of this pathway's ancestor, as far as anything is looked for."""
        useful = 0
        for frame, paths in past.tracked():
            path = min(path, len(paths) - 1)
            summary = paths[path]
            useful += summary.iou_prediction > _REMEMBERED_IOU and summary.object_score_logits > 0
            yield frame, path, summary
            if useful >= limits.recent and past.distance(frame) >= limits.pointers:
                return
            path = summary.note.parent

    def decide(self, past: Past, paths: Sequence[Candidates]) -> list[Decision]:
        """The best continuations of all pathways."""
        behind = past.neighbour()
        scores = [summary.note.score for summary in behind[1]] if behind else [0.0]
        made = [
            (scores[path] + math.log(iou + _SMALLEST_IOU), path, index, iou)
            for path, candidates in enumerate(paths)
            for index, iou in enumerate(candidates.ious)
        ]
        made.sort(key=lambda entry: -entry[0])
        kept = made
        if all(abs(candidates.object_score_logits) <= _UNSURE for candidates in paths):
            kept = list({round(entry[3], 2): entry for entry in made[::-1]}.values())
            kept.sort(key=lambda entry: -entry[0])
            kept += [entry for entry in made if entry not in kept]
        return [
            Decision(path, index, FrameNote(parent=path, score=score))
            for score, path, index, _ in islice(kept, self.num_paths)
        ]

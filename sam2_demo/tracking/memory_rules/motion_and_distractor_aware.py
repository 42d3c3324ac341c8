"""Motion chooses the candidate, look-alikes make anchors; remembered are frames with a mask that fitted the motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sam2_demo.tracking.memory_rules.distractor_aware import note_areas_and_anchors, recall_with_anchors
from sam2_demo.tracking.memory_rules.motion import choose_by_motion, fitted
from sam2_demo.tracking.memory_rules.rule import Candidates, Decision, Limits, MemoryRule, Past, Recollection


class MotionAndDistractorAware(MemoryRule):
    """Both rules' tests together."""

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """As `DistractorAware`, of frames that both rules remember."""
        return recall_with_anchors(past, limits, lambda summary: not summary.is_empty and fitted(summary))

    def decide(self, past: Past, paths: Sequence[Candidates]) -> list[Decision]:
        """As `Motion`; whether the frame becomes an anchor as in `DistractorAware`."""
        choice = choose_by_motion(past, paths[0])
        note = note_areas_and_anchors(past, paths[0], choice.index)
        return [Decision(0, choice.index, replace(note, motion=choice.motion, box_agreement=choice.box_agreement))]

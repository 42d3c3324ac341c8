"""Memories and pointers of frames that the network itself is sure of.

Quality of a frame: max(0, 2 sigmoid(object score) - 1) * predicted IoU. Memories and pointers are taken from the
latest frames of a quality above 0.01; the last frame always counts. Source: the rule as published with SAM 3's
tracker, written from this formula alone; neither its text nor its code was read.
"""

from __future__ import annotations

import math
from itertools import islice

from sam2_demo.tracking.memory_rules.rule import Limits, MemoryRule, Past, PathSummary, Recollection, in_ranks

_LEAST_QUALITY = 0.01


def quality(summary: PathSummary) -> float:
    """How far a frame's mask can be relied on, in [0, 1]."""
    present = 1 / (1 + math.exp(-summary.object_score_logits)) if summary.object_score_logits > -700 else 0.0
    return max(0.0, 2 * present - 1) * summary.iou_prediction


class Gated(MemoryRule):
    """Frames of low quality are not remembered."""

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """The latest frames of quality, in ranks; pointers keep their true distance."""
        last = past.frame_index + past.step
        good = (frame for frame, paths in past.tracked() if frame == last or quality(paths[0]) > _LEAST_QUALITY)
        frames = list(islice(good, max(limits.recent, limits.pointers)))
        pointers = [(past.distance(frame), frame) for frame in frames[: limits.pointers]]
        return Recollection(in_ranks(frames[: limits.recent]), pointers)

"""Look-alikes: which frames become anchors and which are remembered, against a plain restatement of the formulas."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_demo.tracking.memory_rules.distractor_aware import DistractorAware, is_rival
from sam2_demo.tracking.memory_rules.motion import Motion
from sam2_demo.tracking.memory_rules.motion_and_distractor_aware import MotionAndDistractorAware
from tests.tracking.memory_rules.made_up import blob, drive, made_up_clip


def box_iou(first, second):
    def box(mask):
        y, x = np.nonzero(mask)
        filled = np.zeros_like(mask)
        filled[y.min() : y.max() + 1, x.min() : x.max() + 1] = True
        return filled

    return (box(first) & box(second)).sum() / (box(first) | box(second)).sum()


def has_rival(seen, taken):
    mask = seen.mask(taken)
    overlaps = [1.0]
    for index in set(range(3)) - {taken}:
        count, parts = cv2.connectedComponents((seen.mask(index) & ~mask).astype(np.uint8), connectivity=8)
        if count > 1:
            largest = 1 + np.argmax([(parts == part).sum() for part in range(1, count)])
            overlaps.append(box_iou(mask, mask | (parts == largest)))
    return min(overlaps) <= 0.7


def restated(frames):
    """(anchors, recent frames oldest first, pointers' frames, promoted?) of each frame after the prompted first."""
    areas, promoted, seen_areas, made = {}, [], [], []
    for t in range(1, len(frames)):
        used = [a for a in promoted if a != t - 1][-3:]
        elsewhere = [a for a in promoted if a != t - 1]
        recent, frame = [], t - 1
        while frame > 0 and (areas[frame] == 0 or frame in elsewhere):
            frame -= 1
        if frame > 0:
            recent, frame = [frame], (frame - 1) // 5 * 5
            while frame > 0 and len(recent) < 6 - len(used):
                if areas[frame] and frame not in elsewhere:
                    recent.append(frame)
                frame -= 5
        pointers = [f for f in range(t - 1, max(0, t - 16), -1) if areas[f] and f not in used]
        seen = frames[t]
        areas[t] = int(seen.mask(seen.best).sum())
        seen_areas.append(areas[t])
        visible = [area for area in seen_areas if area][-10:]
        is_anchor = (
            areas[t] > 0
            and len(seen_areas) > 1
            and seen.ious[seen.best] > 0.8
            and 0.8 <= areas[t] / np.median(visible) <= 1.2
            and (not promoted or t - promoted[-1] > 5)
            and has_rival(seen, seen.best)
        )
        if is_anchor:
            promoted.append(t)
        made.append((used, recent[::-1], pointers, is_anchor))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_anchors_and_memories_are_those_of_the_formulas(seed):
    frames = made_up_clip(seed, 90)
    made, expected = drive(DistractorAware(), frames), restated(frames)
    assert sum(is_anchor for *_, is_anchor in expected) >= 4  # or nothing would be compared
    for (t, recalled, decision), (used, recent, pointers, is_anchor) in zip(made, expected, strict=True):
        assert decision.index == frames[t].best
        assert list(recalled.anchors) == used, t
        assert [frame for _, frame in recalled.recent] == recent, t
        assert [slot for slot, _ in recalled.recent] == list(range(len(recent), 0, -1))
        assert recalled.pointers == [(t - frame, frame) for frame in pointers]
        assert (t in decision.note.anchors) == is_anchor


def test_memories_and_anchors_share_seven_places():
    for _, recalled, _ in drive(DistractorAware(), made_up_clip(0, 90)):
        assert 1 + len(recalled.anchors) + len(recalled.recent) <= 7


@pytest.mark.parametrize(
    ("other", "expected"),
    [(blob((20, 20), 6), False), (blob((50, 20), 4), True), (blob((20, 20), 7), False), (blob((20, 20), 14), True)],
)
def test_a_rival_lies_apart_or_is_much_larger(other, expected):
    assert is_rival(blob((20, 20), 6), other) is expected


def test_backward_takes_every_fifth_as_well():
    frames = made_up_clip(5, 61)
    back = drive(DistractorAware(), frames[::-1], backward=True)
    for (_, ahead, one), (_, behind, other) in zip(drive(DistractorAware(), frames), back, strict=True):
        assert [60 - frame for frame in behind.anchors] == list(ahead.anchors)
        assert [(slot, 60 - frame) for slot, frame in behind.recent] == ahead.recent
        assert one.index == other.index


@pytest.mark.parametrize("seed", range(3))
def test_both_together_choose_as_motion_and_remember_what_both_do(seed):
    frames = made_up_clip(seed, 80, hidden=0.05)
    both, motion = drive(MotionAndDistractorAware(), frames), drive(Motion(), frames)
    assert [decision.index for *_, decision in both] == [decision.index for *_, decision in motion]
    assert any(recalled.anchors for _, recalled, _ in both)
    for t, recalled, _ in both:
        for _, frame in recalled.recent:
            assert frame == t - 1 or frames[frame].object_score_logits > 0

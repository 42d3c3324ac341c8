"""Motion chooses and remembers as a plain restatement of its formulas does, with the filter's whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_demo.tracking.memory_rules.kalman import BoxFilter
from sam2_demo.tracking.memory_rules.motion import Motion
from tests.tracking.memory_rules.made_up import drive, made_up_clip


class WholeFilter:
    """The eight-dimensional filter (x, y, aspect, height and velocities) with 8 x 8 matrices."""

    def __init__(self, box):
        self.mean = np.r_[self.seen(box), np.zeros(4)]
        h = self.mean[3]
        self.covariance = np.diag(np.square([h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]))

    @staticmethod
    def seen(box):
        x0, y0, x1, y1 = box
        height = (y1 - y0) or 1
        return np.array([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / height, height])

    def predict(self):
        h, move = self.mean[3], np.eye(8) + np.eye(8, k=4)
        noise = np.diag(np.square([h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]))
        self.mean, self.covariance = move @ self.mean, move @ self.covariance @ move.T + noise

    def update(self, box):
        h, watch = self.mean[3], np.eye(4, 8)
        total = watch @ self.covariance @ watch.T + np.diag(np.square([h / 20, h / 20, 1e-1, h / 20]))
        gain = self.covariance @ watch.T @ np.linalg.inv(total)
        self.mean = self.mean + gain @ (self.seen(box) - watch @ self.mean)
        self.covariance = self.covariance - gain @ total @ gain.T

    def overlap(self, box):
        if box is None:
            return 0.0
        x, y, a, h = self.mean[:4]
        own = x - a * h / 2, y - h / 2, x + a * h / 2, y + h / 2
        shared = max(0, min(own[2], box[2]) - max(own[0], box[0])) * max(0, min(own[3], box[3]) - max(own[1], box[1]))
        union = a * h * h + (box[2] - box[0]) * (box[3] - box[1]) - shared
        return shared / union if union else 0.0


def restated(frames):
    """(choice, remembered frames oldest first) of each frame after the first, which is prompted."""
    whole, count, kept, made = None, 0, {}, []
    for t in range(1, len(frames)):
        good = [f for f in range(t - 1, 0, -1) if f == t - 1 or kept[f]][:6][::-1]
        seen, agreement = frames[t], None
        boxes = [seen.box(index) for index in range(3)]
        taken = seen.best
        if count == 0:
            whole, count = WholeFilter(boxes[taken] or (0, 0, 0, 0)), 1
        else:
            whole.predict()
            if count < 15:
                is_steady = seen.ious[taken] > 0.3
                count = count + 1 if is_steady else 0
            else:
                overlaps = [whole.overlap(box) for box in boxes]
                taken = int(np.argmax([0.15 * o + 0.85 * s for o, s in zip(overlaps, seen.ious, strict=True)]))
                agreement = overlaps[taken]
                is_steady = seen.ious[taken] >= 0.3
                count = count if is_steady else 0
            if is_steady:
                whole.update(boxes[taken] or (0, 0, 0, 0))
        fits = agreement is None or agreement > 0
        kept[t] = seen.ious[taken] > 0.5 and seen.object_score_logits > 0 and fits
        made.append((taken, good))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_choices_and_memories_are_those_of_the_formulas(seed):
    frames = made_up_clip(seed, 80, hidden=0.05)
    made = drive(Motion(), frames)
    expected = restated(frames)
    assert [decision.index for _, _, decision in made] == [taken for taken, _ in expected]
    for (t, recalled, _), (_, remembered) in zip(made, expected, strict=True):
        assert [frame for _, frame in recalled.recent] == remembered, t
        assert [slot for slot, _ in recalled.recent] == list(range(len(remembered), 0, -1))
        assert recalled.pointers == [(d, t - d) for d in range(1, 16) if t - d > 0]


def test_motion_overrules_the_predicted_iou_somewhere():
    """Or the comparison above would hold for a rule that does nothing."""
    overruled = sum(
        decision.index != made_up_clip(seed, 80, hidden=0.05)[t].best
        for seed in range(8)
        for t, _, decision in drive(Motion(), made_up_clip(seed, 80, hidden=0.05))
    )
    assert overruled >= 5


def test_backward_mirrors_forward():
    frames = made_up_clip(3, 60)
    ahead, back = drive(Motion(), frames), drive(Motion(), frames[::-1], backward=True)
    assert [decision for _, _, decision in ahead] == [decision for _, _, decision in back]
    for (_, first, _), (_, second, _) in zip(ahead, back, strict=True):
        assert [(slot, 59 - frame) for slot, frame in second.recent] == first.recent


def test_a_filter_is_what_its_numbers_say():
    one = BoxFilter.start((3, 4, 20, 30)).predict().update((4, 4, 22, 31))
    again = BoxFilter.from_numbers(one.to_numbers())
    assert again.predict().to_numbers() == one.predict().to_numbers()

"""Decoder answers made up at random, and a driver that runs a rule over them without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sam2_demo.tracking.memory_rules.rule import Decision, Limits, MemoryRule, Past, PathSummary, Recollection

LIMITS = Limits(recent=6, pointers=15)
SIZE = (48, 64)


@dataclass
class MadeUp:
    """Three masks of one frame."""

    ious: tuple[float, ...]
    object_score_logits: float
    masks: np.ndarray

    @property
    def best(self) -> int:
        return int(np.argmax(self.ious))

    def mask(self, index: int) -> np.ndarray:
        return self.masks[index] & (self.object_score_logits > 0)

    def box(self, index: int):
        rows, columns = (np.flatnonzero(self.mask(index).any(axis=axis)) for axis in (1, 0))
        return None if len(rows) == 0 else (float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1]))


def blob(centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2


def made_up_clip(seed: int, length: int, hidden: float = 0.15) -> list[MadeUp]:
    """A disc on a curved way, candidates off it now and then, with a second disc elsewhere, hidden at times."""
    rng = np.random.default_rng(seed)
    frames = []
    for t in range(length):
        centre = 12 + 0.9 * t % 40, 24 + 8 * np.sin(t / 5)
        rival = rng.uniform(5, 60), rng.uniform(5, 43)
        radius = 6 * rng.choice([1.0, 1.0, 1.0, 1.05, 1.4])
        own = blob(centre, radius)
        masks = np.stack([own, own | blob(rival, 4), blob(rival, 5)])[rng.permutation(3)]
        ious = rng.uniform(0.82, 0.99, 3) if rng.random() > 0.25 else rng.uniform(0.1, 0.9, 3)
        score = rng.normal(4, 1) if rng.random() > hidden else rng.normal(-3, 1)
        frames.append(MadeUp(tuple(float(v) for v in ious), float(score), masks))
    return frames


def drive(rule: MemoryRule, frames: list[MadeUp], backward: bool = False) -> list[tuple[int, Recollection, Decision]]:
    """(frame, what it recalled, what it decided) of a one-pathway rule; the first frame in order is prompted."""
    length = len(frames)
    order = list(range(length - 1, -1, -1) if backward else range(length))
    summaries: dict[int, tuple[PathSummary, ...]] = {}
    made = []
    for t in order[1:]:
        past = Past(t, backward, length, {order[0]}, summaries.get, lambda _: backward, range(length))
        recalled = rule.recall(past, 0, LIMITS)
        (decision,) = rule.decide(past, [frames[t]])
        index = frames[t].best if decision.index is None else decision.index
        decision = replace(decision, index=index)
        summaries[t] = (PathSummary(frames[t].object_score_logits, frames[t].ious[index], decision.note),)
        made.append((t, recalled, decision))
    return made

"""Scores that the network gave beside what they should have been, to calibrate them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def _none() -> NDArray[np.float32]:
    return np.zeros((0, 2), np.float32)


@dataclass(frozen=True, eq=False)
class ScoreRecord:
    """(N, 2) arrays of logits and what was true.

    single_iou, multi_iou: of the mask that answers, where it is the single one or one of three; true: its IoU;
    object_score: of tracked frames that clearly show the object (true: 1) or do not show it at all (0).
    """

    single_iou: NDArray[np.float32] = field(default_factory=_none)
    multi_iou: NDArray[np.float32] = field(default_factory=_none)
    object_score: NDArray[np.float32] = field(default_factory=_none)

    @property
    def parts(self) -> tuple[NDArray[np.float32], ...]:
        """The three arrays, in the order in which they stand above."""
        return self.single_iou, self.multi_iou, self.object_score


def joined(records: Iterable[ScoreRecord]) -> ScoreRecord:
    """All of several records."""
    parts = [record.parts for record in records]
    return ScoreRecord(*(np.concatenate(own) for own in zip(*parts, strict=True))) if parts else ScoreRecord()


def pairs(logits: Tensor, truths: Tensor) -> NDArray[np.float32]:
    """(N, 2) of logits (N,) and what was true (N,)."""
    return torch.stack((logits.detach().float(), truths.detach().float()), dim=1).cpu().numpy()


def iou_pairs(predicted: Tensor, actual: Tensor) -> NDArray[np.float32]:
    """The same of IoUs (N,) that the network predicted, as probabilities."""
    return pairs(predicted.detach().float().logit(eps=1e-6), actual)

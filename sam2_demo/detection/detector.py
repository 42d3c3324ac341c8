"""What a detector is: a picture and words in, boxes with their words and scores out; bring one of your own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Found:
    """What was found, best score first.

    boxes: (N, 4) float32, x0 y0 x1 y1 in pixels of the picture; words: N of those that were asked for, as they were
    written; scores: (N,) float32 in [0, 1]; masks: (N, H, W) bool from detectors that draw them, else None.
    """

    boxes: NDArray[np.float32]
    words: list[str]
    scores: NDArray[np.float32]
    masks: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.words)


class Detector(Protocol):
    """Finds things by words. Detectors of one's own need this one method."""

    def find(self, rgb: NDArray[np.uint8], words: Sequence[str], threshold: float | None = None) -> Found:
        """What a picture (H, W, 3) uint8 shows of the words, with scores above the threshold (None: its own)."""
        ...


def gather(parts: Sequence[Found]) -> Found:
    """Several answers about one picture as one, best score first; equal scores keep their order."""
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part.boxes for part in parts)])
    scores = np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)])
    words = [word for part in parts for word in part.words]
    order = np.argsort(-scores, kind="stable")
    drawn = [part.masks for part in parts if part.masks is not None]
    masks = np.concatenate(drawn)[order] if drawn and len(drawn) == len(parts) else None
    return Found(boxes[order], [words[index] for index in order], scores[order], masks)

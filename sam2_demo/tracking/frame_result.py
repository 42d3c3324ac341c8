"""What is known of one frame of a clip: every object's mask and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2_demo.tracking.mask_selection import STABILITY_OFFSET, mask_stability


@dataclass(frozen=True, eq=False)
class FrameResult:
    """Masks of one frame, by object id.

    masks: (H, W) bool; mask_logits: (H, W) float32 before thresholding, hole filling and following edges;
    object_score_logits: > 0 where the object is visible; iou_predictions: in [0, 1]. is_between: passed over by a
    tracking run, which already knows the tracked frame behind it.
    """

    frame_index: int
    object_ids: list[int]
    masks: dict[int, NDArray[np.bool_]]
    mask_logits: dict[int, NDArray[np.float32]]
    object_score_logits: dict[int, float]
    iou_predictions: dict[int, float]
    is_between: bool = False

    def stability_scores(self, offset: float = STABILITY_OFFSET) -> dict[int, float]:
        """How stable each object's mask is, in [0, 1], as in everything mode; 1 where it is empty."""
        return {
            object_id: mask_stability(logits, offset) if self.masks[object_id].any() else 1.0
            for object_id, logits in self.mask_logits.items()
        }

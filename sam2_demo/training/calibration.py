"""Where the object score crosses zero: set after training from clips whose truth is known.

Hidden frames are rare in clips, so the score learns their order but hardly ever falls below zero. Moving the bias of
its last layer leaves the order, and costs a chosen small share of the visible frames.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.clip_batches import ClipBatch
from sam2_demo.training.clip_loss import clip_loss
from sam2_demo.training.losses import LossWeights

VISIBLE_SHARE_GIVEN_UP = 0.025


def calibrate_object_score(
    network: Sam2Network, batches: Iterable[ClipBatch], given_up: float = VISIBLE_SHARE_GIVEN_UP
) -> float:
    """Lower the score's bias so that the lowest `given_up` share of visible, tracked frames becomes negative.

    Returns the shift, at least 0; with 0 nothing is changed.
    """
    was_training = network.training
    network.eval()
    visible: list[float] = []
    with torch.no_grad():
        for number, batch in enumerate(batches):
            result = clip_loss(network, batch, np.random.default_rng(number), LossWeights())
            visible.extend(result.visible_scores)
    network.train(was_training)
    shift = max(0.0, float(np.quantile(visible, given_up))) if visible else 0.0
    with torch.no_grad():
        network.sam_mask_decoder.pred_obj_score_head.layers[-1].get_parameter("bias").sub_(shift)
    return shift

"""Losses of SAM 2's recipe (appendix D.2), and the variant that trains the embedded network from scratch.

All take logits (N, M, h, w) and soft targets (N, 1, h, w) in [0, 1], and return one value per candidate (N, M).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_demo.network.mask_decoder import NUM_MASK_TOKENS
from sam2_demo.network.outputs import MaskPrediction


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; the defaults are the published ones (focal 20, dice 1, IoU 1, object score 1).

    cross_entropy with positive_weight replaces the focal term when training from scratch: the focal term with
    few positives starts by predicting empty masks and stays there for thousands of steps.
    """

    focal: float = 20.0
    cross_entropy: float = 0.0
    positive_weight: float = 1.0
    dice: float = 1.0
    iou: float = 1.0
    object_score: float = 1.0
    single_candidate: float = 0.0  # extra supervision of token 0 where the three are supervised
    mean_candidate: float = 0.0  # share of the mean over the three added to their lowest loss
    saliency: float = 0.0


@dataclass(frozen=True)
class MaskTargets:
    """What one decoder pass should give (N objects).

    coverage (N, 1, h, w) in [0, 1]: share of each low-res cell inside the object; valid (N, 1, h, w) in {0, 1}:
    cells whose truth is known; visible (N, 1) bool.
    """

    coverage: Tensor
    valid: Tensor
    visible: Tensor


def focal_loss(logits: Tensor, targets: MaskTargets, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Mean focal loss over valid cells (Lin et al. 2017)."""
    coverage = targets.coverage.expand_as(logits)
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, coverage, reduction="none")
    agreement = probability * coverage + (1 - probability) * (1 - coverage)
    balance = alpha * coverage + (1 - alpha) * (1 - coverage)
    return _valid_mean(balance * (1 - agreement) ** gamma * entropy, targets.valid)


def cross_entropy_loss(logits: Tensor, targets: MaskTargets, positive_weight: float) -> Tensor:
    """Mean binary cross-entropy over valid cells, cells of the object counting `positive_weight` times."""
    weight = logits.new_tensor(positive_weight)
    coverage = targets.coverage.expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, coverage, reduction="none", pos_weight=weight)
    return _valid_mean(entropy, targets.valid)


def dice_loss(logits: Tensor, targets: MaskTargets) -> Tensor:
    """1 - dice coefficient, with one cell added to both sides against empty masks."""
    probability = logits.sigmoid() * targets.valid
    coverage = targets.coverage * targets.valid
    overlap = (probability * coverage).sum(dim=(-1, -2))
    total = probability.sum(dim=(-1, -2)) + coverage.sum(dim=(-1, -2))
    return 1 - (2 * overlap + 1) / (total + 1)


def true_ious(logits: Tensor, targets: MaskTargets) -> Tensor:
    """IoU of the thresholded candidates with the objects, on valid cells."""
    predicted = (logits > 0) & (targets.valid > 0)
    actual = (targets.coverage > 0.5) & (targets.valid > 0)
    overlap = (predicted & actual).sum(dim=(-1, -2)).float()
    union = (predicted | actual).sum(dim=(-1, -2)).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), torch.ones_like(union))


def mask_loss(logits: Tensor, targets: MaskTargets, weights: LossWeights) -> Tensor:
    """Weighted sum of the mask terms of every candidate, (N, M)."""
    total = weights.dice * dice_loss(logits, targets)
    if weights.focal:
        total = total + weights.focal * focal_loss(logits, targets)
    if weights.cross_entropy:
        total = total + weights.cross_entropy * cross_entropy_loss(logits, targets, weights.positive_weight)
    return total


def prediction_loss(
    prediction: MaskPrediction, targets: MaskTargets, multimask: bool, weights: LossWeights
) -> Tensor:
    """Loss of one decoder pass, averaged over objects; candidates are all four, or the three or the one in use.

    With `multimask` only the candidate with the lowest mask loss among the three is supervised, otherwise
    token 0; the IoU heads of all candidates in use are; masks of hidden objects are not supervised.
    """
    logits = prediction.low_res_logits.float()
    visible = targets.visible.float()  # (N, 1)
    candidates = mask_loss(logits, targets, weights)  # (N, M)
    with torch.no_grad():
        actual = true_ious(logits, targets)
    iou_errors = (prediction.iou_predictions.float() - actual).abs()
    all_four = logits.shape[1] == NUM_MASK_TOKENS
    if multimask:
        several = candidates[:, 1:] if all_four else candidates
        masks = several.amin(dim=1, keepdim=True) + weights.mean_candidate * several.mean(dim=1, keepdim=True)
        if all_four and weights.single_candidate:
            masks = masks + weights.single_candidate * candidates[:, :1]
        elif all_four:
            iou_errors = iou_errors[:, 1:]
    else:
        masks, iou_errors = candidates[:, :1], iou_errors[:, :1]
    iou_error = iou_errors.mean(dim=1, keepdim=True)
    present = visible.sum().clamp(min=1)
    loss = ((masks + weights.iou * iou_error) * visible).sum() / present
    if weights.object_score:
        score = prediction.object_score_logits.float()
        loss = loss + weights.object_score * F.binary_cross_entropy_with_logits(score, visible)
    return loss


def _valid_mean(values: Tensor, valid: Tensor) -> Tensor:
    return (values * valid).sum(dim=(-1, -2)) / valid.sum(dim=(-1, -2)).clamp(min=1)

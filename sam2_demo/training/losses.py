"""Losses of SAM 2's recipe (appendix D.2), and the variant that trains the embedded network from scratch.

All take logits (N, M, h, w) and soft targets (N, 1, h, w) in [0, 1], and return one value per candidate (N, M).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_demo.network.mask_decoder import NUM_MASK_TOKENS
from sam2_demo.network.outputs import MaskPrediction

_SURROUNDINGS = 7  # cells


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
    outline: float = 0.0  # how much more cells near outlines count in all mask terms, see `outline_emphasis`
    part: float = 0.7  # of the part around a click, for networks whose first reading of clicks is a part


@dataclass(frozen=True)
class MaskTargets:
    """What one decoder pass should give (N objects).

    coverage (N, 1, h, w) in [0, 1]: share of each low-res cell inside the object; valid (N, 1, h, w) in {0, 1}:
    cells whose truth is known; visible (N, 1) bool; parts: as coverage, of a part around the click, 0 where none
    is known.
    """

    coverage: Tensor
    valid: Tensor
    visible: Tensor
    parts: Tensor | None = None

    @property
    def has_part(self) -> Tensor:
        """Objects (N, 1) with a known part."""
        return torch.zeros_like(self.visible) if self.parts is None else self.parts.flatten(1).amax(1, keepdim=True) > 0

    @property
    def of_parts(self) -> MaskTargets:
        """The parts in place of the objects."""
        return self if self.parts is None else replace(self, coverage=self.parts)


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
    probability = logits.sigmoid()
    overlap = (probability * targets.coverage * targets.valid).sum(dim=(-1, -2))
    total = ((probability + targets.coverage) * targets.valid).sum(dim=(-1, -2))
    return 1 - (2 * overlap + 1) / (total + 1)


def true_ious(logits: Tensor, targets: MaskTargets) -> Tensor:
    """IoU of the thresholded candidates with the objects, on valid cells."""
    predicted = (logits > 0) & (targets.valid > 0)
    actual = (targets.coverage > 0.5) & (targets.valid > 0)
    overlap = (predicted & actual).sum(dim=(-1, -2)).float()
    union = (predicted | actual).sum(dim=(-1, -2)).float()
    return torch.where(union > 0, overlap / union.clamp(min=1), torch.ones_like(union))


def outline_emphasis(coverage: Tensor, strength: float) -> Tensor:
    """How often each cell counts (N, 1, h, w): once, and up to `strength` times more the more its surroundings differ.

    Source: the weighted losses of F3Net (Wei et al. 2020). What is left to gain lies within a cell or two of outlines,
    a few percent of all cells.
    """
    surroundings = F.avg_pool2d(coverage, _SURROUNDINGS, stride=1, padding=_SURROUNDINGS // 2, count_include_pad=False)
    return 1 + strength * (surroundings - coverage).abs()


def mask_loss(logits: Tensor, targets: MaskTargets, weights: LossWeights) -> Tensor:
    """Weighted sum of the mask terms of every candidate, (N, M)."""
    if weights.outline:
        targets = replace(targets, valid=targets.valid * outline_emphasis(targets.coverage, weights.outline))
    total = weights.dice * dice_loss(logits, targets)
    if weights.focal:
        total = total + weights.focal * focal_loss(logits, targets)
    if weights.cross_entropy:
        total = total + weights.cross_entropy * cross_entropy_loss(logits, targets, weights.positive_weight)
    return total


def prediction_loss(prediction: MaskPrediction, targets: MaskTargets, multimask: bool, weights: LossWeights) -> Tensor:
    """Loss of one decoder pass, averaged over objects; candidates are all four, or the three or the one in use.

    With `multimask` only the candidate with the lowest mask loss among the three is supervised, otherwise
    token 0; the IoU heads of all candidates in use are; masks of hidden objects are not supervised.
    Where a part is known, it and not the object is what the first of the three should give.
    """
    logits = prediction.low_res_logits.float()
    visible = targets.visible.float()  # (N, 1)
    candidates = mask_loss(logits, targets, weights)  # (N, M)
    with torch.no_grad():
        actual = true_ious(logits, targets)
    all_four = logits.shape[1] == NUM_MASK_TOKENS
    in_use = slice(0, 1)
    masks = candidates[:, :1]
    if multimask:
        of_three = slice(1, None) if all_four else slice(None)
        masks = _lowest(candidates[:, of_three], weights)
        if targets.parts is not None:
            first = slice(1, 2) if all_four else slice(0, 1)
            part = weights.part * mask_loss(logits[:, first], targets.of_parts, weights)
            masks = torch.where(targets.has_part, _lowest(candidates[:, first.stop :], weights) + part, masks)
            part_ious = true_ious(logits[:, first].detach(), targets.of_parts)
            actual[:, first] = torch.where(targets.has_part, part_ious, actual[:, first])
        in_use = of_three
        if all_four and weights.single_candidate:
            masks = masks + weights.single_candidate * candidates[:, :1]
            in_use = slice(None)
    iou_errors = (prediction.iou_predictions.float() - actual).abs()
    iou_error = iou_errors[:, in_use].mean(dim=1, keepdim=True)
    present = visible.sum().clamp(min=1)
    loss = ((masks + weights.iou * iou_error) * visible).sum() / present
    if weights.object_score:
        score = prediction.object_score_logits.float()
        loss = loss + weights.object_score * F.binary_cross_entropy_with_logits(score, visible)
    return loss


def _lowest(candidates: Tensor, weights: LossWeights) -> Tensor:
    """The lowest loss (N, 1) among candidates (N, M), and a share of their mean."""
    return candidates.amin(dim=1, keepdim=True) + weights.mean_candidate * candidates.mean(dim=1, keepdim=True)


def _valid_mean(values: Tensor, valid: Tensor) -> Tensor:
    return (values * valid).sum(dim=(-1, -2)) / valid.sum(dim=(-1, -2)).clamp(min=1)

"""Loss of a batch of pictures: one encoding serves many prompts, each refined by corrective clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sam2_demo.network.outputs import ImageEmbedding, MaskPrediction
from sam2_demo.network.prompt_encoder import BOX_END_LABEL, BOX_START_LABEL, POSITIVE_LABEL
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.frame_step import LOGIT_LIMIT
from sam2_demo.tracking.pixels import normalize
from sam2_demo.training.even_regions import find_parts
from sam2_demo.training.losses import LossWeights, MaskTargets, prediction_loss, true_ious
from sam2_demo.training.picture_batches import PictureBatch
from sam2_demo.training.prompt_sampling import sample_box, sample_click, sample_correction
from sam2_demo.training.score_record import ScoreRecord, iou_pairs, joined

_SECOND_SEARCH = 0.5  # share of clicks without a part for which another place is tried


@dataclass(frozen=True)
class StepResult:
    """Loss to minimise (scalar tensor), figures to log, and the scores that were given."""

    loss: Tensor
    figures: dict[str, float]
    scores: ScoreRecord = field(default_factory=ScoreRecord)


def mean_of(results: Sequence[StepResult]) -> StepResult:
    """The mean loss, the mean of each figure over the results that have it, and all scores."""
    names = dict.fromkeys(name for result in results for name in result.figures)
    figures = {name: float(np.mean([r.figures[name] for r in results if name in r.figures])) for name in names}
    scores = joined(result.scores for result in results)
    return StepResult(torch.stack([result.loss for result in results]).mean(), figures, scores)


@dataclass(frozen=True)
class _PromptedObjects:
    """Rows of a batch's masks whose first prompt is of one kind, so that all have as many points."""

    rows: NDArray[np.int64]
    is_box: bool


class SaliencyHead(nn.Module):
    """Auxiliary maps of foreground and outlines, used in training only: the encoder learns before the decoder does."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(dim // 8, 2, kernel_size=1)
        self.coarse = nn.Conv2d(dim, 1, kernel_size=1)

    def forward(self, embedding: ImageEmbedding, labels: Tensor) -> Tensor:
        """Mean loss of an embedding of B pictures with labels (B, S, S) int32."""
        known = (labels >= 0).float()[:, None]
        foreground = (labels > 0).float()[:, None]
        # Full partitions say nothing of foreground.
        partial = (foreground.mean(dim=(1, 2, 3)) < 0.9).float()[:, None, None, None]
        outline = torch.zeros_like(foreground)
        outline[..., 1:] += (labels[:, None, :, 1:] != labels[:, None, :, :-1]).float()
        outline[..., 1:, :] += (labels[:, None, 1:] != labels[:, None, :-1]).float()
        fine = self.fine(embedding.high_res_features[0]).float()
        coarse = self.coarse(embedding.features).float()
        weight_fine, weight_coarse = F.avg_pool2d(known, 4) * partial, F.avg_pool2d(known, 16) * partial
        losses = (
            _weighted_entropy(fine[:, :1], F.avg_pool2d(foreground, 4), weight_fine),
            _weighted_entropy(fine[:, 1:], F.max_pool2d(outline.clamp(max=1), 4), F.avg_pool2d(known, 4)),
            _weighted_entropy(coarse, F.avg_pool2d(foreground, 16), weight_coarse),
        )
        return torch.stack(losses).sum()


def _weighted_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    positive_weight = logits.new_tensor(2.0)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none", pos_weight=positive_weight)
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def to_pixels(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32 normalised with ImageNet's mean and deviation, channels last."""
    tensor = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255
    return normalize(tensor).contiguous(memory_format=torch.channels_last)


def picture_loss(
    network: Sam2Network,
    saliency: SaliencyHead,
    batch: PictureBatch,
    rng: np.random.Generator,
    weights: LossWeights,
    corrections: int,
) -> StepResult:
    """Encode the pictures once, prompt each object by a click or a box, then by `corrections` more clicks."""
    embedding = network.encode_image(to_pixels(batch.pixels, network.device))
    prompts = len(batch.masks) // len(batch.pixels)
    boxed = np.arange(len(batch.masks)) % prompts >= (prompts + 1) // 2  # the latter half of each picture's objects
    total, figures, scores = torch.zeros((), device=network.device), {}, []
    for name, is_box in (("click", False), ("box", True)):
        rows = np.nonzero(boxed == is_box)[0]
        if len(rows) == 0:
            continue
        objects = _PromptedObjects(rows, is_box)
        loss, ious, given = _refine(network, embedding, batch, objects, rng, weights, corrections)
        scores.append(given)
        total = total + loss * (len(rows) / len(batch.masks))
        figures.update({f"iou_{name}_{kind}": value for kind, value in ious.items()})
    if weights.saliency:
        auxiliary = saliency(embedding, torch.from_numpy(batch.labels).to(network.device))
        figures["saliency"] = auxiliary.item()
        total = total + weights.saliency * auxiliary
    return StepResult(total, figures, joined(scores))


def _refine(
    network: Sam2Network,
    embedding: ImageEmbedding,
    batch: PictureBatch,
    objects: _PromptedObjects,
    rng: np.random.Generator,
    weights: LossWeights,
    corrections: int,
) -> tuple[Tensor, dict[str, float], ScoreRecord]:
    """Loss averaged over rounds, the mean IoU of the chosen mask after each ("0", "1", ...) and of "part"s, and the
    scores given to the chosen ones."""
    masks, indices = batch.masks[objects.rows], batch.picture_indices[objects.rows]
    seen = embedding.select(torch.from_numpy(indices).to(network.device))
    features = network.attend_to_memory(seen.features, None)
    targets = make_targets(masks, batch.labels[indices] >= 0, network.device)
    coords, labels = first_prompts(rng, masks, objects.is_box)
    if network.config.answers.parts_first and not objects.is_box:
        coords, parts = seek_parts(rng, batch.pixels[indices], coords, masks, network.device)
        targets = replace(targets, parts=parts)
    small_truth = (targets.coverage[:, 0] > 0.5).cpu().numpy()
    small_valid = (targets.valid[:, 0] > 0).cpu().numpy()
    low_res_logits, losses, ious, scores = None, [], {}, []
    for number in range(corrections + 1):
        points = torch.from_numpy(coords).to(network.device), torch.from_numpy(labels).to(network.device)
        prediction = network.decode_masks(features, seen.high_res_features, points, low_res_logits)
        multimask = number == 0 and not objects.is_box
        losses.append(prediction_loss(prediction, targets, multimask, weights))
        if number == 0 and targets.has_part.any():
            part_loss, ious["part"] = _repeat_parts(network, seen, (coords, labels), prediction, targets, weights)
            losses[0] = losses[0] + weights.part * part_loss
        chosen, predicted_ious = choose(prediction, multimask, network.config.answers.parts_first)
        actual = true_ious(chosen, targets)[:, 0]
        ious[str(number)] = actual.mean().item()
        pairs = iou_pairs(predicted_ious, actual)
        scores.append(ScoreRecord(multi_iou=pairs) if multimask else ScoreRecord(single_iou=pairs))
        if number < corrections:
            low_res_logits = chosen.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
            predicted = (chosen[:, 0] > 0).cpu().numpy()
            coords, labels = add_corrections(rng, (coords, labels), predicted, small_truth, small_valid)
    return torch.stack(losses).mean(), ious, joined(scores)


def _repeat_parts(
    network: Sam2Network,
    seen: ImageEmbedding,
    points: tuple[NDArray[np.float32], NDArray[np.int32]],
    prediction: MaskPrediction,
    targets: MaskTargets,
    weights: LossWeights,
) -> tuple[Tensor, float]:
    """Loss of parts asked for once more by their click and their own mask, and the mean IoU of the first answers.

    So a mask that is given with its click stays what it is about, as everything mode's m2m option expects.
    """
    rows = targets.has_part[:, 0].nonzero()[:, 0]
    of_parts = targets.of_parts
    few = MaskTargets(of_parts.coverage[rows], of_parts.valid[rows], of_parts.visible[rows])
    first = prediction.low_res_logits.detach()[rows, 1:2].float()
    coords, labels = (torch.from_numpy(array).to(network.device)[rows] for array in points)
    again = seen.select(rows)
    features = network.attend_to_memory(again.features, None)
    given = first.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
    refined = network.decode_masks(features, again.high_res_features, (coords, labels), given)
    share = len(rows) / len(targets.visible)
    return share * prediction_loss(refined, few, False, weights), true_ious(first, few).mean().item()


def make_targets(masks: NDArray[np.bool_], known: NDArray[np.bool_], device: torch.device) -> MaskTargets:
    """Masks and known pixels (N, S, S) -> targets at stride 4; every object is visible."""
    full = torch.from_numpy(masks).to(device).float()[:, None]
    valid = torch.from_numpy(known).to(device).float()[:, None]
    visible = full.flatten(1).amax(dim=1, keepdim=True) > 0
    return MaskTargets(F.avg_pool2d(full, 4), (F.avg_pool2d(valid, 4) > 0.5).float(), visible)


def choose(prediction: MaskPrediction, multimask: bool, parts_first: bool) -> tuple[Tensor, Tensor]:
    """The logits (N, 1, h, w) that inference would take, and the IoU (N,) predicted for them, detached."""
    logits, ious = prediction.low_res_logits.detach().float(), prediction.iou_predictions.detach()
    if not multimask:
        return logits[:, :1], ious[:, 0]
    first = 2 if parts_first else 1
    best = ious[:, first:].argmax(dim=1) + first
    rows = torch.arange(len(best), device=best.device)
    return logits[rows, best][:, None], ious[rows, best]


def seek_parts(
    rng: np.random.Generator,
    pixels: NDArray[np.uint8],
    coords: NDArray[np.float32],
    masks: NDArray[np.bool_],
    device: torch.device,
) -> tuple[NDArray[np.float32], Tensor]:
    """Clicks (N, 1, 2), some of those without a part moved to one, and the coverage (N, 1, S/4, S/4) of parts around
    them; pixels (N, S, S, 3), masks (N, S, S)."""
    parts = find_parts(pixels, coords[:, 0], masks)
    coords = coords.copy()
    again = np.flatnonzero(~parts.any(axis=(1, 2)) & (rng.random(len(masks)) < _SECOND_SEARCH))
    if len(again):
        clicks = np.array([sample_click(rng, masks[row], 0.0) for row in again], np.float32)
        found = find_parts(pixels[again], clicks, masks[again])
        has_part = found.any(axis=(1, 2))
        coords[again[has_part], 0], parts[again] = clicks[has_part], found
    return coords, F.avg_pool2d(torch.from_numpy(parts).to(device).float()[:, None], 4)


def first_prompts(
    rng: np.random.Generator, masks: NDArray[np.bool_], is_box: bool
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A box (two corners) or a click per mask (N, S, S): coordinates (N, P, 2) and labels (N, P)."""
    if is_box:
        corners = np.array([sample_box(rng, mask) for mask in masks], np.float32).reshape(-1, 2, 2)
        return corners, np.tile(np.array([BOX_START_LABEL, BOX_END_LABEL], np.int32), (len(masks), 1))
    clicks = np.array([sample_click(rng, mask) for mask in masks], np.float32).reshape(-1, 1, 2)
    return clicks, np.full((len(masks), 1), POSITIVE_LABEL, np.int32)


def add_corrections(
    rng: np.random.Generator,
    points: tuple[NDArray[np.float32], NDArray[np.int32]],
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Append one corrective click per object, from masks (N, S/4, S/4), in input pixels."""
    coords, labels = points
    added = [sample_correction(rng, *masks) for masks in zip(predicted, truth, valid, strict=True)]
    offsets = rng.integers(0, 4, (len(added), 2))  # anywhere inside the low-res cell
    clicks = (4 * np.array([click for click, _ in added]) + offsets).astype(np.float32)[:, None]
    signs = np.array([[label] for _, label in added], np.int32)
    return np.concatenate([coords, clicks], axis=1), np.concatenate([labels, signs], axis=1)

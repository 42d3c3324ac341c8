"""Loss of a batch of clips: prompt the first frame, track the rest through memory, sometimes correct (appendix D.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.network.config import PUBLISHED_ANSWERS
from sam2_demo.network.outputs import ImageEmbedding, MemoryTokens
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.frame_step import (
    HIDDEN_LOGIT,
    LOGIT_LIMIT,
    FrameOutput,
    FramePrompts,
    encode_memory,
    frame_step,
)
from sam2_demo.tracking.memory_bank import FrameMemory, MemoryBank, stack_selections
from sam2_demo.training.clip_batches import ClipBatch
from sam2_demo.training.losses import LossWeights, MaskTargets, prediction_loss, true_ious
from sam2_demo.training.picture_loss import (
    StepResult,
    add_corrections,
    first_prompts,
    make_targets,
    seek_parts,
    to_pixels,
)
from sam2_demo.training.score_record import ScoreRecord, iou_pairs, joined, pairs

_SHOWN_AREA = 0.001  # of the frame: less is neither hidden nor clearly shown
_FIRST_PROMPTS = {"mask": 0.5, "click": 0.25, "box": 0.25}
_FIRST_CORRECTION = 0.5  # probability of corrective clicks on the first frame
_LATER_CORRECTIONS = (0.6, 0.25, 0.15)  # probabilities of 0, 1, 2 later frames that are corrected


@dataclass
class _Run:
    """One batch on its way through its frames."""

    network: Sam2Network
    embedding: ImageEmbedding  # of all B * T frames
    batch: ClipBatch
    rng: np.random.Generator
    weights: LossWeights
    corrections: int
    banks: list[MemoryBank]
    losses: list[Tensor] = field(default_factory=list)
    ious: list[Tensor] = field(default_factory=list)
    score_hits: list[Tensor] = field(default_factory=list)
    scores: list[ScoreRecord] = field(default_factory=list)

    @property
    def num_frames(self) -> int:
        """Frames per clip."""
        return self.batch.frames.shape[1]


def clip_loss(
    network: Sam2Network, batch: ClipBatch, rng: np.random.Generator, weights: LossWeights, corrections: int = 1
) -> StepResult:
    """Loss averaged over predictions, corrected ones included; objects of a batch share the kind of their first prompt.

    corrections: corrective clicks on each frame that is corrected (the first sometimes, one or two later ones
    sometimes).
    """
    frames = batch.frames.reshape(-1, *batch.frames.shape[2:])
    embedding = network.encode_image(to_pixels(frames, network.device))
    banks = [MemoryBank(capacity=network.config.max_object_pointers) for _ in batch.masks]
    run = _Run(network, embedding, batch, rng, weights, corrections, banks)
    kind = str(rng.choice(list(_FIRST_PROMPTS), p=list(_FIRST_PROMPTS.values())))
    later = min(int(rng.choice(len(_LATER_CORRECTIONS), p=_LATER_CORRECTIONS)), run.num_frames - 1)
    corrected = rng.permutation(np.arange(1, run.num_frames))[:later]
    for index in range(run.num_frames):
        _track_frame(run, index, kind if index == 0 else "", index in corrected)
    figures = {
        f"clip_iou_{kind}": torch.cat(run.ious).nanmean().item(),
        "object_score_accuracy": torch.cat(run.score_hits).mean().item(),
    }
    return StepResult(torch.stack(run.losses).mean(), figures, joined(run.scores))


def _track_frame(run: _Run, index: int, kind: str, corrected: bool) -> None:
    seen = run.embedding.select(
        torch.from_numpy(run.batch.clip_indices * run.num_frames + index).to(run.network.device)
    )
    masks, known = run.batch.masks[:, index], run.batch.known[run.batch.clip_indices, index]
    targets = make_targets(masks, known, run.network.device)
    memory = _recall(run, index) if index > 0 else None
    prompts, points, parts = _first_prompts(run, kind, masks)
    targets = replace(targets, parts=parts)
    multimask = kind in ("", "click")
    answers = replace(PUBLISHED_ANSWERS, parts_first=run.network.config.answers.parts_first)
    output = frame_step(run.network, seen, prompts, memory, multimask, answers)
    if index > 0:
        _record_scores(run, output, targets)
    if kind != "mask":
        run.losses.append(prediction_loss(output.candidates, targets, multimask, run.weights))
        if corrected or (kind and run.rng.random() < _FIRST_CORRECTION):
            output = _correct(run, seen, targets, memory, (output, points))
    _record(run, output, targets, index)
    hidden = output.object_score_logits[..., None, None] <= 0
    logits = torch.where(hidden, HIDDEN_LOGIT, output.low_res_logits.float())
    is_prompted = bool(kind) or corrected
    features = encode_memory(run.network, seen, logits, output.object_score_logits, binarize=is_prompted)
    for row, bank in enumerate(run.banks):
        one = slice(row, row + 1)
        bank.remember(index, FrameMemory(features[one], output.object_pointers[one]), is_prompted)


def _first_prompts(
    run: _Run, kind: str, masks: NDArray[np.bool_]
) -> tuple[FramePrompts, tuple[NDArray[np.float32], NDArray[np.int32]], Tensor | None]:
    """The prompts, the points among them, and the parts around clicks if the network is to read them."""
    nothing = np.zeros((len(masks), 0, 2), np.float32), np.zeros((len(masks), 0), np.int32)
    device = run.network.device
    if kind == "mask":
        return FramePrompts(mask=torch.from_numpy(masks).to(device)[:, None]), nothing, None
    if kind == "":
        return FramePrompts(), nothing, None
    coords, labels = first_prompts(run.rng, masks, kind == "box")
    parts = None
    if run.network.config.answers.parts_first and kind == "click":
        coords, parts = seek_parts(run.rng, run.batch.frames[run.batch.clip_indices, 0], coords, masks, device)
    return _point_prompts((coords, labels), device), (coords, labels), parts


def _point_prompts(points: tuple[NDArray[np.float32], NDArray[np.int32]], device: torch.device) -> FramePrompts:
    return FramePrompts(torch.from_numpy(points[0]).to(device), torch.from_numpy(points[1]).to(device))


def _recall(run: _Run, index: int) -> MemoryTokens:
    # Pointer distances count as in a long clip: most clips are longer than these.
    length = max(run.num_frames, run.network.config.max_object_pointers)
    selections = [bank.select(run.network, index, length, backward=False) for bank in run.banks]
    return stack_selections(run.network, selections)


def _correct(
    run: _Run,
    seen: ImageEmbedding,
    targets: MaskTargets,
    memory: MemoryTokens | None,
    before: tuple[FrameOutput, tuple[NDArray[np.float32], NDArray[np.int32]]],
) -> FrameOutput:
    """Corrective clicks on the frame just predicted, one per object and round."""
    output, points = before
    truth, valid = (targets.coverage[:, 0] > 0.5).cpu().numpy(), (targets.valid[:, 0] > 0).cpu().numpy()
    for _ in range(run.corrections):
        logits = output.low_res_logits.detach()
        predicted = (logits[:, 0] > 0).cpu().numpy()
        points = add_corrections(run.rng, points, predicted, truth, valid)
        prompts = _point_prompts(points, run.network.device)
        prompts = replace(prompts, low_res_logits=logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT))
        output = frame_step(run.network, seen, prompts, memory, multimask=False)
        run.losses.append(prediction_loss(output.candidates, targets, False, run.weights))
    return output


def _record(run: _Run, output: FrameOutput, targets: MaskTargets, index: int) -> None:
    visible = targets.visible[:, 0]
    ious = true_ious(output.low_res_logits.detach(), targets)[:, 0]
    if index > 0:
        run.ious.append(torch.where(visible, ious, torch.nan))
        scores = output.object_score_logits[:, 0].detach().float()
        run.score_hits.append(((scores > 0) == visible).float())


def _record_scores(run: _Run, output: FrameOutput, targets: MaskTargets) -> None:
    """What a tracked frame's scores are, before any correction."""
    visible = targets.visible[:, 0]
    scores = output.object_score_logits[:, 0]
    is_clear = ~visible | (targets.coverage.mean(dim=(1, 2, 3)) > _SHOWN_AREA)
    seen = visible & (scores > 0)
    actual = true_ious(output.low_res_logits.detach(), targets)[:, 0]
    run.scores.append(
        ScoreRecord(
            multi_iou=iou_pairs(output.iou_predictions[seen], actual[seen]),
            object_score=pairs(scores[is_clear], visible[is_clear]),
        )
    )

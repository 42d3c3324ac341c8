"""The one step that turns (image embedding, prompts, memory) into (mask, pointer, new memory).

Pictures, videos and training all call it. Source: SAM 2 section 4 and its released inference code's settings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_demo.network.config import PUBLISHED_ANSWERS, AnswerConfig
from sam2_demo.network.mask_decoder import choose_candidates
from sam2_demo.network.outputs import ImageEmbedding, MaskPrediction, MemoryTokens
from sam2_demo.network.prompt_encoder import BOX_END_LABEL, BOX_START_LABEL
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.answers import choose, settle, with_single_when_clear, without_mirrored

LOGIT_LIMIT = 32.0  # low-res logits that are fed back are clamped to +-32, as in the released code
HIDDEN_LOGIT = -1024.0  # logits of a mask whose object is predicted to be hidden
_MASK_LOGIT_SCALE, _MASK_LOGIT_BIAS = 20.0, -10.0  # a given mask as logits: -10 outside, 10 inside


@dataclass(frozen=True)
class FramePrompts:
    """Prompts of B objects on one frame, as tensors; what is absent is None.

    point_coords_model: (B, P, 2) xy in pixels of the S x S network input; point_labels: (B, P), 1 positive,
    0 negative, 2 and 3 box corners, -1 padding; low_res_logits: (B, 1, S/4, S/4), an earlier prediction to
    refine; mask: (B, 1, S, S) bool, which becomes the frame's output directly.
    """

    point_coords_model: Tensor | None = None
    point_labels: Tensor | None = None
    low_res_logits: Tensor | None = None
    mask: Tensor | None = None

    @property
    def points(self) -> tuple[Tensor, Tensor] | None:
        """Coordinates and labels together, or None."""
        if self.point_coords_model is None or self.point_labels is None:
            return None
        return self.point_coords_model, self.point_labels

    def with_mirrored(self, side: int) -> FramePrompts:
        """The prompts of B objects and, in B further rows, the same on the mirrored picture of side `side`."""
        coords, labels, logits = self.point_coords_model, self.point_labels, self.low_res_logits
        if coords is not None and labels is not None:
            turned = torch.stack((side - 1 - coords[..., 0], coords[..., 1]), dim=-1)
            # The box's corners stay upper left and lower right.
            is_start, is_end = labels == BOX_START_LABEL, labels == BOX_END_LABEL
            if is_start.any():
                start, end = turned[is_start], turned[is_end]
                turned[is_start] = torch.stack((end[:, 0], start[:, 1]), dim=1)
                turned[is_end] = torch.stack((start[:, 0], end[:, 1]), dim=1)
            coords, labels = torch.cat((coords, turned)), torch.cat((labels, labels))
        if logits is not None:
            logits = torch.cat((logits, logits.flip(-1)))
        return replace(self, point_coords_model=coords, point_labels=labels, low_res_logits=logits)


@dataclass(frozen=True)
class FrameOutput:
    """What one step says of B objects.

    candidates: all M = 1 or 3 masks as the decoder gave them; chosen (B,): which of them is the answer;
    low_res_logits (B, 1, S/4, S/4): the chosen one, set to HIDDEN_LOGIT where the object is predicted hidden;
    iou_predictions (B,) of the chosen one; object_pointers (B, C); object_score_logits (B, 1), > 0 where visible.
    """

    candidates: MaskPrediction
    chosen: Tensor
    low_res_logits: Tensor
    iou_predictions: Tensor
    object_pointers: Tensor
    object_score_logits: Tensor


def encode_image(network: Sam2Network, pixels: Tensor) -> ImageEmbedding:
    """Network input (B, 3, S, S) -> embedding, in the network's precision."""
    with network.precision():
        return network.encode_image(pixels)


def encode_mirrored(network: Sam2Network, pixels: Tensor) -> ImageEmbedding:
    """The same of the mirrored picture."""
    return encode_image(network, pixels.flip(-1).contiguous(memory_format=torch.channels_last))


def frame_step(
    network: Sam2Network,
    embedding: ImageEmbedding,
    prompts: FramePrompts,
    memory: MemoryTokens | None,
    multimask: bool,
    answers: AnswerConfig = PUBLISHED_ANSWERS,
    mirrored: ImageEmbedding | None = None,
) -> FrameOutput:
    """Predict the masks of B objects on one frame.

    embedding has B rows (see `ImageEmbedding.select`); memory of None means a frame seen without memory.
    With `multimask` three candidates are predicted and the one of highest predicted IoU is chosen, unless `answers`
    says otherwise. `mirrored` is the mirrored picture's embedding, for prompts without memory, if it is to have a say.
    While the network is training, hidden objects keep their logits and unstable single masks are not replaced.
    """
    with network.precision():
        if prompts.mask is not None:
            return _mask_as_output(network, embedding, prompts.mask)
        if mirrored is None:
            all_four = _decode(network, embedding, prompts, memory)
        else:
            both = _decode(network, embedding.joined(mirrored), prompts.with_mirrored(mirrored.picture_side), None)
            all_four = without_mirrored(both)
        return _answer(network, all_four, prompts.points, multimask, answers)


def take_candidates(network: Sam2Network, output: FrameOutput, rows: Tensor, indices: Tensor) -> FrameOutput:
    """An output in which N objects or readings, `rows` (N,) of the B there are, have the candidates `indices` (N,)."""
    with network.precision():
        return _take(network, output.candidates.select(rows), indices)


def encode_memory(
    network: Sam2Network,
    embedding: ImageEmbedding,
    low_res_logits: Tensor,
    object_score_logits: Tensor,
    binarize: bool,
) -> Tensor:
    """Memory of a frame whose mask is known: (B, memory_dim, S/16, S/16).

    low_res_logits (B, 1, S/4, S/4); `binarize` on frames with prompts, where the mask is certain. Memories are of the
    type in which the network computes. The released code rounds them to bfloat16 even where it computes in float32;
    that only adds noise: a difference in the last bit becomes one of 1/256.
    """
    side = embedding.picture_side
    logits = network.upscale_logits(low_res_logits, (side, side))
    probabilities = (logits > 0).float() if binarize else logits.sigmoid()
    with network.precision():
        features = network.encode_memory(embedding.features, probabilities, _visible(object_score_logits))
    return features.to(network.compute_dtype)


def _visible(object_score_logits: Tensor) -> Tensor:
    return (object_score_logits > 0).float()


def _decode(
    network: Sam2Network, embedding: ImageEmbedding, prompts: FramePrompts, memory: MemoryTokens | None
) -> MaskPrediction:
    features = network.attend_to_memory(embedding.features, memory)
    return network.decode_masks(features, embedding.high_res_features, prompts.points, prompts.low_res_logits)


def _answer(
    network: Sam2Network,
    all_four: MaskPrediction,
    points: tuple[Tensor, Tensor] | None,
    multimask: bool,
    answers: AnswerConfig,
) -> FrameOutput:
    is_replaced = answers.replaces_unstable and not network.training
    candidates = choose_candidates(all_four, multimask, stability_fallback=is_replaced)
    if multimask and points is not None and answers.single_when_clear:
        candidates = with_single_when_clear(candidates, all_four, points[1])
    candidates = settle(candidates, points, answers)
    return _take(network, candidates, choose(candidates, points, answers))


def _take(network: Sam2Network, candidates: MaskPrediction, best: Tensor) -> FrameOutput:
    rows = torch.arange(len(best), device=best.device)
    logits = candidates.low_res_logits[rows, best][:, None].float()
    visible = _visible(candidates.object_score_logits)
    if not network.training:
        logits = torch.where(visible[..., None, None] > 0, logits, HIDDEN_LOGIT)
    return FrameOutput(
        candidates=candidates,
        chosen=best,
        low_res_logits=logits,
        iou_predictions=candidates.iou_predictions[rows, best],
        object_pointers=network.point_at_object(candidates.mask_tokens[rows, best], visible),
        object_score_logits=candidates.object_score_logits,
    )


def _mask_as_output(network: Sam2Network, embedding: ImageEmbedding, mask: Tensor) -> FrameOutput:
    """A given mask is the output; the decoder only makes the pointer, from the unconditioned embedding."""
    mask_float = mask.float()
    side = mask.shape[-1] // 4
    logits = F.interpolate(
        mask_float * _MASK_LOGIT_SCALE + _MASK_LOGIT_BIAS,
        size=(side, side),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    all_four = network.decode_masks(
        embedding.features, embedding.high_res_features, None, network.mask_downsample(mask_float)
    )
    decoded = _answer(network, all_four, None, multimask=False, answers=PUBLISHED_ANSWERS)
    visible = mask_float.flatten(1).amax(dim=1, keepdim=True)  # (B, 1)
    ious = torch.ones_like(visible)
    score_logits = visible * _MASK_LOGIT_SCALE + _MASK_LOGIT_BIAS
    return FrameOutput(
        candidates=MaskPrediction(logits, ious, decoded.candidates.mask_tokens, score_logits),
        chosen=decoded.chosen,
        low_res_logits=logits,
        iou_predictions=ious[:, 0],
        object_pointers=visible * decoded.object_pointers + (1 - visible) * network.no_obj_ptr,
        object_score_logits=score_logits,
    )

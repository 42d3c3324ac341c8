"""Typed results of the network's parts (B: batch of pictures or objects, C: hidden width, S: model input side)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ImageEmbedding:
    """What the image encoder knows of a picture, before any prompt or memory.

    features: (B, C, S/16, S/16), for memory attention and the mask decoder;
    high_res_features: ((B, C/8, S/4, S/4), (B, C/4, S/8, S/8)), skip connections of the mask decoder; none of a trunk
    that has but one map.
    """

    features: Tensor
    high_res_features: tuple[Tensor, ...]

    @property
    def picture_side(self) -> int:
        """S, the side of the network input."""
        return 16 * self.features.shape[-1]

    def select(self, indices: Tensor) -> ImageEmbedding:
        """The embedding with rows gathered by `indices` (N,), so that one picture serves many prompts."""
        skips = tuple(skip[indices] for skip in self.high_res_features)
        return ImageEmbedding(self.features[indices], skips)

    def joined(self, other: ImageEmbedding) -> ImageEmbedding:
        """The rows of both, these first."""
        pairs = zip(self.high_res_features, other.high_res_features, strict=True)
        return ImageEmbedding(torch.cat((self.features, other.features)), tuple(torch.cat(pair) for pair in pairs))

    def expand(self, rows: int) -> ImageEmbedding:
        """One picture's embedding (B = 1) as `rows` views of it, without a copy."""
        skips = tuple(skip.expand(rows, -1, -1, -1) for skip in self.high_res_features)
        return ImageEmbedding(self.features.expand(rows, -1, -1, -1), skips)


@dataclass(frozen=True)
class MaskPrediction:
    """Output of the mask decoder, best-of not yet chosen (M = 1 or 3 candidates).

    low_res_logits: (B, M, S/4, S/4); iou_predictions: (B, M) in [0, 1];
    mask_tokens: (B, M, C), one per candidate; object_score_logits: (B, 1), > 0 where the object is visible.
    """

    low_res_logits: Tensor
    iou_predictions: Tensor
    mask_tokens: Tensor
    object_score_logits: Tensor

    def select(self, rows: Tensor) -> MaskPrediction:
        """The predictions of the objects `rows` (N,)."""
        return MaskPrediction(
            self.low_res_logits[rows],
            self.iou_predictions[rows],
            self.mask_tokens[rows],
            self.object_score_logits[rows],
        )


@dataclass(frozen=True)
class MemoryTokens:
    """What one frame attends to: memories first, object pointers last.

    tokens: (B, N, memory_dim); position: (1 or B, N, memory_dim), one row where it is the same for all;
    num_pointer_tokens: how many of the N are object pointers.
    """

    tokens: Tensor
    position: Tensor
    num_pointer_tokens: int

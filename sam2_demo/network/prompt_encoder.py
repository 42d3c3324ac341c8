"""Prompt encoder: clicks, box corners and low-res logits to tokens and a dense map (SAM, appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_demo.network.layers import LayerNorm2d
from sam2_demo.network.position_encoding import RandomFourierPosition

PADDING_LABEL = -1
NEGATIVE_LABEL, POSITIVE_LABEL, BOX_START_LABEL, BOX_END_LABEL = range(4)


class PromptEncoder(nn.Module):
    """Turns prompts into sparse tokens (points) and a dense map (low-res logits)."""

    def __init__(self, dim: int, mask_channels: int = 16) -> None:
        super().__init__()
        self.pe_layer = RandomFourierPosition(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, kernel_size=2, stride=2),
            LayerNorm2d(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, kernel_size=2, stride=2),
            LayerNorm2d(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, dim, kernel_size=1),
        )
        self.no_mask_embed = nn.Embedding(1, dim)

    def encode_points(self, coords_model: Tensor, labels: Tensor, image_size: int) -> Tensor:
        """Points (B, P, 2) in input pixels with labels (B, P) -> tokens (B, P + 1, dim).

        Labels: 1 positive, 0 negative, 2 and 3 the corners of a box, -1 padding. One padding token is
        always appended, as the released models expect.
        """
        coords = torch.cat((coords_model + 0.5, coords_model.new_zeros(len(coords_model), 1, 2)), dim=1)
        labels = torch.cat((labels, labels.new_full((len(labels), 1), PADDING_LABEL)), dim=1)
        tokens = self.pe_layer(coords / image_size)  # (B, P + 1, dim)
        table = torch.cat([embedding.get_parameter("weight") for embedding in self.point_embeddings])  # (4, dim)
        is_padding = (labels == PADDING_LABEL)[..., None]
        placed = tokens + table[labels.clamp(min=0).long()]
        return torch.where(is_padding, self.not_a_point_embed.weight[0], placed)

    def encode_logits(self, low_res_logits: Tensor | None, batch: int, size: tuple[int, int]) -> Tensor:
        """Low-res logits (B, 1, 4h, 4w), or None, to a dense map (B, dim, h, w)."""
        if low_res_logits is None:
            return self.no_mask_embed.weight[0][None, :, None, None].expand(batch, -1, *size)
        return self.mask_downscaling(low_res_logits)

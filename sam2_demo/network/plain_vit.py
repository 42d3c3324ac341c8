"""Plain ViT trunk with windowed and global attention: EfficientTAM's.

Sources: ViTDet (Li et al. 2022), EfficientTAM (Xiong et al. 2024) section 3.1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import PlainVitConfig
from sam2_demo.network.hiera import MultiScaleBlock
from sam2_demo.network.position_encoding import Constants, keep

PATCH = 16


class Patches(nn.Module):
    """Patches of 16 x 16 pixels, side by side."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=PATCH, stride=PATCH)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, S/16, S/16, dim)."""
        return self.proj(pixels).permute(0, 2, 3, 1)


class PlainVit(nn.Module):
    """A trunk of one resolution and one width."""

    def __init__(self, config: PlainVitConfig) -> None:
        super().__init__()
        dim, side = config.embed_dim, config.position_size
        self.position_size = side
        self.patch_embed = Patches(dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + side**2, dim))  # the first one was a class token's
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.blocks = nn.ModuleList(
            MultiScaleBlock(
                dim,
                dim,
                config.num_heads,
                0 if index in config.global_attention_blocks else config.window,
                pool_queries=False,
            )
            for index in range(config.depth)
        )
        self.constants: Constants | None = None

    def _positions(self, size: torch.Size) -> Tensor:
        table = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (self.position_size, -1))  # (1, dim, side, side)
        if table.shape[2:] != size:
            table = F.interpolate(table, size=tuple(size), mode="bicubic", align_corners=False)
        return table.permute(0, 2, 3, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised pixels (B, 3, S, S), S a multiple of 16 -> one map (B, dim, S/16, S/16)."""
        x = self.patch_embed(pixels)
        size = x.shape[1:3]
        x = x + keep(self.constants, size, lambda: self._positions(size))
        for block in self.blocks:
            x = block(x)
        return [x.permute(0, 3, 1, 2)]

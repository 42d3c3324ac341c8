"""Hiera image trunk with windowed and global attention and window-aware absolute positions.

Sources: Hiera (Ryali et al. 2023), window-aware positions (Bolya et al. 2023), SAM 2 appendix D.1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import HieraConfig
from sam2_demo.network.fused_attention import attend
from sam2_demo.network.layers import MLP
from sam2_demo.network.position_encoding import Constants, keep


def _pool(x: Tensor) -> Tensor:
    """Halve a (B, H, W, C) map by 2 x 2 maxima."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2, 2).permute(0, 2, 3, 1)


def partition_windows(x: Tensor, size: int) -> tuple[Tensor, tuple[int, int]]:
    """Cut (B, H, W, C) into windows (B * n, size, size, C); pads with zeros, returns the padded (H, W)."""
    batch, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % size, 0, -height % size))
    padded = x.shape[1], x.shape[2]
    x = x.view(batch, padded[0] // size, size, padded[1] // size, size, channels)
    return x.transpose(2, 3).reshape(-1, size, size, channels), padded


def join_windows(windows: Tensor, size: int, padded: tuple[int, int], unpadded: tuple[int, int]) -> Tensor:
    """Inverse of `partition_windows`: (B * n, size, size, C) -> (B, H, W, C)."""
    rows, columns = padded[0] // size, padded[1] // size
    x = windows.view(-1, rows, columns, size, size, windows.shape[-1]).transpose(2, 3)
    x = x.reshape(-1, *padded, windows.shape[-1])
    return x[:, : unpadded[0], : unpadded[1]].contiguous()


class MultiScaleAttention(nn.Module):
    """Attention over a map; where a stage begins, queries are pooled to half the resolution."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, pool_queries: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool_queries = pool_queries
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, dim) -> (B, H', W', dim_out); H', W' are halved where queries are pooled."""
        batch, height, width, _ = x.shape
        q, k, v = self.qkv(x).unflatten(-1, (3, -1)).unbind(3)  # (B, H, W, dim_out) each
        if self.pool_queries:
            q = _pool(q)
            height, width = q.shape[1:3]
        q, k, v = (t.flatten(1, 2).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (q, k, v))
        x = attend(q, k, v)  # (B, heads, H' * W', dim_out / heads)
        return self.proj(x.transpose(1, 2).reshape(batch, height, width, -1))


class MultiScaleBlock(nn.Module):
    """Pre-norm transformer block on a map; `window` 0 means global attention."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, window: int, pool_queries: bool) -> None:
        super().__init__()
        self.window = window
        self.pool_queries = pool_queries
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = MultiScaleAttention(dim, dim_out, num_heads, pool_queries)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), activation=nn.GELU)
        if dim != dim_out:
            self.proj = nn.Linear(dim, dim_out)
        self.changes_width = dim != dim_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, dim) -> (B, H', W', dim_out)."""
        shortcut = x
        x = self.norm1(x)
        if self.changes_width:
            shortcut = self.proj(x)
            shortcut = _pool(shortcut) if self.pool_queries else shortcut
        x = self._attend(x, shortcut.shape[1:3])
        x = shortcut + x
        return x + self.mlp(self.norm2(x))

    def _attend(self, x: Tensor, size_out: torch.Size) -> Tensor:
        if not self.window:
            return self.attn(x)
        windows, padded = partition_windows(x, self.window)
        windows = self.attn(windows)
        window = self.window
        if self.pool_queries:
            window //= 2
            padded = (size_out[0] + -size_out[0] % window, size_out[1] + -size_out[1] % window)
        return join_windows(windows, window, padded, (size_out[0], size_out[1]))


class PatchEmbed(nn.Module):
    """Overlapping 7 x 7 patches at stride 4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=7, stride=4, padding=3)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, S/4, S/4, dim)."""
        return self.proj(pixels).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """The hierarchical trunk: four stages at strides 4, 8, 16, 32."""

    def __init__(self, config: HieraConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, config.embed_dim, *config.position_background_size))
        window = config.window_sizes[0]
        self.pos_embed_window = nn.Parameter(torch.zeros(1, config.embed_dim, window, window))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.pos_embed_window, std=0.02)
        self.blocks = nn.ModuleList(self._blocks(config))
        self.constants: Constants | None = None
        ends = [sum(config.stages[: i + 1]) - 1 for i in range(4)]
        self.stage_ends = frozenset(ends)

    @staticmethod
    def _blocks(config: HieraConfig) -> list[MultiScaleBlock]:
        blocks: list[MultiScaleBlock] = []
        for stage, depth in enumerate(config.stages):
            for place in range(depth):
                starts = stage > 0 and place == 0
                # The block that opens a stage still sees the finer map, so it keeps that stage's windows.
                window = config.window_sizes[stage - 1 if starts else stage]
                blocks.append(
                    MultiScaleBlock(
                        config.channels[stage - 1 if starts else stage],
                        config.channels[stage],
                        config.num_heads * 2**stage,
                        0 if len(blocks) in config.global_attention_blocks else window,
                        pool_queries=starts,
                    )
                )
        return blocks

    def _positions(self, size: torch.Size) -> Tensor:
        background = F.interpolate(self.pos_embed, size=tuple(size), mode="bicubic")
        tiles = [a // b for a, b in zip(background.shape, self.pos_embed_window.shape, strict=True)]
        return (background + self.pos_embed_window.tile(tiles)).permute(0, 2, 3, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> four maps (B, C_i, S / 4 / 2**i, S / 4 / 2**i), fine to coarse."""
        x = self.patch_embed(pixels)
        size = x.shape[1:3]
        x = x + keep(self.constants, size, lambda: self._positions(size))
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                maps.append(x.permute(0, 3, 1, 2))
        return maps

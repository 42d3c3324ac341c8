"""Attention with separate query, key and value projections, plain and with rotary position.

Sources: SAM (Kirillov et al. 2023) for the plain form with a narrower inner width, SAM 2 section 4 for the
rotary form used in memory attention.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import ResamplerConfig
from sam2_demo.network.fused_attention import attend, attend_in_blocks, prefers_blocks
from sam2_demo.network.position_encoding import rotary_order, rotary_table, rotate


class Attention(nn.Module):
    """Multi-head attention; `downsample` narrows the inner width, `key_dim` is the width of keys and values."""

    def __init__(self, dim: int, num_heads: int, downsample: int = 1, key_dim: int | None = None) -> None:
        super().__init__()
        inner = dim // downsample
        key_dim = dim if key_dim is None else key_dim
        self.num_heads = num_heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(key_dim, inner)
        self.v_proj = nn.Linear(key_dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N, inner / heads)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        return self.out_proj(attend(q, k, v, bias).transpose(1, 2).flatten(2))  # (B, N, dim)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q (B, N, dim), k and v (B, M, key_dim) -> (B, N, dim)."""
        return self._attend(self._split(self.q_proj(q)), self._split(self.k_proj(k)), self._split(self.v_proj(v)))


class RotaryAttention(Attention):
    """Single-head attention whose queries and map-shaped keys are turned by their place in the map.

    Where `latents` says so, each memory among the keys is no map of the queries' size but some latents without a place,
    followed by a smaller map.
    """

    def __init__(self, dim: int, key_dim: int | None = None, latents: ResamplerConfig | None = None) -> None:
        super().__init__(dim, num_heads=1, key_dim=key_dim)
        self.latents = latents

    def forward(  # type: ignore[override]
        self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int], num_plain_keys: int = 0
    ) -> Tensor:
        """q (B, H*W, dim); k, v (B, T*N + num_plain_keys, key_dim) -> (B, H*W, dim); q may have one row for all.

        `size` is (H, W); keys are T memories of N = H*W tokens (or of N latents), then `num_plain_keys` tokens (object
        pointers) that have no place and are not turned.
        """
        q, k = self._project(self.q_proj, q), self._project(self.k_proj, k)
        q = rotate(q, rotary_table(*size, q.shape[-1], q.device, q.dtype)).expand(len(k), -1, -1)
        return self._look(q, self._place(k, size, num_plain_keys), v, size, num_plain_keys)

    def _place(self, k: Tensor, size: tuple[int, int], num_plain_keys: int) -> Tensor:
        """Keys (B, T*N + num_plain_keys, dim), those of maps turned by their place."""
        unplaced, grid = 0, size
        if self.latents is not None:
            unplaced, grid = self.latents.global_latents, (self.latents.grid, self.latents.grid)
        num_remembered = k.shape[1] - num_plain_keys
        memories = k[:, :num_remembered].unflatten(1, (-1, unplaced + grid[0] * grid[1]))  # (B, T, N, dim)
        maps = memories[:, :, unplaced:]
        rotated = rotate(maps, rotary_table(*grid, k.shape[-1], k.device, k.dtype))
        if rotated is maps:
            return k
        memories = torch.cat((memories[:, :, :unplaced], rotated), dim=2)
        return torch.cat((memories.flatten(1, 2), k[:, num_remembered:]), dim=1)

    def _look(self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int], num_plain_keys: int) -> Tensor:
        """Queries and keys (B, N, dim) in place, values (B, N, key_dim) before their projection -> (B, H*W, dim)."""
        return self._attend_narrow(q, k, v)

    def _attend_narrow(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        q, k = q[:, None], k[:, None]
        if not prefers_blocks(q, k, v.shape[-1]):
            return self._attend(q, k, self.v_proj(v)[:, None], bias)
        # Weights that sum to one may meet the values before or after their projection; before, they are narrow.
        return self.out_proj(self.v_proj(attend_in_blocks(q, k, v[:, None], bias)[:, 0]))

    @staticmethod
    def _project(projection: nn.Linear, x: Tensor) -> Tensor:
        """Queries or keys with their channels in the order in which they are rotated, (B, N, dim)."""
        order = rotary_order(projection.out_features, x.device)
        return F.linear(x, projection.weight[order], projection.bias[order])

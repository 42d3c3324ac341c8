"""Attention with separate query, key and value projections, plain and with rotary position.

Sources: SAM (Kirillov et al. 2023) for the plain form with a narrower inner width, SAM 2 section 4 for the
rotary form used in memory attention.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return self.out_proj(attend(q, k, v).transpose(1, 2).flatten(2))  # (B, N, dim)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q (B, N, dim), k and v (B, M, key_dim) -> (B, N, dim)."""
        return self._attend(self._split(self.q_proj(q)), self._split(self.k_proj(k)), self._split(self.v_proj(v)))


class RotaryAttention(Attention):
    """Single-head attention whose queries and map-shaped keys are turned by their place in the map."""

    def forward(  # type: ignore[override]
        self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int], num_plain_keys: int = 0
    ) -> Tensor:
        """q (B, H*W, dim); k, v (B, T*H*W + num_plain_keys, key_dim) -> (B, H*W, dim); q may have one row for all.

        `size` is (H, W); keys are T maps of that size, then `num_plain_keys` tokens (object pointers) that
        have no place and are not turned.
        """
        q, k = self._project(self.q_proj, q), self._project(self.k_proj, k)
        table = rotary_table(*size, q.shape[-1], q.device, q.dtype)
        q = rotate(q, table).expand(len(k), -1, -1)
        num_placed = k.shape[1] - num_plain_keys
        maps = k[:, :num_placed].unflatten(1, (-1, size[0] * size[1]))  # (B, T, H*W, dim)
        rotated = rotate(maps, table)
        if rotated is not maps:
            k = torch.cat((rotated.flatten(1, 2), k[:, num_placed:]), dim=1)
        q, k = q[:, None], k[:, None]
        if not prefers_blocks(q, k, v.shape[-1]):
            return self._attend(q, k, self.v_proj(v)[:, None])
        # Weights that sum to one may meet the values before or after their projection; before, they are narrow.
        return self.out_proj(self.v_proj(attend_in_blocks(q, k, v[:, None])[:, 0]))

    @staticmethod
    def _project(projection: nn.Linear, x: Tensor) -> Tensor:
        """Queries or keys with their channels in the order in which they are rotated, (B, N, dim)."""
        order = rotary_order(projection.out_features, x.device)
        return F.linear(x, projection.weight[order], projection.bias[order])

"""What a memory becomes before it is remembered: itself (SAM 2), or a few latents that have looked at it (EdgeTAM).

Source: EdgeTAM (Zhou et al. 2025), section 3.2, "2D Spatial Perceiver".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_demo.network.config import ResamplerConfig
from sam2_demo.network.fused_attention import attend
from sam2_demo.network.position_encoding import sine_map


class WholeMap(nn.Module):
    """Memories are kept as the memory encoder gives them: a map, each place of which has its position."""

    def forward(self, memory_features: Tensor) -> Tensor:
        """(B, memory_dim, h, w), untouched."""
        return memory_features

    def position(self, memory_features: Tensor) -> Tensor:
        """(1, h * w, memory_dim)."""
        _, channels, height, width = memory_features.shape
        return sine_map(height, width, channels, memory_features.device).flatten(2).transpose(1, 2)


def _feed_forward(dim: int, ratio: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, ratio * dim, bias=False),
        nn.GELU(),
        nn.Linear(ratio * dim, dim, bias=False),
    )


class LatentAttention(nn.Module):
    """Single-head attention without biases; queries are latents."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)

    def _look(self, latents: Tensor, seen: Tensor, position: Tensor | None = None) -> Tensor:
        k, v = self.to_kv(seen).chunk(2, dim=-1)
        if position is not None:
            k, v = k + position.to(k.dtype), v + position.to(v.dtype)
        return self.to_out(attend(self.to_q(latents)[:, None], k[:, None], v[:, None])[:, 0])


class MemoryLook(LatentAttention):
    """Latents look at a memory."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.norm_x = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)

    def forward(self, latents: Tensor, memory: Tensor, position: Tensor | None) -> Tensor:
        """latents (B, L, dim), memory (B, N, dim), position (1, N, dim), of keys and values -> (B, L, dim)."""
        return self._look(self.norm_latents(latents), self.norm_x(memory), position)


class LatentLook(LatentAttention):
    """Latents look at each other."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, L, dim) -> (B, L, dim)."""
        latents = self.norm(latents)
        return self._look(latents, latents)


class PerceiverLayer(nn.Module):
    """Latents look at the memory, then at each other."""

    def __init__(self, dim: int, mlp_ratio: int) -> None:
        super().__init__()
        self.attn = MemoryLook(dim)
        self.ff = _feed_forward(dim, mlp_ratio)
        self.self_attn = LatentLook(dim)
        self.self_ff = _feed_forward(dim, mlp_ratio)

    def forward(self, latents: Tensor, memory: Tensor, position: Tensor | None = None) -> Tensor:
        """latents (B, L, dim), memory (B, N, dim) -> (B, L, dim)."""
        latents = latents + self.attn(latents, memory, position)
        latents = latents + self.ff(latents)
        latents = latents + self.self_attn(latents)
        return latents + self.self_ff(latents)


class PerceiverResampler(nn.Module):
    """A memory as latents: global ones that see all of it, and a grid of such that see one window each."""

    def __init__(self, config: ResamplerConfig, dim: int) -> None:
        super().__init__()
        self.grid = config.grid
        self.latents = nn.Parameter(torch.randn(config.global_latents, dim))
        self.latents_2d = nn.Parameter(torch.randn(config.grid**2, dim))
        self.layers = nn.ModuleList(PerceiverLayer(dim, config.mlp_ratio) for _ in range(config.depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, memory_features: Tensor) -> Tensor:
        """(B, dim, h, w), h and w multiples of the grid's side -> (B, dim, latents), the global ones first."""
        latents = torch.cat((self._see_all(memory_features), self._see_windows(memory_features)), dim=1)
        return self.norm(latents).transpose(1, 2)

    def _see_all(self, memory_features: Tensor) -> Tensor:
        batch, channels, height, width = memory_features.shape
        memory = memory_features.flatten(2).transpose(1, 2)
        position = sine_map(height, width, channels, memory.device).flatten(2).transpose(1, 2)
        latents = self.latents.expand(batch, -1, -1)
        for layer in self.layers:
            latents = layer(latents, memory, position)
        return latents

    def _see_windows(self, memory_features: Tensor) -> Tensor:
        batch, channels = memory_features.shape[:2]
        grid = self.grid
        # (B, C, grid, h / grid, grid, w / grid)
        windows = memory_features.unflatten(3, (grid, -1)).unflatten(2, (grid, -1))
        windows = windows.permute(0, 2, 4, 3, 5, 1).reshape(batch * grid**2, -1, channels)
        latents = self.latents_2d.expand(batch, -1, -1).reshape(batch * grid**2, 1, channels)
        for layer in self.layers:
            latents = layer(latents, windows)
        return latents.view(batch, grid**2, channels)

    def position(self, memory_features: Tensor) -> Tensor:
        """(1, latents, dim): global latents are nowhere, the others have their place in the grid."""
        code = sine_map(self.grid, self.grid, memory_features.shape[1], memory_features.device)
        placed = code.flatten(2).transpose(1, 2)
        return torch.cat((placed.new_zeros(1, len(self.latents), placed.shape[2]), placed), dim=1)

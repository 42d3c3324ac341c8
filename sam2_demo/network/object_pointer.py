"""Object pointers: one vector per object and frame, and how their distance in time is coded.

Source: SAM 2 section 4 ("object pointers") and the differences between the 2.0 and 2.1 releases.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sam2_demo.network.position_encoding import sine_of_time


class PointerTimeProjection(nn.Linear):
    """2.1: sine code of the signed frame distance, projected to the memory width."""

    def forward(self, distances: Tensor) -> Tensor:
        """Distances (N,), in units of the longest one, -> (N, memory_dim)."""
        return super().forward(sine_of_time(distances, self.in_features))


class NoPointerTime(nn.Module):
    """2.0: pointers carry no time."""

    def __init__(self, memory_dim: int) -> None:
        super().__init__()
        self.memory_dim = memory_dim

    def forward(self, distances: Tensor) -> Tensor:
        """(N,) -> zeros (N, memory_dim)."""
        return distances.new_zeros(len(distances), self.memory_dim)


def split_pointers(pointers: Tensor, memory_dim: int) -> Tensor:
    """Pointers (B, N, C) to memory-wide tokens (B, N * C / memory_dim, memory_dim)."""
    return torch.flatten(pointers.unflatten(-1, (-1, memory_dim)), 1, 2)

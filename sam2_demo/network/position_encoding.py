"""Position codes: sine maps, sine codes of time, random Fourier features of prompts, rotary tables.

Sources: DETR's sine code (Carion et al. 2020), SAM's Fourier features (Tancik et al. 2020), axial rotary
embedding (Heo et al. 2024) as used by SAM 2's memory attention.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn

Constants = dict[object, Tensor]
"""What depends on weights alone, kept where weights no longer change; a module's `constants` of None keeps nothing."""

TEMPERATURE = 10000.0
_END_EPSILON = 1e-6  # keeps the normalisation of the last row and column finite, as in DETR


def keep(constants: Constants | None, key: object, compute: Callable[[], Tensor]) -> Tensor:
    """The constant under `key`, computed at most once where constants are kept."""
    if constants is None:
        return compute()
    if key not in constants:
        constants[key] = compute()
    return constants[key]


def _wavelengths(count: int, device: torch.device) -> Tensor:
    steps = torch.arange(count, dtype=torch.float32, device=device)
    return TEMPERATURE ** (2 * (steps // 2) / count)


@lru_cache(maxsize=16)
def sine_map(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Sine code of every pixel of a map, (1, channels, height, width): rows first, then columns."""
    with torch.inference_mode(False):
        scale = 2 * math.pi
        y = torch.arange(1, height + 1, dtype=torch.float32, device=device) / (height + _END_EPSILON) * scale
        x = torch.arange(1, width + 1, dtype=torch.float32, device=device) / (width + _END_EPSILON) * scale
        wavelengths = _wavelengths(channels // 2, device)
        rows, columns = y[:, None] / wavelengths, x[:, None] / wavelengths  # (H, C/2), (W, C/2)
        rows = torch.stack((rows[:, 0::2].sin(), rows[:, 1::2].cos()), dim=2).flatten(1)
        columns = torch.stack((columns[:, 0::2].sin(), columns[:, 1::2].cos()), dim=2).flatten(1)
        code = torch.cat(
            (rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)), dim=2
        )  # (H, W, C)
        return code.permute(2, 0, 1)[None].contiguous()


def sine_of_time(positions: Tensor, channels: int) -> Tensor:
    """Sine code of scalars: (N,) -> (N, channels), all sines before all cosines."""
    half = channels // 2
    angles = positions[:, None] / _wavelengths(half, positions.device)
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class RandomFourierPosition(nn.Module):
    """SAM's position code of prompts: random projections of normalised coordinates, then sine and cosine."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, channels // 2))
        self.constants: Constants | None = None

    def forward(self, coords_normalized: Tensor) -> Tensor:
        """(..., 2) xy in [0, 1] -> (..., channels)."""
        # Not a matrix product: autocast would round it, and with it the place of a click by several pixels.
        x, y = (2 * coords_normalized - 1).unsqueeze(-1).unbind(-2)  # (..., 1) each
        rows = self.positional_encoding_gaussian_matrix
        angles = (x * rows[0] + y * rows[1]) * (2 * math.pi)
        return torch.cat((angles.sin(), angles.cos()), dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """Code of every pixel centre of a map, (1, channels, height, width)."""
        return keep(self.constants, (height, width), lambda: self._grid(height, width))

    def _grid(self, height: int, width: int) -> Tensor:
        matrix = self.positional_encoding_gaussian_matrix
        y = (torch.arange(height, device=matrix.device, dtype=matrix.dtype) + 0.5) / height
        x = (torch.arange(width, device=matrix.device, dtype=matrix.dtype) + 0.5) / width
        coords = torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)), dim=-1)  # (H, W, 2)
        return self(coords).permute(2, 0, 1)[None]


@lru_cache(maxsize=16)
def rotary_table(
    height: int, width: int, channels: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the axial rotary angles, each (height * width, channels / 2): x half, then y half."""
    with torch.inference_mode(False):
        exponents = torch.arange(0, channels, 4, device=device)[: channels // 4].float() / channels
        frequencies = 1.0 / TEMPERATURE**exponents  # (C/4,)
        index = torch.arange(height * width, dtype=torch.float32, device=device)
        x, y = index % width, torch.div(index, width, rounding_mode="floor")
        angles = torch.cat((torch.outer(x, frequencies), torch.outer(y, frequencies)), dim=1)
        return angles.cos().to(dtype), angles.sin().to(dtype)


@lru_cache(maxsize=8)
def rotary_order(channels: int, device: torch.device) -> Tensor:
    """Channel order in which `rotate` works: first channels of all pairs, then the second ones, (channels,)."""
    with torch.inference_mode(False):
        return torch.arange(channels, device=device).view(-1, 2).T.flatten()


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Turn channel pairs of x (..., N, C) by the table's angles (N, C/2), in real arithmetic; x itself is turned
    and returned where no gradient is wanted, since memory traffic is what this costs.

    The checkpoints pair neighbouring channels; x holds them in `rotary_order`, as halves, which takes a third of the
    time. Queries and keys in the same order have the same products.
    """
    cos, sin = table
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]  # (..., N, C/2) each
    if torch.is_grad_enabled() and x.requires_grad:
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
    turned = first * sin
    first.mul_(cos).addcmul_(second, sin, value=-1)
    second.mul_(cos).add_(turned)
    return x

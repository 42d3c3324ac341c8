"""Attention to memories that are averaged over 2 x 2 places, a quarter of the work: EfficientTAM's.

Source: EfficientTAM (Xiong et al. 2024), section 3.2, "Efficient Memory Cross-Attention"; two of its releases of either
size do it, each in a way of its own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sam2_demo.network.attention import RotaryAttention

_SIDE = 2
_LOG_PLACES = 2 * math.log(_SIDE)  # of the places that one average stands for


class PooledRotaryAttention(RotaryAttention):
    """Rotary attention to averages of memories; a single memory is attended to whole, as in the released code.

    kind "weighted": an average counts as the four places that it stands for; "shifted": the logarithm of their number
    is added to every channel of its key, which is not the same, but what the released weights were trained with.
    """

    def __init__(self, dim: int, key_dim: int, kind: str) -> None:
        super().__init__(dim, key_dim)
        self.kind = kind

    def _look(self, q: Tensor, k: Tensor, v: Tensor, size: tuple[int, int], num_plain_keys: int) -> Tensor:
        num_remembered = k.shape[1] - num_plain_keys
        if num_remembered <= size[0] * size[1]:
            return self._attend_narrow(q, k, v)
        # Averages of projected values are projections of averages, so the narrow ones are averaged.
        keys, values = (_averaged(tokens[:, :num_remembered], size) for tokens in (k, v))
        bias = None
        if self.kind == "shifted":
            keys = keys + _LOG_PLACES
        else:
            bias = k.new_zeros(keys.shape[1] + num_plain_keys)
            bias[: keys.shape[1]] = _LOG_PLACES
        keys = torch.cat((keys, k[:, num_remembered:]), dim=1)
        values = torch.cat((values, v[:, num_remembered:]), dim=1)
        return self._attend_narrow(q, keys, values, bias)


def _averaged(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """Tokens of T maps of `size` (H, W), (B, T*H*W, C) -> (B, T*H/2*W/2, C)."""
    rows, columns = size[0] // _SIDE, size[1] // _SIDE
    batch, _, channels = tokens.shape
    return tokens.reshape(batch, -1, rows, _SIDE, columns, _SIDE, channels).mean((3, 5)).flatten(1, 3)

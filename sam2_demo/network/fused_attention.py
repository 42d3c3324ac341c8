"""softmax(q k^T) v as the hardware does it fastest.

PyTorch's fused attention is the fastest there is where the hardware has matrix units. On a CPU that multiplies bfloat16
without them (AVX-512 BF16, as AMD's Zen 4) it takes as long in bfloat16 as in float32, while plain products of matrices
take less than half: there, attention to many keys is computed from those, a block of queries at a time. So is, in
float32, attention to memories, whose values are narrow before their projection: fused attention takes values of the
keys' width only, and products of matrices save the arithmetic (a quarter of the time of 16,384 keys of width 256).
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST = 512  # queries and keys; with fewer of either, the products are too small to gain
_SCORES = 9 * 2**20  # of a block: 18 MiB, which mostly stay in the cache
_ROWS = 64  # blocks have a multiple of so many queries
_SAMPLED = 16  # every so manieth key tells how large a query's scores are


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of queries (B, heads, N, D) to keys (B, heads, M, D) with values (B, heads, M, E), scaled by D^-0.5.

    bias (M,), if any, is added to the scaled scores of each key.
    """
    if prefers_blocks(q, k, v.shape[-1]):
        return attend_in_blocks(q, k, v, bias)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype)[None])


def prefers_blocks(q: Tensor, k: Tensor, value_width: int) -> bool:
    """Whether to compute block by block, which takes values of any width at the price of that width."""
    if q.device.type != "cpu" or torch.is_grad_enabled() or min(q.shape[-2], k.shape[-2]) < _LEAST:
        return False
    if q.dtype == k.dtype == torch.float32:
        return 2 * value_width <= k.shape[-1]
    return q.dtype == k.dtype == torch.bfloat16 and _multiplies_without_units()


def attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same as products of matrices in the type of `q`; for inference.

    Scores are rounded to that type, so in bfloat16 an estimate of each query's largest is taken off within the product:
    what weighs most is rounded least, and the result is as close to float32 as fused attention's own.
    """
    num_keys = k.shape[-2]
    out = q.new_empty(*q.shape[:-1], v.shape[-1])
    q = (q.float() * q.shape[-1] ** -0.5).to(q.dtype)
    added = None if bias is None else bias.to(q.dtype)[None]  # (1, M)
    block = max(1, _SCORES // num_keys // _ROWS) * _ROWS
    with torch.autocast(q.device.type, enabled=False):
        for row in range(q.shape[0]):
            for head in range(q.shape[1]):
                queries, keys, values = q[row, head], k[row, head], v[row, head].to(q.dtype)
                if q.dtype == torch.bfloat16:
                    queries, keys = _less_estimate(queries, keys)
                for part, target in zip(queries.split(block), out[row, head].split(block), strict=True):
                    scores = torch.mm(part, keys.T) if added is None else torch.addmm(added, part, keys.T)
                    torch.mm(scores.softmax(dim=-1), values, out=target)
    return out


def _less_estimate(queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Queries (N, D + 1) and keys (M, D + 1) whose products are less by an estimate of each query's largest."""
    estimate = torch.mm(queries, keys[::_SAMPLED].T).amax(dim=1, keepdim=True)
    return torch.cat((queries, -estimate), dim=1), torch.cat((keys, keys.new_ones(len(keys), 1)), dim=1)


@cache
def _multiplies_without_units() -> bool:
    return torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()

"""Attention block by block against PyTorch's fused attention in float32."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_demo.network import fused_attention
from sam2_demo.network.attention import RotaryAttention
from sam2_demo.network.fused_attention import attend, attend_in_blocks


def _operands(scale: float, width: int, num_keys: int = 2500) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    q, k = scale * torch.randn(2, 2, 1100, 64), torch.randn(2, 2, num_keys, 64)
    return q.bfloat16(), k.bfloat16(), torch.randn(2, 2, num_keys, width).bfloat16()


def _relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found.float() - expected).norm() / expected.norm())


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_blocks_are_as_close_to_float32_as_fused_attention(scale: float) -> None:
    q, k, v = _operands(scale, width=64)
    expected = F.scaled_dot_product_attention(q.float(), k.float(), v.float())
    fused = _relative_error(F.scaled_dot_product_attention(q, k, v), expected)
    assert _relative_error(attend_in_blocks(q, k, v), expected) < 3 * fused + 1e-3


def test_values_may_be_narrower_than_keys() -> None:
    q, k, v = _operands(1.0, width=8)
    expected = F.scaled_dot_product_attention(q.float(), k.float(), v.float())
    assert attend_in_blocks(q, k, v).shape == (2, 2, 1100, 8)
    assert _relative_error(attend_in_blocks(q, k, v), expected) < 0.01


def test_a_large_score_that_the_estimate_misses_is_no_overflow() -> None:
    q, k, v = _operands(1.0, width=4)
    k[:, :, 7] = 100 * q[:, :, 3]  # key 7 is not among those that the estimate is made from
    found = attend_in_blocks(q, k, v)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found[:, :, 3], v[:, :, 7])


def test_blocks_are_used_without_matrix_units_only(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = _operands(1.0, width=64)
    used = []
    monkeypatch.setattr(fused_attention, "attend_in_blocks", lambda *given: used.append(given) or given[0])
    for is_without in (False, True):
        monkeypatch.setattr(fused_attention, "_multiplies_without_units", lambda is_without=is_without: is_without)
        with torch.no_grad():
            attend(q, k, v)
            attend(q.float(), k.float(), v.float())
            attend(q.float(), k.float(), v[..., :33].float())
            attend(q, k[:, :, :400], v[:, :, :400])
            attend(q[:, :, :400], k, v)
        attend(q, k, v)  # with gradients
    assert len(used) == 1


def test_float32_is_computed_in_blocks_where_values_are_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = (tensor.float() for tensor in _operands(1.0, width=32))
    expected = F.scaled_dot_product_attention(q, k, v)
    used = []

    def counted(*given: Tensor) -> Tensor:
        used.append(given)
        return attend_in_blocks(*given)

    monkeypatch.setattr(fused_attention, "attend_in_blocks", counted)
    with torch.no_grad():
        torch.testing.assert_close(attend(q, k, v), expected, rtol=1e-5, atol=1e-6)
    assert len(used) == 1


def test_rotary_attention_projects_values_before_or_after(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention = RotaryAttention(32, key_dim=8).eval()
    torch.nn.init.normal_(attention.v_proj.bias)  # a bias comes through once, whatever the weights
    q, k, v = torch.randn(1, 32 * 32, 32), torch.randn(2, 2 * 32 * 32 + 3, 8), torch.randn(2, 2 * 32 * 32 + 3, 8)
    with torch.no_grad():
        expected = attention(q, k, v, (32, 32), num_plain_keys=3)
        attention = attention.bfloat16()
        found = []
        for is_without in (False, True):
            monkeypatch.setattr(fused_attention, "_multiplies_without_units", lambda is_without=is_without: is_without)
            found.append(attention(q.bfloat16(), k.bfloat16(), v.bfloat16(), (32, 32), num_plain_keys=3))
    errors = [_relative_error(one, expected) for one in found]
    assert max(errors) < 0.02
    assert not torch.equal(*found)

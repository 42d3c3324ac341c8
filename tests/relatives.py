"""Reference of EdgeTAM: transformers' model around a plain re-statement of its trunk, for which it would need timm.

The re-statement follows the paper's figure with branches unmerged, in timm's names; `test_repvit` holds figures that
timm itself computed, so that it cannot drift along with the trunk that it checks.
"""

from __future__ import annotations

import re
from functools import partial
from types import MethodType, SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    EdgeTamVideoConfig,
    EdgeTamVideoModel,
    EdgeTamVisionConfig,
    PreTrainedConfig,
    TimmWrapperConfig,
)

from tests.reference import _mask_as_released, fill_randomly


def _conv_norm(a: int, b: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False)
    return _named(c=convolution, bn=nn.BatchNorm2d(b))


def _named(**parts: nn.Module) -> nn.Sequential:
    sequence = nn.Sequential()
    for name, part in parts.items():
        sequence.add_module(name, part)
    return sequence


class _Mixer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = _conv_norm(width, width, 3, groups=width)
        self.conv1 = _conv_norm(width, width, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.conv1(x) + x


class _Squeeze(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = {48: 16, 96: 24, 192: 48, 384: 96}[width]
        self.fc1, self.fc2 = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


def _widen(width: int) -> nn.Sequential:
    return _named(conv1=_conv_norm(width, 2 * width), act=nn.GELU(), conv2=_conv_norm(2 * width, width))


class _Block(nn.Module):
    def __init__(self, width: int, squeezes: bool) -> None:
        super().__init__()
        self.token_mixer = _Mixer(width)
        self.se = _Squeeze(width) if squeezes else nn.Identity()
        self.channel_mixer = _widen(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.se(self.token_mixer(x))
        return x + self.channel_mixer(x)


class _Down(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.pre_block = _Block(a, squeezes=False)
        self.spatial_downsample = _conv_norm(a, a, 3, 2, groups=a)
        self.channel_downsample = _conv_norm(a, b)
        self.ffn = _widen(b)

    def forward(self, x: Tensor) -> Tensor:
        x = self.channel_downsample(self.spatial_downsample(self.pre_block(x)))
        return x + self.ffn(x)


class PlainRepVit(nn.Module):
    """RepViT-M1's four maps, branch by branch."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _named(conv1=_conv_norm(3, 24, 3, 2), act=nn.GELU(), conv2=_conv_norm(24, 48, 3, 2))
        widths = (48, 48, 96, 192, 384)
        for stage, depth in enumerate((2, 2, 14, 2)):
            a, b = widths[stage : stage + 2]
            blocks = nn.Sequential(*(_Block(b, squeezes=i in range(0, depth, 2)) for i in range(depth)))
            down = _Down(a, b) if a != b else nn.Identity()
            self.add_module(f"stages_{stage}", _named(downsample=down, blocks=blocks))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> maps at strides 4 to 32."""
        x, maps = self.stem(pixels), []
        for stage in range(4):
            x = self.get_submodule(f"stages_{stage}")(x)
            maps.append(x)
        return maps


class _Backbone(nn.Module):
    """As transformers wraps a model of timm."""

    def __init__(self) -> None:
        super().__init__()
        self.timm_model = PlainRepVit()

    def forward(self, pixels: Tensor, **ignored: object) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.timm_model(pixels), hidden_states=None)


def edgetam_config(side: int) -> EdgeTamVideoConfig:
    """Transformers' configuration of the released EdgeTAM, for pictures of `side` pixels."""
    sizes = [[side // stride, side // stride] for stride in (4, 8, 16)]
    return EdgeTamVideoConfig(
        vision_config=EdgeTamVisionConfig(backbone_config=TimmWrapperConfig(), backbone_feature_sizes=sizes),
        prompt_encoder_config={"image_size": side},
        image_size=side,
        memory_attention_rope_feat_sizes=[side // 16, side // 16],
        enable_temporal_pos_encoding_for_object_pointers=False,
        enable_occlusion_spatial_embedding=False,
    )


def build_edgetam(side: int) -> EdgeTamVideoModel:
    """Transformers' EdgeTAM with the trunk above."""
    from_config = AutoModel.from_config

    def with_stand_in(config: PreTrainedConfig) -> nn.Module:
        return _Backbone() if isinstance(config, TimmWrapperConfig) else from_config(config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AutoModel, "from_config", with_stand_in)
        return EdgeTamVideoModel(edgetam_config(side)).eval()


def fill_trunk(trunk: nn.Module, seed: int) -> None:
    """Overwrite a trunk's weights in place such that values neither grow nor vanish over its depth."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(trunk.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(1 + 0.1 * noise.abs())
        elif tensor.ndim > 1:
            tensor.copy_(0.5 * noise * noise[0].numel() ** -0.5)
        else:
            tensor.copy_((1.0 if name.endswith(".weight") else 0.0) + 0.1 * noise)


def random_edgetam(side: int, seed: int = 0) -> EdgeTamVideoModel:
    """The same with random weights that make every part matter, in eval mode."""
    model = build_edgetam(side)
    fill_randomly(model, seed)
    fill_trunk(model.vision_encoder.backbone.timm_model, seed)
    model._use_mask_as_output = MethodType(_mask_as_released, model)
    # Its memories are not encoded for all objects together, but with each one's output.
    model._run_single_frame_inference = partial(model._run_single_frame_inference, run_mem_encoder=True)
    return model


def fill_official(network: nn.Module, seed: int) -> None:
    """Overwrite weights under official names in place such that masks vary and depend on memory, objects present."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(network.state_dict().items()):
        tensor.copy_(_official_values(name, torch.randn(tensor.shape, generator=generator)))


def _official_values(name: str, noise: Tensor) -> Tensor:
    if name.endswith("gaussian_matrix"):
        return noise
    if name.endswith("pred_obj_score_head.layers.2.bias"):
        return noise + 50.0
    if name.endswith(".gamma"):
        return 0.3 * noise
    is_table = re.search(r"(embed|_embeddings\.\d|_token|mask_tokens)\.weight$", name)
    if noise.ndim > 1 and name.endswith(".weight") and not is_table:
        gain = 1.5 if name.startswith("memory_encoder.") else 1.0
        if re.search(r"cross_attn_image\.(v|out)_proj", name):
            gain = 3.0
        return gain * noise * noise[0].numel() ** -0.5
    if noise.ndim == 1:
        return (1.0 if name.endswith(".weight") else 0.0) + 0.1 * noise
    return 0.5 * noise

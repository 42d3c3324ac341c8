"""Compact trunk of inverted residual blocks, EfficientNet-Lite0: the embedded network's trunk.

Source: inverted residuals of Sandler et al. 2018 in the layout of EfficientNet (Tan and Le 2019, table 1), in its
"Lite" form without squeeze-and-excitation and with ReLU6. Weights trained on ImageNet exist for exactly this layout
(see `training.pretrained`), and what they know of objects is worth more than any number of hours on a few
thousand pictures; that is why the layout is kept to the letter.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import MobileTrunkConfig
from sam2_demo.network.fine_path import FinePath
from sam2_demo.network.layers import fold_batch_norm

NORM_EPSILON = 1e-3  # of the published weights


@dataclass(frozen=True)
class _StageLayout:
    """One stage of the layout: blocks of equal width, the first of which may halve the resolution."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


_STEM_CHANNELS = 32
_LAYOUT = (
    _StageLayout(1, 16, 1, 1, 3),
    _StageLayout(6, 24, 2, 2, 3),  # stride 4
    _StageLayout(6, 40, 2, 2, 5),  # stride 8
    _StageLayout(6, 80, 3, 2, 3),
    _StageLayout(6, 112, 3, 1, 5),  # stride 16
    _StageLayout(6, 192, 4, 2, 5),
    _StageLayout(6, 320, 1, 1, 3),  # stride 32
)
_TAPPED_STAGES = (1, 2, 4, 6)


class ConvNorm(nn.Module):
    """Convolution and batch norm, (B, in, H, W) -> (B, out, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, eps=NORM_EPSILON)

    def forward(self, features: Tensor) -> Tensor:
        """Both as one convolution wherever the norm's statistics stand still: a fifth less time."""
        if self.norm.training:
            return self.norm(self.conv(features))
        return self.conv._conv_forward(features, *fold_batch_norm(self.conv, self.norm))


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; around it a skip connection where shapes allow."""

    def __init__(self, in_channels: int, layout: _StageLayout, stride: int) -> None:
        super().__init__()
        inner = in_channels * layout.expansion
        self.expand = ConvNorm(in_channels, inner, 1) if layout.expansion > 1 else None
        self.depthwise = ConvNorm(inner, inner, layout.kernel, stride, groups=inner)
        self.project = ConvNorm(inner, layout.channels, 1)
        self.has_skip = stride == 1 and in_channels == layout.channels

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H / stride, W / stride)."""
        inner = features if self.expand is None else F.relu6(self.expand(features), inplace=True)
        refined = self.project(F.relu6(self.depthwise(inner), inplace=True))
        return features + refined if self.has_skip else refined


class MobileTrunk(nn.Module):
    """EfficientNet-Lite0 without its classifier, with the same outputs as Hiera: maps at strides 4, 8, 16 and 32.

    Behind it, where the configuration has one, a top-down path that refines the first two.

    On CPUs it computes in float32 whatever the rest does: rounding its fine maps is what moves masks most in bfloat16
    (mean IoU with float32's masks on four clips 0.991, with this 0.997), and saves 8 ms of a frame only; gradients of
    depthwise convolutions even take twice as long.
    """

    wide_on_cpu = True

    def __init__(self, config: MobileTrunkConfig) -> None:
        super().__init__()
        self.stem = ConvNorm(3, _STEM_CHANNELS, 3, stride=2)
        stages, width = [], _STEM_CHANNELS
        for layout in _LAYOUT:
            blocks = []
            for number in range(layout.blocks):
                blocks.append(InvertedResidual(width, layout, layout.stride if number == 0 else 1))
                width = layout.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.fine_path = FinePath(config.channels, config.fine_width) if config.fine_width else None

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised pixels (B, 3, S, S), S a multiple of 32 -> four maps, fine to coarse, 24, 40, 112, 320 wide."""
        device = pixels.device.type
        with torch.autocast(device, enabled=torch.is_autocast_enabled(device) and device != "cpu"):
            # A copy, not `contiguous`: a frame's rows seen as channels last have a batch stride of 3, which counts as
            # contiguous but sends every convolution in bfloat16 down a path that takes three times as long.
            pixels = pixels.clone(memory_format=torch.channels_last)
            features = F.relu6(self.stem(pixels), inplace=True)
            maps = []
            for number, stage in enumerate(self.stages):
                features = stage(features)
                if number in _TAPPED_STAGES:
                    maps.append(features)
            return maps if self.fine_path is None else self.fine_path(pixels, maps)

"""Image encoder: a trunk and the feature pyramid on top of it (SAM 2 section 4, appendix D.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import (
    ConvTrunkConfig,
    HieraConfig,
    MobileTrunkConfig,
    NetworkConfig,
    PlainVitConfig,
    TrunkConfig,
)
from sam2_demo.network.conv_trunk import ConvTrunk
from sam2_demo.network.hiera import Hiera
from sam2_demo.network.layers import LayerNorm2d
from sam2_demo.network.mobile_trunk import MobileTrunk
from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.plain_vit import PlainVit
from sam2_demo.network.repvit import RepVit


def build_trunk(config: TrunkConfig) -> nn.Module:
    """The trunk that a configuration names: (B, 3, S, S) -> its maps, fine to coarse."""
    if isinstance(config, HieraConfig):
        return Hiera(config)
    if isinstance(config, MobileTrunkConfig):
        return MobileTrunk(config)
    if isinstance(config, ConvTrunkConfig):
        return ConvTrunk(config)
    return PlainVit(config) if isinstance(config, PlainVitConfig) else RepVit(config)


class PyramidLevel(nn.Module):
    """Lateral 1 x 1 convolution; its own module because checkpoints name it `convs.<i>.conv`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, H, W)."""
        return self.conv(x)


class FeaturePyramid(nn.Module):
    """Same width at strides 4, 8, 16: only stride 16 receives the coarsest map from above."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        # Checkpoints list the levels coarse to fine.
        self.convs = nn.ModuleList(PyramidLevel(c, width) for c in reversed(channels))

    def forward(self, maps: list[Tensor], skips: tuple[nn.Conv2d, ...]) -> ImageEmbedding:
        """Four trunk maps, fine to coarse, and the decoder's skip projections -> what SAM 2 uses of a picture.

        Strides 4 and 8 are only ever seen through the decoder's projections, so level and projection are applied as
        one: the wide maps of stride 4 are the largest of the whole network and need never exist.
        """
        stride4, stride8, stride16, coarsest = maps
        above, level16, level8, level4 = self.convs
        top_down = F.interpolate(above(coarsest).float(), scale_factor=2.0, mode="nearest")
        features = level16(stride16) + top_down
        fine = F.conv2d(stride4, *self._as_one(level4, skips[0]))
        middle = F.conv2d(stride8, *self._as_one(level8, skips[1]))
        if not torch.is_autocast_enabled(features.device.type):
            # Row-major: the memory encoder's convolutions then round to the bit as in the released code.
            features = features.contiguous()
        return ImageEmbedding(features, (fine, middle))

    def _as_one(self, level: nn.Module, skip: nn.Conv2d) -> tuple[Tensor, Tensor]:
        """Weight and bias of a pyramid level and the 1 x 1 convolution behind it as one 1 x 1 convolution."""
        with torch.autocast(skip.weight.device.type, enabled=False):
            inner, outer = level.get_parameter("conv.weight").flatten(1), skip.weight.flatten(1)
            weight = (outer @ inner)[..., None, None]  # (out, in, 1, 1)
            bias = outer @ level.get_parameter("conv.bias") + skip.get_parameter("bias")
        return weight, bias


class SingleMap(nn.Sequential):
    """Two normalised convolutions on the one map of a plain trunk (Li et al. 2022, section 3)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv_1x1 = nn.Conv2d(channels, width, kernel_size=1, bias=False)
        self.norm_0 = LayerNorm2d(width)
        self.conv_3x3 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.norm_1 = LayerNorm2d(width)


class SingleMapNeck(nn.Module):
    """The neck of a trunk that has but one map, at stride 16: no pyramid, no skip connections."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([SingleMap(channels, width)])  # a list in checkpoints

    def forward(self, maps: list[Tensor], skips: tuple[nn.Conv2d, ...]) -> ImageEmbedding:
        """One map (B, channels, h, w); `skips` is empty, since nothing is there to project."""
        return ImageEmbedding(self.convs[0](maps[0]).contiguous(), ())


def _build_neck(config: NetworkConfig) -> nn.Module:
    channels = config.trunk.channels
    if config.has_skips:
        return FeaturePyramid(channels, config.hidden_dim)
    return SingleMapNeck(channels[0], config.hidden_dim)


class ImageEncoder(nn.Module):
    """Pixels to the picture's embedding."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = build_trunk(config.trunk)
        self.neck = _build_neck(config)

    def forward(self, pixels: Tensor, skips: tuple[nn.Conv2d, ...]) -> ImageEmbedding:
        """(B, 3, S, S) normalised pixels -> embedding; `skips` are the decoder's projections of strides 4 and 8."""
        return self.neck(self.trunk(pixels), skips)

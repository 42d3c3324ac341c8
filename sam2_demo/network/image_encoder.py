"""Image encoder: a trunk and the feature pyramid on top of it (SAM 2 section 4, appendix D.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import ConvTrunkConfig, HieraConfig, MobileTrunkConfig, NetworkConfig
from sam2_demo.network.conv_trunk import ConvTrunk
from sam2_demo.network.hiera import Hiera
from sam2_demo.network.mobile_trunk import MobileTrunk
from sam2_demo.network.outputs import ImageEmbedding


def build_trunk(config: HieraConfig | ConvTrunkConfig | MobileTrunkConfig) -> nn.Module:
    """The trunk that a configuration names: (B, 3, S, S) -> four maps, fine to coarse."""
    if isinstance(config, HieraConfig):
        return Hiera(config)
    return ConvTrunk(config) if isinstance(config, ConvTrunkConfig) else MobileTrunk(config)


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

    def forward(self, maps: list[Tensor], skips: tuple[nn.Conv2d, nn.Conv2d]) -> ImageEmbedding:
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


class ImageEncoder(nn.Module):
    """Pixels to the picture's embedding."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = build_trunk(config.trunk)
        self.neck = FeaturePyramid(config.trunk.channels, config.hidden_dim)

    def forward(self, pixels: Tensor, skips: tuple[nn.Conv2d, nn.Conv2d]) -> ImageEmbedding:
        """(B, 3, S, S) normalised pixels -> embedding; `skips` are the decoder's projections of strides 4 and 8."""
        return self.neck(self.trunk(pixels), skips)

"""Image encoder: a trunk and the feature pyramid on top of it (SAM 2 section 4, appendix D.1)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import ConvTrunkConfig, HieraConfig, NetworkConfig
from sam2_demo.network.conv_trunk import ConvTrunk
from sam2_demo.network.hiera import Hiera


def build_trunk(config: HieraConfig | ConvTrunkConfig) -> nn.Module:
    """The trunk that a configuration names: (B, 3, S, S) -> four maps, fine to coarse."""
    return Hiera(config) if isinstance(config, HieraConfig) else ConvTrunk(config)


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

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Four trunk maps, fine to coarse -> maps of `width` channels at strides 4, 8, 16."""
        coarsest, stride16, stride8, stride4 = (
            conv(x) for conv, x in zip(self.convs, reversed(maps), strict=True)
        )
        top_down = F.interpolate(coarsest.float(), scale_factor=2.0, mode="nearest")
        return stride4, stride8, stride16 + top_down


class ImageEncoder(nn.Module):
    """Pixels to the three pyramid levels that SAM 2 uses."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.trunk = build_trunk(config.trunk)
        self.neck = FeaturePyramid(config.trunk.channels, config.hidden_dim)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, S, S) normalised pixels -> (B, C, S/4, S/4), (B, C, S/8, S/8), (B, C, S/16, S/16)."""
        return self.neck(self.trunk(pixels))

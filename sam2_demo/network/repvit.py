"""RepViT trunk: EdgeTAM's.

Sources: RepViT (Wang et al. 2024), whose M1 layout this is, and structural reparameterisation (Ding et al. 2021):
branches that are trained side by side are one convolution when weights stand still. Names are those of timm's
`repvit_m1` as a list of feature maps, which the released checkpoints keep.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.config import RepVitConfig
from sam2_demo.network.layers import fold_batch_norm

_WIDENING = 2  # of channel mixers
_SQUEEZE = 4  # channels per channel of squeeze-and-excitation, whose width is then rounded to a multiple of 8


class ConvNorm(nn.Module):
    """Convolution and batch norm, (B, in, H, W) -> (B, out, H / stride, W / stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the one convolution that does both."""
        return fold_batch_norm(self.c, self.bn)

    def forward(self, features: Tensor) -> Tensor:
        """Both, as one convolution where the norm's statistics stand still."""
        if self.bn.training:
            return self.bn(self.c(features))
        return self.c._conv_forward(features, *self.folded())


class TokenMixer(nn.Module):
    """Depthwise 3 x 3 and 1 x 1 convolutions and the identity, summed; (B, C, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, channels, 3, groups=channels)
        self.conv1 = ConvNorm(channels, channels, 1, groups=channels)

    def as_one(self) -> nn.Conv2d:
        """All three as one depthwise convolution; gradients do not flow to the branches."""
        weight, bias = self._joined()
        channels = len(weight)
        merged = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, device="meta")
        merged.weight = nn.Parameter(weight.detach(), requires_grad=False)
        merged.bias = nn.Parameter(bias.detach(), requires_grad=False)
        return merged

    def _joined(self) -> tuple[Tensor, Tensor]:
        weight, bias = self.conv.folded()
        point_weight, point_bias = self.conv1.folded()
        return weight + F.pad(point_weight + 1, (1, 1, 1, 1)), bias + point_bias

    def forward(self, features: Tensor) -> Tensor:
        """Filter each channel by itself."""
        if self.training:
            return self.conv(features) + self.conv1(features) + features
        return self.conv.c._conv_forward(features, *self._joined())


class SqueezeExcite(nn.Module):
    """Weighs channels by what the whole picture holds (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = _rounded(channels / _SQUEEZE)
        self.fc1 = nn.Conv2d(channels, inner, 1)
        self.fc2 = nn.Conv2d(inner, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        weights = F.relu(self.fc1(features.mean((2, 3), keepdim=True)))
        return features * self.fc2(weights).sigmoid()


def _rounded(width: float) -> int:
    return max(8, int(width + 4) // 8 * 8)


class ChannelMixer(nn.Module):
    """Two 1 x 1 convolutions around a wider map, (B, C, H, W) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, _WIDENING * channels, 1)
        self.conv2 = ConvNorm(_WIDENING * channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Mix channels at every place by itself."""
        return self.conv2(F.gelu(self.conv1(features)))


class RepVitBlock(nn.Module):
    """Mixes places, then channels, as a transformer's block does; (B, C, H, W) -> the same shape."""

    def __init__(self, channels: int, squeezes: bool) -> None:
        super().__init__()
        self.token_mixer = TokenMixer(channels)
        self.se = SqueezeExcite(channels) if squeezes else nn.Identity()
        self.channel_mixer = ChannelMixer(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Refine `features` at their own resolution."""
        features = self.se(self.token_mixer(features))
        return features + self.channel_mixer(features)


class Downsample(nn.Module):
    """Halves the resolution and widens, (B, in, H, W) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.pre_block = RepVitBlock(in_channels, squeezes=False)
        self.spatial_downsample = ConvNorm(in_channels, in_channels, 3, stride=2, groups=in_channels)
        self.channel_downsample = ConvNorm(in_channels, out_channels, 1)
        self.ffn = ChannelMixer(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """The map with which a stage begins."""
        features = self.channel_downsample(self.spatial_downsample(self.pre_block(features)))
        return features + self.ffn(features)


class Stage(nn.Module):
    """Blocks of one resolution; every second one, from the first, weighs its channels."""

    def __init__(self, in_channels: int, out_channels: int, num_blocks: int) -> None:
        super().__init__()
        self.downsample = nn.Identity() if in_channels == out_channels else Downsample(in_channels, out_channels)
        self.blocks = nn.Sequential(*(RepVitBlock(out_channels, i % 2 == 0) for i in range(num_blocks)))

    def forward(self, features: Tensor) -> Tensor:
        """The stage's map."""
        return self.blocks(self.downsample(features))


class Stem(nn.Module):
    """Two convolutions to stride 4, (B, 3, S, S) -> (B, C, S/4, S/4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, channels // 2, 3, stride=2)
        self.conv2 = ConvNorm(channels // 2, channels, 3, stride=2)

    def forward(self, pixels: Tensor) -> Tensor:
        """The map with which the first stage begins."""
        return self.conv2(F.gelu(self.conv1(pixels)))


class StageList(nn.Module):
    """Stem and stages, as timm names them in a network of feature maps."""

    def __init__(self, config: RepVitConfig) -> None:
        super().__init__()
        widths = (config.channels[0], *config.channels)
        self.stem = Stem(widths[0])
        for index, num_blocks in enumerate(config.blocks):
            self.add_module(f"stages_{index}", Stage(widths[index], widths[index + 1], num_blocks))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Pixels (B, 3, S, S) -> the stages' maps, fine to coarse."""
        maps: list[Tensor] = []
        features = pixels
        for name, part in self.named_children():
            features = part(features)
            if name != "stem":
                maps.append(features)
        return maps


class RepVit(nn.Module):
    """The trunk, with the same outputs as Hiera: maps at strides 4, 8, 16 and 32."""

    def __init__(self, config: RepVitConfig) -> None:
        super().__init__()
        self.body = StageList(config)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised pixels (B, 3, S, S), S a multiple of 32 -> four maps, fine to coarse, `config.channels` wide."""
        # A copy in channels last: see `MobileTrunk`.
        return self.body(pixels.clone(memory_format=torch.channels_last))

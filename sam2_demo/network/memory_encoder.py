"""Memory encoder: a frame's embedding and its mask to a memory (SAM 2 section 4, appendix D.1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from sam2_demo.network.layers import LayerNorm2d


class MaskDownsampler(nn.Module):
    """Mask at input size to a stride-16 map by four stride-2 convolutions, each with four times the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        widths = (1, 4, 16, 64, 256)
        parts: list[nn.Module] = []
        for a, b in pairwise(widths):
            parts += [nn.Conv2d(a, b, kernel_size=3, stride=2, padding=1), LayerNorm2d(b), nn.GELU()]
        self.encoder = nn.Sequential(*parts, nn.Conv2d(widths[-1], dim, kernel_size=1))

    def forward(self, mask: Tensor) -> Tensor:
        """(B, 1, S, S) -> (B, dim, S/16, S/16)."""
        return self.encoder(mask)


class FuserBlock(nn.Module):
    """ConvNeXt block (Liu et al. 2022): depthwise 7 x 7, norm, two pointwise layers, scaled residual."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) -> the same shape."""
        update = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)  # (B, H, W, dim)
        update = self.gamma * self.pwconv2(self.act(self.pwconv1(update)))
        return x + update.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    """Two ConvNeXt blocks; its own module because checkpoints name them `fuser.layers`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(FuserBlock(dim) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) -> the same shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    """Fuses the unconditioned image embedding with the mask and narrows it to the memory width."""

    def __init__(self, dim: int, memory_dim: int) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownsampler(dim)
        self.pix_feat_proj = nn.Conv2d(dim, dim, kernel_size=1)
        self.fuser = Fuser(dim)
        self.out_proj = nn.Conv2d(dim, memory_dim, kernel_size=1)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """features (B, dim, S/16, S/16), mask (B, 1, S, S) in [-10, 10] -> (B, memory_dim, S/16, S/16)."""
        fused = self.pix_feat_proj(features) + self.mask_downsampler(mask)
        return self.out_proj(self.fuser(fused))

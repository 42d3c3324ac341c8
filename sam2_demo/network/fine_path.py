"""Top-down path of the compact trunk: what coarse maps know of objects, and the pixels' own edges, in the fine maps.

Most errors of the embedded network lie within two pixels of outlines, and SAM 2's pyramid hands strides 4 and 8 to the
mask decoder as the trunk gives them. Hiera's fine maps are wide; those of a compact trunk are two or three shallow
convolutions, too little to tell an object's outline from its texture. In the manner of U-Net (Ronneberger et al. 2015).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_EXPANSION = 2
_BLOCKS = (1, 2)  # at strides 8 and 4


class FineBlock(nn.Module):
    """A wide depthwise filter and two 1 x 1 convolutions around a skip connection, (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.expand = nn.Conv2d(channels, _EXPANSION * channels, 1)
        self.project = nn.Conv2d(_EXPANSION * channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Refine `features` at their own resolution."""
        return features + self.project(F.relu(self.expand(self.depthwise(features)), inplace=True))


class FinePath(nn.Module):
    """Adds to the maps at strides 4 and 8; starts by adding nothing, so that a trained network can be given one."""

    def __init__(self, channels: tuple[int, int, int, int], width: int) -> None:
        super().__init__()
        stride4, stride8, stride16, stride32 = channels
        self.from_coarsest = nn.Conv2d(stride32, 2 * width, 1)
        self.from_coarse = nn.Conv2d(stride16, 2 * width, 1)
        self.coarse_to_middle = nn.Conv2d(2 * width, 2 * width, 1)
        self.from_middle = nn.Conv2d(stride8, 2 * width, 1)
        self.middle = nn.Sequential(*(FineBlock(2 * width) for _ in range(_BLOCKS[0])))
        self.middle_to_fine = nn.Conv2d(2 * width, width, 1)
        self.from_fine = nn.Conv2d(stride4, width, 1)
        self.from_pixels = nn.Conv2d(3, width, 4, stride=4)
        self.fine = nn.Sequential(*(FineBlock(width) for _ in range(_BLOCKS[1])))
        self.to_middle = nn.Conv2d(2 * width, stride8, 1)
        self.to_fine = nn.Conv2d(width, stride4, 1)
        for convolution in (self.to_middle, self.to_fine):
            nn.init.zeros_(convolution.weight)
            nn.init.zeros_(convolution.get_parameter("bias"))

    def forward(self, pixels: Tensor, maps: list[Tensor]) -> list[Tensor]:
        """Pixels (B, 3, S, S) and the trunk's four maps, fine to coarse -> the maps, the first two refined."""
        stride4, stride8, stride16, stride32 = maps
        coarse = F.relu(_doubled(self.from_coarsest(stride32)) + self.from_coarse(stride16))
        middle = F.relu(_doubled(self.coarse_to_middle(coarse)) + self.from_middle(stride8))
        middle = self.middle(middle)
        fine = _doubled(self.middle_to_fine(middle)) + self.from_fine(stride4) + self.from_pixels(pixels)
        fine = self.fine(F.relu(fine))
        return [stride4 + self.to_fine(fine), stride8 + self.to_middle(middle), stride16, stride32]


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)

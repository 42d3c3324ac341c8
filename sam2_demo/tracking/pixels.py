"""RGB pictures to network input: plain resize to a square, then ImageNet's mean and deviation.

The released code resizes single pictures by antialiased bilinear interpolation of floats and video frames by
Pillow's bicubic of bytes; both are kept, because masks of the official weights depend on it.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sam2_demo.errors import InputError

Rgb = NDArray[np.uint8]
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_DEVIATION = (0.229, 0.224, 0.225)


def check_rgb(rgb: Rgb) -> Rgb:
    """The picture itself when it is (H, W, 3) uint8 with at least one pixel; InputError otherwise."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        found = f"{rgb.dtype} of shape {rgb.shape}" if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise InputError(f"a picture must be an RGB array of shape (height, width, 3) and type uint8, got {found}")
    if 0 in rgb.shape:
        raise InputError(f"a picture needs at least one pixel, got shape {rgb.shape}")
    return rgb


def normalize(pixels: Tensor) -> Tensor:
    """(B, 3, S, S) in [0, 1] -> normalised with ImageNet's mean and deviation."""
    mean, deviation = (pixels.new_tensor(v)[:, None, None] for v in (PIXEL_MEAN, PIXEL_DEVIATION))
    return (pixels - mean) / deviation


def picture_pixels(rgb: Rgb, size: int, device: torch.device) -> Tensor:
    """A picture (H, W, 3) uint8 as network input (1, 3, size, size)."""
    # Flipped arrays (BGR to RGB) and read-only ones (of Pillow) are copied: PyTorch takes neither.
    owned = np.require(check_rgb(rgb), requirements=("C", "W"))
    pixels = torch.from_numpy(owned).to(device).permute(2, 0, 1)[None].float() / 255
    resized = F.interpolate(pixels, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return normalize(resized)


def frame_pixels(rgb: Rgb, size: int, device: torch.device) -> Tensor:
    """A video frame (H, W, 3) uint8 as network input (1, 3, size, size)."""
    resized = np.asarray(Image.fromarray(check_rgb(rgb)).resize((size, size)))
    normalized = cv2.LUT(resized, _normalized_bytes())  # (size, size, 3) float32
    return torch.from_numpy(normalized).to(device).permute(2, 0, 1)[None]


@cache
def _normalized_bytes() -> NDArray[np.float32]:
    """What every byte of every channel is once normalised, (1, 256, 3): a look-up takes a fifth of the time."""
    with torch.inference_mode(False):
        table = normalize((torch.arange(256).float() / 255).expand(1, 3, 1, 256))
    return np.ascontiguousarray(table[0].permute(1, 2, 0).numpy())

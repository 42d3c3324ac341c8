"""Painted planes of a rendered scene: larger than the frame by `MARGIN`, moved by the camera by their own share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.procedural.textures import fractal_noise, smoothstep

MARGIN = 0.16
Size = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A painted plane: premultiplied RGBA `paint` (h, w, 4) float32, or RGB where it covers all.

    `left` and `top` tell where in the full plane the paint begins, in pixels; `parallax` 1 moves with the actors.
    """

    paint: np.ndarray
    parallax: float
    left: int = 0
    top: int = 0


def layer_size(size: Size) -> Size:
    """Give the (height, width) of the layers for frames of `size` (height, width)."""
    return int(size[0] * (1 + 2 * MARGIN)), int(size[1] + 2 * MARGIN * size[0])


def make_layer(color: np.ndarray, alpha: np.ndarray | None, parallax: float) -> Layer:
    """Make a layer of a picture (h, w, 3) and its coverage (h, w) in [0, 1]; None covers all."""
    if alpha is None:
        return Layer(color.astype(np.float32), parallax)
    cover = alpha.astype(np.float32)
    return cropped_layer(np.dstack([color.astype(np.float32) * cover[..., None], cover]), parallax)


def cropped_layer(paint: np.ndarray, parallax: float) -> Layer:
    """Keep the part of a layer that covers anything: empty sky above a ground costs time on every frame."""
    columns, rows = (np.flatnonzero(paint[..., 3].max(axis=axis) > 1e-3) for axis in (0, 1))
    left, top = max(0, int(columns[0]) - 1), max(0, int(rows[0]) - 1)
    # Border pixels are repeated outside the layer, so a free side keeps one transparent pixel.
    return Layer(np.ascontiguousarray(paint[top : rows[-1] + 2, left : columns[-1] + 2]), parallax, left, top)


def ridge(rng: np.random.Generator, length: int, bumps: float) -> np.ndarray:
    """Draw a jagged line of about `bumps` hills: (length,) float32 in [0, 1]."""
    return fractal_noise(rng, (1, length), (1, bumps), 5, 0.5)[0]


def across_layer(size: Size, center: float, width: float) -> np.ndarray:
    """Give each layer column's distance from `center` in half-widths, (w,) float32."""
    columns = np.arange(layer_size(size)[1], dtype=np.float32) + 0.5 - MARGIN * size[0]
    return (columns - center * size[1]) / (width * size[1] / 2)


def ground_plane(texture: np.ndarray, size: Size, horizon: float, spread: float = 1.0) -> np.ndarray:
    """Lay a texture down as a plane that runs to `horizon` (share of the height), fading to its mean there."""
    h, w = size
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None]
    nearness = np.maximum(y - horizon + 0.05, 0.02) / (1.05 - horizon)
    texels = texture.shape[1]
    x_map = (np.arange(w, dtype=np.float32)[None] - w / 2) / (h * 1.6) / nearness * spread * texels / 2 + texels / 2
    y_map = np.repeat(1.1 / nearness, w, axis=1) * texture.shape[0] / 3 * spread
    blurred = cv2.GaussianBlur(texture, (0, 0), 5)
    layers = [
        cv2.remap(
            image,
            x_map.astype(np.float32),
            y_map.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        for image in (texture, blurred)
    ]
    near = smoothstep(0.15, 0.6, np.repeat(nearness, w, axis=1))[..., None]
    return layers[0] * near + layers[1] * (1 - near)

"""What the things of rendered scenes are made of: the texel plane, silhouettes, cushions and eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from tools.procedural.sprites import Part, Sprite
from tools.procedural.textures import Color, inflate, normals_from_height, rgb, smoothstep

Palette = Sequence[Color]


class Thing(Protocol):
    """Anything that can be painted: `parts` lists its sprites at `time` seconds, farthest first."""

    def parts(self, time: float) -> list[Part]:
        """List the sprites of the thing at `time` seconds, farthest first."""
        ...


def plane(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the x and y of every texel of a sprite of `size` x `size` texels, float32 in [-1, 1]."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2.0 / size) - 1.0
    x, y = np.meshgrid(axis, axis)
    return x, y


def polygon_alpha(outline: np.ndarray, size: int) -> np.ndarray:
    """Fill a closed outline ((N, 2) in [-1, 1]) with anti-aliased edges: (size, size) float32 in [0, 1]."""
    canvas = np.zeros((size * 2, size * 2), np.uint8)
    fixed_point = np.round((outline + 1.0) * size * 16).astype(np.int32)
    cv2.fillPoly(canvas, [fixed_point], 255, cv2.LINE_AA, shift=4)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def cushion(
    color: np.ndarray,
    alpha: np.ndarray,
    bumps: np.ndarray | None = None,
    depth: float = 0.3,
    gloss: float = 0.12,
) -> Sprite:
    """Make a rounded sprite: `depth` is the rim's width in half-sprites, `bumps` a height map in [0, 1]."""
    size = alpha.shape[0]
    alpha = alpha.astype(np.float32)
    height_map = inflate(alpha, max(2.0, depth * size / 2)) * 1.1
    if bumps is not None:
        height_map = height_map + bumps * (size / 60)
    return Sprite(color.astype(np.float32), alpha, normals_from_height(height_map.astype(np.float32), 1.0), gloss)


def draw_eye(color: np.ndarray, center: tuple[float, float], radius: float, white: bool = True) -> None:
    """Paint an eye with a highlight into `color` in place; centre and radius in sprite units."""
    x, y = plane(color.shape[0])
    edge = 3.0 / color.shape[0]
    rings = [(1.0, (0.96, 0.95, 0.9), 0.0, 0.0)] if white else []
    rings += [(0.62 if white else 1.0, (0.04, 0.03, 0.03), 0.06, 0.0), (0.26, (1.0, 1.0, 1.0), -0.2, -0.3)]
    for share, paint, right, down in rings:
        away = np.hypot(x - center[0] - right * radius, y - center[1] - down * radius)
        inside = smoothstep(share * radius + edge, share * radius - edge, away)[..., None]
        color[:] = color * (1 - inside) + inside * rgb(paint)


def rounded(outline: np.ndarray) -> np.ndarray:
    """Cut the corners of a closed outline twice (Chaikin), keeping its general shape."""
    for _ in range(2):
        following = np.roll(outline, -1, axis=0)
        outline = np.stack([0.75 * outline + 0.25 * following, 0.25 * outline + 0.75 * following], 1).reshape(-1, 2)
    return outline

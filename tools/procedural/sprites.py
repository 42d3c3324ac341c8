"""Sprites (colour, coverage and surface normals) and how they are lit, bent and painted into a frame.

A sprite covers the square [-1, 1] x [-1, 1] of its own plane, x right and y down. It is painted by looking up,
for every pixel of the frame, where that pixel lies in the sprite's plane; a bend moves these positions, so a
thing swims or wobbles with no change to its texture. Light is applied after the look-up, so a turning thing is
lit from the scene's side and not from its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.procedural.textures import rgb

Bend = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Light:
    """A distant lamp with sky light: unit `direction` towards the lamp (x right, y down, z to the viewer)."""

    direction: tuple[float, float, float] = (-0.45, -0.65, 0.61)
    color: tuple[float, float, float] = (1.0, 0.96, 0.9)
    ambient: tuple[float, float, float] = (0.40, 0.43, 0.48)
    strength: float = 0.85


@dataclass
class Sprite:
    """A textured, shaded cut-out: `color` (S, S, 3), `alpha` (S, S) in [0, 1], unit `normals` (S, S, 3)."""

    color: np.ndarray
    alpha: np.ndarray
    normals: np.ndarray
    gloss: float = 0.15
    _levels: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list, repr=False)

    def level(self, pixels_per_texel: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (premultiplied RGBA, normals) halved until they suit the painted size, against aliasing."""
        if not self._levels:
            premultiplied = np.dstack([self.color * self.alpha[..., None], self.alpha]).astype(np.float32)
            self._levels.append((premultiplied, np.ascontiguousarray(self.normals, np.float32)))
        wanted = max(0, round(np.log2(1.0 / max(pixels_per_texel, 1e-3))))
        while len(self._levels) <= wanted and self._levels[-1][0].shape[0] >= 16:
            paint, normals = self._levels[-1]
            half = (paint.shape[1] // 2, paint.shape[0] // 2)
            self._levels.append(
                (
                    cv2.resize(paint, half, interpolation=cv2.INTER_AREA),
                    cv2.resize(normals, half, interpolation=cv2.INTER_AREA),
                )
            )
        return self._levels[min(wanted, len(self._levels) - 1)]


@dataclass(frozen=True)
class Part:
    """One sprite of a thing: `matrix` (2, 3) takes the sprite's plane to the thing's; `shade` darkens it."""

    sprite: Sprite
    matrix: np.ndarray
    bend: Bend | None = None
    shade: float = 1.0


def placement(
    x: float = 0.0, y: float = 0.0, scale: float | tuple[float, float] = 1.0, angle: float = 0.0
) -> np.ndarray:
    """Build a (2, 3) float64 matrix: scale, turn by `angle` radians clockwise on the screen, then move."""
    scale_x, scale_y = scale if isinstance(scale, tuple) else (scale, scale)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine * scale_x, -sine * scale_y, x], [sine * scale_x, cosine * scale_y, y]])


def chain(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Compose two (2, 3) matrices: `inner` is applied first."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def shade(color: np.ndarray, normals: np.ndarray, matrix: np.ndarray, light: Light, gloss: float) -> np.ndarray:
    """Light premultiplied RGBA (H, W, 4) in place and return it; `matrix` tells how the sprite is turned."""
    axes = matrix[:, :2] / np.maximum(np.linalg.norm(matrix[:, :2], axis=0), 1e-9)
    turned = rgb([*(axes.T @ np.array(light.direction[:2])), light.direction[2]])
    lambert = np.clip(normals @ turned, 0.0, 1.0)
    sky = 0.75 + 0.25 * np.clip(-normals @ rgb([*(axes.T @ np.array([0.0, 1.0])), 0.0]), -1, 1)
    brightness = lambert[..., None] * rgb(light.color) * light.strength
    color[..., :3] *= brightness + sky[..., None] * rgb(light.ambient)
    if gloss > 0:
        half = turned + rgb([0, 0, 1])
        shine = np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** 28 * gloss * light.strength
        color[..., :3] += (shine * color[..., 3])[..., None] * rgb(light.color)
    return color


def paint_part(layer: np.ndarray, part: Part, matrix: np.ndarray, light: Light) -> None:
    """Paint `part` over `layer` ((H, W, 4) float32 premultiplied RGBA); `matrix` goes from thing to pixels."""
    to_pixels = chain(matrix, part.matrix)
    window = _window(to_pixels, layer.shape[:2])
    if window is None:
        return
    left, top, right, bottom = window
    inverse = cv2.invertAffineTransform(to_pixels)
    x_pixels = np.arange(left, right, dtype=np.float32)[None] + 0.5
    y_pixels = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5
    x = np.float32(inverse[0, 0]) * x_pixels + np.float32(inverse[0, 1]) * y_pixels + np.float32(inverse[0, 2])
    y = np.float32(inverse[1, 0]) * x_pixels + np.float32(inverse[1, 1]) * y_pixels + np.float32(inverse[1, 2])
    if part.bend is not None:
        x, y = part.bend(x, y)
    texels = part.sprite.alpha.shape[0]
    stretch = np.sqrt(max(abs(np.linalg.det(to_pixels[:, :2])), 1e-9)) * 2.0 / texels
    paint, normals = part.sprite.level(float(stretch))
    half = paint.shape[0] / 2
    x_map, y_map = ((v * half + half - 0.5).astype(np.float32) for v in (x, y))
    painted = cv2.remap(paint, x_map, y_map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    turned = cv2.remap(normals, x_map, y_map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    painted = shade(painted, turned, to_pixels, light, part.sprite.gloss)
    if part.shade != 1.0:
        painted[..., :3] *= np.full(1, part.shade, np.float32)
    below = layer[top:bottom, left:right]
    below *= 1.0 - painted[..., 3:]
    below += painted


def _window(to_pixels: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Find the pixels (left, top, right, bottom) a sprite can reach, with room for its bend; None: outside."""
    corners = np.array([[-1.25, 1.25, 1.25, -1.25], [-1.25, -1.25, 1.25, 1.25], [1, 1, 1, 1]])
    x, y = to_pixels @ corners
    left, right = max(0, int(x.min()) - 1), min(size[1], int(x.max()) + 2)
    top, bottom = max(0, int(y.min()) - 1), min(size[0], int(y.max()) + 2)
    return (left, top, right, bottom) if left < right and top < bottom else None

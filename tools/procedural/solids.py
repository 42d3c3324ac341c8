"""Turning solids for rendered scenes: a rolling ball, a vase or mug.

Ball and vase are solids of revolution seen straight on: the surface point behind each texel is known exactly,
so their texture turns with them as on a real object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tools.procedural.shapes import Palette, cushion, plane
from tools.procedural.sprites import Part, Sprite, placement
from tools.procedural.textures import fractal_noise, rgb, smoothstep


@dataclass
class Ball:
    """A textured ball that rolls: `turns_per_second` about the axis towards the viewer and `spin` about its own.

    `roll`, when given, tells the turn in radians at a time in seconds instead, to match a path on the ground.
    """

    texture: np.ndarray
    size: int
    turns_per_second: float
    spin: float
    roll: Callable[[float], float] | None = None

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Ball:
        """Paint a beach ball with the palette's first colours in segments, the last at the poles."""
        height, width = 256, 512
        across = np.arange(width, dtype=np.float32)[None] / width
        down = np.arange(height, dtype=np.float32)[:, None] / height
        segments = 2 * len(palette[:-1])
        number = np.floor(across * segments).astype(int) % len(palette[:-1])
        color = rgb(palette[:-1])[np.repeat(number, height, axis=0)]
        seam = np.abs(across * segments - np.round(across * segments)) * width / segments
        color = color * (0.55 + 0.45 * smoothstep(0.3, 2.0, seam))[..., None]
        pole = np.maximum(smoothstep(0.13, 0.12, down), smoothstep(0.87, 0.88, down))[..., None]
        color = color * (1 - pole) + pole * rgb(palette[-1])
        color = color * (0.86 + 0.2 * fractal_noise(rng, (height, width), (5, 10)))[..., None]
        return cls(color.astype(np.float32), size, rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.3))

    def parts(self, time: float) -> list[Part]:
        """List the ball's sprite as it is turned at `time` seconds."""
        x, y = plane(self.size)
        x, y = x / 0.94, y / 0.94
        radius = np.hypot(x, y)
        z = np.sqrt(np.clip(1 - radius**2, 0, 1))
        roll = self.roll(time) if self.roll else 2 * np.pi * self.turns_per_second * time
        spin = 2 * np.pi * self.spin * time
        x1, y1 = np.cos(roll) * x + np.sin(roll) * y, np.cos(roll) * y - np.sin(roll) * x
        y2, z2 = np.cos(0.7) * y1 - np.sin(0.7) * z, np.sin(0.7) * y1 + np.cos(0.7) * z
        longitude = (np.arctan2(x1, z2) + spin) / (2 * np.pi) % 1.0
        latitude = np.arccos(np.clip(y2, -1, 1)) / np.pi
        height, width = self.texture.shape[:2]
        color = cv2.remap(
            self.texture,
            (longitude * width - 0.5).astype(np.float32),
            (latitude * height - 0.5).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        alpha = smoothstep(1.0 + 1.5 / self.size, 1.0 - 2.5 / self.size, radius)
        over = np.maximum(radius, 1.0)
        return [Part(Sprite(color, alpha, np.dstack([x / over, y / over, z]).astype(np.float32), 0.45), placement())]


@dataclass
class Vase:
    """A glazed pot, with a handle or without, that turns on its foot."""

    texture: np.ndarray
    profile: np.ndarray
    size: int
    handle: Sprite | None
    turns_per_second: float

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette, mug: bool = False) -> Vase:
        """Paint a pot with the palette's (glaze, dark band, light band, pattern) colours on `size` texels."""
        down = np.linspace(0, 1, size, dtype=np.float32)
        if mug:
            profile = 0.50 - 0.03 * np.sin(np.pi * down)
        else:
            bulge = rng.uniform(0.28, 0.36)
            profile = 0.24 + bulge * np.sin(np.pi * np.clip(down * 1.02 - 0.06, 0, 1) ** 1.3) ** 1.4
            profile = profile + 0.12 * smoothstep(0.14, 0.0, down) + 0.03 * smoothstep(0.94, 1.0, down)
        glaze, dark, light, pattern = (rgb(c) for c in palette)
        height, width = 256, 512
        v = np.arange(height, dtype=np.float32)[:, None] / height
        u = np.arange(width, dtype=np.float32)[None] / width
        mottle = fractal_noise(rng, (height, width), (5, 9))
        color = glaze * (0.8 + 0.3 * mottle)[..., None]
        zigzag = np.abs(((u * 14) % 1.0) - 0.5) * 0.16
        for paint, low, high in (
            (dark, 0.16, 0.21),
            (light, 0.24, 0.26),
            (dark, 0.78, 0.84),
            (light, 0.73, 0.75),
        ):
            band = (smoothstep(low - 0.006, low, v) * smoothstep(high + 0.006, high, v))[..., None]
            color = color * (1 - band) + paint * band
        wave = np.abs(v - 0.5 + zigzag - 0.04)
        motif = np.maximum(smoothstep(0.05, 0.042, wave), smoothstep(0.018, 0.012, np.abs(wave - 0.085)))[..., None]
        color = color * (1 - motif) + pattern * motif
        handle = _handle(size, glaze) if mug else None
        return cls(color.astype(np.float32), profile.astype(np.float32), size, handle, rng.uniform(0.08, 0.2))

    def parts(self, time: float) -> list[Part]:
        """List handle and body as they are turned at `time` seconds."""
        x, y = plane(self.size)
        rim, tilt = 0.80 if self.handle is None else 0.60, 0.16
        top_radius, levels = float(self.profile[0]), np.linspace(0, 1, self.size)
        down, level = np.clip((y + rim) / (2 * rim), 0, 1), y
        # The pot is seen a little from above: a ring at any height is drawn as an ellipse of flatness `tilt`.
        for _ in range(3):
            radius = np.interp(down, levels, self.profile).astype(np.float32)
            level = y - tilt * np.sqrt(np.clip(radius**2 - x**2, 0, None))
            down = np.clip((level + rim) / (2 * rim), 0, 1)
        across = np.clip(x / radius, -1, 1)
        turn = np.arcsin(across) / (2 * np.pi) + self.turns_per_second * time
        height, width = self.texture.shape[:2]
        color = cv2.remap(
            self.texture,
            ((turn % 1.0) * width - 0.5).astype(np.float32),
            (down * (height - 1)).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        edge = 2.0 / self.size
        side = smoothstep(radius + edge / 2, radius - edge, np.abs(x))
        alpha = side * smoothstep(-rim - edge, -rim + edge, level) * smoothstep(rim + edge, rim - edge, level)
        mouth_distance = np.hypot(x / top_radius, (y + rim) / (top_radius * tilt))
        mouth = smoothstep(1.0 + 4 * edge, 1.0 - 4 * edge, mouth_distance)
        inside = smoothstep(0.93, 0.86, mouth_distance)[..., None]
        lip = color * (1 - mouth[..., None]) + mouth[..., None] * rgb(self.texture.mean((0, 1)) * 1.1)
        color = lip * (1 - inside) + inside * rgb((0.13, 0.10, 0.09))
        slope = np.gradient(self.profile) * self.size / (2 * rim)
        lean = -np.interp(down, levels, slope) * np.sqrt(1 - across**2)
        normals = np.dstack([across, lean, np.sqrt(1 - across**2) + 0.08]).astype(np.float32)
        flat = mouth[..., None]
        normals = normals * (1 - flat) + flat * rgb([0, -0.6, 0.8])
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        body = Part(Sprite(color, np.maximum(alpha, mouth), normals, 0.5), placement())
        if self.handle is None:
            return [body]
        swing = np.cos(0.7 * np.sin(2 * np.pi * self.turns_per_second * time))
        return [Part(self.handle, placement(0.5, 0.05, (0.42 * swing, 0.5))), body]


def _handle(size: int, glaze: np.ndarray) -> Sprite:
    """Make a mug's handle: a bent tube."""
    x, y = plane(size)
    tube = np.abs(np.hypot(x, y * 0.95) - 0.7)
    alpha = smoothstep(0.19, 0.16, tube)
    return cushion(np.ones((size, size, 3), np.float32) * glaze, alpha, None, 0.18, 0.5)

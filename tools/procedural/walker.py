"""A four-legged animal for rendered scenes, put together from a body, a head, a tail and swinging legs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.procedural.shapes import Palette, cushion, draw_eye, plane, polygon_alpha
from tools.procedural.sprites import Bend, Part, Sprite, placement
from tools.procedural.textures import color_ramp, fractal_noise, rgb, smoothstep


@dataclass
class Walker:
    """A four-legged animal that walks: swinging legs, nodding head, waving tail."""

    body: Sprite
    head: Sprite
    leg: Sprite
    tail: Sprite
    steps_per_second: float

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Walker:
        """Paint fur in the palette's (dark, middle, light, patch) colours, parts on `size` texels."""
        x, y = plane(size)
        fur = fractal_noise(rng, (size, size), (size / 10, size / 30), 3)
        patches = smoothstep(0.58, 0.64, fractal_noise(rng, (size, size), (2.5, 2.5), 3))[..., None]
        coat = color_ramp(0.6 * fur + 0.4 * (0.5 - 0.5 * y), palette[:3])
        coat = coat * (1 - patches) + rgb(palette[3]) * (0.8 + 0.3 * fur[..., None]) * patches
        rough = 0.05 * (fractal_noise(rng, (size, size), (24, 24), 2) - 0.5)
        body_alpha = smoothstep(
            0.92, 0.88, (np.abs(x) ** 2.6 + np.abs(y * 1.02 + 0.06 * x) ** 2.6) ** (1 / 2.6) + rough
        )
        body = cushion(coat, body_alpha, fur * 0.35, 0.8, 0.03)
        head_color = coat.copy()
        skull = np.hypot(x * 1.35 + 0.12, y * 1.35 - 0.1)
        snout = np.hypot((x - 0.42) * 1.9, (y - 0.24) * 2.9)
        head_alpha = smoothstep(0.84, 0.79, np.minimum(skull, snout) + rough)
        for tip in ((-0.5, -0.92), (0.12, -0.95)):
            ear = np.array([(tip[0] - 0.2, -0.3), tip, (tip[0] + 0.32, -0.35)])
            head_alpha = np.maximum(head_alpha, polygon_alpha(ear, size))
        pale = smoothstep(0.75, 0.5, snout)[..., None]
        head_color = head_color * (1 - pale) + pale * rgb(palette[2])
        draw_eye(head_color, (0.12, -0.05), 0.10, white=False)
        nose = smoothstep(0.13, 0.10, np.hypot(x - 0.78, y - 0.16))[..., None]
        head_color = head_color * (1 - nose) + nose * 0.06
        head = cushion(head_color, head_alpha, fur * 0.3, 0.6, 0.03)
        shin = 0.34 - 0.1 * smoothstep(-0.8, 0.4, y)
        paw = np.hypot((x - 0.12) * 2.0, (y - 0.78) * 5.5)
        leg_alpha = smoothstep(0.03, -0.03, np.maximum(np.abs(x) - shin, np.abs(y + 0.05) - 0.85) + rough)
        leg_alpha = np.maximum(leg_alpha, smoothstep(0.98, 0.88, paw))
        leg = cushion(coat, leg_alpha, fur * 0.25, 0.32, 0.02)
        tail_alpha = smoothstep(0.03, -0.03, np.maximum(np.abs(y) - 0.13 + 0.05 * x, np.abs(x) - 0.9) + 2 * rough)
        return cls(body, head, leg, cushion(coat, tail_alpha, fur * 0.4, 0.15, 0.0), rng.uniform(1.0, 1.5))

    def parts(self, time: float) -> list[Part]:
        """List tail, far legs, body, near legs and head at `time` seconds."""
        phase = 2 * np.pi * self.steps_per_second * time
        bounce = 0.02 * np.sin(2 * phase)
        parts = [self._tail(phase)]
        near: list[Part] = []
        for at, offset, far in (
            (-0.36, 0.0, True),
            (0.36, np.pi, True),
            (-0.46, np.pi, False),
            (0.28, 0.0, False),
        ):
            swing = 0.42 * np.sin(phase + offset)
            lift = 0.5 * max(0.0, np.cos(phase + offset))
            reach = 0.34 - 0.05 * lift
            place = placement(at - reach * np.sin(swing), 0.28 + reach * np.cos(swing), (0.27, 0.36), swing)
            (parts if far else near).append(Part(self.leg, place, _knee(lift), 0.68 if far else 0.95))
        parts.append(Part(self.body, placement(-0.05, bounce, (0.64, 0.46)), None))
        head = placement(0.58, -0.40 + 1.5 * bounce, 0.42, 0.10 * np.sin(phase + 0.6))
        neck = Part(self.body, placement(0.42, -0.20 + bounce, (0.30, 0.22), -0.8), None, 0.95)
        return [*parts, *near, neck, Part(self.head, head)]

    def _tail(self, phase: float) -> Part:
        wave = 0.35 * np.sin(phase * 0.8)

        def wag(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return x, y + (wave + 0.3) * np.clip(0.6 - x, 0, 2) ** 2 * 0.35

        return Part(self.tail, placement(-0.76, -0.34, (0.32, 0.36), 0.75 + 0.2 * wave), wag, 0.9)


def _knee(lift: float) -> Bend:
    def fold(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x + lift * 0.9 * np.clip(y, 0, 1) ** 2, y

    return fold

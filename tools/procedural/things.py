"""Living and bending things for rendered scenes: fish, furry ball, leaf, butterfly and organic blob.

A thing is a list of sprites whose places and bends depend on time alone. Its own plane spans about [-1, 1] in
both directions, x right and y down, and it looks to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.procedural.shapes import Palette, cushion, draw_eye, plane, polygon_alpha, rounded
from tools.procedural.sprites import Part, Sprite, placement
from tools.procedural.textures import cells, color_ramp, fractal_noise, rgb, smoothstep


@dataclass
class Fish:
    """A striped fish whose body swings from side to side, more towards the tail."""

    sprite: Sprite
    beats_per_second: float = 1.6
    swing: float = 0.10

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Fish:
        """Paint a fish with the palette's (base, stripe, belly, fin) colours on `size` texels."""
        x, y = plane(size)
        along = np.linspace(-0.62, 0.9, 60)
        nose = (along + 0.62) / 1.52
        depth = 0.07 + rng.uniform(0.36, 0.48) * np.sin(np.pi * nose**0.85) ** 0.75 * (1 - 0.25 * nose)
        body = np.concatenate([np.stack([along, -depth], 1), np.stack([along, depth * 0.92], 1)[::-1]])
        tail = np.array([(-0.55, 0), (-0.93, -0.40), (-0.86, -0.12), (-0.80, 0), (-0.86, 0.12), (-0.93, 0.40)])
        back = np.array([(0.38, -0.25), (0.16, -0.62), (-0.15, -0.66), (-0.52, -0.36), (-0.42, -0.1)])
        under = np.array([(0.05, 0.3), (-0.12, 0.62), (-0.34, 0.58), (-0.5, 0.1)])
        fins = np.max([polygon_alpha(rounded(part), size) for part in (tail, back, under)], axis=0)
        body_alpha = polygon_alpha(body, size)
        base, stripe, belly, fin = (rgb(c) for c in palette)
        waves = x * rng.uniform(8, 12) + 0.5 * np.abs(y) * rng.uniform(-6, 6) + 1.1 * fractal_noise(rng, (size, size))
        striped = smoothstep(0.2, 0.5, np.sin(waves))[..., None]
        color = base * (1 - striped) + stripe * striped
        pale = smoothstep(0.05, 0.34, y)[..., None]
        color = color * (1 - pale) + belly * pale
        scale_distance, _ = cells(rng, (size, size), 900)
        scales = np.clip(scale_distance / (size / 55), 0, 1)
        color *= (0.86 + 0.14 * scales)[..., None]
        rays = 0.5 + 0.5 * np.sin(np.arctan2(y, x + 0.3) * 60)
        fin_color = fin * (0.68 + 0.32 * rays)[..., None]
        color = color * body_alpha[..., None] + fin_color * (1 - body_alpha[..., None])
        gill = np.exp(-(((np.hypot(x - 0.9, y * 0.9) - 0.43) / 0.02) ** 2)) * (np.abs(y) < 0.26)
        color *= (1 - 0.35 * gill * body_alpha)[..., None]
        draw_eye(color, (0.64, -0.09), 0.085)
        sprite = cushion(color, np.maximum(fins, body_alpha), scales * 0.25, 0.34, 0.35)
        fin_only = (fins * (1 - body_alpha))[..., None]
        sprite.normals = sprite.normals * (1 - 0.6 * fin_only) + rgb([0, 0, 0.6]) * fin_only
        return cls(sprite, rng.uniform(1.2, 2.2), rng.uniform(0.07, 0.12))

    def parts(self, time: float) -> list[Part]:
        """List the single bent sprite at `time` seconds."""
        phase = 2 * np.pi * self.beats_per_second * time

        def swim(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            looseness = np.clip(0.55 - x, 0.0, 1.5) ** 2 * self.swing
            squeeze = 1.0 + np.clip(0.2 - x, 0, 1) * 0.10 * np.sin(phase * 2)
            return x, (y + looseness * np.sin(2.6 * x + phase)) * squeeze

        return [Part(self.sprite, placement(scale=1.0), swim)]


@dataclass
class FurryBall:
    """A round animal of fur with eyes and feet; it breathes and its fur trails when it hops."""

    body: Sprite
    foot: Sprite
    hops_per_second: float = 1.3

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> FurryBall:
        """Paint the ball in the palette's (dark, middle, light, foot) colours on `size` texels."""
        x, y = plane(size)
        radius, turn = np.hypot(x, y), np.arctan2(y, x)
        strands = fractal_noise(rng, (64, 1024), (3, 150), 2)
        clumps = fractal_noise(rng, (64, 1024), (2, 30), 3)
        fur = np.maximum(strands, 0.6 * clumps)
        bent = (turn + 0.7 * radius + np.pi) % (2 * np.pi) / (2 * np.pi) * 1023
        fur = cv2.remap(fur, bent.astype(np.float32), np.clip(radius * 63, 0, 63).astype(np.float32), cv2.INTER_LINEAR)
        reach = 0.70 + 0.16 * fur
        alpha = smoothstep(reach + 0.03, reach - 0.02, radius)
        tone = 0.5 * fur + 0.3 * fractal_noise(rng, (size, size), (3, 3), 4) + 0.25 * (0.5 - 0.5 * y)
        color = color_ramp(tone, palette[:3])
        for side in (-0.05, 0.38):
            draw_eye(color, (side, -0.16), 0.13)
        muzzle = smoothstep(0.09, 0.06, np.hypot((x - 0.18) * 0.8, y - 0.05))[..., None]
        color = color * (1 - muzzle) + muzzle * rgb((0.12, 0.07, 0.07))
        body = cushion(color, alpha, fur * 0.5, 0.72, 0.0)
        foot_alpha = smoothstep(0.9, 0.84, np.hypot(x, y * 1.5))
        foot = cushion(np.ones((size, size, 3), np.float32) * rgb(palette[3]), foot_alpha, None, 0.6)
        return cls(body, foot, rng.uniform(1.0, 1.7))

    def parts(self, time: float) -> list[Part]:
        """List feet and body at `time` seconds, squeezed and stretched by the hop."""
        phase = 2 * np.pi * self.hops_per_second * time
        squeeze = 0.07 * np.sin(phase)

        def breathe(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            lean = 0.05 * np.sin(phase - 0.9) * y
            return x * (1 + squeeze) + lean, y * (1 - squeeze) + 0.02 * np.sin(5 * x + phase)

        feet = [Part(self.foot, placement(at, 0.74, (0.26, 0.2), 0.1), None, 0.9) for at in (-0.28, 0.34)]
        return [*feet, Part(self.body, placement(), breathe)]


@dataclass
class Leaf:
    """A leaf that curls and flutters about its stem."""

    sprite: Sprite
    rate: float

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Leaf:
        """Paint a veined leaf in shades along the palette on `size` texels."""
        x, y = plane(size)
        along = np.linspace(0, 1, 80)
        width = rng.uniform(0.42, 0.58) * np.sin(np.pi * along**0.8) ** 0.9 * (1 + 0.07 * np.sin(along * 44))
        outline = np.concatenate(
            [np.stack([along * 1.6 - 0.7, -width], 1), np.stack([along * 1.6 - 0.7, width], 1)[::-1]]
        )
        stem = np.array([(-0.95, -0.05), (-0.6, -0.035), (-0.6, 0.035), (-0.95, 0.01)])
        alpha = np.maximum(polygon_alpha(outline, size), polygon_alpha(stem, size))
        slant = (x - 1.1 * np.abs(y)) * 9.0
        veins = np.exp(-(((slant - np.round(slant)) / 0.10) ** 2)) * (np.abs(y) < 0.5) * (x > -0.75)
        veins = np.maximum(veins, np.exp(-((y / 0.022) ** 2)))
        tone = 0.5 * fractal_noise(rng, (size, size), (4, 4)) + 0.5 * smoothstep(-0.8, 0.9, x)
        color = color_ramp(tone, palette) * (1 + 0.28 * veins)[..., None]
        sprite = cushion(np.clip(color, 0, 1), alpha, 0.5 - 0.5 * veins, 0.16, 0.25)
        return cls(sprite, rng.uniform(0.5, 1.0))

    def parts(self, time: float) -> list[Part]:
        """List the single sprite at `time` seconds, curled and turned edge-on by turns."""
        phase = 2 * np.pi * self.rate * time

        def curl(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return x, y + 0.28 * np.sin(phase) * (x * x - 0.3)

        return [Part(self.sprite, placement(scale=(1.0, 0.78 + 0.22 * np.cos(1.7 * phase))), curl)]


@dataclass
class Butterfly:
    """A butterfly seen from above, whose wings close and open."""

    wing: Sprite
    body: Sprite
    beats_per_second: float

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Butterfly:
        """Paint wings in the palette's (inner, outer, edge, spot) colours on `size` texels."""
        x, y = plane(size)
        turn = np.linspace(0, 2 * np.pi, 90)
        upper = np.stack([-0.12 + 0.62 * np.cos(turn), -0.42 + 0.44 * np.sin(turn + 0.7 * np.cos(turn))], 1)
        lower = np.stack([-0.28 + 0.46 * np.cos(turn), 0.36 + 0.42 * np.sin(turn - 0.5 * np.cos(turn))], 1)
        root = np.array([(-0.95, -0.2), (-0.3, -0.35), (-0.2, 0.3), (-0.95, 0.22)])
        alpha = np.max([polygon_alpha(outline, size) for outline in (upper, lower, root)], axis=0)
        inward = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / size
        away = np.hypot(x + 0.95, y)
        inner, outer, edge, spot = (rgb(c) for c in palette)
        mix = np.clip(0.75 * away - 0.3 + 0.4 * fractal_noise(rng, (size, size)), 0, 1)[..., None]
        color = inner * (1 - mix) + outer * mix
        angle = np.arctan2(y, x + 0.95) * 9
        veins = np.exp(-(((angle - np.round(angle)) / 0.09) ** 2))
        rim = np.maximum(smoothstep(0.06, 0.045, inward), 0.75 * veins)[..., None]
        color = color * (1 - rim) + edge * rim
        for at in (-0.72, -0.5, -0.2, 0.2, 0.5):
            near = smoothstep(0.07, 0.05, np.hypot(x - 0.36 + 0.5 * abs(at), y - at))[..., None]
            color = color * (1 - near) + spot * near
        torso = smoothstep(0.95, 0.85, np.hypot(x * 9.0, y * 1.05))
        dark = np.ones((size, size, 3), np.float32) * edge * 0.8
        return cls(cushion(color, alpha, veins, 0.1, 0.1), cushion(dark, torso, None, 0.1), rng.uniform(1.5, 2.5))

    def parts(self, time: float) -> list[Part]:
        """List both wings and the body at `time` seconds."""
        openness = 0.62 + 0.36 * np.sin(2 * np.pi * self.beats_per_second * time)
        width = 0.5 * openness
        right = Part(self.wing, placement(width * 0.95, 0, (width, 0.95)), None, 0.8 + 0.3 * openness)
        left = Part(self.wing, placement(-width * 0.95, 0, (-width, 0.95)), None, 0.7 + 0.4 * openness)
        return [left, right, Part(self.body, placement(0, 0.02, 0.55))]


@dataclass
class Blob:
    """A soft lump with a fractal outline that wobbles as it goes."""

    sprite: Sprite
    rate: float

    @classmethod
    def make(cls, rng: np.random.Generator, size: int, palette: Palette) -> Blob:
        """Paint a lump marbled in shades along the palette on `size` texels."""
        turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        reach = 0.66 + sum(
            rng.normal(0, 0.10 / order) * np.sin(order * turn + rng.uniform(0, 6.3)) for order in range(2, 9)
        )
        reach = np.clip(reach, 0.3, 0.92)
        alpha = polygon_alpha(np.stack([reach * np.cos(turn), reach * np.sin(turn)], 1), size)
        folds = fractal_noise(rng, (size, size), (3, 3), 5)
        marble = 0.5 + 0.5 * np.sin(10 * folds + 4 * fractal_noise(rng, (size, size), (2, 2), 3))
        color = color_ramp(0.65 * marble + 0.35 * folds, palette)
        return cls(cushion(color, alpha, folds * 0.8, 0.55, 0.3), rng.uniform(0.5, 1.0))

    def parts(self, time: float) -> list[Part]:
        """List the single sprite at `time` seconds, wobbling in two directions."""
        phase = 2 * np.pi * self.rate * time

        def wobble(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return x + 0.09 * np.sin(3.1 * y + phase), y + 0.09 * np.sin(2.7 * x - 1.3 * phase)

        return [Part(self.sprite, placement(), wobble)]

"""Backdrops of rendered scenes: meadow, reef, room and street, each a few painted layers from far to near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.procedural.layers import Layer, Size, ground_plane, layer_size, make_layer, ridge
from tools.procedural.sprites import Light
from tools.procedural.textures import (
    Color,
    bricks,
    cells,
    color_ramp,
    fractal_noise,
    pebbles,
    rgb,
    smoothstep,
    wood,
)


@dataclass(frozen=True)
class Backdrop:
    """Layers from far to near, the light that suits them, and where the ground begins and ends (0 top, 1 bottom)."""

    layers: list[Layer]
    light: Light
    ground: tuple[float, float]
    afloat: bool = False


def meadow(rng: np.random.Generator, size: Size) -> Backdrop:
    """Paint sky with clouds, hills, a line of bushes and grass."""
    h, w = layer_size(size)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None] * np.ones((1, w), np.float32)
    sky = color_ramp(y * 1.9, [(0.28, 0.52, 0.86), (0.62, 0.80, 0.95), (0.93, 0.93, 0.88)])
    clouds = smoothstep(0.5, 0.85, fractal_noise(rng, (h, w), (5, 4), 6)) * smoothstep(0.55, 0.2, y)
    sky = sky * (1 - 0.85 * clouds[..., None]) + 0.85 * clouds[..., None]
    layers = [make_layer(sky, None, 0.1)]
    greens: list[Sequence[Color]] = [
        [(0.36, 0.50, 0.52), (0.50, 0.62, 0.58)],
        [(0.22, 0.38, 0.22), (0.42, 0.56, 0.30)],
        [(0.08, 0.18, 0.06), (0.20, 0.36, 0.10), (0.36, 0.50, 0.18)],
    ]
    for number, colors in enumerate(greens):
        crest = 0.40 + 0.055 * number + (0.10 - 0.035 * number) * (ridge(rng, w, 2 + 4 * number) - 0.5)
        texture = fractal_noise(rng, (h, w), (18 + 14 * number, 26 + 20 * number), 4)
        layers.append(
            make_layer(
                color_ramp(texture, colors),
                smoothstep(crest[None], crest[None] + 0.006, y),
                0.2 + 0.2 * number,
            )
        )
    blades = fractal_noise(rng, (768, 1024), (40, 260), 3)
    tufts = fractal_noise(rng, (768, 1024), (10, 12), 4)
    grass = color_ramp(0.55 * blades + 0.45 * tufts, [(0.10, 0.22, 0.05), (0.30, 0.46, 0.12), (0.56, 0.66, 0.28)])
    for _ in range(110):
        at = (int(rng.integers(0, 1024)), int(rng.integers(0, 768)))
        flower = [(0.98, 0.93, 0.45), (0.97, 0.96, 0.95), (0.85, 0.55, 0.80)][int(rng.integers(3))]
        cv2.circle(grass, at, int(rng.integers(3, 6)), flower, -1, cv2.LINE_AA)
    ground = ground_plane(grass, (h, w), 0.52)
    layers.append(make_layer(ground, smoothstep(0.515, 0.535, y + 0.012 * ridge(rng, w, 60)[None]), 0.9))
    return Backdrop(layers, Light(), (0.60, 0.90))


def reef(rng: np.random.Generator, size: Size) -> Backdrop:
    """Paint blue water with light shafts, far rocks and a bed of sand and stones."""
    h, w = layer_size(size)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None] * np.ones((1, w), np.float32)
    x = np.arange(w, dtype=np.float32)[None] / h
    water = color_ramp(y * 1.1, [(0.42, 0.80, 0.86), (0.12, 0.50, 0.68), (0.05, 0.27, 0.46)])
    shaft_at = ((x - 0.6 * y * (x - 0.9)) * 0.5 * h) % (h - 1)
    shafts = fractal_noise(rng, (1, h), (1, 9), 3)[0][shaft_at.astype(int)] * smoothstep(0.9, 0.0, y)
    layers = [make_layer(np.clip(water + 0.22 * shafts[..., None], 0, 1), None, 0.1)]
    for number, (dark, bright) in enumerate(
        [((0.07, 0.33, 0.47), (0.14, 0.45, 0.56)), ((0.05, 0.20, 0.26), (0.30, 0.44, 0.40))]
    ):
        top = 0.62 + 0.10 * number - (0.34 - 0.12 * number) * (ridge(rng, w, 4 + 2 * number) - 0.3)
        rough = fractal_noise(rng, (h, w), (9, 12), 6)
        layers.append(
            make_layer(
                color_ramp(rough, [dark, bright]),
                smoothstep(top[None], top[None] + 0.01, y),
                0.35 + 0.25 * number,
            )
        )
    stones = pebbles(rng, (512, 1024), 700, [(0.42, 0.38, 0.32), (0.66, 0.60, 0.48), (0.80, 0.74, 0.60)])
    sand = color_ramp(fractal_noise(rng, (512, 1024), (30, 40), 5), [(0.58, 0.54, 0.42), (0.84, 0.78, 0.62)])
    mix = smoothstep(0.5, 0.6, fractal_noise(rng, (512, 1024), (4, 6), 4))[..., None]
    bed = ground_plane(sand * (1 - mix) + stones * mix, (h, w), 0.74) * rgb([0.72, 0.95, 1.0])
    layers.append(make_layer(bed, smoothstep(0.75, 0.77, y + 0.03 * ridge(rng, w, 12)[None]), 0.9))
    light = Light((-0.25, -0.80, 0.54), (0.95, 1.0, 0.98), (0.36, 0.46, 0.52), 0.85)
    return Backdrop(layers, light, (0.12, 0.80), afloat=True)


def room(rng: np.random.Generator, size: Size) -> Backdrop:
    """Paint a plastered or papered wall behind a wooden table."""
    h, w = layer_size(size)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None] * np.ones((1, w), np.float32)
    x = np.arange(w, dtype=np.float32)[None] / h
    tint = rgb([(0.78, 0.72, 0.60), (0.56, 0.66, 0.66), (0.74, 0.60, 0.54), (0.62, 0.66, 0.56)][int(rng.integers(4))])
    plaster = fractal_noise(rng, (h, w), (6, 9), 7, 0.7)
    wall = tint * (0.82 + 0.18 * plaster)[..., None]
    stripe = smoothstep(-0.3, 0.3, np.sin(x * rng.uniform(22, 40)))[..., None] * rng.uniform(0.0, 0.14)
    window = np.exp(-(((x - 0.5 - 0.4 * y) / 0.28) ** 2)) * smoothstep(0.75, 0.3, y)
    wall = wall * (1 - stripe) * (0.72 + 0.42 * window)[..., None]
    boards = wood(rng, (512, 1024), 9, [(0.24, 0.13, 0.06), (0.48, 0.29, 0.15), (0.68, 0.46, 0.26)])
    table = ground_plane(boards, (h, w), 0.50, 1.3) * (0.75 + 0.35 * np.exp(-((x - 0.8) ** 2)))[..., None]
    edge = smoothstep(0.585, 0.592, y)
    soft_wall = cv2.GaussianBlur(np.ascontiguousarray(wall), (0, 0), h / 220)
    return Backdrop([make_layer(soft_wall, None, 0.6), make_layer(table, edge, 0.95)], Light(), (0.66, 0.90))


def street(rng: np.random.Generator, size: Size) -> Backdrop:
    """Paint a brick wall behind a pavement."""
    h, w = layer_size(size)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None] * np.ones((1, w), np.float32)
    clay: Sequence[Color] = [(0.36, 0.17, 0.12), (0.58, 0.29, 0.20), (0.70, 0.42, 0.30)]
    stone: Sequence[Color] = [(0.42, 0.40, 0.37), (0.60, 0.57, 0.52), (0.74, 0.70, 0.64)]
    wall = bricks(rng, (h, w), 24, clay if rng.random() < 0.6 else stone)
    stains = fractal_noise(rng, (h, w), (2, 5), 5)
    wall = cv2.GaussianBlur(wall * (0.62 + 0.4 * stains)[..., None], (0, 0), h / 260)
    distance, numbers = cells(rng, (512, 1024), 420)
    tone = rng.random(int(numbers.max()) + 1, dtype=np.float32)[numbers]
    slabs = color_ramp(
        0.5 * tone + 0.5 * fractal_noise(rng, (512, 1024), (60, 90), 3),
        [(0.40, 0.39, 0.38), (0.66, 0.64, 0.60)],
    )
    slabs *= (0.55 + 0.45 * smoothstep(0.5, 3.0, distance))[..., None]
    pavement = ground_plane(slabs, (h, w), 0.52, 1.2)
    return Backdrop(
        [make_layer(wall, None, 0.7), make_layer(pavement, smoothstep(0.600, 0.606, y), 0.95)],
        Light(),
        (0.68, 0.92),
    )


BACKDROPS = {"meadow": meadow, "reef": reef, "room": room, "street": street}

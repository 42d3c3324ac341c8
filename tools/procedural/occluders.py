"""Foreground of rendered scenes, for things to hide behind: stone pillar, tree trunk, hedge."""

from __future__ import annotations

import numpy as np

from tools.procedural.layers import (
    MARGIN,
    Layer,
    Size,
    across_layer,
    cropped_layer,
    layer_size,
    make_layer,
    ridge,
)
from tools.procedural.sprites import Light, paint_part, placement
from tools.procedural.textures import color_ramp, fractal_noise, smoothstep
from tools.procedural.things import Leaf


def pillar(rng: np.random.Generator, size: Size, center: float, width: float) -> Layer:
    """Paint a fluted stone column in front of the stage; centre and width in frame widths."""
    h, w = layer_size(size)
    across = across_layer(size, center, width)
    round_x = np.clip(across, -1, 1)
    flutes = 0.90 + 0.10 * np.cos(np.arcsin(round_x) * 16)
    lit = np.clip(0.62 - 0.42 * round_x + 0.15 * np.sqrt(1 - round_x**2), 0.12, 1.2) * flutes
    stone = 0.66 * fractal_noise(rng, (h, w), (16, 22), 6) + 0.34 * fractal_noise(rng, (h, w), (3, 3), 3)
    color = color_ramp(stone, [(0.60, 0.56, 0.48), (0.82, 0.79, 0.72), (0.95, 0.93, 0.88)]) * lit[None, :, None]
    edge = smoothstep(1.0, 1.0 - 3.0 / (width * size[1]), np.abs(across))
    return make_layer(color, np.repeat(edge[None], h, axis=0), 1.15)


def trunk(rng: np.random.Generator, size: Size, center: float, width: float) -> Layer:
    """Paint a tree trunk with bark in front of the stage; centre and width in frame widths."""
    h, w = layer_size(size)
    wander = (ridge(rng, h, 3)[:, None] - 0.5) * 0.25 + 0.18 * np.linspace(0, 1, h)[:, None] ** 6
    across = across_layer(size, center, width)[None] / (1 + wander)
    round_x = np.clip(across, -1, 1).astype(np.float32)
    ridges = fractal_noise(rng, (h, w), (7, w / (width * size[1]) * 13), 4, 0.6)
    bark = color_ramp(ridges, [(0.10, 0.07, 0.05), (0.33, 0.25, 0.18), (0.56, 0.46, 0.36)])
    lit = np.clip(0.72 - 0.45 * round_x + 0.2 * np.sqrt(1 - round_x**2), 0.15, 1.2)
    rough = 0.04 * (fractal_noise(rng, (h, w), (24, 24), 3) - 0.5)
    return make_layer(
        bark * lit[..., None], smoothstep(1.0, 1.0 - 4.0 / (width * size[1]), np.abs(across) + rough), 1.15
    )


def hedge(rng: np.random.Generator, size: Size, center: float, width: float) -> Layer:
    """Paint a leafy bush from the frame's lower edge in front of the stage; centre and width in frame widths."""
    h, w = layer_size(size)
    paint = np.zeros((h, w, 4), np.float32)
    palettes = [
        [(0.08, 0.22, 0.05), (0.22, 0.44, 0.10), (0.45, 0.62, 0.20)],
        [(0.05, 0.15, 0.05), (0.14, 0.32, 0.08), (0.30, 0.50, 0.14)],
    ]
    leaves = [Leaf.make(rng, 64, palette).parts(0.0)[0] for palette in palettes for _ in range(3)]
    middle = MARGIN * size[0] + center * size[1]
    count = int(900 * width * size[1] / size[0])
    for number in range(count):
        depth = number / count
        side = rng.uniform(-1, 1)
        height = (0.80 + 0.10 * np.sin(7 * side + 2)) * np.sqrt(max(0.0, 1 - side**4))
        at_x = middle + side * width * size[1] / 2
        at_y = h * (1.0 - height * (1 - depth * 0.97) * rng.uniform(0.9, 1.0))
        leaf = leaves[int(rng.integers(len(leaves)))]
        place = placement(at_x, at_y, h * rng.uniform(0.045, 0.07), rng.uniform(0, 6.3))
        paint_part(paint, leaf, place, Light(strength=0.35 + 0.6 * depth))
    return cropped_layer(paint, 1.15)


OCCLUDERS = {
    "meadow": (trunk, hedge),
    "reef": (trunk, hedge),
    "room": (pillar, hedge),
    "street": (pillar, trunk),
}

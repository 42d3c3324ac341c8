"""Synthesised surface textures: fractal noise, colour ramps, cells, wood, bricks, and surface normals.

Everything is made from a `numpy.random.Generator`, so the same generator gives the same texture. Images are
float32 RGB in [0, 1]; height and noise maps are float32 in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Color = tuple[float, float, float]
Bound = float | np.ndarray


def rgb(values: npt.ArrayLike) -> np.ndarray:
    """Make a float32 array of a colour, a vector or several of them."""
    return np.asarray(values, np.float32)


def smoothstep(low: Bound, high: Bound, values: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high` (may be lower than `low` for a fall)."""
    scaled = np.clip((values - low) / (high - low), 0.0, 1.0)
    return scaled * scaled * (3.0 - 2.0 * scaled)


def fractal_noise(
    rng: np.random.Generator,
    size: tuple[int, int],
    cells: tuple[float, float] = (4, 4),
    octaves: int = 5,
    persistence: float = 0.55,
) -> np.ndarray:
    """Sum octaves of smooth random values.

    `size` is (height, width), `cells` how many random values fit in it (vertically, horizontally) in the
    first octave; different numbers stretch the noise. Returns (height, width) float32 spread over [0, 1].
    """
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        rows = int(min(max(2, round(cells[0] * 2**octave) + 1), 2 * height))
        columns = int(min(max(2, round(cells[1] * 2**octave) + 1), 2 * width))
        grid = rng.random((rows, columns), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * persistence**octave
    low, high = np.percentile(total, (1, 99))
    return np.clip((total - low) / max(float(high - low), 1e-6), 0.0, 1.0)


def color_ramp(values: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Map (H, W) values in [0, 1] to (H, W, 3) float32 colours spread evenly along `colors`."""
    table_at = np.linspace(0.0, 1.0, 256)
    stops = np.linspace(0.0, 1.0, len(colors))
    table = np.stack([np.interp(table_at, stops, channel) for channel in zip(*colors, strict=True)], axis=-1)
    return table.astype(np.float32)[(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)]


def cells(rng: np.random.Generator, size: tuple[int, int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the plane into about `count` random cells, as pebbles or scales.

    Returns the distance to the cell's border in pixels (H, W) float32 and each cell's number (H, W) int32.
    """
    height, width = size
    seeds = np.full(size, 255, np.uint8)
    seeds[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
    _, numbers = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    borders = (numbers != np.roll(numbers, 1, 0)) | (numbers != np.roll(numbers, 1, 1))
    distance = cv2.distanceTransform((~borders).astype(np.uint8), cv2.DIST_L2, 5)
    return distance, numbers


def pebbles(rng: np.random.Generator, size: tuple[int, int], count: int, colors: Sequence[Color]) -> np.ndarray:
    """Paint a bed of rounded stones in shades between `colors`: (H, W, 3)."""
    distance, numbers = cells(rng, size, count)
    stone_radius = 0.4 * np.sqrt(size[0] * size[1] / count)
    tone = rng.random(int(numbers.max()) + 1, dtype=np.float32)[numbers]
    grain = fractal_noise(rng, size, (size[0] / 8, size[1] / 8), 3)
    dome = np.sqrt(np.clip(distance / stone_radius, 0.02, 1.0))
    return color_ramp(0.75 * tone + 0.25 * grain, colors) * (0.3 + 0.7 * dome)[..., None]


def wood(rng: np.random.Generator, size: tuple[int, int], boards: int, colors: Sequence[Color]) -> np.ndarray:
    """Paint `boards` wooden boards side by side, grain running down: (H, W, 3)."""
    width = size[1]
    streaks = fractal_noise(rng, size, (3, width / 7), 3, 0.7)
    rings = fractal_noise(rng, size, (1.5, boards * 1.5), 3)
    position = np.linspace(0, boards, width, endpoint=False, dtype=np.float32)
    board_tone = rng.uniform(-0.16, 0.16, boards).astype(np.float32)[position.astype(int)]
    value = 0.45 * streaks + 0.25 * (0.5 + 0.5 * np.sin(26 * rings)) + 0.15 + board_tone[None]
    edge = np.abs(position - np.round(position)) * width / boards
    return color_ramp(value, colors) * (0.45 + 0.55 * smoothstep(0.5, 2.5, edge))[None, :, None]


def bricks(rng: np.random.Generator, size: tuple[int, int], rows: int, colors: Sequence[Color]) -> np.ndarray:
    """Paint a brick wall of `rows` courses, with mortar and a shaded upper and lower brick edge: (H, W, 3)."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * (rows / height)
    warp = fractal_noise(rng, size, (rows * 2, rows * 3), 2) * 0.08
    course = np.floor(y + warp)
    along = (x + warp) / 2.4 + 0.5 * (course % 2)
    down, across = (y + warp) - course, along - np.floor(along)
    edge = np.minimum(np.minimum(down, 1 - down), 2.4 * np.minimum(across, 1 - across))
    tones = rng.random((64, 256), dtype=np.float32)
    tone = tones[course.astype(int) % 64, np.floor(along).astype(int) % 256]
    grain = fractal_noise(rng, size, (rows * 4, rows * 5), 3)
    inside = smoothstep(0.05, 0.12, edge)[..., None]
    relief = (1.0 + 0.18 * (smoothstep(0.3, 0.06, down) - smoothstep(0.7, 0.94, down)))[..., None]
    brick = color_ramp(0.6 * tone + 0.4 * grain, colors) * relief
    mortar = (0.55 + 0.15 * grain)[..., None] * rgb([1.0, 0.96, 0.9])
    return np.clip(inside * brick + (1 - inside) * mortar, 0, 1).astype(np.float32)


def normals_from_height(height_map: np.ndarray, strength: float) -> np.ndarray:
    """Turn a height map (H, W) into unit normals (H, W, 3): x right, y down, z towards the viewer."""
    slope_x = cv2.Sobel(height_map, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(height_map, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    normals = np.dstack([-strength * slope_x, -strength * slope_y, np.ones_like(height_map)])
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def inflate(alpha: np.ndarray, radius: float) -> np.ndarray:
    """Round a flat silhouette (H, W) in [0, 1] like a cushion; `radius` pixels from the edge it is flat.

    Returns a height map in pixels.
    """
    inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    inward = np.clip(1.0 - inside / radius, 0.0, 1.0)
    return cv2.GaussianBlur(np.sqrt(1.0 - inward**2).astype(np.float32) * radius, (0, 0), max(1.0, radius / 8))

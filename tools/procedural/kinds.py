"""The catalogue of things for rendered scenes: how each is made, its palettes, and where its feet are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sam2_demo.errors import ConfigError
from tools.procedural.shapes import Palette, Thing
from tools.procedural.solids import Ball, Vase
from tools.procedural.things import Blob, Butterfly, Fish, FurryBall, Leaf
from tools.procedural.walker import Walker


@dataclass(frozen=True)
class Kind:
    """One sort of thing: how to make it, its palettes, where its feet are (None: it floats) and its name."""

    name: str
    make: Callable[[np.random.Generator, int, Palette], Thing]
    palettes: Sequence[Palette]
    foot: float | None = None


def _mug(rng: np.random.Generator, size: int, palette: Palette) -> Thing:
    return Vase.make(rng, size, palette, mug=True)


_WHITE, _BLACK = (0.96, 0.95, 0.92), (0.08, 0.08, 0.10)
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "fish",
            Fish.make,
            (
                ((1.0, 0.45, 0.08), _WHITE, (1.0, 0.80, 0.50), (0.95, 0.35, 0.05)),
                ((0.98, 0.82, 0.16), (0.10, 0.12, 0.30), (0.99, 0.95, 0.70), (0.95, 0.70, 0.10)),
                ((0.16, 0.36, 0.80), (0.06, 0.10, 0.28), (0.70, 0.82, 0.95), (0.98, 0.80, 0.15)),
                ((0.55, 0.62, 0.60), (0.25, 0.34, 0.30), (0.92, 0.93, 0.88), (0.75, 0.35, 0.30)),
            ),
        ),
        Kind(
            "furry ball",
            FurryBall.make,
            (
                ((0.20, 0.10, 0.05), (0.60, 0.36, 0.16), (0.95, 0.75, 0.45), (0.85, 0.50, 0.20)),
                ((0.24, 0.25, 0.28), (0.60, 0.61, 0.64), (0.95, 0.95, 0.93), (0.92, 0.62, 0.25)),
                ((0.22, 0.08, 0.30), (0.52, 0.28, 0.62), (0.86, 0.66, 0.90), (0.95, 0.70, 0.30)),
            ),
            0.88,
        ),
        Kind(
            "leaf",
            Leaf.make,
            (
                ((0.15, 0.35, 0.08), (0.50, 0.60, 0.12), (0.85, 0.55, 0.10), (0.75, 0.20, 0.06)),
                ((0.45, 0.08, 0.05), (0.80, 0.22, 0.08), (0.95, 0.55, 0.15)),
                ((0.06, 0.24, 0.10), (0.20, 0.50, 0.20), (0.50, 0.75, 0.35)),
            ),
        ),
        Kind(
            "butterfly",
            Butterfly.make,
            (
                ((0.98, 0.75, 0.15), (0.95, 0.40, 0.05), (0.08, 0.05, 0.04), (1.0, 1.0, 0.95)),
                ((0.45, 0.80, 0.98), (0.10, 0.30, 0.80), (0.04, 0.05, 0.12), (0.95, 0.97, 1.0)),
            ),
        ),
        Kind(
            "blob",
            Blob.make,
            (
                ((0.30, 0.08, 0.25), (0.75, 0.25, 0.40), (0.98, 0.75, 0.70)),
                ((0.08, 0.25, 0.28), (0.20, 0.60, 0.55), (0.85, 0.95, 0.75)),
                ((0.25, 0.22, 0.20), (0.55, 0.50, 0.44), (0.85, 0.82, 0.76)),
            ),
        ),
        Kind(
            "ball",
            Ball.make,
            (
                ((0.85, 0.10, 0.10), _WHITE, (0.10, 0.30, 0.75), (0.98, 0.80, 0.10)),
                ((0.10, 0.55, 0.35), (0.98, 0.85, 0.20), (0.95, 0.35, 0.15), _WHITE),
                ((0.93, 0.92, 0.90), _BLACK, (0.85, 0.12, 0.15)),
            ),
            0.94,
        ),
        Kind(
            "vase",
            Vase.make,
            (
                ((0.20, 0.45, 0.55), (0.10, 0.15, 0.30), _WHITE, (0.90, 0.80, 0.60)),
                ((0.70, 0.38, 0.22), (0.22, 0.10, 0.07), (0.92, 0.80, 0.60), _BLACK),
            ),
            0.84,
        ),
        Kind(
            "mug",
            _mug,
            (
                ((0.75, 0.25, 0.18), (0.25, 0.10, 0.08), _WHITE, _WHITE),
                ((0.88, 0.86, 0.78), (0.15, 0.30, 0.55), (0.15, 0.30, 0.55), (0.75, 0.25, 0.20)),
            ),
            0.66,
        ),
        Kind(
            "animal",
            Walker.make,
            (
                ((0.35, 0.20, 0.10), (0.75, 0.50, 0.28), (0.97, 0.85, 0.65), (0.97, 0.95, 0.90)),
                ((0.10, 0.09, 0.09), (0.28, 0.25, 0.24), (0.55, 0.50, 0.46), (0.93, 0.92, 0.90)),
                ((0.55, 0.53, 0.50), (0.80, 0.78, 0.74), (0.96, 0.95, 0.92), (0.20, 0.17, 0.16)),
            ),
            0.97,
        ),
    )
}


def make_thing(rng: np.random.Generator, kind: str, pixels: float, palette: int | None = None) -> Thing:
    """Make a thing of `KINDS` to be painted about `pixels` across; the palette is random unless its index is given."""
    if kind not in KINDS:
        raise ConfigError(f"unknown kind of thing {kind!r}; accepted: {', '.join(KINDS)}")
    palettes = KINDS[kind].palettes
    chosen = palettes[int(rng.integers(len(palettes))) if palette is None else palette]
    return KINDS[kind].make(rng, int(np.clip(pixels * 1.4, 64, 512)) // 8 * 8, chosen)

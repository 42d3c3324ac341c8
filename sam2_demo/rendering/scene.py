"""What effects work on: a frame with its objects, and the look that a person chose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.rendering.overlay import mask_bounds
from sam2_demo.rendering.palette import Color, hex_to_color

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
REFERENCE_SIDE = 1280  # sizes of effects are given for pictures of this long side


def whole(value: float) -> int:
    """The nearest integer, halves upward as JavaScript does (Python's own goes to the even one)."""
    return math.floor(value + 0.5)


Chosen = tuple[str, int]
"""An effect's name and variant (0, 1, 2)."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One object on the frame: (H, W) mask, RGB colour, name, and its centres so far as shares of the frame.

    `effect` and `extra`: its own effects on and over it; None: as the look says for all objects.
    """

    mask: Mask
    color: Color
    name: str = ""
    trail: tuple[tuple[float, float], ...] = ()
    effect: Chosen | None = None
    extra: Chosen | None = None

    @cached_property
    def bounds(self) -> tuple[int, int, int, int] | None:
        """(x0, y0, x1, y1), end exclusive; None where the object is not seen."""
        return mask_bounds(self.mask)


@dataclass(frozen=True, eq=False)
class Scene:
    """An (H, W, 3) uint8 RGB frame, its objects in painting order, and a picture to stand behind them.

    `company`: objects that are there as well, with effects of their own.
    """

    frame: Frame
    subjects: tuple[Subject, ...] = ()
    backdrop: Frame | None = None
    company: tuple[Subject, ...] = ()

    @cached_property
    def union(self) -> Mask:
        """Every pixel of every object."""
        return self._union_of(self.subjects)

    @cached_property
    def everyone(self) -> Mask:
        """Every pixel of every object, those in company included."""
        return self._union_of(self.subjects + self.company)

    def only(self, subjects: tuple[Subject, ...]) -> Scene:
        """The same frame with some of its objects; the others keep them company."""
        others = tuple(subject for subject in self.subjects if subject not in subjects)
        return replace(self, subjects=subjects, company=others)

    def _union_of(self, subjects: tuple[Subject, ...]) -> Mask:
        union = np.zeros(self.frame.shape[:2], bool)
        for subject in subjects:
            union |= subject.mask
        return union

    @property
    def unit(self) -> float:
        """Pixels of this frame for one pixel at the reference size."""
        return max(self.frame.shape[:2]) / REFERENCE_SIDE

    def pixels(self, reference: float) -> int:
        """A length given at the reference size, in whole pixels of this frame, at least 1."""
        return max(1, whole(reference * self.unit))


@dataclass(frozen=True)
class Look:
    """Names and variants (0, 1, 2) of the effects behind, on and over the objects, and what they are told."""

    background: str = "original"
    background_variant: int = 0
    objects: str = "overlay"
    objects_variant: int = 0
    extra: str = "none"
    extra_variant: int = 0
    background_color: Color = (0, 177, 64)
    text: str = field(default="SAM 2")

    @classmethod
    def from_view(cls, view: Mapping[str, Any]) -> Look:
        """The look of a page's view; what is missing or of the wrong kind keeps its default."""
        values: dict[str, Any] = {}
        for name in ("background", "objects", "extra", "text"):
            if isinstance(view.get(name), str):
                values[name] = view[name]
        for name in ("background_variant", "objects_variant", "extra_variant"):
            if view.get(name) in (0, 1, 2):
                values[name] = int(view[name])
        color = view.get("background_color")
        if isinstance(color, str):
            try:
                values["background_color"] = hex_to_color(color)
            except ValueError:
                values.pop("background_color", None)
        return cls(**values)

"""What effects there are: `effects.json`, the one table that Python and the page's scripts draw by.

A row has an effect's title, its variants' names and, for each variant, the numbers it is drawn with: lengths for a long
side of 1280 pixels, shares from 0 to 1. A new effect is a row there, a function in `effects.py` and one in the page's
`effects/`; `python -m tools.effects_table` then hands the table on to the scripts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2_demo.rendering.palette import Color, hex_to_color

TABLE_FILE = Path(__file__).with_name("effects.json")


@dataclass(frozen=True)
class EffectRow:
    """One row: `numbers` by what they say, one a variant; `around`: drawn around objects, before what is onto them."""

    title: str
    variants: tuple[str, ...]
    numbers: Mapping[str, tuple[float, ...]]
    around: bool = False

    @classmethod
    def of(cls, fields: dict[str, Any]) -> EffectRow:
        """From a row of the file."""
        numbers = {name: tuple(own) for name, own in fields.items() if isinstance(own, list) and name != "variants"}
        return cls(fields["title"], tuple(fields["variants"]), numbers, fields.get("around", False))


_TABLE: dict[str, Any] = json.loads(TABLE_FILE.read_text(encoding="utf-8"))
OBJECT_ROWS: dict[str, EffectRow] = {name: EffectRow.of(row) for name, row in _TABLE["objects"].items()}
BACKGROUND_ROWS: dict[str, EffectRow] = {name: EffectRow.of(row) for name, row in _TABLE["background"].items()}
FLAT: tuple[Color, ...] = tuple(hex_to_color(text) for text in _TABLE["flat"])
GRADIENTS: tuple[tuple[Color, Color], ...] = tuple(
    (hex_to_color(top), hex_to_color(bottom)) for top, bottom in _TABLE["gradients"]
)

"""Everything a person has said about one object on one frame, as one value."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.masks.display import decode_mask
from sam2_demo.masks.run_lengths import decode_rle


@dataclass(frozen=True)
class PromptSet:
    """Clicks, box and painted mask of one object on one frame, in pixels of the original picture.

    `labels` holds 1 (part of the object) or 0 (not part of it) for each point; `box` is x0, y0, x1, y1;
    `mask` the COCO run lengths of a painted mask at display size, `full_mask` those of the same at the original size,
    where the server knows it.
    """

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask: str | None = None
    full_mask: str | None = None

    def is_empty(self) -> bool:
        """Whether nothing is said at all."""
        return not self.points and self.box is None and self.mask is None

    def extends(self, earlier: PromptSet) -> bool:
        """Whether this is `earlier` with at least one more click and nothing else changed."""
        count = len(earlier.points)
        return (
            len(self.points) > count > 0
            and self.points[:count] == earlier.points
            and self.labels[:count] == earlier.labels
            and self.box == earlier.box
        )

    def steps(self, earlier: PromptSet | None = None) -> list[PromptSet]:
        """What leads here one answer at a time: the box, then click by click; only what is left if `earlier` is given
        and this extends it. Clicks on a painted mask refine that mask, however many there are, so it is one step."""
        if self.mask is not None:
            return [self]
        done = len(earlier.points) if earlier is not None and self.extends(earlier) else -1 if self.box else 0
        counts = range(done + 1, len(self.points) + 1)
        return [replace(self, points=self.points[:count], labels=self.labels[:count]) for count in counts]

    def as_arguments(self, display: tuple[int, int], size: tuple[int, int]) -> dict[str, Any]:
        """Keyword arguments for `add_prompt`; `display` and `size` are (height, width) of mask and picture."""
        return {
            "points": list(self.points) or None,
            "point_labels": list(self.labels) or None,
            "box": self.box,
            "mask": self.painted(display, size),
        }

    def painted(self, display: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_] | None:
        """The (H, W) mask at the original size; None if there is none. PromptError if it does not fit."""
        if self.mask is None or self.full_mask is None:
            return None if self.mask is None else decode_mask(self.mask, display, size)
        return decode_rle({"size": list(size), "counts": self.full_mask})

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> PromptSet:
        """Inverse of `to_json`; other fields are ignored. ValueError or TypeError for what is no prompt."""
        points = fields.get("points") or []
        box, mask, full_mask = fields.get("box"), fields.get("mask"), fields.get("full_mask")
        numbers = [*(value for x, y, _ in points for value in (x, y)), *(box or ())]
        if not all(math.isfinite(value) for value in numbers) or any(label not in (0, 1) for _, _, label in points):
            raise ValueError("no prompt")
        if not all(text is None or isinstance(text, str) for text in (mask, full_mask)):
            raise TypeError("no prompt")
        return cls(
            points=tuple((x, y) for x, y, _ in points),
            labels=tuple(label for _, _, label in points),
            box=None if box is None else (box[0], box[1], box[2], box[3]),
            mask=mask,
            full_mask=full_mask,
        )

    def digest(self) -> str:
        """A short text that no other prompt has."""
        return hashlib.blake2s(json.dumps(self.to_json()).encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values for the session folder; the page has no use for `full_mask`."""
        full = {} if self.full_mask is None else {"full_mask": self.full_mask}
        return full | {
            "points": [[x, y, label] for (x, y), label in zip(self.points, self.labels, strict=True)],
            "box": None if self.box is None else list(self.box),
            "mask": self.mask,
        }

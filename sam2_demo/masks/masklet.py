"""One object's masks over the frames of a clip: the paper's masklet (section 3), held as COCO run lengths.

No torch: formats, sessions and evaluation share this type with the tracker.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.errors import InputError
from sam2_demo.masks.run_lengths import BoolMask, Rle, check_cover, decode_rle, encode_rle


def plain_object_id(value: object) -> int:
    """An object id as int, from whole numbers of any type, as `np.unique` of a label map gives; InputError for others.

    Ids end up in JSON and in 16-bit pictures, which take no numpy scalars.
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    try:
        if isinstance(value, bool | np.bool_) or not isinstance(value, SupportsIndex):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InputError(f"an object id is a whole number, got {value!r}") from None


@dataclass(frozen=True)
class MaskletFrame:
    """One frame of a masklet: the mask's COCO code and the two scores that the network gave it."""

    counts: str
    object_score_logits: float = 10.0  # > 0: visible
    iou_prediction: float = 1.0  # in [0, 1]


class Masklet:
    """The masks of one object, by frame index, all of one (height, width) in pixels.

    A frame may be absent (never segmented) or hold an empty mask (segmented, and the object is not seen).
    Ids, sizes and frame indices may be numpy's; they are kept as plain ints.
    """

    def __init__(self, object_id: int, height: int, width: int) -> None:
        if height < 1 or width < 1:
            raise InputError(f"a masklet needs a height and width of at least 1, got {height} x {width}")
        self.object_id = plain_object_id(object_id)
        self.height = int(height)
        self.width = int(width)
        self._frames: dict[int, MaskletFrame] = {}

    def set(
        self,
        frame_index: int,
        mask: NDArray[np.generic],
        object_score_logits: float = 10.0,
        iou_prediction: float = 1.0,
    ) -> None:
        """Store the (H, W) mask of a frame with its scores; replaces what the frame held.

        A mask of numbers is inside where it is not zero; InputError for negative ones, as logits have.
        """
        if mask.shape != (self.height, self.width):
            raise InputError(
                f"mask of object {self.object_id} on frame {frame_index} has shape {mask.shape}, "
                f"expected ({self.height}, {self.width})"
            )
        self._store(frame_index, encode_rle(mask)["counts"], object_score_logits, iou_prediction)

    def set_rle(
        self, frame_index: int, rle: Rle, object_score_logits: float = 10.0, iou_prediction: float = 1.0
    ) -> None:
        """Store a mask that is already coded; the code is kept as it is."""
        if list(rle["size"]) != [self.height, self.width]:
            raise InputError(
                f"run lengths of object {self.object_id} on frame {frame_index} are for size {rle['size']}, "
                f"expected [{self.height}, {self.width}]"
            )
        counts = rle["counts"]
        if isinstance(counts, bytes):
            counts = counts.decode("ascii")
        elif isinstance(counts, list):
            counts = coco_mask.frPyObjects(rle, *rle["size"])["counts"].decode("ascii")
        check_cover({"size": [self.height, self.width], "counts": counts})
        self._store(frame_index, counts, object_score_logits, iou_prediction)

    def _store(self, frame_index: int, counts: str, object_score_logits: float, iou_prediction: float) -> None:
        if frame_index < 0:
            raise InputError(f"a frame index is 0 or more, got {frame_index}")
        self._frames[int(frame_index)] = MaskletFrame(counts, float(object_score_logits), float(iou_prediction))

    def frame(self, frame_index: int) -> MaskletFrame:
        """The stored frame; InputError where there is none."""
        if frame_index not in self._frames:
            raise InputError(f"object {self.object_id} has no mask on frame {frame_index}")
        return self._frames[frame_index]

    def rle(self, frame_index: int) -> Rle:
        """The mask of a frame as COCO compressed run lengths."""
        return {"size": [self.height, self.width], "counts": self.frame(frame_index).counts}

    def mask(self, frame_index: int) -> BoolMask:
        """The (H, W) bool mask of a frame."""
        return decode_rle(self.rle(frame_index))

    def area(self, frame_index: int) -> int:
        """How many pixels the mask of a frame has."""
        return int(coco_mask.area(self.rle(frame_index)))

    def box(self, frame_index: int) -> tuple[int, int, int, int] | None:
        """(x0, y0, x1, y1) in pixels, x1 and y1 outside the mask; None for an empty mask."""
        x, y, width, height = (int(value) for value in coco_mask.toBbox(self.rle(frame_index)))
        return (x, y, x + width, y + height) if width and height else None

    @property
    def frame_indices(self) -> list[int]:
        """The frames that hold a mask, sorted."""
        return sorted(self._frames)

    def discard(self, frame_index: int) -> None:
        """Forget a frame; nothing happens where there is none."""
        self._frames.pop(frame_index, None)

    def to_rle(self) -> dict[int, Rle]:
        """Every frame's mask as COCO compressed run lengths."""
        return {frame_index: self.rle(frame_index) for frame_index in self.frame_indices}

    def __contains__(self, frame_index: object) -> bool:
        return frame_index in self._frames

    def __iter__(self) -> Iterator[int]:
        return iter(self.frame_indices)

    def __len__(self) -> int:
        return len(self._frames)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masklet):
            return NotImplemented
        same_size = (self.height, self.width) == (other.height, other.width)
        return same_size and self.object_id == other.object_id and self._frames == other._frames

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Masklet(object_id={self.object_id}, {self.height}x{self.width}, {len(self)} frames)"

"""One object's masks over the frames of a clip: the paper's masklet (section 3), held as COCO run lengths.

No torch: formats, sessions and evaluation share this type with the tracker.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import SupportsIndex, TypedDict

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.errors import InputError

BoolMask = NDArray[np.bool_]


class Rle(TypedDict):
    """COCO compressed run lengths: `size` is [height, width], `counts` the ASCII code of the runs."""

    size: list[int]
    counts: str


class RunLengths(TypedDict):
    """COCO run lengths as a list: column by column, pixels outside and inside the object by turns, outside first."""

    size: list[int]
    counts: list[int]


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


def pixels_inside(mask: NDArray[np.generic]) -> BoolMask:
    """Where a mask of any number type, 0 outside, is inside: bool of the same shape; InputError for other values.

    Negative values are those of logits, in which zero is the outline: there every pixel would count as inside.
    """
    values = np.asarray(mask)
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind not in "uif":
        raise InputError(f"a mask must be bool, or numbers of which non-zero means inside, got {values.dtype}")
    if values.dtype.kind != "u" and values.size:
        least, most = values.min(), values.max()
        if not (np.isfinite(least) and np.isfinite(most)):
            raise InputError(f"a mask must be bool, or finite numbers of which non-zero means inside, got {least}")
        if least < 0:
            raise InputError(
                f"a mask has no negative values, this one goes from {least} to {most}: of logits, give `logits > 0`"
            )
    return np.asarray(values != 0)


def run_lengths(mask: NDArray[np.generic]) -> RunLengths:
    """The uncompressed run lengths of a (H, W) mask; everything that is not zero is the object."""
    inside = np.concatenate([[False], pixels_inside(mask).ravel(order="F")])
    changes = np.flatnonzero(inside[1:] != inside[:-1])
    counts = np.diff(np.concatenate([[0], changes, [mask.size]]))
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": counts.tolist()}


def encode_rle(mask: NDArray[np.generic]) -> Rle:
    """The run lengths of a (H, W) mask; everything that is not zero is the object. InputError for negative values."""
    if mask.ndim != 2:
        raise InputError(f"a mask has two dimensions (height, width), this one has shape {mask.shape}")
    encoded = coco_mask.encode(np.asfortranarray(pixels_inside(mask), dtype=np.uint8))
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": encoded["counts"].decode("ascii")}


def decode_rle(rle: Rle | RunLengths) -> BoolMask:
    """The (H, W) bool mask of COCO run lengths, compressed (text) or not (list of ints)."""
    packed = coco_mask.frPyObjects(rle, *rle["size"]) if isinstance(rle["counts"], list) else rle
    _check_cover(packed)
    return np.ascontiguousarray(coco_mask.decode(packed)).astype(bool)


def _check_cover(rle: Rle) -> None:
    """Raise InputError unless the runs fill the mask: from runs that end early decoding makes pixels of old memory."""
    height, width = rle["size"]
    covered = _run_total(rle["counts"])
    if covered != height * width:
        found = "are damaged" if covered is None else f"cover {covered} pixels"
        raise InputError(f"run lengths {found}; a mask of {height} x {width} has {height * width}")


def _run_total(counts: str | bytes) -> int | None:
    """The number of pixels that compressed runs cover; None when the text is no such code (see COCO's maskApi.c).

    Each run is a number in groups of five bits, lowest first, with a bit that says that more follow, all plus 48;
    from the fourth run on it is the difference to the run before the last.
    """
    text = counts if isinstance(counts, bytes) else counts.encode("ascii", "replace")
    code = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if len(code) == 0 or code.min() < 0 or code.max() > 63 or code[-1] & 32:
        return None if len(code) else 0
    is_last = (code & 32) == 0
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    place = np.arange(len(code)) - np.repeat(starts, np.diff(np.append(starts, len(code))))
    if place.max() > 6:
        return None
    runs = np.add.reduceat((code & 31) << (5 * place), starts)
    runs -= np.where(code[is_last] & 16, 1 << (5 * (place[is_last] + 1)), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return None if (runs < 0).any() else int(runs.sum())


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
        _check_cover({"size": [self.height, self.width], "counts": counts})
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

"""What masks from a person's file must keep to, looked at before they are decoded, because decoders trust it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError, InputError
from sam2_demo.masks.run_lengths import covered_pixels

MAX_POLYGON_NUMBERS = 1_000_000
# No mask has longer outlines, noise included; drawing takes time with the square of what crosses a row.
_OUTLINE_PER_PIXEL = 4
_PNG_HEADER = struct.Struct(">8s4x4sII")
PNG_HEADER_SIZE = _PNG_HEADER.size


@dataclass(frozen=True)
class Extent:
    """The clip that masks are for: (height, width) in pixels, how many frames it has, and its name, if known.

    `video` names which of a file's videos is meant; without it the one that is called as the clip.
    """

    size: tuple[int, int]
    num_frames: int
    name: str = ""
    video: str | None = None

    @property
    def area(self) -> int:
        """Pixels of one frame."""
        return self.size[0] * self.size[1]


def check_size(given: tuple[int, int], what: str, extent: Extent) -> None:
    """DatasetError unless `what` has the clip's (height, width)."""
    if given != extent.size:
        raise DatasetError(
            f"{what} is {given[1]} x {given[0]} pixels (width x height), expected {extent.size[1]} x {extent.size[0]}"
        )


def counts_from_1(first: int, last: int, extent: Extent) -> bool:
    """Whether numbers of frames from `first` to `last` fit the clip as those of ffmpeg do: from 1 to its length."""
    return first == 1 and last == extent.num_frames


def check_frame(frame: int, what: str, extent: Extent) -> None:
    """DatasetError unless the clip has this frame."""
    if not 0 <= frame < extent.num_frames:
        raise DatasetError(f"{what} has masks of frame {frame}; the clip has frames 0 to {extent.num_frames - 1}")


def check_picture(header: bytes, name: str, extent: Extent) -> None:
    """DatasetError unless the first PNG_HEADER_SIZE bytes of a file are those of a PNG of the clip's size."""
    if len(header) < PNG_HEADER_SIZE or not header.startswith(b"\x89PNG\r\n\x1a\n"):
        raise DatasetError(f"{name} is no PNG")
    _, _, width, height = _PNG_HEADER.unpack(header)
    check_size((height, width), name, extent)


def check_runs(counts: Any, what: str, extent: Extent) -> None:
    """DatasetError unless run lengths, compressed or not, cover exactly one frame."""
    if isinstance(counts, str) and counts.isascii():
        try:
            total = covered_pixels(counts)
        except InputError as error:
            raise DatasetError(f"{what} has damaged run lengths: {error}") from error
    elif isinstance(counts, list) and all(isinstance(run, int) and run >= 0 for run in counts):
        total = sum(counts)
    else:
        raise DatasetError(f"{what} has run lengths that are neither text nor whole numbers")
    if total != extent.area:
        raise DatasetError(f"{what} has run lengths of {total} pixels, expected {extent.area}")


def check_outlines(polygons: Sequence[NDArray[np.float64]], what: str, extent: Extent) -> None:
    """DatasetError where (N, 2) polygons in pixels have too many points, lie far outside or are longer than a rim."""
    numbers = sum(polygon.size for polygon in polygons)
    if numbers > MAX_POLYGON_NUMBERS:
        raise DatasetError(f"{what} has outlines of {numbers} numbers; accepted are up to {MAX_POLYGON_NUMBERS}")
    far = 10 * max(extent.size)
    if not all((np.abs(polygon) <= far).all() for polygon in polygons):  # not-a-number is refused too
        raise DatasetError(f"{what} has an outline far outside of its picture")
    length = sum(float(np.abs(polygon - np.roll(polygon, 1, axis=0)).max(axis=1).sum()) for polygon in polygons)
    if length > _OUTLINE_PER_PIXEL * extent.area:
        raise DatasetError(
            f"{what} has outlines of {length:.0f} pixels in length; no mask of a picture of {extent.area} pixels has "
            f"more than {_OUTLINE_PER_PIXEL * extent.area}"
        )

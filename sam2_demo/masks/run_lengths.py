"""Masks as COCO run lengths: coded, decoded, and checked before the decoder is given them, because it trusts them.

Source: COCO's maskApi.c. Runs go column by column, pixels outside and inside the object by turns, outside first.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.errors import InputError

_MOST_GROUPS = 7  # of five bits each: a run of more pixels than any picture has

BoolMask = NDArray[np.bool_]


class Rle(TypedDict):
    """COCO compressed run lengths: `size` is [height, width], `counts` the ASCII code of the runs."""

    size: list[int]
    counts: str


class RunLengths(TypedDict):
    """COCO run lengths as a list: column by column, pixels outside and inside the object by turns, outside first."""

    size: list[int]
    counts: list[int]


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
    check_cover(packed)
    return np.ascontiguousarray(coco_mask.decode(packed)).astype(bool)


def check_cover(rle: Rle) -> None:
    """InputError unless the runs fill the mask: from runs that end early decoding makes pixels of old memory."""
    height, width = rle["size"]
    try:
        covered = covered_pixels(rle["counts"])
    except InputError as error:
        raise InputError(f"run lengths are damaged: {error}") from error
    if covered != height * width:
        raise InputError(f"run lengths cover {covered} pixels; a mask of {height} x {width} has {height * width}")


def covered_pixels(counts: str | bytes) -> int:
    """How many pixels compressed runs cover; InputError says why a text is no such code.

    Each run is a number in groups of five bits, lowest first, with a bit that says that more follow, all plus 48;
    from the fourth run on it is the difference to the run before the last.
    """
    text = counts if isinstance(counts, bytes) else counts.encode("ascii", "xmlcharrefreplace")  # & is no code
    code = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    if len(code) == 0:
        return 0
    strange = np.flatnonzero((code < 0) | (code > 63))
    if len(strange):
        raise InputError(f"character {chr(text[strange[0]])!r} does not occur in compressed run lengths")
    if code[-1] & 32:
        raise InputError("the run lengths end in the middle of one")
    is_last = (code & 32) == 0
    starts = np.flatnonzero(np.concatenate([[True], is_last[:-1]]))
    place = np.arange(len(code)) - np.repeat(starts, np.diff(np.append(starts, len(code))))
    if place.max() >= _MOST_GROUPS:
        raise InputError("a run length is out of range")
    runs = np.add.reduceat((code & 31) << (5 * place), starts)
    runs -= np.where(code[is_last] & 16, 1 << (5 * (place[is_last] + 1)), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if (runs < 0).any():
        raise InputError("a run length is negative")
    return int(runs.sum())

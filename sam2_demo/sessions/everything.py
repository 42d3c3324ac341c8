"""Everything mode in a session: all masks of a picture or frame, cleaned, without needless doubles, kept in its folder.

The thresholds are loose, because the page filters what was found and models differ in how they score their masks.
A mask is dropped only when another one of nearly the same box is better in both scores: whatever the thresholds are
set to later, that other one would stand for it. Masks have a working size of at most WORKING_LIMIT pixels on the
long side, which is finer than the network's own masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.masks.display import display_size
from sam2_demo.masks.overlaps import stands_for
from sam2_demo.masks.regions import without_small_regions
from sam2_demo.masks.run_lengths import decode_rle, encode_rle
from sam2_demo.sessions.session import Session
from sam2_demo.tracking.automatic_masks import MaskRecord

WORKING_LIMIT = 1024
MOST_MASKS = 600
LEAST_IOU = 0.1
LEAST_STABILITY = 0.3
SMALL_REGION = 200 / 1024**2  # of the picture; 200 pixels in the paper
FILE_NAME = "everything.json"


@dataclass(frozen=True)
class FoundMask:
    """One mask at working size: COCO run lengths, pixels, box (x0, y0, x1, y1; ends outside), the two scores."""

    mask_id: int
    counts: str
    area: int
    box: tuple[int, int, int, int]
    predicted_iou: float
    stability: float


@dataclass(frozen=True)
class SearchStep:
    """What a batch of points changed: new masks, ids of those that better ones replaced, their (height, width), and
    how many of all points are done."""

    found: list[FoundMask]
    gone: list[int]
    size: tuple[int, int]
    done: int
    total: int


@dataclass(frozen=True)
class Everything:
    """The masks of a frame (0 for pictures) at (height, width) = `size`."""

    frame: int
    size: tuple[int, int]
    masks: dict[int, FoundMask]

    def mask(self, mask_id: int, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The (H, W) = `size` bool mask of an id; InputError for an unknown one."""
        if mask_id not in self.masks:
            raise InputError(f"mask {mask_id} does not exist; found were {len(self.masks)} masks")
        mask = decode_rle({"size": list(self.size), "counts": self.masks[mask_id].counts})
        if self.size == size:
            return mask
        grown = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        return np.asarray(grown >= 0.5)

    def to_json(self) -> dict[str, Any]:
        """Plain values for the page and the session folder."""
        return {"frame": self.frame, "size": list(self.size), "masks": [asdict(mask) for mask in self.masks.values()]}


def search(session: Session, frame: int, points_per_side: int, crop_layers: int = 0) -> Iterator[SearchStep]:
    """Find everything on a frame; ends early, keeping what is found, when `cancel` is set."""
    rgb = session.pixels(frame)
    size = display_size(session.size, WORKING_LIMIT)
    if size != session.size:
        rgb = np.asarray(cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    with session.task(wait=False):
        session.cancel.clear()
        collection = Collection(size)
        steps = session.engine.find_everything(rgb, points_per_side, crop_layers, LEAST_IOU, LEAST_STABILITY)
        while not session.cancel.is_set():
            with session.engine.lock:
                step = next(steps, None)
            if step is None:
                break
            found, gone = collection.add(step.records)
            yield SearchStep(found, gone, size, step.done, step.total)
        everything = Everything(frame, size, collection.masks)
        session.stored.write_json(FILE_NAME, everything.to_json())


def read_everything(session: Session) -> Everything | None:
    """What was found last; None if nothing was looked for yet."""
    return session.stored.read_json(FILE_NAME, _from_json)


def _from_json(stored: Any) -> Everything:
    masks = [FoundMask(**(fields | {"box": tuple(fields["box"])})) for fields in stored["masks"]]
    return Everything(stored["frame"], (stored["size"][0], stored["size"][1]), {m.mask_id: m for m in masks})


class Collection:
    """Masks so far, by id; ids count up in the order of discovery."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.masks: dict[int, FoundMask] = {}
        self._next_id = 1

    def add(self, records: Sequence[MaskRecord]) -> tuple[list[FoundMask], list[int]]:
        """Take records in; returns the masks that are new and the ids of known ones that they replace."""
        before = set(self.masks)
        for record in records:
            raw = self._uncleaned(record)
            # Most masks are doubles, and cleaning takes longer than comparing.
            if any(stands_for(other, raw) for other in self.masks.values()):
                continue
            mask = self._cleaned(record)
            if mask is None or any(stands_for(other, mask) for other in self.masks.values()):
                continue
            for other in [other for other in self.masks.values() if stands_for(mask, other)]:
                del self.masks[other.mask_id]
            self.masks[mask.mask_id] = mask
            self._next_id += 1
        worst_first = sorted(self.masks.values(), key=lambda mask: mask.predicted_iou * mask.stability)
        for mask in worst_first[: max(0, len(self.masks) - MOST_MASKS)]:
            del self.masks[mask.mask_id]
        found = [mask for mask_id, mask in self.masks.items() if mask_id not in before]
        return found, sorted(before - set(self.masks))

    def _uncleaned(self, record: MaskRecord) -> FoundMask:
        x, y, width, height = (int(value) for value in record["bbox"])
        box = (x, y, x + width + 1, y + height + 1)
        return FoundMask(0, "", record["area"], box, *_scores(record))

    def _cleaned(self, record: MaskRecord) -> FoundMask | None:
        given = record["segmentation"]
        mask = given if isinstance(given, np.ndarray) else decode_rle(given)
        if not mask.any():
            return None
        least = SMALL_REGION * mask.size
        mask, _ = without_small_regions(mask, least)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        area = int(mask.sum())
        if area < least:
            return None
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        return FoundMask(self._next_id, encode_rle(mask)["counts"], area, box, *_scores(record))


def _scores(record: MaskRecord) -> tuple[float, float]:
    return round(float(record["predicted_iou"]), 4), round(float(record["stability_score"]), 4)

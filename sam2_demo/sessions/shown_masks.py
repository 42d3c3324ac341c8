"""Which object owns the pixels that several objects' masks share, as it was shown when their frame was answered.

The model settles overlaps by its logits; those are kept more coarsely than masks, so settling them again would move
pixels. What was shown is stored beside the masklets, with checksums of the masks that it was made of: as soon as one of
them is another, it is settled anew.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DemoError, StorageError
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import decode_rle, encode_rle
from sam2_demo.sessions.folder import DAMAGE, SessionFolder

log = logging.getLogger(__name__)

FILE_NAME = "masklets/shown.jsonl"
BoolMasks = Mapping[int, NDArray[np.bool_]]


class ShownMasks:
    """Settled masks by frame; only frames on which masks overlap are kept."""

    def __init__(self, stored: SessionFolder) -> None:
        self._stored = stored
        self._frames: dict[int, tuple[dict[int, int], dict[int, str]]] = {}

    def restore(self) -> None:
        """Take what is stored."""
        self._frames.clear()
        for line in self._stored.read_intact(FILE_NAME):
            try:
                made_of = {int(i): int(checksum) for i, checksum in line["of"].items()}
                self._frames[int(line["frame"])] = made_of, {int(i): str(c) for i, c in line["masks"].items()}
            except DAMAGE:
                self._stored.note_damage(FILE_NAME)

    def masks(
        self, frame: int, masklets: Mapping[int, Masklet], settle: Callable[[], BoolMasks]
    ) -> dict[int, NDArray[np.bool_]]:
        """The (H, W) masks of a frame, no pixel in two of them. `masklets` are those that have the frame; `settle`
        gives the model's word on who owns what, where it was not given before."""
        made_of = {i: zlib.crc32(masklet.frame(frame).counts.encode()) for i, masklet in masklets.items()}
        own = {i: masklet.mask(frame) for i, masklet in masklets.items()}
        found = self._frames.get(frame)
        if found is not None and found[0] == made_of:
            try:
                kept = {i: decode_rle({"size": list(own[i].shape), "counts": c}) for i, c in found[1].items()}
                return own | kept
            except (DemoError, KeyError):
                self._stored.note_damage(FILE_NAME)
        shared = np.sum([mask.astype(np.uint16) for mask in own.values()], axis=0) > 1
        if not shared.any():
            return own
        settled = _settled(own, shared, settle())
        self._keep(frame, made_of, {i: mask for i, mask in settled.items() if not np.array_equal(mask, own[i])})
        return settled

    def _keep(self, frame: int, made_of: dict[int, int], changed: BoolMasks) -> None:
        counts = {i: encode_rle(mask)["counts"] for i, mask in changed.items()}
        self._frames[frame] = made_of, counts
        try:
            self._stored.append_line(FILE_NAME, {"frame": frame, "of": made_of, "masks": counts})
        except StorageError as error:
            log.warning("who owns shared pixels of a frame is not stored: %s", error)


def _settled(own: BoolMasks, shared: NDArray[np.bool_], by_model: BoolMasks) -> dict[int, NDArray[np.bool_]]:
    owned = {i: mask & shared for i, mask in by_model.items() if i in own}
    taken = np.any(list(owned.values()), axis=0) if owned else np.zeros_like(shared)
    return {i: mask & ~(taken & ~owned[i] if i in owned else taken) for i, mask in own.items()}

"""Masks of a session in any of the project's formats, as one file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.exchange import FORMATS, write_file
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.sessions.painted_files import RenderProgress
from sam2_demo.sessions.session import Session

MASK_FOLDER = "exports"
SECONDS_PER_STEP = 0.3
_WITHOUT_OVERLAPS = ("davis", "mots", "mots_png")


class Frames:
    """The pictures of a session, in order. `done` is how many were used up; `stopped` ends them early."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.total = session.num_frames
        self.done = 0
        self.stopped = False

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        while self.done < self.total and not self.stopped:
            yield self.session.pixels(self.done)
            self.done += 1


def make_masks(session: Session, format_name: str) -> Iterator[RenderProgress]:
    """As `write_masks`, telling how far it is; frames are counted only for formats that hold pictures."""
    frames = Frames(session)
    with ThreadPoolExecutor(max_workers=1) as writer:
        writing = writer.submit(write_masks, session, format_name, frames)
        try:
            while not wait([writing], timeout=SECONDS_PER_STEP).done:
                yield RenderProgress(frames.done, frames.total)
        finally:
            frames.stopped = True  # nobody waits for the file any more
        yield RenderProgress(frames.total, frames.total, writing.result().name)


def made_masks(session: Session, file_name: str) -> Path | None:
    """The file of this name that `write_masks` wrote, if there is one."""
    written = {path.name: path for path in (session.folder / MASK_FOLDER).glob("*") if path.suffix != ".part"}
    return written.get(file_name)


def write_masks(session: Session, format_name: str, frames: Frames | None = None) -> Path:
    """Write the masks in one of FORMATS into the session's folder; InputError for an unknown format.

    `frames` are the session's pictures, for those who watch how far they are used up.
    """
    if format_name not in FORMATS:
        raise InputError(f"format {format_name[:40]!r} is not one of {', '.join(FORMATS)}")
    clip = session.annotation()
    if format_name in _WITHOUT_OVERLAPS:
        clip.masklets = _as_shown(session, clip)
    if format_name == "sa_v":
        edited = _edited_frames(session, clip)
        clip.extra = {"masklet_edited_frame_count": edited} | _automatic(session, clip, edited)
    return write_file(clip, format_name, session.folder / MASK_FOLDER, frames or Frames(session))


def _edited_frames(session: Session, clip: ClipAnnotation) -> dict[int, int]:
    """On how many frames a person said something about each object."""
    edited = dict.fromkeys(clip.masklets, 0)
    given = {info.object_id for info in session.objects if info.stability is not None}
    for (_, object_id), prompt in session.prompts.items():
        # The mask by which everything mode found an object is a prompt, but not a person's.
        if object_id in given and not prompt.points and prompt.box is None:
            given.remove(object_id)
        elif object_id in edited:
            edited[object_id] += 1
    return edited


def _automatic(session: Session, clip: ClipAnnotation, edited: dict[int, int]) -> dict[str, Any]:
    """What SA-V says of masklets that everything mode found and nobody corrected."""
    found = {
        info.object_id: info.stability
        for info in session.objects
        if info.stability is not None and edited.get(info.object_id) == 0
    }
    stability: dict[int, dict[int, float]] = {object_id: {} for object_id in found}
    for frame in range(clip.num_frames if found else 0):
        scores = session.stability_scores(frame)
        for object_id, own in found.items():
            # The logits of a given mask say nothing of it.
            is_given = (frame, object_id) in session.prompts
            stability[object_id][frame] = own if is_given else scores.get(object_id, 1.0)
    return {"masklet_type": dict.fromkeys(found, "auto"), "stability": stability}


def _as_shown(session: Session, clip: ClipAnnotation) -> dict[int, Masklet]:
    """The masklets with every pixel where the page shows it: left to themselves, these formats go by area."""
    settled = {object_id: Masklet(object_id, clip.height, clip.width) for object_id in clip.masklets}
    for frame in clip.annotated_frames:
        present = {object_id: own for object_id, own in clip.masklets.items() if frame in own}
        masks = {object_id: own.mask(frame) for object_id, own in present.items()}
        shared = np.sum([mask.astype(np.uint16) for mask in masks.values()], axis=0) > 1
        # Only where masks overlap: elsewhere, what is shown may be made from coarser records than the masklets.
        owned = {i: own & shared for i, own in session.exclusive_masks(frame).items()} if shared.any() else {}
        taken = np.any(list(owned.values()), axis=0) if owned else shared & False
        for object_id, masklet in present.items():
            found = masklet.frame(frame)
            others = taken & ~owned[object_id] if object_id in owned else taken
            rle = encode_rle(masks[object_id] & ~others) if owned else masklet.rle(frame)
            settled[object_id].set_rle(frame, rle, found.object_score_logits, found.iou_prediction)
    return settled

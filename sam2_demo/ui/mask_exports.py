"""Masks of a session in any of the project's formats, as one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.exchange import FORMATS, write_file
from sam2_demo.sessions.picture_workspace import PictureWorkspace
from sam2_demo.sessions.video_workspace import VideoWorkspace
from sam2_demo.tracking.masklet import Masklet, encode_rle

MASK_FOLDER = "exports"
_WITHOUT_OVERLAPS = ("davis", "mots", "mots_png")


def session_masklets(workspace: VideoWorkspace | PictureWorkspace) -> ClipAnnotation:
    """The masklets of a session with the objects' names; InputError if there are none yet."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(workspace.name).stem) or "clip"
    height, width = workspace.size
    clip = ClipAnnotation(height, width, 1, name=name)
    if isinstance(workspace, VideoWorkspace):
        clip.num_frames = workspace.reader.num_frames
        clip.frame_rate = float(workspace.reader.frame_rate)
        clip.masklets = {i: masklet for i, masklet in workspace.masklets().items() if len(masklet)}
    else:
        for object_id, found in workspace.candidates.items():
            clip.masklet(object_id).set(0, found.mask, iou_prediction=found.scores[found.chosen])
    if not clip.masklets:
        raise InputError("there are no masks yet: click on an object first")
    clip.labels = {info.object_id: info.name for info in workspace.objects if info.object_id in clip.masklets}
    return clip


def write_masks(workspace: VideoWorkspace | PictureWorkspace, format_name: str) -> Path:
    """Write the masks in one of FORMATS into the session's folder; InputError for an unknown format."""
    if format_name not in FORMATS:
        raise InputError(f"format {format_name[:40]!r} is not one of {', '.join(FORMATS)}")
    clip = session_masklets(workspace)
    if format_name in _WITHOUT_OVERLAPS and isinstance(workspace, VideoWorkspace):
        clip.masklets = _as_shown(workspace, clip)
    if format_name == "sa_v" and isinstance(workspace, VideoWorkspace):
        clip.extra = _automatic(workspace, clip)
    return write_file(clip, format_name, workspace.folder / MASK_FOLDER, _frames(workspace))


def _automatic(workspace: VideoWorkspace, clip: ClipAnnotation) -> dict[str, Any]:
    """What SA-V says of masklets that everything mode found and nobody corrected."""
    corrected = {object_id for (_, object_id), prompt in workspace.prompts.items() if prompt.points or prompt.box}
    found = {
        info.object_id: info.stability
        for info in workspace.objects
        if info.stability is not None and info.object_id in clip.masklets and info.object_id not in corrected
    }
    stability: dict[int, dict[int, float]] = {object_id: {} for object_id in found}
    for frame in range(clip.num_frames if found else 0):
        scores = workspace.stability_scores(frame)
        for object_id, own in found.items():
            # The logits of a given mask say nothing of it.
            is_given = (frame, object_id) in workspace.prompts
            stability[object_id][frame] = own if is_given else scores.get(object_id, 1.0)
    return {"masklet_type": dict.fromkeys(found, "auto"), "stability": stability}


def _as_shown(workspace: VideoWorkspace, clip: ClipAnnotation) -> dict[int, Masklet]:
    """The masklets with every pixel where the page shows it: left to themselves, these formats go by area."""
    settled = {object_id: Masklet(object_id, clip.height, clip.width) for object_id in clip.masklets}
    for frame in clip.annotated_frames:
        present = {object_id: own for object_id, own in clip.masklets.items() if frame in own}
        masks = {object_id: own.mask(frame) for object_id, own in present.items()}
        shared = np.sum([mask.astype(np.uint16) for mask in masks.values()], axis=0) > 1
        # Only where masks overlap: elsewhere, what is shown may be made from coarser records than the masklets.
        owned = {i: own & shared for i, own in workspace.exclusive_masks(frame).items()} if shared.any() else {}
        taken = np.any(list(owned.values()), axis=0) if owned else shared & False
        for object_id, masklet in present.items():
            found = masklet.frame(frame)
            others = taken & ~owned[object_id] if object_id in owned else taken
            rle = encode_rle(masks[object_id] & ~others) if owned else masklet.rle(frame)
            settled[object_id].set_rle(frame, rle, found.object_score_logits, found.iou_prediction)
    return settled


def _frames(workspace: VideoWorkspace | PictureWorkspace) -> Iterator[NDArray[np.uint8]]:
    if isinstance(workspace, PictureWorkspace):
        yield workspace.rgb
        return
    for index in range(workspace.reader.num_frames):
        yield workspace.reader.read(index)

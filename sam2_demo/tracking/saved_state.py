"""One frame of one object as plain values, and an object's track filled from them again.

What is saved is what memories are rebuilt from, so that tracking goes on after a restart as if there had been none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sam2_demo.tracking.frame_records import FrameRecord, pack_record, unpack_record
from sam2_demo.tracking.object_track import ObjectTrack
from sam2_demo.tracking.prompts import read_prompts


@dataclass(frozen=True)
class SavedFrame:
    """A mask as COCO `counts` with its scores, the packed record behind it, and which way tracking passed.

    went_backward: None where the frame was prompted but never tracked. unprompted: the packed record of what tracking
    had said before the frame was prompted, which comes back when its prompts are taken away; empty where it had said
    nothing.
    """

    frame_index: int
    counts: str
    object_score_logits: float
    iou_prediction: float
    went_backward: bool | None
    record: bytes
    unprompted: bytes = b""


def saved_frame(track: ObjectTrack, frame_index: int) -> SavedFrame | None:
    """What an object's track holds on a frame; None where it holds nothing."""
    record = track.records.get(frame_index)
    if record is None or frame_index not in track.masklet:
        return None
    shown, unprompted = track.masklet.frame(frame_index), track.unprompted.get(frame_index)
    return SavedFrame(
        frame_index=frame_index,
        counts=shown.counts,
        object_score_logits=shown.object_score_logits,
        iou_prediction=shown.iou_prediction,
        went_backward=track.tracked.get(frame_index),
        record=pack_record(record),
        unprompted=b"" if unprompted is None else pack_record(unprompted),
    )


def fill_track(
    track: ObjectTrack,
    prompts: Mapping[int, Mapping[str, Any]],
    frames: Iterable[SavedFrame],
    device: torch.device,
    low_res_size: int,
) -> None:
    """Put what was saved into a fresh track, its prompted frames pending: their memories are made from the records.

    `prompts` are arguments of `add_prompt` by frame; PromptError for those that do not suit the clip.
    """
    masklet = track.masklet
    size = masklet.height, masklet.width
    unprompted: dict[int, bytes] = {}

    def unpack(packed: bytes) -> FrameRecord:
        return unpack_record(packed, device).resized(low_res_size)  # saved with another input size, perhaps

    for saved in frames:
        index = saved.frame_index
        masklet.set_rle(
            index, {"size": [*size], "counts": saved.counts}, saved.object_score_logits, saved.iou_prediction
        )
        track.records.set(index, unpack(saved.record))
        if saved.went_backward is not None:
            track.tracked[index] = saved.went_backward
        if saved.unprompted:
            unprompted[index] = saved.unprompted
    for index, given in prompts.items():
        if index in track.records:
            track.prompts[index] = read_prompts(
                given.get("points"), given.get("point_labels"), given.get("box"), given.get("mask"), size
            )
            track.pending.add(index)
            if index in unprompted:
                track.unprompted[index] = unpack(unprompted[index])

"""Looking for an object again behind a cut, where nothing is where it was.

The first frame of a shot attends to prompted frames and anchors only. What it then takes for the object is believed if
it looks like it; else all that a grid of clicks finds on the frame is compared with it. If nothing resembles it the
object is said to be not found: hidden, and not remembered, until a later frame of the shot shows it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.appearance import Appearance, Scene
from sam2_demo.tracking.clip_view import ClipView
from sam2_demo.tracking.frame_records import FrameRecord
from sam2_demo.tracking.frame_step import HIDDEN_LOGIT, FramePrompts, frame_step, take_candidates
from sam2_demo.tracking.memory_rules.rule import EMPTY_NOTE, Past

if TYPE_CHECKING:
    from sam2_demo.tracking.object_track import ObjectTrack

_LIKE = 0.64  # what follows was chosen with the embedded model; figures in `appearance`
_ALIKE_IN_GRID, _SURE_IN_GRID = 0.64, 0.5  # likeness and predicted IoU of a mask that a blind click found
_GRID_SIDE, _GRID_BATCH = 8, 16
_FRAMES_BETWEEN_GRIDS = 8
NOT_FOUND_SCORE = -10.0


def shot_of(frame_index: int, cuts: Sequence[int], num_frames: int) -> range:
    """The shot that a frame lies in; cuts: the frames with which shots begin, sorted."""
    place = bisect_right(cuts, frame_index)
    return range(cuts[place - 1] if place else 0, cuts[place] if place < len(cuts) else num_frames)


def is_lost_behind_cut(past: Past) -> bool:
    """Whether nothing has shown yet where the object is in this shot."""
    if any(frame in past.shot for frame in past.prompted):
        return False
    frame = past.frame_index + past.step
    while frame in past.shot:
        summary = past.look_up(frame)
        if summary is not None:
            return summary[0].note.is_lost
        frame += past.step
    return True


class SearchBehindCuts:
    """Believes, finds or gives up what was tracked into a new shot."""

    def __init__(self, network: Sam2Network, view: ClipView) -> None:
        self._network, self._view = network, view

    @torch.inference_mode()
    def settle(self, track: ObjectTrack, past: Past, embedding: ImageEmbedding, record: FrameRecord) -> FrameRecord:
        """The record of a frame as it is, with what was found elsewhere on the frame, or as not found."""
        known = self._known(track)
        scene = self._scene(past.frame_index, embedding, record)
        if record.object_score_logits > 0 and _likeness(scene, record.low_res_logits[0, 0], known) >= _LIKE:
            return record
        entry = past.shot[-1] if past.backward else past.shot[0]
        if abs(past.frame_index - entry) % _FRAMES_BETWEEN_GRIDS == 0:
            found = self._find(scene, embedding, known)
            if found is not None:
                return found
        return replace(
            record,
            low_res_logits=torch.full_like(record.low_res_logits, HIDDEN_LOGIT),
            object_pointer=self._network.no_obj_ptr.to(record.object_pointer.dtype),
            object_score_logits=min(NOT_FOUND_SCORE, record.object_score_logits),
            note=replace(EMPTY_NOTE, area=0, anchors=record.note.anchors, is_lost=True),
            rivals=(),
        )

    def _scene(self, frame_index: int, embedding: ImageEmbedding, record: FrameRecord) -> Scene:
        return Scene(self._view.frames.read(frame_index), embedding, record.low_res_logits.shape[-1])

    def _known(self, track: ObjectTrack) -> list[Appearance]:
        """What the object looked like where a person prompted it."""
        for frame in track.bank.conditioning:
            record = track.records.get(frame)
            if frame not in track.appearances and record is not None:
                scene = self._scene(frame, self._view.embed(frame), record)
                track.appearances[frame] = scene.appearance(record.low_res_logits[0, 0])
        known = (track.appearances.get(frame) for frame in track.bank.conditioning)
        return [appearance for appearance in known if appearance is not None]

    def _find(self, scene: Scene, embedding: ImageEmbedding, known: list[Appearance]) -> FrameRecord | None:
        """What resembles the object most of all that a grid of clicks finds."""
        best, found = _ALIKE_IN_GRID, None
        for points in _grid(embedding).split(_GRID_BATCH):
            labels = torch.ones(points.shape[:2], dtype=torch.int32, device=points.device)
            prompts = FramePrompts(point_coords_model=points, point_labels=labels)
            output = frame_step(self._network, embedding.expand(len(points)), prompts, None, multimask=True)
            logits = output.candidates.low_res_logits
            for row, index in (output.candidates.iou_predictions >= _SURE_IN_GRID).nonzero().tolist():
                if float(output.object_score_logits[row]) <= 0:
                    continue
                likeness = _likeness(scene, logits[row, index], known)
                if likeness > best:
                    best = likeness
                    place = torch.tensor([[row], [index]], device=points.device)
                    one = take_candidates(self._network, output, *place)
                    found = FrameRecord(
                        low_res_logits=one.low_res_logits,
                        object_pointer=one.object_pointers,
                        object_score_logits=float(one.object_score_logits),
                        iou_prediction=float(one.iou_predictions),
                    )
        return found


def _likeness(scene: Scene, logits: Tensor, known: list[Appearance]) -> float:
    seen = scene.appearance(logits)
    return 0.0 if seen is None else max((seen.likeness(own) for own in known), default=0.0)


def _grid(embedding: ImageEmbedding) -> Tensor:
    """Points (N, 1, 2) xy in pixels of the network's input."""
    along = (torch.arange(_GRID_SIDE, device=embedding.features.device) + 0.5) * embedding.picture_side / _GRID_SIDE
    return torch.cartesian_prod(along, along).flip(1)[:, None]

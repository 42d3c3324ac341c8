"""For things among look-alikes: frames that showed a rival become anchors (DAM4SAM, Videnovic et al., CVPR 2025).

Recent memories: the last frame and every fifth, of those with a mask only. Anchors, at most three, are remembered like
prompted frames, without a temporal code, and share the seven places with the recent ones. A frame becomes an anchor if
its predicted IoU is above 0.8, its area within 20 % of the median of the last ten, more than five frames have passed
since the last anchor, and there is a rival: the part of another candidate outside the mask, its largest component
only, joined with the mask has a box whose IoU with the mask's box is at most 0.7. Pointers: of frames with a mask.

An anchor is no prompt: it is gone when a person corrects that frame, and limits nothing.

What differs from the published code: pointers' distances are signed, as in SAM 2.1, which shows only where frames lie
ahead; their unit is that of the whole clip's length, while the published tracker counts the frames seen so far, which
matters on the first fifteen; and each prompted frame beyond the first takes the place of an anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.tracking.memory_rules.kalman import box_overlap
from sam2_demo.tracking.memory_rules.rule import (
    EMPTY_NOTE,
    Box,
    Candidates,
    Decision,
    FrameNote,
    FrameSummary,
    Limits,
    MemoryRule,
    Past,
    PathSummary,
    Recollection,
    in_ranks,
    nearest,
)

_STRIDE = 5
_MOST_ANCHORS = 3
_CONDITIONING_PLACES = 1 + _MOST_ANCHORS  # prompted frames that are many leave fewer to anchors
_LEAST_RECENT = 3
_ANCHOR_IOU, _AREA_CHANGE, _FRAMES_BETWEEN_ANCHORS, _RIVAL_OVERLAP = 0.8, 0.2, 5, 0.7
_AREAS = 10


class DistractorAware(MemoryRule):
    """Remembers with what the object could be confused."""

    def recall(self, past: Past, path: int, limits: Limits) -> Recollection:
        """Anchors, the last frame with a mask and every fifth before it, in ranks."""
        return recall_with_anchors(past, limits, lambda summary: not summary.is_empty)

    def decide(self, past: Past, paths: Sequence[Candidates]) -> list[Decision]:
        """The candidate of highest predicted IoU; whether its frame becomes an anchor."""
        taken = paths[0].best
        return [Decision(0, taken, note_areas_and_anchors(past, paths[0], taken))]


def recall_with_anchors(past: Past, limits: Limits, is_remembered: Callable[[PathSummary], bool]) -> Recollection:
    """What is attended to when only frames that pass a test are remembered."""
    anchors = anchors_behind(past)
    places = max(min(limits.recent, _LEAST_RECENT), limits.recent + 1 - len(past.prompted) - len(anchors))
    elsewhere = {frame for frame in _promoted(past) if past.distance(frame) > 1}

    def may_serve(frame: int, summary: FrameSummary | None) -> bool:
        return summary is not None and frame not in elsewhere and is_remembered(summary[0])

    frames = list(islice((frame for frame, summary in past.tracked() if may_serve(frame, summary)), 1))
    if frames:
        older = (frame for frame in _every_fifth(past, frames[0]) if may_serve(frame, past.summary(frame)))
        frames += islice(older, places - 1)
    pointers = [
        (distance, frame)
        for distance, frame in nearest(past, limits.pointers)
        if (paths := past.summary(frame)) is not None and frame not in anchors and not paths[0].is_empty
    ]
    return Recollection(in_ranks(frames), pointers, anchors)


def _every_fifth(past: Past, last: int) -> Iterator[int]:
    """Every fifth frame behind `last`, the nearest first: multiples of five, so that the same ones serve for a time."""
    return (frame for frame in past.behind() if frame % _STRIDE == 0 and past.distance(frame) > past.distance(last))


def _promoted(past: Past) -> tuple[int, ...]:
    """All anchors that are known of, behind the frame and not corrected since, the oldest first."""
    past = past.across_cuts()
    _, paths = next(past.tracked(), (None, None))
    anchors = paths[0].note.anchors if paths else ()
    return tuple(frame for frame in anchors if past.distance(frame) > 0 and past.summary(frame) is not None)


def anchors_behind(past: Past) -> list[int]:
    """The nearest anchors that there is room for, the oldest first; the last frame is always a recent memory."""
    room = min(_MOST_ANCHORS, max(0, _CONDITIONING_PLACES - len(past.prompted)))
    anchors = [frame for frame in _promoted(past) if past.distance(frame) > 1]
    return anchors[len(anchors) - min(room, len(anchors)) :]


def note_areas_and_anchors(past: Past, candidates: Candidates, taken: int) -> FrameNote:
    """What is noted of a frame whose candidate `taken` is the mask."""
    _, paths = next(past.tracked(), (None, None))
    before = paths[0].note if paths else EMPTY_NOTE
    mask = candidates.mask(taken)
    area = int(mask.sum())
    areas = (*before.areas, area)[-_AREAS:] if area else before.areas
    anchors = _promoted(past)
    if _is_reliable(past, candidates.ious[taken], area, areas, anchors, is_first=paths is None):
        others = (candidates.mask(index) for index in range(len(candidates.ious)) if index != taken)
        if any(is_rival(mask, other) for other in others):
            anchors = (*anchors, past.frame_index)[-_MOST_ANCHORS - 1 :]
    return FrameNote(area=area, areas=areas, anchors=anchors)


def _is_reliable(
    past: Past, iou: float, area: int, areas: tuple[int, ...], anchors: tuple[int, ...], is_first: bool
) -> bool:
    if iou <= _ANCHOR_IOU or not area or is_first:
        return False
    if abs(area / median(areas) - 1) > _AREA_CHANGE:
        return False
    return not anchors or past.distance(anchors[-1]) > _FRAMES_BETWEEN_ANCHORS


def is_rival(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Whether the largest part of `other` outside `mask` (both (H, W)) lies far enough from it to be something else."""
    outside = other & ~mask
    if not outside.any():
        return False
    _, parts, stats, _ = cv2.connectedComponentsWithStats(outside.astype(np.uint8), connectivity=8)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return box_overlap(_bounds(mask), _bounds(mask | (parts == largest))) <= _RIVAL_OVERLAP


def _bounds(mask: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)

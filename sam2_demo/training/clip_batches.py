"""Batches of clips with objects to follow, made or annotated, each a pure function of the seed and the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.sequences import (
    CUT_OUT_LABEL,
    OCCLUDER_LABEL,
    PictureSource,
    SequenceOptions,
    make_clip,
)
from sam2_demo.training.clip_edits import ClipEdits, add_occluder, add_twin, cut_away, cut_to_later, draw_jump
from sam2_demo.training.clip_sampling import MAX_AREA, MIN_AREA, AnnotatedClipSource, DrawnClip

ANNOTATED_SHARE = 0.7  # of the clips, where there are annotated ones


@dataclass(frozen=True)
class ClipBatch:
    """frames (B, T, S, S, 3) uint8; known (B, T, S, S) bool; masks (N, T, S, S) bool of all objects;
    clip_indices (N,): which clip each is in."""

    frames: NDArray[np.uint8]
    known: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    clip_indices: NDArray[np.int64]

    def one_by_one(self) -> list[ClipBatch]:
        """The same clips as batches of one each."""
        return [
            ClipBatch(
                self.frames[k : k + 1], self.known[k : k + 1], self.masks[own], np.zeros(int(own.sum()), np.int64)
            )
            for k in range(len(self.frames))
            for own in [self.clip_indices == k]
        ]


class ClipBatchMaker:
    """Draws batches of clips made from a source of pictures, and of annotated clips where there are any."""

    def __init__(
        self,
        source: PictureSource,
        options: SequenceOptions | None = None,
        seed: int = 0,
        annotated: AnnotatedClipSource | None = None,
        annotated_share: float = ANNOTATED_SHARE,
        edits: ClipEdits | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._seed = seed
        self._annotated = annotated
        self._annotated_share = annotated_share
        self._edits = edits or ClipEdits()

    def make(self, step: int, clips: int, objects: int, frames: int, size: int) -> ClipBatch:
        """`clips` clips of `frames` frames of side `size`, with up to `objects` objects that the first frame shows.

        A clip with fewer has fewer rows: tracking one object three times would take three times as long.
        """
        rng = np.random.default_rng((self._seed, step, 2))
        drawn = [self._draw_edited(rng, objects, frames, size) for _ in range(clips)]
        return ClipBatch(
            np.stack([clip.frames for clip in drawn]),
            np.stack([clip.known for clip in drawn]),
            np.concatenate([clip.masks for clip in drawn]),
            np.repeat(np.arange(clips), [len(clip.masks) for clip in drawn]),
        )

    def _draw_edited(self, rng: np.random.Generator, objects: int, frames: int, size: int) -> DrawnClip:
        edits = self._edits
        is_cut, is_away = rng.random() < edits.cut and frames > 1, rng.random() < edits.away
        surplus = draw_jump(rng) if is_cut and not is_away else 0
        clip = self._draw(rng, objects, frames + surplus, size)
        if clip.name and rng.random() < edits.twin:
            clip = add_twin(rng, clip, objects)
        if clip.name and frames > 1 and rng.random() < edits.occluder:
            clip = add_occluder(rng, clip, self._source)
        if surplus:
            return cut_to_later(rng, clip, frames)
        return cut_away(rng, clip, self._draw_another(rng, clip.name, frames, size)) if is_cut else clip

    def _draw(self, rng: np.random.Generator, objects: int, frames: int, size: int) -> DrawnClip:
        if self._annotated is not None and rng.random() < self._annotated_share:
            return self._annotated.draw(rng, objects, frames, size)
        return self._make_clip(rng, objects, frames, size)

    def _draw_another(self, rng: np.random.Generator, name: str, frames: int, size: int) -> DrawnClip:
        """A clip of other footage than the annotated clip called `name`."""
        other = self._draw(rng, 1, frames, size)
        return self._make_clip(rng, 1, frames, size) if name and other.name == name else other

    def _make_clip(self, rng: np.random.Generator, objects: int, frames: int, size: int) -> DrawnClip:
        while True:
            clip = make_clip(rng, self._source, frames, size, self._options)
            chosen = choose_objects(rng, clip.labels[0], objects)
            if len(chosen):
                masks = np.stack([clip.labels == label for label in chosen.tolist()])
                return DrawnClip(clip.frames, clip.labels >= 0, masks)


def choose_objects(rng: np.random.Generator, labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Up to `count` labels of a frame (S, S), moving cut-outs preferred to what the background shows."""
    areas = np.bincount(labels.ravel() + 1)  # position k + 1: pixels of label k
    values = np.nonzero(areas)[0] - 1
    share = areas[values + 1] / labels.size
    usable = (values > 0) & (values < OCCLUDER_LABEL) & (share >= MIN_AREA) & (share <= MAX_AREA)
    values, share = values[usable], share[usable]
    if len(values) == 0:
        return values
    weights = share**0.25 * np.where(values >= CUT_OUT_LABEL, 3.0, 1.0)
    return rng.choice(values, size=min(count, len(values)), replace=False, p=weights / weights.sum())

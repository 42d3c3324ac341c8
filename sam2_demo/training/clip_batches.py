"""Batches of made clips with objects to follow, each a pure function of the seed and the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.sequences import (
    CUT_OUT_LABEL,
    OCCLUDER_LABEL,
    MadeClip,
    PictureSource,
    SequenceOptions,
    make_clip,
)

_MIN_AREA, _MAX_AREA = 0.002, 0.8  # of the frame, on the first frame


@dataclass(frozen=True)
class ClipBatch:
    """frames (B, T, S, S, 3) uint8; known (B, T, S, S) bool; masks (N, T, S, S) bool; clip_indices (N,)."""

    frames: NDArray[np.uint8]
    known: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    clip_indices: NDArray[np.int64]


class ClipBatchMaker:
    """Draws batches of clips made from a source of pictures."""

    def __init__(self, source: PictureSource, options: SequenceOptions | None = None, seed: int = 0) -> None:
        self._source = source
        self._options = options
        self._seed = seed

    def make(self, step: int, clips: int, objects: int, frames: int, size: int) -> ClipBatch:
        """`clips` clips of `frames` frames of side `size`, with `objects` objects each that the first frame shows."""
        rng = np.random.default_rng((self._seed, step, 2))
        made: list[MadeClip] = []
        masks: list[NDArray[np.bool_]] = []
        while len(made) < clips:
            clip = make_clip(rng, self._source, frames, size, self._options)
            chosen = choose_objects(rng, clip.labels[0], objects)
            if len(chosen) == 0:
                continue
            made.append(clip)
            masks.extend(clip.labels == label for label in np.resize(chosen, objects))
        return ClipBatch(
            np.stack([clip.frames for clip in made]),
            np.stack([clip.labels >= 0 for clip in made]),
            np.stack(masks),
            np.repeat(np.arange(clips), objects),
        )


def choose_objects(rng: np.random.Generator, labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Up to `count` labels of a frame (S, S), moving cut-outs preferred to what the background shows."""
    areas = np.bincount(labels.ravel() + 1)  # position k + 1: pixels of label k
    values = np.nonzero(areas)[0] - 1
    share = areas[values + 1] / labels.size
    usable = (values > 0) & (values < OCCLUDER_LABEL) & (share >= _MIN_AREA) & (share <= _MAX_AREA)
    values, share = values[usable], share[usable]
    if len(values) == 0:
        return values
    weights = share**0.25 * np.where(values >= CUT_OUT_LABEL, 3.0, 1.0)
    return rng.choice(values, size=min(count, len(values)), replace=False, p=weights / weights.sum())

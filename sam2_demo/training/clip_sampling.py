"""Stretches of annotated clips for training: frames in order, one augmentation for all of them (appendix D.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.annotated_clip import ClipWithTruth
from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.training.data import ClipSet

MIN_AREA, MAX_AREA = 0.002, 0.8  # of the frame, on the first frame
_TRIES = 200  # stretches drawn before giving up
_CLIPS_KEPT = 512  # annotations in memory, about 0.4 MB each


@dataclass(frozen=True)
class DrawnClip:
    """frames (T, S, S, 3) uint8; known (T, S, S) bool; masks (K, T, S, S) bool of the objects to follow; the name of
    the annotated clip, "" for a made one."""

    frames: NDArray[np.uint8]
    known: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    name: str = ""


@dataclass(frozen=True)
class StretchOptions:
    """How stretches are drawn and varied; probabilities in [0, 1].

    longest_step: frames of the clip between two of the stretch, at most (fewer where annotations are closer);
    reverse: that time runs backward; crop: that only a part of the picture is seen.
    """

    longest_step: int = 6
    reverse: float = 0.5
    crop: float = 0.5
    grey: float = 0.05
    max_rotation_degrees: float = 10.0


class AnnotatedClipSource:
    """Draws stretches from sets of clips, every clip as often as any other."""

    def __init__(self, sets: Sequence[ClipSet], options: StretchOptions | None = None) -> None:
        self._entries = [(clips, name) for clips in sets for name in clips.names]
        self._options = options or StretchOptions()
        self._clip = lru_cache(_CLIPS_KEPT)(self._read)

    def __len__(self) -> int:
        return len(self._entries)

    def draw(self, rng: np.random.Generator, objects: int, frames: int, size: int) -> DrawnClip:
        """`frames` frames of side `size` with up to `objects` objects that the first one shows.

        DatasetError when drawing often finds no object of a usable size.
        """
        for _ in range(_TRIES):
            clip = self._clip(int(rng.integers(len(self._entries))))
            indices = pick_frames(rng, clip.truth.annotated_frames, frames, self._options)
            drawn = self._draw_stretch(rng, clip, indices, (objects, size)) if indices else None
            if drawn is not None:
                return drawn
        raise DatasetError(
            f"{_TRIES} stretches of {frames} frames were drawn from {len(self)} clips, and none begins with an object "
            f"that covers {100 * MIN_AREA:g} % to {100 * MAX_AREA:g} % of the frame"
        )

    def _read(self, position: int) -> ClipWithTruth:
        clips, name = self._entries[position]
        return clips.clip(name)

    def _draw_stretch(
        self, rng: np.random.Generator, clip: ClipWithTruth, indices: list[int], wanted: tuple[int, int]
    ) -> DrawnClip | None:
        count, size = wanted
        masklets = [own for own in clip.truth.masklets.values() if all(frame in own for frame in indices)]
        masklets = [own for own in masklets if own.area(indices[0])]
        if not masklets:
            return None
        focus = masklets[int(rng.integers(len(masklets)))].mask(indices[0])
        to_source = _view_matrix(rng, focus, size, self._options)
        firsts = np.stack([_warp_mask(own.mask(indices[0]), to_source, size) for own in masklets])
        chosen = choose_by_area(rng, firsts.mean(axis=(1, 2)), count)
        if len(chosen) == 0:
            return None
        masks = np.stack(
            [[_warp_mask(masklets[k].mask(frame), to_source, size) for frame in indices] for k in chosen.tolist()]
        )
        pixels = np.stack([_warp_pixels(frame, to_source, size) for frame in clip.frames(indices)])
        known = np.stack([_known(clip.truth, frame, to_source, size) for frame in indices])
        return DrawnClip(_recolour(rng, pixels, self._options), known, masks, clip.name)


def pick_frames(rng: np.random.Generator, annotated: Sequence[int], count: int, options: StretchOptions) -> list[int]:
    """`count` annotated frames at one step from a random one on; a clip that is too short runs to and fro."""
    if not annotated:
        return []
    spacing = float(np.median(np.diff(annotated))) if len(annotated) > 1 else 1.0
    stride = max(1, round(int(rng.integers(1, options.longest_step + 1)) / spacing))
    last = len(annotated) - 1
    stride = max(1, min(stride, last // max(1, count - 1)))
    start = int(rng.integers(0, max(1, last - stride * (count - 1) + 1)))
    positions = start + stride * np.arange(count)
    turned = positions % max(1, 2 * last)
    positions = np.minimum(turned, 2 * last - turned) if last else np.zeros(count, np.int64)
    if rng.random() < options.reverse:
        positions = positions[::-1]
    return [annotated[position] for position in positions.tolist()]


def choose_by_area(rng: np.random.Generator, shares: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Up to `count` positions of areas (K,), as shares of the frame, that are usable; larger ones more often."""
    usable = np.flatnonzero((shares >= MIN_AREA) & (shares <= MAX_AREA))
    if len(usable) == 0:
        return usable
    weights = shares[usable] ** 0.25
    return rng.choice(usable, size=min(count, len(usable)), replace=False, p=weights / weights.sum())


def _view_matrix(
    rng: np.random.Generator, focus: NDArray[np.bool_], size: int, options: StretchOptions
) -> NDArray[np.float64]:
    """(2, 3) matrix from pixels of the square view to pixels of the picture; a part of it keeps to the focus."""
    height, width = focus.shape
    scale = rng.uniform(0.4, 0.9) if rng.random() < options.crop else rng.uniform(0.93, 1.0)
    stretch = np.exp(rng.uniform(-0.1, 0.1))
    window = np.minimum([width * scale * stretch, height * scale / stretch], [width, height])
    rows, columns = np.nonzero(focus)
    pick = int(rng.integers(len(rows)))
    centre = np.clip([columns[pick], rows[pick]], window / 2, np.array([width, height]) - window / 2)
    is_turned = rng.random() < 0.4
    angle = np.deg2rad(rng.normal() * options.max_rotation_degrees / 2) if is_turned else 0.0
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([window[0] * flip, window[1]]) / size
    return np.concatenate([linear, (centre - 0.5 - linear @ np.full(2, (size - 1) / 2))[:, None]], axis=1)


def _warp_mask(mask: NDArray[np.bool_], to_source: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
    warped = cv2.warpAffine(
        mask.astype(np.uint8), to_source, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return warped > 0


def _warp_pixels(pixels: NDArray[np.uint8], to_source: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    shrink = float(np.hypot(*to_source[:, 0]))
    if shrink > 1.5:  # bilinear sampling alone would skip pixels
        height, width = pixels.shape[:2]
        smaller = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        pixels = np.asarray(cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA), np.uint8)
        factors = np.array([[smaller[0] / width], [smaller[1] / height]])
        to_source = to_source * factors
        to_source[:, 2:] += (factors - 1) / 2  # pixel centres lie at half a pixel
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    warped = cv2.warpAffine(pixels, to_source, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8)


def _known(truth: ClipAnnotation, frame: int, to_source: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    if frame not in truth.void:
        return np.ones((size, size), np.bool_)
    return ~_warp_mask(decode_rle(truth.void[frame]), to_source, size)


def _recolour(rng: np.random.Generator, frames: NDArray[np.uint8], options: StretchOptions) -> NDArray[np.uint8]:
    """One contrast, brightness, gamma and colour balance for all frames (T, S, S, 3); sometimes grey."""
    gamma, contrast, brightness = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.05)
    gains = np.exp(rng.normal(0, 0.06, 3))
    curve = ((np.arange(256) / 255) ** gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(curve[:, None] * gains * 255, 0, 255).astype(np.uint8)[:, None]  # (256, 1, 3)
    lit = np.stack([np.asarray(cv2.LUT(frame, table), np.uint8) for frame in frames])
    if rng.random() < options.grey:
        lit = np.stack([np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2) for frame in lit])
    return lit

"""What annotated clips show too seldom to learn from: cuts, look-alikes beside the object, things that hide it.

A stretch of a film is edited as a whole: its frames, its masks and what is known of them. Clips with made cuts teach
what no smooth clip does (Cut-VOS): that an object may be gone from one frame to the next, or be elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.prompt_simulation import box_around
from sam2_demo.datasets.sequences import PictureSource, draw_crossing
from sam2_demo.training.clip_sampling import MIN_AREA, DrawnClip

_LONGEST_JUMP = 12  # frames that are left out at a cut
_NEAREST_TWIN, _FARTHEST_TWIN = 0.8, 1.8  # in the object's mean side, between centres
_PLACES_TRIED = 8
_BORDER = 0.02  # of the object's pixels on the frame's border: more would show the cut-off side of its copy
_MIRROR = np.array([[-1.0, 0, 0], [0, 1, 0]])


@dataclass(frozen=True)
class ClipEdits:
    """How often clips are edited; probabilities in [0, 1], by default never.

    cut: that a clip is cut, of which `away` to another clip and mostly back, the rest to a later moment, which may be
    mirrored or closer; twin: that an object of an annotated clip gets a copy that moves beside or across it;
    occluder: that something passes in front of an object of an annotated clip, or lingers there.
    """

    cut: float = 0.0
    away: float = 0.5
    twin: float = 0.0
    occluder: float = 0.0


def cut_to_later(rng: np.random.Generator, clip: DrawnClip, frames: int) -> DrawnClip:
    """`frames` frames of a longer clip, with the surplus left out somewhere; from there on often another view."""
    cut = int(rng.integers(1, frames))
    gap = len(clip.frames) - frames
    kept = np.r_[0:cut, cut + gap : len(clip.frames)]
    joined = DrawnClip(clip.frames[kept], clip.known[kept], clip.masks[:, kept], clip.name)
    matrix = np.eye(3)
    if rng.random() < 0.5:
        matrix = _about(_MIRROR[:, :2], np.full(2, (clip.frames.shape[1] - 1) / 2))
    if rng.random() < 0.5:
        matrix = _closer(rng, np.logical_or.reduce(joined.masks[:, cut])) @ matrix
    return _seen_through(joined, matrix, cut)


def cut_away(rng: np.random.Generator, clip: DrawnClip, other: DrawnClip) -> DrawnClip:
    """The clip with another one of as many frames in between, which shows none of its objects; three in four return."""
    count = len(clip.frames)
    start = int(rng.integers(1, count))
    returns = count - start > 1 and rng.random() < 0.75
    away = np.s_[start : int(rng.integers(start + 1, count)) if returns else count]
    frames, known, masks = clip.frames.copy(), clip.known.copy(), clip.masks.copy()
    frames[away], known[away], masks[:, away] = other.frames[away], True, False
    return DrawnClip(frames, known, masks, clip.name)


def draw_jump(rng: np.random.Generator) -> int:
    """How many frames more than a clip's own to draw for `cut_to_later`."""
    return int(rng.integers(1, _LONGEST_JUMP + 1))


def add_twin(rng: np.random.Generator, clip: DrawnClip, objects: int) -> DrawnClip:
    """The clip with a copy of one of its objects, at another moment of its motion, beside it or across it.

    The copy is one more object to follow where there are fewer than `objects` and the first frame shows it. Nothing is
    copied that the frame cuts off.
    """
    own = int(rng.integers(len(clip.masks)))
    masks = clip.masks[own]
    if _is_cut_off(masks):
        return clip
    count, size = masks.shape[:2]
    lag = int(rng.integers(count)) if rng.random() < 0.5 else 0
    moments = np.abs((np.arange(count) + lag + count - 1) % max(1, 2 * count - 2) - (count - 1))  # to and fro
    offsets = _twin_offsets(rng, masks, count)
    is_behind = rng.random() < 0.5
    linear = np.diag([rng.choice([-1.0, 1.0]), 1.0]) * np.exp(rng.normal(0, 0.12))
    shown = np.logical_or.reduce(clip.masks)
    frames, twins = clip.frames.copy(), np.zeros_like(masks)
    for index, moment in enumerate(moments.tolist()):
        if not masks[moment].any():
            continue
        centre = _centre(masks[moment])
        to_frame = _about(linear, centre)[:2]
        to_frame[:, 2] += offsets[index] * size + (_centre(masks[index]) - centre if masks[index].any() else 0)
        drawn = np.asarray(cv2.warpAffine(clip.frames[moment], to_frame, (size, size)), np.uint8)
        alpha = np.asarray(cv2.warpAffine(masks[moment].astype(np.float32), to_frame, (size, size)), np.float32)
        if is_behind:
            alpha[shown[index]] = 0
        frames[index], twins[index] = _blend(clip.frames[index], drawn, alpha)
    return _with_twin(clip, frames, twins, objects)


def add_occluder(rng: np.random.Generator, clip: DrawnClip, source: PictureSource) -> DrawnClip:
    """The clip with a thing or a bar that passes over one of its objects, or lingers there."""
    masks = clip.masks[int(rng.integers(len(clip.masks)))]
    seen = np.flatnonzero(masks.any(axis=(1, 2)))
    size = masks.shape[-1]
    met = int(seen[len(seen) // 2])
    x0, y0, x1, y1 = box_around(masks[met])
    frames, covered = draw_crossing(rng, source, clip.frames, _centre(masks[met]) / size, max(x1 - x0, y1 - y0) / size)
    is_start = np.arange(len(frames))[:, None, None] == 0
    covered &= ~is_start  # the first frame is the one that is prompted: it stays as it was
    frames[0] = clip.frames[0]
    return DrawnClip(frames, clip.known | covered, clip.masks & ~covered, clip.name)


def _with_twin(clip: DrawnClip, frames: NDArray[np.uint8], twins: NDArray[np.bool_], objects: int) -> DrawnClip:
    masks = clip.masks & ~twins
    if not masks[:, 0].any(axis=(1, 2)).all():
        return clip  # an object would be hidden where it is prompted
    if len(masks) < objects and twins[0].mean() >= MIN_AREA:
        masks = np.concatenate([masks, twins[None]])
    return DrawnClip(frames, clip.known | twins, masks, clip.name)


def _twin_offsets(rng: np.random.Generator, masks: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Where the copy is relative to the object (T, 2), in sides of the frame: about as far all the time, or across."""
    size = masks.shape[-1]
    x0, y0, x1, y1 = box_around(masks[0])
    side = max(x1 - x0, y1 - y0) / size
    place = _centre(masks[0]) / size
    for _ in range(_PLACES_TRIED):  # where it is seen, if there is room
        direction = rng.uniform(0, 2 * np.pi)
        start = rng.uniform(_NEAREST_TWIN, _FARTHEST_TWIN) * side * np.array([np.cos(direction), np.sin(direction)])
        if np.all(np.abs(place + start - 0.5) < 0.5):
            break
    times = np.linspace(0, 1, count)[:, None]
    end = -start * rng.uniform(0.5, 1.2) if rng.random() < 0.4 else start + rng.normal(0, 0.3 * side, 2)
    return start * (1 - times) + end * times


def _is_cut_off(masks: NDArray[np.bool_]) -> bool:
    """Whether the frames' borders cut the object (T, S, S)."""
    inner = masks[:, 1:-1, 1:-1].sum()
    return bool(masks.sum() - inner > _BORDER * masks.sum()) or not masks[0].any()


def _centre(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    x0, y0, x1, y1 = box_around(mask)
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2])


def _about(linear: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) matrix of a linear map that keeps `centre` where it is."""
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre - linear @ centre
    return matrix


def _closer(rng: np.random.Generator, shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(3, 3) matrix that enlarges a part of the frame, one with the objects in it where they are seen."""
    size = shown.shape[0]
    factor = rng.uniform(1.2, 2.0)
    centre = _centre(shown) if shown.any() else rng.uniform(0, size, 2)
    half = size / factor / 2
    middle = np.clip(centre + rng.normal(0, 0.2 * half, 2), half, size - half)
    matrix = np.diag([factor, factor, 1.0])
    matrix[:2, 2] = (size - 1) / 2 - factor * (middle - 0.5)
    return matrix


def _seen_through(clip: DrawnClip, matrix: NDArray[np.float64], start: int) -> DrawnClip:
    """The clip with its frames from `start` on moved by a (3, 3) matrix that leaves no empty border."""
    if np.array_equal(matrix, np.eye(3)):
        return clip
    size = clip.frames.shape[1]
    frames, known, masks = clip.frames.copy(), clip.known.copy(), clip.masks.copy()

    def moved(picture: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(picture, matrix[:2], (size, size), flags=how, borderMode=border), np.uint8)

    for index in range(start, len(frames)):
        frames[index] = moved(frames[index], cv2.INTER_LINEAR)
        known[index] = moved(known[index].astype(np.uint8), cv2.INTER_NEAREST) > 0
        for own in masks:
            own[index] = moved(own[index].astype(np.uint8), cv2.INTER_NEAREST) > 0
    return replace(clip, frames=frames, known=known, masks=masks)


def _blend(
    below: NDArray[np.uint8], above: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One picture drawn over another with a soft edge, and where it covers it."""
    soft = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None]
    return (above * soft + below * (1 - soft)).astype(np.uint8), alpha > 0.5

"""Label maps that lie beside their pictures: how far, and pictures moved onto them.

Label maps are often shrunk by nearest neighbour, which moves their outlines by up to a pixel of the smaller size to the
lower right, while the picture's edges stay. A mirrored picture then has its outlines on the other side: to a network
they are blurred by twice as much, in a closer look at a small thing by many pixels of its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.label_maps import IGNORE_LABEL, LabelledPicture, spread

_REACH = 4  # pixels on both sides of an outline in which its edge is sought
_LEAST_PICTURES, _MOST_PICTURES = 20, 200  # of a source, to measure it by
_LEAST_OFFSET = 0.1  # pixels; less is not worth the resampling
_LEAST_RISE = 0.1  # of the mean contrast at the outlines over that around them


def align_sources(pictures: list[LabelledPicture]) -> dict[str, tuple[float, float]]:
    """Move pictures, in their list, to where their label maps are; returns each moved source's offset (x, y) in pixels.

    Sources of fewer than 20 pictures, and those whose outlines follow no edges, stay as they are.
    """
    offsets = _source_offsets(pictures)
    for place, picture in enumerate(pictures):  # one by one: there may be half the memory full of them
        if picture.source in offsets:
            pictures[place] = _moved(picture, offsets[picture.source])
    return offsets


def _source_offsets(pictures: Sequence[LabelledPicture]) -> dict[str, tuple[float, float]]:
    by_source: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        by_source.setdefault(picture.source, []).append(picture)
    offsets = {}
    for source, own in by_source.items():
        x, y = label_offset([own[i] for i in spread(len(own), _MOST_PICTURES)])
        if max(abs(x), abs(y)) >= _LEAST_OFFSET:
            offsets[source] = x, y
    return offsets


def label_offset(pictures: Sequence[LabelledPicture]) -> tuple[float, float]:
    """How far right and down of the pictures' edges the outlines of the label maps lie, in pixels; 0 where unclear."""
    if len(pictures) < _LEAST_PICTURES:
        return 0.0, 0.0
    across = [profile for picture in pictures if (profile := _profile(picture)) is not None]
    down = [profile for picture in pictures if (profile := _profile(_turned(picture))) is not None]
    return _centre(across), _centre(down)


def _turned(picture: LabelledPicture) -> LabelledPicture:
    return replace(
        picture, pixels=picture.pixels.swapaxes(0, 1), label_maps=tuple(labels.T for labels in picture.label_maps)
    )


def _profile(picture: LabelledPicture) -> NDArray[np.float64] | None:
    """Mean contrast of neighbouring columns, -4 to 4 pixels from vertical outlines, (9,); None without outlines."""
    smooth = cv2.GaussianBlur(picture.pixels, (0, 0), 0.7).astype(np.float32)
    contrast = np.abs(np.diff(smooth, axis=1)).max(axis=2)  # (H, W - 1), between columns
    labels = picture.label_maps[0]
    left, right = labels[:, :-1], labels[:, 1:]
    is_outline = (left != right) & (left != IGNORE_LABEL) & (right != IGNORE_LABEL)
    is_outline[:, :_REACH] = is_outline[:, contrast.shape[1] - _REACH :] = False
    rows, columns = np.nonzero(is_outline)
    if len(rows) == 0:
        return None
    return np.array([contrast[rows, columns + shift].mean() for shift in range(-_REACH, _REACH + 1)], np.float64)


def _centre(profiles: Sequence[NDArray[np.float64]]) -> float:
    """Minus the place of the rise of the mean profile over its ends."""
    if len(profiles) < _LEAST_PICTURES:
        return 0.0
    profile = np.mean(profiles, axis=0)
    base = (profile[0] + profile[-1]) / 2
    rise = np.clip(profile - base, 0, None)
    if rise.max() < _LEAST_RISE * base or not rise.any():
        return 0.0
    return -float((rise * np.arange(-_REACH, _REACH + 1)).sum() / rise.sum())


def _moved(picture: LabelledPicture, offset: tuple[float, float]) -> LabelledPicture:
    height, width = picture.pixels.shape[:2]
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float64)
    pixels = cv2.warpAffine(
        picture.pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return replace(picture, pixels=np.asarray(pixels, np.uint8))

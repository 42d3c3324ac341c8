"""Clips made from labelled pictures, for want of annotated video: layers that move, deform, hide one another,
leave and return, under a moving camera and changing light."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.label_maps import IGNORE_LABEL, LabelledPicture

CUT_OUT_LABEL = 256  # labels of cut-outs start here, above those of the background picture
OCCLUDER_LABEL = 999
_ELASTIC_GRID = 5


class PictureSource(Protocol):
    """Where pictures come from."""

    def draw_picture(self, rng: np.random.Generator) -> LabelledPicture:
        """Any picture."""

    def draw_cut_out(self, rng: np.random.Generator) -> LabelledPicture:
        """A picture whose foreground can be cut out."""


@dataclass(frozen=True)
class SequenceOptions:
    """How clips are varied; probabilities in [0, 1].

    cut_outs: probability of 0, 1, 2, 3 moving cut-outs; twin: that a cut-out is a copy of the one before;
    leave: that a cut-out leaves the picture and returns; occluder: that something passes in front;
    slow: that camera, things and shapes move as between neighbouring frames of a film, so that where a thing was says
    where it is; what leaves or crosses does so within the clip all the same.
    """

    cut_outs: tuple[float, float, float, float] = (0.2, 0.4, 0.3, 0.1)
    twin: float = 0.3
    leave: float = 0.5
    occluder: float = 0.45
    motion_blur: float = 0.2
    light_change: float = 0.5
    slow: float = 0.5


@dataclass(frozen=True)
class MadeClip:
    """frames (T, S, S, 3) uint8 RGB; labels (T, S, S) int32: 0 background, -1 unknown, else the topmost object."""

    frames: NDArray[np.uint8]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class _Layer:
    """A picture or a cut-out with its motion; places in units of the frame's side.

    source_box: (x0, y0, x1, y1) in source pixels that fills `extent` (width, height) of the frame; path (T, 2);
    log_scales, angles (T,); elastic (2, 5, 5) with swings (T,).
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    label_offset: int
    source_box: tuple[float, float, float, float]
    extent: tuple[float, float]
    path: NDArray[np.float64]
    log_scales: NDArray[np.float64]
    angles: NDArray[np.float64]
    elastic: NDArray[np.float32]
    swings: NDArray[np.float64]
    flip: float


def make_clip(
    rng: np.random.Generator, source: PictureSource, frames: int, size: int, options: SequenceOptions | None = None
) -> MadeClip:
    """A clip of `frames` frames of side `size`; the same `rng` state gives the same clip."""
    options = options or SequenceOptions()
    pace = rng.uniform(0.15, 0.5) if rng.random() < options.slow else 1.0
    times = np.arange(frames) / 8 * pace
    layers = [_background(rng, source.draw_picture(rng), times)]
    picture: LabelledPicture | None = None
    for number in range(int(rng.choice(4, p=options.cut_outs))):
        if picture is None or rng.random() >= options.twin:
            picture = source.draw_cut_out(rng)
        layers.append(_cut_out(rng, picture, times, CUT_OUT_LABEL + number, rng.random() < options.leave))
    if rng.random() < options.occluder:
        layers.append(_occluder(rng, source, times))
    clip = [_compose(layers, index, size) for index in range(frames)]
    pixels = np.stack([frame for frame, _ in clip])
    return MadeClip(_relight(rng, pixels, options), np.stack([labels for _, labels in clip]))


def _wander(rng: np.random.Generator, times: NDArray[np.float64], speed: float, sway: float) -> NDArray[np.float64]:
    """A smooth path (T,) from 0 at `times` (T,): steady drift by `speed` per unit of time and a slow swing."""
    phase, rate = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2.0)
    swing = np.sin(2 * np.pi * rate * times + phase) - np.sin(phase)
    return rng.normal() * speed * times + rng.normal() * sway * swing


def _elastic(
    rng: np.random.Generator, times: NDArray[np.float64], strength: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    field = rng.normal(size=(2, _ELASTIC_GRID, _ELASTIC_GRID)).astype(np.float32) * strength
    return field, _wander(rng, times, 1.0, 0.7)


def _background(rng: np.random.Generator, picture: LabelledPicture, times: NDArray[np.float64]) -> _Layer:
    labels = picture.label_maps[int(rng.integers(len(picture.label_maps)))]
    height, width = labels.shape
    scale = rng.uniform(0.6, 1.0)
    x0, y0 = rng.uniform(0, width * (1 - scale) + 1e-6), rng.uniform(0, height * (1 - scale) + 1e-6)
    calm = rng.uniform(0.2, 1.0)
    path = 0.5 + np.stack([_wander(rng, times, 0.15 * calm, 0.06 * calm) for _ in range(2)], axis=1)
    path += rng.normal(size=(len(times), 2)) * 0.006 * (rng.random() < 0.3)  # a shaking hand
    elastic, swings = _elastic(rng, times, 0.025 * rng.uniform(0, 1))
    return _Layer(
        picture.pixels,
        labels,
        None,
        0,
        (x0, y0, x0 + width * scale, y0 + height * scale),
        (1.0, 1.0),
        path,
        _wander(rng, times, 0.15 * calm, 0.05 * calm),
        _wander(rng, times, 0.1 * calm, 0.05 * calm),
        elastic,
        swings,
        -1.0 if rng.random() < 0.5 else 1.0,
    )


def _cut_out(
    rng: np.random.Generator, picture: LabelledPicture, times: NDArray[np.float64], label: int, leaves: bool
) -> _Layer:
    labels = picture.label_maps[0]
    mask = (labels > 0) & (labels < IGNORE_LABEL)
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    longest = max(box[2] - box[0], box[3] - box[1])
    side = rng.uniform(0.15, 0.65)
    stretch = np.exp(rng.normal(0, 0.12))
    extent = side * (box[2] - box[0]) / longest * stretch, side * (box[3] - box[1]) / longest / stretch
    path = rng.uniform(0.2, 0.8, 2) + np.stack([_wander(rng, times, 0.25, 0.1) for _ in range(2)], axis=1)
    if leaves:
        direction = rng.uniform(0, 2 * np.pi)
        away = np.sin(np.pi * np.linspace(0, 1, len(times))) ** 2 * rng.uniform(1.0, 1.6)
        path += away[:, None] * np.array([np.cos(direction), np.sin(direction)])
    elastic, swings = _elastic(rng, times, 0.06 * rng.uniform(0, 1))
    return _Layer(
        picture.pixels,
        mask.astype(np.uint8),
        mask.astype(np.uint8) * 255,
        label - 1,
        box,
        extent,
        path,
        _wander(rng, times, 0.3, 0.1),
        _wander(rng, times, 0.3, 0.2),
        elastic,
        swings,
        -1.0 if rng.random() < 0.5 else 1.0,
    )


def _occluder(rng: np.random.Generator, source: PictureSource, times: NDArray[np.float64]) -> _Layer:
    """Something that crosses the frame once: a cut-out, or a bar or disc of another picture's texture."""
    if rng.random() < 0.5:
        layer = _cut_out(rng, source.draw_cut_out(rng), times, OCCLUDER_LABEL, leaves=False)
        pixels, alpha, box = layer.pixels, layer.labels * np.uint8(255), layer.source_box
    else:
        pixels = source.draw_picture(rng).pixels
        height, width = pixels.shape[:2]
        alpha, box = np.zeros((height, width), np.uint8), (0.0, 0.0, float(width), float(height))
        if rng.random() < 0.5:
            cv2.ellipse(alpha, (width // 2, height // 2), (width // 2 - 2, height // 2 - 2), 0, 0, 360, 255, -1)
        else:
            alpha[2:-2, 2:-2] = 255
    direction = rng.uniform(0, 2 * np.pi)
    heading = np.array([np.cos(direction), np.sin(direction)])
    crossing = np.linspace(-1, 1, len(times)) * rng.uniform(0.8, 1.5) + rng.normal() * 0.2
    path = rng.uniform(0.25, 0.75, 2) + crossing[:, None] * heading
    extent = (float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.3, 0.9)))
    elastic, swings = _elastic(rng, times, 0.0)
    still = np.zeros(len(times))
    turned = still + rng.normal() * 0.5
    return _Layer(
        pixels, (alpha > 127).astype(np.uint8), alpha, OCCLUDER_LABEL - 1, box, extent, path, still, turned, elastic,
        swings, 1.0,
    )  # fmt: skip


def draw_crossing(
    rng: np.random.Generator,
    source: PictureSource,
    frames: NDArray[np.uint8],
    through: NDArray[np.float64],
    extent: float,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw something that passes over a place of frames (T, S, S, 3) half-way through them, or lingers there.

    through: (x, y) in sides of the frame; extent: longer side of what is there, in sides of the frame, which half of
    what passes is large enough to hide. Returns the frames and where they are covered, (T, S, S).
    """
    count, size = frames.shape[:2]
    layer = _occluder(rng, source, np.arange(count) / 8)
    reach = np.maximum(layer.extent, extent * rng.uniform(1.0, 1.6)) if rng.random() < 0.5 else np.array(layer.extent)
    direction = rng.uniform(0, 2 * np.pi)
    times = np.linspace(-1, 1, count)
    way = times**3 if rng.random() < 0.5 else times  # of time's cube: it lingers where it is met
    away = (0.5 + float(reach.max()) / 2) * rng.uniform(1.0, 1.5)
    path = through + way[:, None] * away * np.array([np.cos(direction), np.sin(direction)])
    layer = replace(layer, extent=(float(reach[0]), float(reach[1])), path=path)
    shape = np.full(layer.labels.shape, 255, np.uint8) if layer.alpha is None else layer.alpha
    drawn, covered = frames.copy(), np.zeros((count, size, size), np.bool_)
    for index in range(count):
        pixels, alpha = _drawn_over(frames[index].astype(np.float32), layer, shape, index)
        drawn[index], covered[index] = pixels.astype(np.uint8), alpha > 127
    return drawn, covered


def _compose(layers: list[_Layer], index: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """One frame: the layers drawn over one another, moved by the background's camera."""
    pixels: NDArray[np.float32] = np.zeros((size, size, 3), np.float32)
    labels = np.zeros((size, size), np.int32)
    for layer in layers:
        if layer.alpha is None:
            map_x, map_y = _source_map(layer, index, size)
            border = cv2.BORDER_REFLECT_101
            pixels = np.asarray(cv2.remap(layer.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=border), np.float32)
            found = cv2.remap(layer.labels, map_x, map_y, cv2.INTER_NEAREST, borderMode=border)
            labels = np.where(found == IGNORE_LABEL, -1, found).astype(np.int32)
            continue
        pixels, alpha = _drawn_over(pixels, layer, layer.alpha, index)
        labels[alpha > 127] = layer.label_offset + 1
    return pixels.astype(np.uint8), labels


def _drawn_over(
    pixels: NDArray[np.float32], layer: _Layer, shape: NDArray[np.uint8], index: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The picture (S, S, 3) with a cut-out of some shape on it at frame `index`, and (S, S) where it is, 255 inside."""
    map_x, map_y = _source_map(layer, index, len(pixels))
    alpha = np.asarray(cv2.remap(shape, map_x, map_y, cv2.INTER_LINEAR), np.uint8)
    if not alpha.any():
        return pixels, alpha
    drawn = cv2.remap(layer.pixels, map_x, map_y, cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None].astype(np.float32) / 255
    return (pixels * (1 - soft) + drawn * soft).astype(np.float32), alpha


def _source_map(layer: _Layer, index: int, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Source coordinates (S, S) of every pixel of frame `index`."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x = axis[None, :] - np.float32(layer.path[index, 0])
    y = axis[:, None] - np.float32(layer.path[index, 1])
    scale, angle = np.exp(layer.log_scales[index]), layer.angles[index]
    cos, sin = np.float32(np.cos(angle) / scale), np.float32(np.sin(angle) / scale)
    u, v = cos * x + sin * y, cos * y - sin * x  # the layer's own frame, centred
    if layer.elastic.any():
        swing = np.float32(layer.swings[index])
        field = [cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in layer.elastic]
        u, v = u + swing * field[0], v + swing * field[1]
    x0, y0, x1, y1 = layer.source_box
    source_x = (x0 + x1) / 2 + u * np.float32(layer.flip * (x1 - x0) / layer.extent[0]) - 0.5
    source_y = (y0 + y1) / 2 + v * np.float32((y1 - y0) / layer.extent[1]) - 0.5
    return source_x.astype(np.float32), source_y.astype(np.float32)


def _relight(rng: np.random.Generator, frames: NDArray[np.uint8], options: SequenceOptions) -> NDArray[np.uint8]:
    """The same colours for all frames, light that may drift, and for some clips motion blur."""
    count = len(frames)
    gains = np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, 0.12))
    drift = _wander(rng, np.arange(count) / 8, 0.15, 0.08) if rng.random() < options.light_change else np.zeros(count)
    gamma = np.exp(rng.normal(0, 0.15))
    ramp = (np.arange(256) / 255) ** gamma * 255
    lit = np.empty_like(frames)
    for index in range(count):
        table = np.clip(ramp[:, None] * gains * np.exp(drift[index]), 0, 255).astype(np.uint8)[:, None]
        lit[index] = cv2.LUT(frames[index], table)
    if rng.random() < options.motion_blur:
        length = int(rng.integers(3, max(4, frames.shape[1] // 40)))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        half = (length - 1) / 2
        for step in np.linspace(-half, half, 2 * length):
            kernel[round(half + step * np.sin(angle)), round(half + step * np.cos(angle))] = 1
        lit = np.stack([cv2.filter2D(frame, -1, kernel / kernel.sum()) for frame in lit])
    return lit

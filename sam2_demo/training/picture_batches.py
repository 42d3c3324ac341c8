"""Batches of augmented pictures with objects to segment, each a pure function of the seed and the step.

Crops, mosaics of four pictures and pasted cut-outs work against sets that centre one salient object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.label_maps import IGNORE_LABEL, LabelledPicture
from sam2_demo.datasets.prompt_simulation import box_around
from sam2_demo.errors import DatasetError

_MOST_TRIES = 1000  # views in a row without an object of accepted size
_CELL = 256  # labels of mosaic cell k are moved to k * _CELL + label
_PASTED = 1024  # labels of pasted cut-outs start here, above all mosaic cells
# Close-ups: sides of the window in longer sides of the object, least side and area in pixels of pictures that are
# half as wide as most people's, largest share of the picture.
_CLOSE_UP_MARGINS = (1.1, 2.4)
_CLOSE_UP_SIDE, _CLOSE_UP_AREA = 24, 60
_CLOSE_UP_SHARE = 0.6
# Piles: how many cut-outs, and their longer sides in sides of the view.
_PILE_COUNTS, _PILE_SCALES = (6, 15), (0.08, 0.4)
_PASTE_SCALES = (0.1, 0.6)
# Coarse views: pixels of the view per pixel of what is enlarged to it, and JPEG's quality.
_COARSE_FACTORS = (1.3, 4.5)
_COARSE_QUALITIES = (50, 96)


@dataclass(frozen=True)
class PictureAugmentation:
    """How pictures are varied; probabilities in [0, 1].

    close_up: that one object and what is around it fill the view, as in a closer look
    (`sam2_demo.tracking.closer_look`); pastes: of 0, 1, 2, 3 pasted cut-outs; twin: that one is pasted beside its copy;
    pile: that a heap of many small cut-outs is pasted instead, as on a full shelf or table;
    coarse: that the view has the few pixels, and the compression, of a closer look at a small thing;
    source_weights: how often pictures of a source are drawn relative to one another (1 where not named).
    """

    close_up: float = 0.0
    zoom_in: float = 0.3
    zoom_out: float = 0.1
    mosaic: float = 0.18
    pastes: tuple[float, float, float, float] = (0.6, 0.2, 0.12, 0.08)
    twin: float = 0.2
    pile: float = 0.0
    max_rotation_degrees: float = 10.0
    grey: float = 0.05
    blur: float = 0.1
    coarse: float = 0.0
    min_object_area: float = 0.0012
    max_object_area: float = 0.9
    source_weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PictureBatch:
    """pixels (B, S, S, 3) uint8; labels (B, S, S) int32, 0 background, -1 unknown; masks (N, S, S) bool, the
    objects to segment; picture_indices (N,): which picture each is in; N = B x prompts, adjacent per picture."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    masks: NDArray[np.bool_]
    picture_indices: NDArray[np.int64]


@dataclass(frozen=True)
class _Sample:
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]  # -1 ignore


class PictureBatchMaker:
    """Draws batches from pictures held in memory."""

    def __init__(self, pictures: Sequence[LabelledPicture], augmentation: PictureAugmentation, seed: int = 0) -> None:
        if not pictures:
            raise DatasetError("no labelled pictures to train on; at least one is needed")
        self._pictures = pictures
        self._augmentation = augmentation
        self._seed = seed
        weights = np.array([augmentation.source_weights.get(p.source, 1.0) for p in pictures], np.float64)
        self._cumulative = np.cumsum(weights / weights.sum())
        salient = [i for i, p in enumerate(pictures) if 0.02 < _foreground(p.label_maps[0]) < 0.5]
        self._cut_outs = np.array(salient or range(len(pictures)))

    def make(self, step: int, pictures: int, prompts: int, size: int) -> PictureBatch:
        """The batch of `step`: pictures of side `size` with `prompts` objects each, repeated where there are fewer.

        DatasetError where view after view shows no object.
        """
        rng = np.random.default_rng((self._seed, step))
        samples: list[_Sample] = []
        masks = []
        for _ in range(pictures):
            sample, labels = self._sample_with_objects(rng, size, prompts)
            samples.append(sample)
            masks.append(sample.labels[None] == labels[:, None, None])
        return PictureBatch(
            np.stack([sample.pixels for sample in samples]),
            np.stack([sample.labels for sample in samples]),
            np.concatenate(masks),
            np.repeat(np.arange(pictures), prompts),
        )

    def draw_picture(self, rng: np.random.Generator) -> LabelledPicture:
        """One picture by source weight."""
        index = int(np.searchsorted(self._cumulative, rng.random(), side="right"))
        return self._pictures[min(index, len(self._pictures) - 1)]

    def draw_cut_out(self, rng: np.random.Generator) -> LabelledPicture:
        """One picture whose foreground is fit to be cut out."""
        return self._pictures[int(rng.choice(self._cut_outs))]

    def _sample_with_objects(
        self, rng: np.random.Generator, size: int, prompts: int
    ) -> tuple[_Sample, NDArray[np.int32]]:
        for _ in range(_MOST_TRIES):
            sample = self._sample(rng, size)
            labels = self._choose_labels(rng, sample.labels, prompts)
            if labels is not None:
                return sample, labels
        options = self._augmentation
        raise DatasetError(
            f"{_MOST_TRIES} views of the pictures in a row show no object of {options.min_object_area:.2%} to "
            f"{options.max_object_area:.0%} of the view: their label maps need labels from 1 to {IGNORE_LABEL - 1}, "
            f"or be black (0) and white ({IGNORE_LABEL})"
        )

    def _sample(self, rng: np.random.Generator, size: int) -> _Sample:
        options = self._augmentation
        if rng.random() < options.mosaic:
            sample = self._mosaic(rng, size)
        else:
            sample = _view(rng, self.draw_picture(rng), size, options)
        count, scales = int(rng.choice(4, p=options.pastes)), _PASTE_SCALES
        if rng.random() < options.pile:
            count, scales = int(rng.integers(*_PILE_COUNTS)), _PILE_SCALES
        for number in range(count):
            has_twin = rng.random() < options.twin
            sample = _paste(rng, sample, self.draw_cut_out(rng), _PASTED + 2 * number, has_twin, scales)
        return _Sample(_recolour(rng, sample.pixels, options), sample.labels)

    def _mosaic(self, rng: np.random.Generator, size: int) -> _Sample:
        pixels = np.zeros((size, size, 3), np.uint8)
        labels = np.zeros((size, size), np.int32)
        row, column = (int(size * rng.uniform(0.35, 0.65)) for _ in range(2))
        cells = [(slice(0, row), slice(0, column)), (slice(0, row), slice(column, size))]
        cells += [(slice(row, size), slice(0, column)), (slice(row, size), slice(column, size))]
        for number, (rows, columns) in enumerate(cells):
            height, width = rows.stop - rows.start, columns.stop - columns.start
            view = _view(rng, self.draw_picture(rng), max(height, width), self._augmentation)
            cell = view.labels[:height, :width]
            pixels[rows, columns] = view.pixels[:height, :width]
            labels[rows, columns] = np.where(cell > 0, cell + number * _CELL, cell)
        return _Sample(pixels, labels)

    def _choose_labels(
        self, rng: np.random.Generator, labels: NDArray[np.int32], count: int
    ) -> NDArray[np.int32] | None:
        areas = np.bincount(labels.ravel() + 1)  # position k + 1: pixels of label k
        values = np.nonzero(areas)[0] - 1
        share = areas[values + 1] / labels.size
        options = self._augmentation
        usable = (values > 0) & (share >= options.min_object_area) & (share <= options.max_object_area)
        if not usable.any():
            return None
        weights = share[usable] ** 0.25
        chosen = values[usable]
        order = rng.choice(len(chosen), size=min(count, len(chosen)), replace=False, p=weights / weights.sum())
        return np.resize(chosen[order], count).astype(np.int32)


def _foreground(labels: NDArray[np.uint8]) -> float:
    return float(np.count_nonzero((labels > 0) & (labels < IGNORE_LABEL)) / labels.size)


def _view(rng: np.random.Generator, picture: LabelledPicture, size: int, options: PictureAugmentation) -> _Sample:
    """The picture, or a part of it, or more than it, squeezed into a square as at inference."""
    labels = picture.label_maps[int(rng.integers(len(picture.label_maps)))]
    height, width = labels.shape
    close_up = _close_up(rng, labels) if rng.random() < options.close_up else None
    choice = rng.random()
    if choice < options.zoom_in:
        scale = rng.uniform(0.4, 0.9)
    elif choice < options.zoom_in + options.zoom_out:
        scale = rng.uniform(1.05, 1.6)
    else:
        scale = rng.uniform(0.93, 1.0)
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    window_width, window_height = width * scale * stretch, height * scale / stretch
    if close_up is not None:
        window_width, window_height = close_up.side * stretch, close_up.side / stretch
        centre_x, centre_y = close_up.centre
    else:
        centre_x, centre_y = _window_centre(rng, labels, window_width, window_height)
    angle = np.deg2rad(rng.normal() * options.max_rotation_degrees / 2) if rng.random() < 0.4 else 0.0
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    to_source = np.array([[cos, -sin], [sin, cos]]) @ np.diag([window_width * flip, window_height]) / size
    offset = np.array([centre_x, centre_y]) - to_source @ np.full(2, (size - 1) / 2)
    matrix = np.concatenate([to_source, offset[:, None]], axis=1).astype(np.float32)
    flags = cv2.WARP_INVERSE_MAP
    shrink = window_width / size
    # As soft as the mean of 2 x 2 pixels, which would lie half a pixel beside the label map.
    pixels = picture.pixels if shrink < 1.5 else cv2.GaussianBlur(picture.pixels, (3, 3), 0.5)
    warped = cv2.warpAffine(
        pixels, matrix, (size, size), flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    warped_labels = cv2.warpAffine(
        labels, matrix, (size, size), flags=flags | cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.int32)
    warped_labels[warped_labels == IGNORE_LABEL] = -1
    return _Sample(np.asarray(warped, np.uint8), warped_labels)


@dataclass(frozen=True)
class _CloseUp:
    """A square window around an object, in pixels."""

    centre: tuple[float, float]
    side: float


def _close_up(rng: np.random.Generator, labels: NDArray[np.uint8]) -> _CloseUp | None:
    """A window around one object as a first answer would place it; None where that shows most of the picture."""
    areas = np.bincount(labels.ravel(), minlength=256)
    areas[[0, IGNORE_LABEL]] = 0
    values = np.flatnonzero(areas >= _CLOSE_UP_AREA)
    if len(values) == 0:
        return None
    x0, y0, x1, y1 = box_around(labels == rng.choice(values))
    longer = max(x1 - x0, y1 - y0) + 1
    side = float(max(_CLOSE_UP_SIDE, longer * np.exp(rng.uniform(*np.log(_CLOSE_UP_MARGINS)))))
    if min(side, labels.shape[0]) * min(side, labels.shape[1]) > _CLOSE_UP_SHARE * labels.size:
        return None
    x, y = ((low + high) / 2 + rng.normal() * 0.06 * side for low, high in ((x0, x1), (y0, y1)))
    return _CloseUp((x, y), side)


def _window_centre(
    rng: np.random.Generator, labels: NDArray[np.uint8], width: float, height: float
) -> tuple[float, float]:
    """A centre that keeps the window inside the picture and, when it is a part of it, on some object."""
    full_height, full_width = labels.shape
    if width >= full_width and height >= full_height:
        return full_width / 2 + rng.normal() * 0.05 * full_width, full_height / 2 + rng.normal() * 0.05 * full_height
    rows, columns = np.nonzero(labels[::4, ::4])
    if len(rows) == 0:
        x, y = rng.uniform(0, full_width), rng.uniform(0, full_height)
    else:
        pick = int(rng.integers(len(rows)))
        x, y = 4.0 * columns[pick], 4.0 * rows[pick]
    half_width, half_height = min(width, full_width) / 2, min(height, full_height) / 2
    return float(np.clip(x, half_width, full_width - half_width)), float(
        np.clip(y, half_height, full_height - half_height)
    )


def _paste(
    rng: np.random.Generator,
    sample: _Sample,
    picture: LabelledPicture,
    label: int,
    has_twin: bool,
    scales: tuple[float, float],
) -> _Sample:
    """Put another picture's foreground over the sample at a random place, size and orientation, or two beside."""
    mask = ((picture.label_maps[0] > 0) & (picture.label_maps[0] < IGNORE_LABEL)).astype(np.uint8)
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if len(rows) == 0:
        return sample
    size = len(sample.labels)
    top, left = rows[0], columns[0]
    box_height, box_width = rows[-1] + 1 - top, columns[-1] + 1 - left
    scale = size * np.exp(rng.uniform(*np.log(scales))) / max(box_height, box_width)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    centre = rng.uniform(0, size, 2)
    matrix = np.array(
        [
            [flip * scale, 0, centre[0] - flip * scale * (left + box_width / 2)],
            [0, scale, centre[1] - scale * (top + box_height / 2)],
        ],
        np.float32,
    )
    result = _draw_over(sample, picture.pixels, mask, matrix, label)
    if has_twin:
        matrix[0, 2] += scale * box_width * rng.uniform(0.7, 1.1) * (1 if centre[0] < size / 2 else -1)
        matrix[1, 2] += scale * box_height * rng.normal() * 0.1
        result = _draw_over(result, picture.pixels, mask, matrix, label + 1)
    return result


def _draw_over(
    sample: _Sample, pixels: NDArray[np.uint8], mask: NDArray[np.uint8], matrix: NDArray[np.float32], label: int
) -> _Sample:
    size = len(sample.labels)
    drawn = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(mask.astype(np.float32), matrix, (size, size), flags=cv2.INTER_LINEAR)
    alpha = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None]
    mixed = drawn * alpha + sample.pixels * (1 - alpha)
    labels = np.where(alpha[..., 0] > 0.5, label, sample.labels)
    return _Sample(mixed.astype(np.uint8), labels.astype(np.int32))


def _recolour(rng: np.random.Generator, pixels: NDArray[np.uint8], options: PictureAugmentation) -> NDArray[np.uint8]:
    """Contrast, brightness, gamma and colour balance by one table per channel; sometimes grey or blurred."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma, contrast, brightness = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.15)), rng.normal(0, 0.06)
    gains = np.exp(rng.normal(0, 0.06, 3))
    curve = (ramp**gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(curve[:, None] * gains * 255, 0, 255).astype(np.uint8)[:, None, :]  # (256, 1, 3)
    pixels = np.asarray(cv2.LUT(pixels, table), np.uint8)
    if rng.random() < options.grey:
        pixels = np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < options.blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (5, 5), float(rng.uniform(0.5, 1.5))), np.uint8)
    if rng.random() < options.coarse:
        pixels = _coarse(rng, pixels)
    return np.ascontiguousarray(pixels)


def _coarse(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same view from fewer pixels, compressed, enlarged again."""
    size = len(pixels)
    side = int(size / np.exp(rng.uniform(*np.log(_COARSE_FACTORS))))
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    _, code = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_COARSE_QUALITIES))))
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return np.asarray(cv2.resize(decoded, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)

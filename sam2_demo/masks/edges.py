"""Outlines moved onto the edges of the picture: a guided filter on a mask's probabilities (He, Sun and Tang 2013).

A network that sees a picture at 384 x 384 draws outlines in cells of several pixels. Near them a linear function of the
picture's colours, fitted in every window, tells better than the cell's corner which side a pixel is on.

Measured with the embedded model on 39 tracked frames of five annotated clips (416 pixels wide) and on 210 prompted
pictures: IoU + 1.7 and + 0.1 points, boundary F within one pixel + 5.6 and + 2.3, within two + 3.3 and + 1.2.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_RADIUS = 4  # of the windows, in pixels of the grid on which the filter is computed
_CELLS = 2.0  # radius in cells of the mask that the network drew
_LARGEST_SHARE = 0.06  # radius in longer sides of the thing: more would swallow its parts
_EVENNESS = 1e-4  # variance of colours in [0, 1] below which a window has no edge
_SURE = 8.0  # logits of either side are cut here
_MARGIN = 3  # radii around the mask within which it may change

Colours = NDArray[np.float64]


def follow_edges(
    picture: NDArray[np.uint8], logits: NDArray[np.float32], cell: tuple[float, float]
) -> NDArray[np.float32]:
    """Logits (H, W) of one mask with the outline, where they cross zero, along edges of a picture (H, W, 3) uint8 RGB.

    cell: width and height in pixels of what the network drew as one. Far from the mask nothing changes; an empty mask
    stays empty.
    """
    inside = logits > 0
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    if len(columns) == 0:
        return logits
    longer = max(columns[-1] - columns[0], rows[-1] - rows[0]) + 1
    radius = [max(1.0, min(_CELLS * own, _LARGEST_SHARE * longer)) for own in cell]
    area = tuple(
        slice(max(0, int(found[0] - _MARGIN * own)), int(found[-1] + 1 + _MARGIN * own))
        for found, own in ((rows, radius[1]), (columns, radius[0]))
    )
    moved = logits.copy()
    moved[area] = _filtered(picture[area], logits[area], radius)
    return moved


def cell_size(size: tuple[int, int], low_res_size: int) -> tuple[float, float]:
    """Width and height of a low-res cell in pixels of a picture (height, width)."""
    return size[1] / low_res_size, size[0] / low_res_size


def _filtered(picture: NDArray[np.uint8], logits: NDArray[np.float32], radius: list[float]) -> NDArray[np.float32]:
    """The filter's answer as logits: on a coarser grid, the fast variant (He and Sun 2015), if windows are large."""
    height, width = logits.shape
    steps = [max(1.0, own / _RADIUS) for own in radius]
    small = max(1, round(width / steps[0])), max(1, round(height / steps[1]))
    window = tuple(2 * max(1, round(own / step)) + 1 for own, step in zip(radius, steps, strict=True))
    share = 1 / (1 + np.exp(-logits.clip(-_SURE, _SURE)))
    guide = cv2.resize(picture, small, interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    wanted = cv2.resize(share, small, interpolation=cv2.INTER_AREA).astype(np.float64)
    slopes, offset = _linear_models(guide, np.asarray(wanted), (window[0], window[1]))
    models = np.dstack([slopes / 255, offset]).astype(np.float32)
    models = np.asarray(cv2.resize(models, (width, height), interpolation=cv2.INTER_LINEAR))
    found = np.einsum("hwc,hwc->hw", models[..., :3], picture.astype(np.float32)) + models[..., 3]
    return np.asarray(8 * (found - 0.5), np.float32)  # the slope of twice a probability's logit at one half


def _linear_models(guide: Colours, wanted: Colours, window: tuple[int, int]) -> tuple[Colours, Colours]:
    """Slopes (h, w, 3) and offsets (h, w) of the functions of colour that give the wanted (h, w) in windows, averaged
    over the windows that see a place."""

    def mean(values: NDArray[np.floating]) -> Colours:
        return np.asarray(cv2.blur(values, window, borderType=cv2.BORDER_REFLECT), np.float64)

    colour, average = mean(guide), mean(wanted)
    pairs = np.dstack([guide[..., i] * guide[..., j] for i in range(3) for j in range(3)])
    means = np.dstack([colour[..., i] * colour[..., j] for i in range(3) for j in range(3)])
    blurred = [mean(np.ascontiguousarray(pairs[..., k : k + 3])) for k in (0, 3, 6)]
    spread = (np.dstack(blurred) - means).reshape(*wanted.shape, 3, 3) + _EVENNESS * np.eye(3)
    shared = mean(guide * wanted[..., None]) - colour * average[..., None]
    slopes = np.linalg.solve(spread, shared[..., None])[..., 0]
    return mean(slopes), mean(average - (slopes * colour).sum(axis=-1))

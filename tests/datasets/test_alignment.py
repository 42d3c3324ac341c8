"""Label maps that lie beside their pictures are found out, and the pictures moved onto them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_demo.datasets.alignment import align_sources, label_offset
from sam2_demo.datasets.label_maps import IGNORE_LABEL, LabelledPicture


def picture(seed: int, offset: tuple[float, float], source: str = "made") -> LabelledPicture:
    """A bright ellipse on a soft ground, its label map moved by `offset`, from eight times finer drawings."""
    rng = np.random.default_rng(seed)
    centre, axes = rng.uniform((50, 40), (110, 80)), rng.uniform(15, 30, 2)
    angle = float(rng.uniform(0, 180))

    def drawn(x: float, y: float) -> np.ndarray:
        fine = np.zeros((120 * 8, 160 * 8), np.uint8)
        place = ((centre + np.array([x, y])) * 8).round().astype(int).tolist()
        cv2.ellipse(fine, place, (axes * 8).astype(int).tolist(), angle, 0, 360, 255, -1)
        return np.asarray(cv2.resize(fine, (160, 120), interpolation=cv2.INTER_AREA))

    share = drawn(0, 0)[..., None] / 255
    pixels = (60 * (1 - share) + np.array([200, 170, 140]) * share + rng.normal(0, 3, (120, 160, 3))).clip(0, 255)
    return LabelledPicture(source, pixels.astype(np.uint8), ((drawn(*offset) > 127).astype(np.uint8),))


@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.75, 0.25), (-0.5, 1.0)])
def test_offset_is_measured(offset):
    found = label_offset([picture(seed, offset) for seed in range(30)])
    np.testing.assert_allclose(found, offset, atol=0.1)


def test_sources_are_moved_each_by_its_own_offset():
    pictures = [picture(seed, (0.75, 0.5), "beside") for seed in range(30)]
    pictures += [picture(seed, (0.0, 0.0), "true") for seed in range(30)]
    moved = list(pictures)
    offsets = align_sources(moved)
    assert list(offsets) == ["beside"]
    assert all(a is b for a, b in zip(moved[30:], pictures[30:], strict=True))
    np.testing.assert_allclose(label_offset(moved[:30]), (0, 0), atol=0.1)
    assert moved[0].label_maps is pictures[0].label_maps and moved[0].pixels.dtype == np.uint8


def test_nothing_is_moved_by_few_pictures_or_without_edges():
    few = [picture(seed, (0.75, 0.5)) for seed in range(10)]
    assert align_sources([]) == {}
    before = list(few)
    assert align_sources(few) == {} and few == before
    rng = np.random.default_rng(0)
    noise = [
        LabelledPicture("noise", rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), picture(seed, (0, 0)).label_maps)
        for seed in range(30)
    ]
    noise = [LabelledPicture(p.source, p.pixels, (p.label_maps[0][:60, :80],)) for p in noise]
    assert align_sources(noise) == {}


def test_outlines_of_unknown_pixels_say_nothing():
    def without_outlines(own: LabelledPicture) -> LabelledPicture:
        labels, square = own.label_maps[0].copy(), np.ones((3, 3), np.uint8)
        labels[cv2.dilate(labels, square) != cv2.erode(labels, square)] = IGNORE_LABEL
        return LabelledPicture(own.source, own.pixels, (labels,))

    assert label_offset([without_outlines(picture(seed, (0.75, 0.5))) for seed in range(30)]) == (0.0, 0.0)

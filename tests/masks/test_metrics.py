"""J and F against a plain restatement of the reference definitions, pixel by pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from sam2_demo.errors import InputError
from sam2_demo.masks.metrics import boundary_accuracy, boundary_pixels, region_similarity


def reference_boundary(seg: np.ndarray) -> np.ndarray:
    """Shifted copies padded with background, last row and column overwritten, corner cleared."""
    h, w = seg.shape
    out = np.zeros((h, w), bool)

    def at(y: int, x: int) -> bool:
        return bool(seg[y, x]) if y < h and x < w else False

    for y in range(h):
        for x in range(w):
            if y == h - 1 and x == w - 1:
                continue
            if x == w - 1:
                out[y, x] = at(y, x) != at(y + 1, x)
            elif y == h - 1:
                out[y, x] = at(y, x) != at(y, x + 1)
            else:
                out[y, x] = at(y, x) != at(y, x + 1) or at(y, x) != at(y + 1, x) or at(y, x) != at(y + 1, x + 1)
    return out


def reference_f(mask: np.ndarray, reference: np.ndarray) -> float:
    a, b = reference_boundary(mask), reference_boundary(reference)
    radius = math.ceil(0.008 * math.hypot(*mask.shape))
    ays, bys = np.argwhere(a), np.argwhere(b)
    if len(ays) == 0 and len(bys) == 0:
        return 1.0
    if len(ays) == 0 or len(bys) == 0:
        return 0.0
    squared = ((ays[:, None] - bys[None]) ** 2).sum(-1)
    precision = (squared.min(1) <= radius**2).mean()
    recall = (squared.min(0) <= radius**2).mean()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def blob(shape: tuple[int, int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).random(shape).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 5) > 0.5


SHAPES = [(60, 80), (131, 77), (1, 40), (40, 1), (1, 1)]


def special_masks(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    one, corner, origin = (np.zeros(shape, bool) for _ in range(3))
    one[shape[0] // 2, shape[1] // 2] = True
    corner[-1, -1] = True
    origin[0, 0] = True
    masks = {"empty": np.zeros(shape, bool), "full": np.ones(shape, bool), "one": one, "corner": corner}
    return masks | {"origin": origin, "blob": blob(shape, 0), "other": blob(shape, 1)}


@pytest.mark.parametrize("shape", SHAPES)
def test_f_equals_the_definition_on_every_pair(shape):
    masks = special_masks(shape)
    for first in masks.values():
        np.testing.assert_array_equal(boundary_pixels(first), reference_boundary(first))
        for second in masks.values():
            assert boundary_accuracy(first, second) == pytest.approx(reference_f(first, second), abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_j_equals_the_definition_on_every_pair(shape):
    masks = special_masks(shape)
    for first in masks.values():
        for second in masks.values():
            union = (first | second).sum()
            expected = (first & second).sum() / union if union else 1.0
            assert region_similarity(first, second) == pytest.approx(expected, abs=1e-12)


def test_conventions_on_empty_masks():
    empty, full, one = (special_masks((30, 30))[name] for name in ("empty", "full", "one"))
    assert region_similarity(empty, empty) == boundary_accuracy(empty, empty) == 1.0
    assert region_similarity(one, empty) == boundary_accuracy(one, empty) == 0.0
    # A mask over the whole picture has no boundary, so F cannot tell it from an empty one.
    assert boundary_accuracy(full, empty) == 1.0 and region_similarity(full, empty) == 0.0


def test_the_last_pixel_alone_has_the_boundary_of_its_neighbours():
    corner = special_masks((5, 7))["corner"]
    assert set(map(tuple, np.argwhere(boundary_pixels(corner)).tolist())) == {(3, 5), (3, 6), (4, 5)}


def test_tolerance_is_a_disk_of_the_rounded_up_radius():
    # 0.008 * hypot(100, 100) = 1.13, rounded up to 2 pixels.
    mask, near, far = (np.zeros((100, 100), bool) for _ in range(3))
    mask[20:60, 20:60] = True
    near[20:60, 22:62] = True
    far[20:60, 23:63] = True
    assert boundary_accuracy(mask, near) == 1.0
    assert boundary_accuracy(mask, far) < 1.0
    assert boundary_accuracy(mask, far, tolerance=3) == 1.0


def test_void_pixels_count_neither_for_nor_against():
    mask, reference, void = (np.zeros((40, 40), bool) for _ in range(3))
    reference[5:20, 5:20] = True
    mask[5:20, 5:30] = True
    void[:, 20:] = True
    assert region_similarity(mask, reference) < 1.0
    assert region_similarity(mask, reference, void) == 1.0
    assert boundary_accuracy(mask, reference, void) == 1.0


def test_sizes_that_differ_are_refused():
    with pytest.raises(InputError, match=r"\(4, 5\) and \(5, 4\)"):
        region_similarity(np.zeros((4, 5), bool), np.zeros((5, 4), bool))
    with pytest.raises(InputError, match="void"):
        boundary_accuracy(np.zeros((4, 5), bool), np.zeros((4, 5), bool), np.zeros((5, 4), bool))

"""Coarse outlines are moved onto edges of the picture, and only there."""

import cv2
import numpy as np
import pytest

from sam2_demo.masks.edges import cell_size, follow_edges
from sam2_demo.masks.metrics import boundary_accuracy, region_similarity

HEIGHT, WIDTH, LOW_RES = 180, 320, 24
CELL = cell_size((HEIGHT, WIDTH), LOW_RES)


def star(radius: float = 60) -> np.ndarray:
    """A mask with five points."""
    turns = np.arange(10) * np.pi / 5
    lengths = radius * np.where(np.arange(10) % 2, 0.5, 1.0)
    corners = np.stack([160 + lengths * np.sin(turns), 90 - lengths * np.cos(turns)], axis=1)
    return cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [corners.round().astype(np.int32)], 1) > 0


def picture_of(mask: np.ndarray) -> np.ndarray:
    """The mask in blue on uneven green, with noise."""
    rng = np.random.default_rng(0)
    picture = np.full((HEIGHT, WIDTH, 3), (60, 120, 70), np.float32)
    picture += cv2.resize(rng.normal(0, 15, (9, 16, 1)).astype(np.float32), (WIDTH, HEIGHT))[..., None]
    picture[mask] = (90, 70, 160)
    return (picture + rng.normal(0, 4, picture.shape)).clip(0, 255).astype(np.uint8)


def coarse(mask: np.ndarray) -> np.ndarray:
    """Logits as a decoder draws the mask: in cells, enlarged."""
    share = cv2.resize(mask.astype(np.float32), (LOW_RES, LOW_RES), interpolation=cv2.INTER_AREA)
    return cv2.resize(8 * (share - 0.5), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def test_outlines_follow_the_thing():
    mask = star()
    logits = coarse(mask)
    moved = follow_edges(picture_of(mask), logits, CELL)
    assert moved.shape == logits.shape and moved.dtype == np.float32
    before, after = (boundary_accuracy(own > 0, mask, tolerance=1) for own in (logits, moved))
    assert after > before + 0.05
    assert region_similarity(moved > 0, mask) > region_similarity(logits > 0, mask) + 0.02


def test_without_edges_an_outline_stays_about_where_it_is():
    logits = coarse(star())
    moved = follow_edges(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), logits, CELL)
    assert region_similarity(moved > 0, logits > 0) > 0.9


def test_far_from_the_mask_nothing_changes_and_what_is_given_stays():
    mask = star(20)
    logits = coarse(mask)
    kept = logits.copy()
    moved = follow_edges(picture_of(mask), logits, CELL)
    assert np.array_equal(logits, kept)
    assert np.array_equal(moved[:40], logits[:40]) and np.array_equal(moved[:, :80], logits[:, :80])
    assert not np.array_equal(moved, logits)


def test_small_things_are_not_swallowed():
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[88:94, 150:158] = True
    logits = np.where(mask, np.float32(6), np.float32(-6))
    assert region_similarity(follow_edges(picture_of(mask), logits, CELL) > 0, mask) > 0.8


@pytest.mark.parametrize("value", [-3.0, 3.0])
def test_empty_and_full_masks_stay(value):
    logits = np.full((HEIGHT, WIDTH), value, np.float32)
    moved = follow_edges(picture_of(star()), logits, CELL)
    assert np.array_equal(moved > 0, logits > 0)


def test_things_at_the_rim_and_pictures_of_a_pixel():
    mask = np.roll(star(), 140, axis=1)
    moved = follow_edges(picture_of(mask), coarse(mask), CELL)
    assert region_similarity(moved > 0, mask) > 0.6
    tiny = follow_edges(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), np.float32), (1.0, 1.0))
    assert tiny.shape == (1, 1) and tiny[0, 0] > 0

"""Batches of pictures are pure functions of the step, and their masks agree with their labels."""

from dataclasses import replace

import numpy as np
import pytest

from sam2_demo.datasets.label_maps import LabelledPicture
from sam2_demo.errors import DatasetError
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker

PLAIN = PictureAugmentation(
    zoom_in=0, zoom_out=0, mosaic=0, pastes=(1, 0, 0, 0), max_rotation_degrees=0, grey=0, blur=0
)


def test_step_fixes_the_batch(drawn_pictures):
    make = PictureBatchMaker(drawn_pictures, PictureAugmentation(), seed=3).make
    first, again, other = make(7, 3, 2, 64), make(7, 3, 2, 64), make(8, 3, 2, 64)
    assert np.array_equal(first.pixels, again.pixels) and np.array_equal(first.masks, again.masks)
    assert not np.array_equal(first.pixels, other.pixels)


def test_masks_are_labels_of_their_picture(drawn_pictures):
    batch = PictureBatchMaker(drawn_pictures, PictureAugmentation(mosaic=0.5, pastes=(0.5, 0.5, 0, 0))).make(
        0, 4, 3, 64
    )
    assert batch.pixels.shape == (4, 64, 64, 3) and batch.masks.shape == (12, 64, 64)
    assert batch.picture_indices.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    for mask, index in zip(batch.masks, batch.picture_indices, strict=True):
        inside = np.unique(batch.labels[index][mask])
        assert len(inside) == 1 and inside[0] > 0
        assert not (batch.labels[index][~mask] == inside[0]).any()


def test_labels_move_with_pixels(drawn_pictures):
    batch = PictureBatchMaker(drawn_pictures, PLAIN).make(0, 4, 2, 96)
    for index in range(4):
        red, blue = (batch.pixels[index, ..., c].astype(int) for c in (0, 2))
        disc = batch.labels[index] == 1
        assert (red - blue)[disc].mean() > 60 > (red - blue)[~disc].mean()


def test_close_up_fills_the_view_with_one_object():
    labels = np.zeros((200, 300), np.uint8)
    labels[150:170, 30:60] = 7
    picture = LabelledPicture("drawn", np.repeat(labels[..., None] * 30, 3, axis=2), (labels,))
    whole, close = (
        PictureBatchMaker([picture], replace(PLAIN, close_up=share)).make(0, 24, 1, 96).masks for share in (0, 1)
    )
    sides = close.any(axis=1).sum(axis=1) / 96  # widths, in views
    assert whole.any(axis=1).sum(axis=1).max() / 96 < 0.15
    assert sides.min() > 0.85 / 2.4 and 0.8 < sides.max() <= 1  # margins from 1.1 to 2.4 of its longer side
    assert 30 / 20 * 0.6 < np.median(close.any(axis=1).sum(axis=1) / close.any(axis=2).sum(axis=1)) < 30 / 20 / 0.6


def test_close_up_of_something_large_is_the_picture():
    labels = np.full((60, 90), 3, np.uint8)
    picture = LabelledPicture("drawn", np.zeros((60, 90, 3), np.uint8), (labels,))
    batch = PictureBatchMaker([picture], replace(PLAIN, close_up=1, max_object_area=1)).make(0, 2, 1, 96)
    assert batch.masks.all()


def test_coarse_views_lose_detail_and_keep_place_and_labels():
    rng = np.random.default_rng(0)
    labels = np.zeros((96, 96), np.uint8)
    labels[24:72, 24:72] = 1
    noise = rng.integers(0, 60, (96, 96, 3))
    picture = LabelledPicture("drawn", (noise + 150 * labels[..., None]).astype(np.uint8), (labels,))
    sharp, coarse = (PictureBatchMaker([picture], replace(PLAIN, coarse=share)).make(0, 8, 1, 96) for share in (0, 1))
    differences = [np.abs(np.diff(batch.pixels.astype(int), axis=2)).mean() for batch in (sharp, coarse)]
    assert differences[1] < 0.6 * differences[0]
    assert np.array_equal(sharp.masks[0], coarse.masks[0])  # later ones are other views: one generator draws them all
    for pixels, mask in zip(coarse.pixels, coarse.masks, strict=True):
        assert pixels[mask].mean() - pixels[~mask].mean() > 80


def test_paste_brings_an_object_of_another_picture(drawn_pictures):
    batch = PictureBatchMaker(drawn_pictures, PictureAugmentation(pastes=(0, 1, 0, 0), mosaic=0)).make(1, 8, 1, 64)
    assert (batch.labels.reshape(8, -1).max(axis=1) > 255).sum() >= 4


def test_piles_hold_many_objects(drawn_pictures):
    make = PictureBatchMaker(drawn_pictures, replace(PLAIN, pile=1)).make
    pasted = [np.unique(labels[labels > 255]) for labels in make(1, 8, 1, 128).labels]
    assert min(len(own) for own in pasted) >= 4 and max(len(own) for own in pasted) >= 8


def test_source_weight_zero_is_never_drawn(drawn_pictures):
    maker = PictureBatchMaker(drawn_pictures, PictureAugmentation(source_weights={"drawn": 1.0, "other": 0.0}))
    assert maker.draw_picture(np.random.default_rng(0)).source == "drawn"


def test_pictures_without_objects_are_an_error():
    blank = LabelledPicture("drawn", np.zeros((40, 60, 3), np.uint8), (np.zeros((40, 60), np.uint8),))
    with pytest.raises(DatasetError, match=r"1000 views .* labels from 1 to 254, or be black \(0\) and white \(255\)"):
        PictureBatchMaker([blank], replace(PLAIN, mosaic=0.2)).make(0, 1, 1, 32)


def test_no_pictures_is_an_error():
    with pytest.raises(DatasetError, match="at least one"):
        PictureBatchMaker([], PictureAugmentation())

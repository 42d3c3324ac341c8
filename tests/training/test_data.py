"""Pictures and clips to train on come from any layout, several at once; stretches keep to their clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.clip_sampling import AnnotatedClipSource, StretchOptions, pick_frames
from sam2_demo.training.data import read_training_data
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker
from tests.datasets.conftest import (  # noqa: F401
    coco_root,
    davis_root,
    mask_of,
    picture_of,
    sav_root,
    sav_train_root,
)


@pytest.fixture
def label_root(tmp_path: Path) -> Path:
    root = tmp_path / "labels"
    root.mkdir()
    for frame in (4, 8):
        Image.fromarray(picture_of(frame)).save(root / f"{frame}.jpg")
        Image.fromarray(mask_of(1, frame).astype(np.uint8)).save(root / f"{frame}.png")
    return root


def test_several_layouts_at_once(label_root, coco_root, davis_root, sav_root, sav_train_root):  # noqa: F811
    data = read_training_data([label_root, coco_root, davis_root, sav_root, sav_train_root], max_side=320)
    assert [picture.source for picture in data.pictures] == ["labels"] * 2 + ["val"] * 3
    assert [len(clips) for clips in data.clips] == [2, 1, 1]
    assert [len(np.unique(picture.label_maps[0])) for picture in data.pictures] == [2, 2, 3, 3, 3]


@pytest.mark.parametrize("layout", ["davis_root", "sav_root", "sav_train_root"])
def test_frames_serve_where_there_are_no_pictures(layout, request):
    data = read_training_data([request.getfixturevalue(layout)], max_side=30)
    assert data.pictures and all(max(picture.pixels.shape) == 30 for picture in data.pictures)
    for picture in data.pictures:
        assert picture.label_maps[0].any() and picture.pixels.shape[:2] == picture.label_maps[0].shape
    assert len(read_training_data([request.getfixturevalue(layout)], max_side=30, limit=1).pictures) == 1


def test_the_train_split_is_taken_where_there_is_one(davis_root):  # noqa: F811
    assert read_training_data([davis_root], 64).clips[0].names == ["first", "second"]
    (davis_root / "train.txt").write_text("first\n")
    assert read_training_data([davis_root], 64).clips[0].names == ["first"]
    assert read_training_data([davis_root], 64, split="val").clips[0].names == ["second"]
    with pytest.raises(DatasetError, match="split 'test' was not found"):
        read_training_data([davis_root], 64, split="test")


@pytest.mark.parametrize("layout", ["davis_root", "sav_root", "sav_train_root"])
def test_stretches_show_what_their_masks_cover(layout, request):
    data = read_training_data([request.getfixturevalue(layout)], max_side=64)
    source = AnnotatedClipSource(data.clips, StretchOptions(grey=0))
    for seed in range(6):
        drawn = source.draw(np.random.default_rng(seed), 2, 3, 64)
        assert drawn.frames.shape == (3, 64, 64, 3) and drawn.known.all()
        assert drawn.masks.shape[1:] == (3, 64, 64) and drawn.masks[:, 0].any(axis=(1, 2)).all()
        # Objects are red or green on grey: inside a mask the two channels differ, outside they agree.
        contrast = np.abs(drawn.frames[..., 0].astype(int) - drawn.frames[..., 1])
        inside = np.logical_or.reduce(drawn.masks)
        assert contrast[inside].mean() > 60
        if len(drawn.masks) == 2:
            assert contrast[~inside].mean() < 25


def test_stretches_are_functions_of_the_generator(davis_root):  # noqa: F811
    sets = read_training_data([davis_root], 64).clips
    first, second = (AnnotatedClipSource(sets).draw(np.random.default_rng(7), 2, 4, 32) for _ in range(2))
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.masks, second.masks)


def test_picked_frames_keep_one_step_and_turn_in_short_clips():
    rng, options = np.random.default_rng(0), StretchOptions(longest_step=6)
    for _ in range(50):
        steps = np.diff(pick_frames(rng, range(100), 8, options))
        assert len(set(steps.tolist())) == 1 and 1 <= abs(steps[0]) <= 6
        steps = np.diff(pick_frames(rng, range(0, 400, 4), 8, options))
        assert len(set(steps.tolist())) == 1 and abs(steps[0]) in (4, 8)
    assert pick_frames(rng, [3, 7, 11], 6, StretchOptions(reverse=0)) == [3, 7, 11, 7, 3, 7]
    assert pick_frames(rng, [5], 3, options) == [5, 5, 5] and pick_frames(rng, [], 3, options) == []


def test_void_is_unknown(davis_root):  # noqa: F811
    for path in (davis_root / "Annotations").glob("*/*.png"):
        labels = np.array(Image.open(path))
        labels[:, :6] = 255
        Image.fromarray(labels).save(path)
    data = read_training_data([davis_root], 64)
    drawn = AnnotatedClipSource(data.clips).draw(np.random.default_rng(0), 1, 3, 64)
    drawn_whole = AnnotatedClipSource(data.clips, StretchOptions(crop=0)).draw(np.random.default_rng(0), 1, 3, 64)
    assert not drawn_whole.known.all() and not (drawn.masks & ~drawn.known).any()


def test_clips_without_a_usable_object_are_refused(davis_root):  # noqa: F811
    sets = read_training_data([davis_root], 64).clips
    for path in (davis_root / "Annotations").glob("*/*.png"):
        labels = np.zeros((40, 60), np.uint8)
        labels[0, 0] = 1
        Image.fromarray(labels).save(path)
    with pytest.raises(DatasetError, match=r"200 stretches of 4 frames .* 2 clips, and none begins with an object"):
        AnnotatedClipSource(sets).draw(np.random.default_rng(0), 1, 4, 32)


def num_flat(clips: np.ndarray) -> int:
    """How many clips are annotated ones, of flat colours, and not made of drawn pictures, which are noise."""
    return sum(np.median(np.abs(np.diff(clip[0].astype(int), axis=1))) <= 1 for clip in clips)


def test_batches_mix_annotated_and_made_clips(davis_root, drawn_pictures):  # noqa: F811
    annotated = AnnotatedClipSource(read_training_data([davis_root], 64).clips)
    source = PictureBatchMaker(drawn_pictures, PictureAugmentation())
    batch = ClipBatchMaker(source, annotated=annotated).make(0, clips=12, objects=3, frames=2, size=32)
    assert batch.frames.shape == (12, 2, 32, 32, 3) and batch.masks.shape[1:] == (2, 32, 32)
    assert set(np.bincount(batch.clip_indices).tolist()) <= {1, 2, 3} and 12 <= len(batch.masks) < 36
    assert 4 <= num_flat(batch.frames) < 12
    for share, expected in ((0.0, 0), (1.0, 6)):
        maker = ClipBatchMaker(source, annotated=annotated, annotated_share=share)
        assert num_flat(maker.make(0, 6, 3, 2, 32).frames) == expected

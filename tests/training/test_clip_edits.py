"""Cuts, twins and occluders change frames and masks together, and leave the prompted frame's objects there."""

from itertools import pairwise

import numpy as np
import pytest

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.datasets.label_maps import LabelledPicture
from sam2_demo.training import clip_batches
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.clip_edits import ClipEdits, add_occluder, add_twin, cut_away, cut_to_later, draw_jump
from sam2_demo.training.clip_sampling import AnnotatedClipSource, DrawnClip
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker
from tests.datasets.conftest import davis_root  # noqa: F401 - a fixture

SIZE = 64
GREY, RED = (100, 100, 100), (230, 30, 30)


class Blue:
    """Blue pictures and blue squares to cut out."""

    def draw_picture(self, rng: np.random.Generator) -> LabelledPicture:
        return self.draw_cut_out(rng)

    def draw_cut_out(self, rng: np.random.Generator) -> LabelledPicture:
        labels = np.zeros((40, 40), np.uint8)
        labels[5:35, 5:35] = 1
        return LabelledPicture("drawn", np.full((40, 40, 3), (20, 20, 220), np.uint8), (labels,))


def drawn(frames: int = 8, x: int = 26, colour: tuple[int, int, int] = RED) -> DrawnClip:
    """A square that moves to the right by a pixel a frame, on grey."""
    pixels = np.full((frames, SIZE, SIZE, 3), GREY, np.uint8)
    masks = np.zeros((1, frames, SIZE, SIZE), np.bool_)
    for index in range(frames):
        masks[0, index, 26:38, x + index : x + index + 12] = True
    pixels[masks[0]] = colour
    return DrawnClip(pixels, np.ones((frames, SIZE, SIZE), np.bool_), masks, "square")


def redness(clip: DrawnClip) -> np.ndarray:
    return clip.frames[..., 0].astype(int) - clip.frames[..., 1]


@pytest.mark.parametrize("seed", range(8))
def test_a_jump_leaves_frames_out_and_masks_follow_the_view(seed):
    clip = drawn(14, x=14)
    cut = cut_to_later(np.random.default_rng(seed), clip, 8)
    assert cut.frames.shape == (8, SIZE, SIZE, 3) and cut.masks.shape == (1, 8, SIZE, SIZE)
    assert np.array_equal(cut.frames[0], clip.frames[0])
    assert redness(cut)[cut.masks[0]].mean() > 150 and np.abs(redness(cut)[~cut.masks[0]]).mean() < 12
    # Somewhere more than a frame's step lies between neighbours: 6 pixels, another side, or another size.
    spans = [np.flatnonzero(own.any(axis=0)) for own in cut.masks[0]]
    steps = [abs(int(b[0]) - int(a[0])) + abs(int(b[-1]) - int(a[-1])) for a, b in pairwise(spans)]
    assert max(steps) >= 6 and sorted(steps)[0] <= 4


def test_jumps_are_mirrored_or_closer_in_part():
    headings, areas = set(), []
    for seed in range(30):
        masks = cut_to_later(np.random.default_rng(seed), drawn(14, x=14), 8).masks[0]
        if masks[-2].any() and masks[-1].any():
            before, after = (np.flatnonzero(own.any(axis=0)).mean() for own in masks[-2:])
            headings.add(int(np.sign(after - before)))
            areas.append(masks[-1].sum())
    assert headings == {-1, 1} and min(areas) == 144 and max(areas) > 1.4 * 144


def test_away_from_the_clip_its_object_is_known_to_be_gone():
    clip, other = drawn(), drawn(x=2, colour=(20, 200, 20))
    endings = set()
    for seed in range(20):
        cut = cut_away(np.random.default_rng(seed), clip, other)
        away = np.array([np.array_equal(own, theirs) for own, theirs in zip(cut.frames, other.frames, strict=True)])
        assert away.any() and not away[0]
        assert not cut.masks[:, away].any() and cut.known.all()
        assert np.array_equal(cut.frames[~away], clip.frames[~away])
        assert np.array_equal(cut.masks[:, ~away], clip.masks[:, ~away])
        endings.add(bool(away[-1]))
    assert endings == {True, False} and clip.masks.any(axis=(2, 3)).all()


def test_twins_are_look_alikes_with_masks_of_their_own():
    followed = []
    for seed in range(30):
        twin = add_twin(np.random.default_rng(seed), drawn(), objects=3)
        assert twin.masks[0, 0].any() and redness(twin)[twin.masks[0]].mean() > 150
        if len(twin.masks) == 2:
            followed.append(seed)
            assert not (twin.masks[0] & twin.masks[1]).any() and redness(twin)[twin.masks[1]].mean() > 120
    assert len(followed) > 15
    assert len(add_twin(np.random.default_rng(followed[0]), drawn(), objects=1).masks) == 1


def test_what_the_frame_cuts_off_gets_no_twin():
    clip = drawn(x=52)  # leaves the frame
    assert add_twin(np.random.default_rng(0), clip, 3) is clip


def test_twins_pass_in_front_and_behind():
    hidden = [drawn().masks[0].sum() - add_twin(np.random.default_rng(s), drawn(), 3).masks[0].sum() for s in range(40)]
    assert max(hidden) > 100 and sum(value == 0 for value in hidden) > 10


def test_occluders_hide_the_object_and_never_where_it_is_prompted():
    gone = 0
    for seed in range(20):
        clip = add_occluder(np.random.default_rng(seed), drawn(), Blue())
        blue = clip.frames[..., 2].astype(int) - clip.frames[..., 0] > 100
        assert np.array_equal(clip.frames[0], drawn().frames[0]) and clip.masks[0, 0].sum() == 144
        assert not (clip.masks[0] & blue).any()
        assert (drawn().masks[0] & ~clip.masks[0] & ~blue).sum() < 60  # what is hidden lies behind something blue
        gone += not clip.masks[0].any(axis=(1, 2)).all()
    assert gone >= 5


def test_jumps_have_a_length():
    lengths = {draw_jump(np.random.default_rng(seed)) for seed in range(60)}
    assert min(lengths) >= 1 and len(lengths) > 5


def batches(davis_root, drawn_pictures, share: float, **edits):  # noqa: F811
    annotated = AnnotatedClipSource([DavisClips(davis_root)])
    source = PictureBatchMaker(drawn_pictures, PictureAugmentation())
    return ClipBatchMaker(source, None, 0, annotated, share, ClipEdits(**edits))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_batches_of_edited_clips_hold_what_was_asked_for(davis_root, drawn_pictures, share):  # noqa: F811
    maker = batches(davis_root, drawn_pictures, share, cut=1.0, twin=1.0, occluder=1.0)
    batch, again = (maker.make(3, clips=6, objects=3, frames=5, size=32) for _ in range(2))
    assert batch.frames.shape == (6, 5, 32, 32, 3) and batch.masks.shape[1:] == (5, 32, 32)
    assert set(batch.clip_indices.tolist()) == set(range(6)) and np.bincount(batch.clip_indices).max() <= 3
    rows = {(clip, own.tobytes()) for clip, own in zip(batch.clip_indices.tolist(), batch.masks, strict=True)}
    assert len(rows) == len(batch.masks)  # no object twice
    assert batch.masks[:, 0].any(axis=(1, 2)).all()
    assert np.array_equal(batch.frames, again.frames) and np.array_equal(batch.masks, again.masks)
    hidden = ~batch.masks.any(axis=(2, 3))
    assert hidden.any()  # the object score meets frames without the object


def test_cuts_hide_more_than_the_clips_themselves(davis_root, drawn_pictures):  # noqa: F811
    def hidden(**edits: float) -> float:
        batch = batches(davis_root, drawn_pictures, 1.0, **edits).make(3, clips=20, objects=1, frames=6, size=32)
        return 1 - batch.masks.any(axis=(2, 3)).mean()

    assert hidden(cut=1.0, away=1.0) > hidden() + 0.15


@pytest.mark.parametrize("edit", ["twin", "occluder"])
def test_annotated_clips_alone_get_twins_and_occluders(davis_root, drawn_pictures, edit, monkeypatch):  # noqa: F811
    edited: list[str] = []

    def noted(rng, clip, *more):
        edited.append(clip.name)
        return clip

    monkeypatch.setattr(clip_batches, f"add_{edit}", noted)
    for share, expected in ((0.0, 0), (1.0, 12)):
        edited.clear()
        batches(davis_root, drawn_pictures, share, **{edit: 1.0}).make(0, 12, 1, 3, 32)
        assert len(edited) == expected and set(edited) <= {"first", "second"}


def test_a_batch_falls_into_its_clips(drawn_pictures):
    batch = ClipBatchMaker(PictureBatchMaker(drawn_pictures, PictureAugmentation())).make(0, 3, 2, 4, 32)
    parts = batch.one_by_one()
    assert [part.frames.shape for part in parts] == [(1, 4, 32, 32, 3)] * 3
    assert all((part.clip_indices == 0).all() and len(part.masks) == len(part.clip_indices) for part in parts)
    assert np.array_equal(np.concatenate([part.masks for part in parts]), batch.masks)

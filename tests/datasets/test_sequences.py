"""Clips made from pictures: repeatable, labelled exactly, with objects that leave and return."""

import numpy as np
import pytest

from sam2_demo.datasets.label_maps import LabelledPicture
from sam2_demo.datasets.sequences import CUT_OUT_LABEL, OCCLUDER_LABEL, SequenceOptions, make_clip


class Drawn:
    """A grey background with one object, and a red square to cut out."""

    def draw_picture(self, rng: np.random.Generator) -> LabelledPicture:
        pixels = np.full((80, 100, 3), 120, np.uint8)
        labels = np.zeros((80, 100), np.uint8)
        labels[30:60, 20:70] = 7
        pixels[labels == 7] = (60, 60, 160)
        return LabelledPicture("drawn", pixels, (labels,))

    def draw_cut_out(self, rng: np.random.Generator) -> LabelledPicture:
        pixels = np.full((80, 80, 3), (20, 200, 20), np.uint8)
        labels = np.zeros((80, 80), np.uint8)
        labels[20:60, 20:60] = 1
        pixels[labels == 1] = (240, 20, 20)
        return LabelledPicture("drawn", pixels, (labels,))


ONE = SequenceOptions(cut_outs=(0, 1, 0, 0), twin=0, leave=0, occluder=0, motion_blur=0, light_change=0)


def clip(seed=0, frames=8, **changes):
    options = SequenceOptions(**{**vars(ONE), **changes})
    return make_clip(np.random.default_rng(seed), Drawn(), frames, 64, options)


def test_a_seed_fixes_the_clip():
    first, again, other = clip(1), clip(1), clip(2)
    assert first.frames.shape == (8, 64, 64, 3) and first.labels.shape == (8, 64, 64)
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.frames, other.frames)


@pytest.mark.parametrize("seed", range(4))
def test_labels_lie_on_the_cut_out_and_no_halo_of_its_picture_shows(seed):
    made = clip(seed)
    red, green = made.frames[..., 0].astype(int), made.frames[..., 1].astype(int)
    inside = made.labels == CUT_OUT_LABEL
    assert inside.any()
    assert (red - green)[inside].mean() > 120
    assert np.abs(red - green)[made.labels == 0].mean() < 30


def test_the_background_object_moves_with_its_picture():
    made = clip(3)
    assert {0, 7} <= set(np.unique(made.labels))
    blue, red = made.frames[..., 2].astype(int), made.frames[..., 0].astype(int)
    assert (blue - red)[made.labels == 7].mean() > 50


def test_slow_clips_move_little_from_frame_to_frame():
    def overlap(slow: float) -> float:
        """How much of what a frame labels the next one labels too, over many clips."""
        labels = [clip(seed, slow=slow).labels == CUT_OUT_LABEL for seed in range(30)]
        both = sum((own[1:] & own[:-1]).sum() for own in labels)
        return both / sum((own[1:] | own[:-1]).sum() for own in labels)

    slow, fast = overlap(1.0), overlap(0.0)
    assert slow > 0.85 and fast < slow - 0.1, (slow, fast)


def test_leaving_objects_are_gone_in_the_middle_and_return():
    gone = []
    for seed in range(6):
        areas = (clip(seed, leave=1.0).labels == CUT_OUT_LABEL).sum(axis=(1, 2))
        gone.append(areas[0] > 0 and areas[3:5].min() == 0 and areas[-1] > 0)
    assert sum(gone) >= 3


def test_occluders_hide_objects_without_being_one():
    seen = [clip(seed, occluder=1.0) for seed in range(4)]
    assert all((made.labels == OCCLUDER_LABEL).any() for made in seen)
    uncovered = [clip(seed) for seed in range(4)]
    assert all(not (made.labels == OCCLUDER_LABEL).any() for made in uncovered)


def test_twins_look_alike_and_have_their_own_labels():
    made = clip(5, cut_outs=(0, 0, 1, 0), twin=1.0)
    colours = [made.frames[made.labels == label].mean(axis=0) for label in (CUT_OUT_LABEL, CUT_OUT_LABEL + 1)]
    assert np.abs(colours[0] - colours[1]).max() < 25

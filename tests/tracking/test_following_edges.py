"""Shown masks may follow the picture's edges; logits, memory and painted masks never do."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from sam2_demo import ImagePredictor, VideoPredictor, load_network
from sam2_demo.masks.metrics import boundary_accuracy
from sam2_demo.network.config import OFFICIAL_CONFIGS, RELATED_CONFIGS
from sam2_demo.tracking.options import TrackingOptions

HEIGHT, WIDTH = 240, 320
ON, OFF = (TrackingOptions(follow_edges=on, max_fill_area=0) for on in (True, False))


def scene(x: int) -> tuple[np.ndarray, np.ndarray]:
    """A toothed wheel at column `x` on a striped ground, and its mask."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(60, 130, (12, 16, 3)).astype(np.uint8), (WIDTH, HEIGHT))
    turns = np.linspace(0, 2 * np.pi, 49)[:-1]
    lengths = np.where(np.arange(48) % 4 < 2, 60, 48)
    corners = np.stack([x + lengths * np.cos(turns), 120 + lengths * np.sin(turns)], axis=1).round().astype(np.int32)
    mask = cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [corners], 1) > 0
    picture[mask] = (210, 120, 30)
    return picture, mask


@pytest.fixture(scope="module")
def network():
    return load_network("embedded", device="cpu")


def test_pictures_show_masks_along_edges_and_keep_their_logits(network):
    picture, mask = scene(150)
    results = []
    for options in (ON, OFF):
        predictor = ImagePredictor(network, options)
        predictor.set_image(picture)
        results.append(predictor.predict(box=(90, 60, 211, 181), multimask=False))
    moved, plain = results
    assert np.array_equal(moved.mask_logits, plain.mask_logits)
    assert np.array_equal(plain.masks, plain.mask_logits > 0)
    strict = [boundary_accuracy(own.masks[0], mask, tolerance=1) for own in results]
    assert strict[0] > strict[1] + 0.03


def test_the_picture_that_was_set_counts_not_what_became_of_it(network):
    picture, _ = scene(150)
    predictor = ImagePredictor(network, replace(ON, closer_look=False))
    predictor.set_image(picture)
    first = predictor.predict(box=(90, 60, 211, 181)).masks
    picture[:] = 0
    assert np.array_equal(predictor.predict(box=(90, 60, 211, 181)).masks, first)


def test_tracking_is_the_same_and_painted_masks_stay(network):
    frames = [scene(x) for x in range(110, 200, 15)]
    runs = []
    for options in (ON, OFF):
        clip = VideoPredictor(network, options).open([picture for picture, _ in frames])
        prompted = clip.add_prompt(0, 1, mask=frames[0][1])
        assert np.array_equal(prompted.masks[1], frames[0][1])
        runs.append(list(clip.propagate()))
        assert np.array_equal(runs[-1][0].masks[1], frames[0][1])
    for moved, plain in zip(*runs, strict=True):
        assert np.array_equal(moved.mask_logits[1], plain.mask_logits[1])
    strict = [
        np.mean([boundary_accuracy(own.masks[1], frames[own.frame_index][1], tolerance=1) for own in run[1:]])
        for run in runs
    ]
    assert strict[0] > strict[1] + 0.03


def test_frames_are_read_once_while_tracking(network, monkeypatch):
    clip = VideoPredictor(network, ON).open([picture for picture, _ in (scene(x) for x in range(110, 200, 15))])
    read: list[int] = []
    whole = clip.frames.read

    def noted(index):
        read.append(index)
        return whole(index)

    monkeypatch.setattr(clip.frames, "read", noted)
    clip.add_prompt(0, 1, mask=scene(110)[1])
    list(clip.propagate())
    assert sorted(read) == list(range(6))


def test_official_models_answer_as_published(network):
    assert TrackingOptions().follows_edges(network) and not OFF.follows_edges(network)
    assert not any(config.follow_edges for config in (OFFICIAL_CONFIGS | RELATED_CONFIGS).values())

"""The embedded weights are small, load strictly, and segment and follow a plain object."""

import cv2
import numpy as np
import pytest

from sam2_demo import ImagePredictor, VideoPredictor, load_network
from sam2_demo.weights import embedded_path

HEIGHT, WIDTH = 240, 320


def scene(x: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured ball at column `x` on a striped ground, and its mask."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(60, 130, (12, 16, 3)).astype(np.uint8), (WIDTH, HEIGHT))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (x, 130), 45, 1, -1)
    picture = ground.copy()
    picture[mask > 0] = (210, 120, 30)
    cv2.circle(picture, (x - 12, 115), 12, (245, 190, 120), -1)
    return cv2.GaussianBlur(picture, (3, 3), 0), mask > 0


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max(1, (first | second).sum()))


@pytest.fixture(scope="module")
def network():
    return load_network("embedded", device="cpu")


def test_file_is_within_16_megabytes():
    assert embedded_path().stat().st_size <= 16_000_000


def test_a_click_and_a_box_find_the_ball(network):
    picture, mask = scene(150)
    predictor = ImagePredictor(network)
    predictor.set_image(picture)
    assert iou(predictor.predict(points=[(150, 130)], point_labels=[1]).masks[0], mask) > 0.75
    assert iou(predictor.predict(box=(105, 85, 196, 176), multimask=False).masks[0], mask) > 0.85


def test_the_ball_is_followed(network):
    frames = [scene(x) for x in range(80, 240, 20)]
    session = VideoPredictor(network).open([picture for picture, _ in frames])
    session.add_prompt(0, 1, mask=frames[0][1])
    scores = [iou(result.masks[1], frames[result.frame_index][1]) for result in session.propagate()]
    assert len(scores) == len(frames) and min(scores[1:]) > 0.7

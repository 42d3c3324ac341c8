"""Parts are found where a click lies in an even patch with a plain outline, and nowhere else."""

import numpy as np
import pytest

from sam2_demo.training.even_regions import find_parts

SIZE = 192


@pytest.fixture
def car() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A textured scene with a grey body and a dark pane in it: pixels, the body with the pane, the pane."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 200, (SIZE, SIZE, 3)).astype(np.uint8)
    body, pane = np.zeros((2, SIZE, SIZE), np.bool_)
    body[60:140, 30:160] = True
    pane[70:100, 50:90] = True
    pixels[body] = 170 + rng.integers(-3, 4, (int(body.sum()), 3))
    pixels[pane] = 40 + rng.integers(-3, 4, (int(pane.sum()), 3))
    return pixels, body, pane


def part_at(pixels: np.ndarray, click: tuple[float, float], thing: np.ndarray) -> np.ndarray:
    return find_parts(pixels[None], np.array([click], np.float32), thing[None])[0]


def test_pane_is_a_part_of_the_body(car):
    pixels, body, pane = car
    found = part_at(pixels, (70, 85), body)
    assert (found & pane).sum() / (found | pane).sum() > 0.85
    assert not (found & ~body).any()


def test_what_is_the_whole_object_is_no_part(car):
    pixels, body, pane = car
    assert not part_at(pixels, (70, 85), pane).any()
    assert not part_at(pixels, (120, 120), body).any()  # its own even colour is most of it


def test_what_reaches_beyond_the_object_is_no_part(car):
    pixels, _, pane = car
    half = pane & (np.arange(SIZE) < 70)
    assert not part_at(pixels, (60, 85), half).any()


def test_texture_has_no_part(car):
    pixels, _, _ = car
    assert not part_at(pixels, (20, 20), np.ones((SIZE, SIZE), np.bool_)).any()


def test_shade_without_an_outline_is_no_part():
    ramp = np.linspace(0, 255, SIZE).astype(np.uint8)
    pixels = np.repeat(np.tile(ramp, (SIZE, 1))[..., None], 3, axis=2)
    assert not part_at(pixels, (96, 96), np.ones((SIZE, SIZE), np.bool_)).any()


def test_clicks_at_the_edges_are_taken(car):
    pixels, _, _ = car
    for click in ((0, 0), (SIZE - 1, SIZE - 1), (SIZE - 0.5, 0)):
        assert part_at(pixels, click, np.ones((SIZE, SIZE), np.bool_)).shape == (SIZE, SIZE)

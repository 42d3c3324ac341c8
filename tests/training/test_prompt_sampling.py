"""Sampled prompts lie where the recipe says."""

import numpy as np

from sam2_demo.training.prompt_sampling import sample_box, sample_click, sample_correction

DISC = (np.mgrid[:60, :80][0] - 30) ** 2 + (np.mgrid[:60, :80][1] - 50) ** 2 < 12**2


def test_click_is_inside_and_centre_is_central():
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y = sample_click(rng, DISC, centre_probability=0.0)
        assert DISC[int(y), int(x)]
    x, y = sample_click(rng, DISC, centre_probability=1.0)
    assert abs(x - 50) <= 2 and abs(y - 30) <= 2


def test_tight_box_encloses_the_mask_and_noise_is_bounded():
    rng = np.random.default_rng(1)
    assert sample_box(rng, DISC, tight_probability=1.0) == (39.0, 19.0, 62.0, 42.0)
    for _ in range(50):
        box = np.array(sample_box(rng, DISC, tight_probability=0.0))
        assert np.abs(box - (39, 19, 62, 42)).max() <= 80 * 20 / 1024 + 1e-9


def test_correction_hits_the_larger_error_with_its_label():
    rng = np.random.default_rng(2)
    known = np.ones_like(DISC)
    nothing, everything = np.zeros_like(DISC), np.ones_like(DISC)
    for centre in (0.0, 1.0):
        (x, y), label = sample_correction(rng, nothing, DISC, known, centre)
        assert label == 1 and DISC[int(y), int(x)]
        (x, y), label = sample_correction(rng, everything, DISC, known, centre)
        assert label == 0 and not DISC[int(y), int(x)]


def test_correction_without_error_confirms_the_object():
    (x, y), label = sample_correction(np.random.default_rng(3), DISC, DISC, np.ones_like(DISC))
    assert label == 1 and DISC[int(y), int(x)]


def test_unknown_pixels_are_no_errors():
    known = ~DISC
    (x, y), label = sample_correction(np.random.default_rng(4), DISC | np.roll(DISC, 30, 1), DISC, known)
    assert label == 0 and known[int(y), int(x)]

"""Predictions are taken at their word bin by bin."""

import numpy as np
import pytest

from sam2_demo.masks.reliability import reliability


def test_predictions_that_come_true_have_no_error():
    rng = np.random.default_rng(0)
    predicted = rng.random(50_000)
    assert reliability(predicted, rng.random(50_000) < predicted).error < 0.01
    assert reliability(predicted, predicted).error == 0


def test_the_error_is_the_gap_weighted_by_how_often():
    curve = reliability([0.95, 0.95, 0.95, 0.15], [0.5, 0.7, 0.6, 0.15])
    assert curve.error == pytest.approx(0.75 * 0.35)
    assert curve.counts.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert curve.actual[9] == pytest.approx(0.6) and curve.predicted[1] == pytest.approx(0.15)
    assert np.isnan(curve.actual[0])


def test_one_belongs_to_the_last_bin_and_nothing_has_no_error():
    assert reliability([1.0, 0.0], [1.0, 0.0], bins=4).counts.tolist() == [1, 0, 0, 1]
    assert np.isnan(reliability([], []).error)

"""How far predicted qualities can be taken at their word: reliability curve and expected calibration error.

Sources: Niculescu-Mizil and Caruana 2005 (reliability curves), Naeini et al. 2015 (expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Reliability:
    """What predictions in each of B bins of equal width came to.

    counts (B,): predictions in the bin; predicted, actual (B,): their mean and the mean of what was true, NaN in empty
    bins.
    """

    counts: NDArray[np.int64]
    predicted: NDArray[np.float64]
    actual: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error in [0, 1]: the mean gap between the two, bins weighted by their predictions; NaN
        of no predictions."""
        filled = self.counts > 0
        if not filled.any():
            return float("nan")
        gaps = np.abs(self.predicted[filled] - self.actual[filled])
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(predicted: ArrayLike, actual: ArrayLike, bins: int = 10) -> Reliability:
    """Bin predictions (N,) in [0, 1], such as a predicted IoU or the probability of being visible, and average what was
    true (N,), the IoU or 0 and 1."""
    guesses, truths = np.asarray(predicted, np.float64), np.asarray(actual, np.float64)
    places = np.clip((guesses * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, weights=own, minlength=bins) / counts for own in (guesses, truths)]
    return Reliability(counts, *means)

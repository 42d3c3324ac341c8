"""A constant-velocity Kalman filter of a box: centre, aspect ratio (width / height) and height.

The filter of SORT and DeepSORT (Wojke et al. 2017): noise is proportional to the height. All its matrices are made of
diagonal blocks, so each of the four values has a filter of its own: a value, its velocity and their 2 x 2 covariance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam2_demo.tracking.memory_rules.rule import Box

_POSITION, _VELOCITY = 1 / 20, 1 / 160  # standard deviations, in heights
_ASPECT, _ASPECT_VELOCITY, _ASPECT_SEEN = 1e-2, 1e-5, 1e-1  # those of the aspect ratio have no unit
_IS_ASPECT = np.array([False, False, True, False])


@dataclass(frozen=True, eq=False)
class BoxFilter:
    """value, velocity, and their variances and covariance, each (4,): centre x, centre y, aspect ratio, height."""

    value: NDArray[np.float64]
    velocity: NDArray[np.float64]
    value_variance: NDArray[np.float64]
    covariance: NDArray[np.float64]
    velocity_variance: NDArray[np.float64]

    @classmethod
    def start(cls, box: Box) -> BoxFilter:
        """A filter that has seen one box, and knows nothing of its velocity."""
        seen = as_centre_aspect_height(box)
        spread = _deviations(2 * _POSITION * seen[3], _ASPECT), _deviations(10 * _VELOCITY * seen[3], _ASPECT_VELOCITY)
        zero = np.zeros(4)
        return cls(seen, zero, spread[0] ** 2, zero, spread[1] ** 2)

    def predict(self) -> BoxFilter:
        """One frame later."""
        height = self.value[3]
        position = _deviations(_POSITION * height, _ASPECT) ** 2
        velocity = _deviations(_VELOCITY * height, _ASPECT_VELOCITY) ** 2
        return replace(
            self,
            value=self.value + self.velocity,
            value_variance=self.value_variance + 2 * self.covariance + self.velocity_variance + position,
            covariance=self.covariance + self.velocity_variance,
            velocity_variance=self.velocity_variance + velocity,
        )

    def update(self, box: Box) -> BoxFilter:
        """After a box was seen."""
        noise = _deviations(_POSITION * self.value[3], _ASPECT_SEEN) ** 2
        total = self.value_variance + noise
        gain, velocity_gain = self.value_variance / total, self.covariance / total
        surprise = as_centre_aspect_height(box) - self.value
        return BoxFilter(
            value=self.value + gain * surprise,
            velocity=self.velocity + velocity_gain * surprise,
            value_variance=self.value_variance - gain * gain * total,
            covariance=self.covariance - gain * velocity_gain * total,
            velocity_variance=self.velocity_variance - velocity_gain * velocity_gain * total,
        )

    @property
    def box(self) -> Box:
        """The box where the filter believes it to be."""
        x, y, aspect, height = (float(v) for v in self.value)
        return x - aspect * height / 2, y - height / 2, x + aspect * height / 2, y + height / 2

    def to_numbers(self) -> tuple[float, ...]:
        """Twenty numbers; `from_numbers` gives the filter back exactly."""
        parts = self.value, self.velocity, self.value_variance, self.covariance, self.velocity_variance
        return tuple(float(number) for number in np.concatenate(parts))

    @classmethod
    def from_numbers(cls, numbers: tuple[float, ...]) -> BoxFilter:
        """Inverse of `to_numbers`."""
        return cls(*np.array(numbers, np.float64).reshape(5, 4))


def as_centre_aspect_height(box: Box) -> NDArray[np.float64]:
    """(4,): centre x and y, width / height, height; a flat box counts as 1 high."""
    x0, y0, x1, y1 = box
    height = (y1 - y0) or 1.0
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / height, height], np.float64)


def box_overlap(first: Box, second: Box) -> float:
    """IoU of two boxes, 0 where both are points."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (first, second)]
    union = sum(areas) - shared
    return shared / union if union else 0.0


def _deviations(of_lengths: float, of_aspect: float) -> NDArray[np.float64]:
    return np.where(_IS_ASPECT, of_aspect, of_lengths)

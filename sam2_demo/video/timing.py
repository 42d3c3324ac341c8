"""Frame times as the whole numbers that a container stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from sam2_demo.errors import MediaError

_TICK_ERROR_SECONDS = 2e-6
_LARGEST_RATE = 1_000_000
_USUAL_TIMESCALES = (
    *(600, 1_000, 12_800, 15_360, 16_000, 19_200, 24_000, 25_000, 30_000, 48_000, 50_000, 60_000, 90_000),
    *(120_000, 240_000, 180_000, 360_000, 1_000_000),
)


@dataclass(frozen=True)
class Timing:
    """When frames are shown: frame i from `stamps[i]` until `stamps[i + 1]`, in units of 1 / `timescale` s."""

    timescale: int
    stamps: tuple[int, ...]

    @property
    def num_frames(self) -> int:
        """Number of frames; the last stamp is the end of the clip."""
        return len(self.stamps) - 1


def timing_from_times(times: Sequence[float] | np.ndarray, duration: float | None) -> Timing:
    """Find whole-number stamps for `times` (seconds, rising), exact where the source's own unit can be found.

    `duration` is the end of the last frame in seconds; without it the last frame lasts as long as the median one.
    Raises MediaError for times that are empty, negative, not finite or not rising.
    """
    seconds = np.asarray(times, dtype=np.float64)
    if seconds.ndim != 1 or len(seconds) == 0:
        raise MediaError(f"times have shape {seconds.shape}; one time per frame, at least one, is needed")
    if not bool(np.all(np.isfinite(seconds))) or seconds[0] < 0:
        raise MediaError("times must be finite and not negative")
    steps = np.diff(seconds)
    if len(steps) and steps.min() <= 0:
        late = int(np.argmin(steps > 0)) + 1
        raise MediaError(
            f"the time of frame {late} ({seconds[late]:.6f} s) is not after that of frame {late - 1} "
            f"({seconds[late - 1]:.6f} s); times must rise"
        )
    typical = float(np.median(steps)) if len(steps) else 1.0 / 25
    end = duration if duration is not None and duration > seconds[-1] else float(seconds[-1]) + typical
    timescale = _timescale(seconds, typical)
    stamps = np.rint(seconds * timescale).astype(np.int64)
    last = max(round(end * timescale), int(stamps[-1]) + 1)
    if len(stamps) > 1 and int(np.diff(stamps).min()) < 1:
        raise MediaError(f"times lie closer than 1 / {timescale} s; that cannot be stored in a video file")
    return Timing(timescale, (*(int(stamp) for stamp in stamps), last))


def exact_rate(frame_rate: float) -> Fraction:
    """The fraction behind a frame rate: 29.97 and 30000/1001 give 30000/1001. Raises MediaError."""
    if not (np.isfinite(frame_rate) and 0 < frame_rate <= 1000):
        raise MediaError(f"frame rate is {frame_rate}; more than 0 and up to 1000 frames per second are accepted")
    ntsc = Fraction(round(frame_rate * 1.001) * 1000, 1001)
    if ntsc > 0 and frame_rate > 10 and abs(float(ntsc) - frame_rate) < 2e-3 and round(frame_rate) != frame_rate:
        return ntsc
    return Fraction(frame_rate).limit_denominator(1001)


def _timescale(seconds: np.ndarray, typical: float) -> int:
    """The smallest unit in which all times are whole, among those of the clip's own rate and the usual ones."""
    rate = Fraction(1.0 / typical).limit_denominator(1001) if typical > 1e-6 else Fraction(_LARGEST_RATE)
    own = [rate.numerator] if 0 < rate.numerator <= _LARGEST_RATE else []
    for timescale in (*own, *_USUAL_TIMESCALES):
        ticks = seconds * timescale
        if float(np.abs(ticks - np.rint(ticks)).max()) / timescale < _TICK_ERROR_SECONDS:
            return timescale
    return _LARGEST_RATE

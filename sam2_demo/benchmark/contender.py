"""What every contender of the benchmark can do, each method the same work for all."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from time import perf_counter

from sam2_demo.benchmark.material import Material

POINT = (400.0, 300.0)
OBJECT_STEP = 20.0  # pixels between the clicks on neighbouring objects


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def frame_times(frames: Iterable[object], count: int) -> list[float]:
    """How long each of the first `count` frames takes to come."""
    times, last = [], perf_counter()
    for _ in islice(frames, count):
        now = perf_counter()
        times.append(now - last)
        last = now
    return times


def resident_mib() -> float:
    """MiB of this process that are in RAM; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Contender(ABC):
    """One implementation with its model loaded, at default settings."""

    def __init__(self, material: Material) -> None:
        self.material = material

    @abstractmethod
    def encode(self) -> float:
        """Seconds to encode one picture that is network input already."""

    @abstractmethod
    def click(self) -> float:
        """Seconds from a click on a frame whose embedding is known to its mask."""

    @abstractmethod
    def track(self, num_objects: int, num_frames: int) -> float:
        """Median seconds of the first `num_frames` (1 to 8) tracked frames, which attend to seven memories and more."""

    @abstractmethod
    def open_clip(self) -> float:
        """Seconds to open the long clip; what was opened stays referenced until the next call."""

    def memory(self) -> float:
        """MiB that opening the long clip takes, as of 1,000 frames."""
        before = resident_mib()
        self.open_clip()
        frames = len(list(self.material.long_clip.glob("*.jpg")))
        return max(0.0, resident_mib() - before) * 1000 / frames


def object_point(index: int) -> tuple[float, float]:
    """Where object number `index` is clicked."""
    return POINT[0] + OBJECT_STEP * index, POINT[1]

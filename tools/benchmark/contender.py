"""What every contender of the benchmark can do, each method the same work for all."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from tools.benchmark.material import Material

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


def give_back_freed_memory() -> None:
    """Collect garbage and have the C library return what it keeps to the system (glibc on Linux; others keep it).

    What is freed but kept would serve the next objects, which then seem to take no memory.
    """
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


class Contender(ABC):
    """One implementation with its model loaded, at default settings."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self._clicked: Any = None
        self._opened: Any = None

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
    def open_folder(self, folder: Path) -> Any:
        """Open a folder of JPEG files for tracking; who holds the answer holds what that takes."""

    def open_clip(self) -> float:
        """Seconds to open the long clip; what was opened stays referenced until the next call or `forget`."""
        self._opened = None
        start = perf_counter()
        self._opened = self.open_folder(self.material.long_clip)
        return perf_counter() - start

    def forget(self) -> None:
        """Let go of all that was opened so far."""
        self._clicked = self._opened = None

    def memory(self) -> float:
        """MiB that the opened long clip holds, as of 1,000 frames; freed memory counts neither before nor after.

        To be called in a process of its own: where the C library keeps what it frees, a call would hide the next.
        """
        # What the first clip of a process brings for good, such as threads and tables, is none of the clip's.
        self._opened = self.open_folder(self.material.short_clip)
        self.forget()
        give_back_freed_memory()
        before = resident_mib()
        self.open_clip()
        give_back_freed_memory()
        frames = len(list(self.material.long_clip.glob("*.jpg")))
        return max(0.0, resident_mib() - before) * 1000 / frames


def object_point(index: int) -> tuple[float, float]:
    """Where object number `index` is clicked."""
    return POINT[0] + OBJECT_STEP * index, POINT[1]

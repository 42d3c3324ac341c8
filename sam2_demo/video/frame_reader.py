"""What every source of frames offers: a length, times in seconds and frames by index."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType

import numpy as np

from sam2_demo.errors import MediaError


class FrameReader(ABC):
    """Random access to the frames of a clip, decoded on demand; safe to share between threads.

    Attributes:
        num_frames: number of frames, exact.
        frame_rate: frames per second; the mean rate when the clip's rate varies.
        height, width: pixels of every frame as shown, that is after rotation.
        times: (num_frames,) float64, seconds at which each frame appears on the clip's own clock, whose
            zero is also the zero of its sound; strictly increasing. The first frame is at 0 unless the sound
            begins earlier.
        duration: seconds from the clip's zero to the end of the last frame.
        has_audio: whether the source carries sound.
        notice: what a person should know of the clip, as that it is cut off; empty where all is well.
    """

    num_frames: int
    frame_rate: float
    height: int
    width: int
    times: np.ndarray
    duration: float
    has_audio: bool = False
    notice: str = ""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._closed = False

    def read(self, frame_index: int) -> np.ndarray:
        """Return frame `frame_index` (0 to num_frames - 1) as (height, width, 3) uint8 RGB.

        The array belongs to the caller. Raises MediaError for an index outside the clip, a closed reader or a
        frame that cannot be decoded.
        """
        index = int(frame_index)
        if not 0 <= index < self.num_frames:
            raise MediaError(f"frame index is {frame_index}; this clip has frames 0 to {self.num_frames - 1}")
        with self._lock:
            if self._closed:
                raise MediaError(f"frame {index} was asked for after the clip had been closed")
            return self._read(index)

    @abstractmethod
    def _read(self, index: int) -> np.ndarray:
        """Return frame `index`, which lies inside the clip; called with the lock held."""

    def _release(self) -> None:  # noqa: B027 - most sources hold nothing
        """Give back what the source holds; called once, with the lock held."""

    def frame_index_at(self, seconds: float) -> int:
        """Return the index of the frame shown at `seconds`; the first or last one outside the clip."""
        # A player's clock is rounded to microseconds: such a time must not fall onto the frame before.
        position = int(np.searchsorted(self.times, seconds + 1e-5, side="right")) - 1
        return min(max(position, 0), self.num_frames - 1)

    def close(self) -> None:
        """Close files; reading afterwards raises MediaError. May be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    def __len__(self) -> int:
        return self.num_frames

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""Clips that are no video file: a folder of pictures, or arrays in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from sam2_demo.errors import MediaError
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.video.pictures import PICTURE_SUFFIXES, picture_size, read_picture, white_level


class StillsReader(FrameReader):
    """Frames without times of their own, shown at a constant rate."""

    def __init__(self, num_frames: int, size: tuple[int, int], frame_rate: float) -> None:
        super().__init__()
        if not (np.isfinite(frame_rate) and frame_rate > 0):
            raise MediaError(f"frame rate is {frame_rate}; it must be a positive number of frames per second")
        self.num_frames = num_frames
        self.height, self.width = size
        self.frame_rate = float(frame_rate)
        self.times = np.arange(num_frames, dtype=np.float64) / self.frame_rate
        self.duration = num_frames / self.frame_rate


class FolderReader(StillsReader):
    """Pictures of one folder in natural order of their names (frame 2 before frame 10), read on demand.

    All must have the same size as shown. Hidden files, subfolders and files of other kinds are passed over.
    """

    def __init__(self, folder: str | os.PathLike[str], frame_rate: float = 24.0) -> None:
        self.paths = list_pictures(folder)
        size = picture_size(self.paths[0])
        for path in self.paths[1:]:
            other = picture_size(path)
            if other != size:
                raise MediaError(
                    f"{path} is {other[1]} x {other[0]} pixels but {self.paths[0].name} is {size[1]} x {size[0]}; all "
                    "pictures of a clip must have one size"
                )
        super().__init__(len(self.paths), size, frame_rate)

    @cached_property
    def _white(self) -> float | None:
        return white_level(self.paths)  # one for all, or a clip that grows brighter would be shown as growing darker

    def _read(self, index: int) -> np.ndarray:
        frame = read_picture(self.paths[index], str(self.paths[index]), self._white)
        if frame.shape[:2] != (self.height, self.width):
            raise MediaError(f"{self.paths[index]} has changed its size since the folder was opened")
        return frame


class ArrayReader(StillsReader):
    """A sequence of (H, W, 3) uint8 RGB arrays, or one (T, H, W, 3) array."""

    def __init__(self, frames: Sequence[np.ndarray] | np.ndarray, frame_rate: float = 24.0) -> None:
        if len(frames) == 0:
            raise MediaError("the sequence of frames is empty; at least one (H, W, 3) uint8 array is needed")
        self._frames: Sequence[np.ndarray] | np.ndarray = frames
        self._shape: tuple[int, ...] | None = None
        # Frames at hand are checked at once; those of a lazy sequence when they are read.
        for index in range(len(frames) if isinstance(frames, list | tuple) else 1):
            self._shape = self._checked(index).shape
        height, width = self._checked(0).shape[:2]
        super().__init__(len(frames), (height, width), frame_rate)

    def _checked(self, index: int) -> np.ndarray:
        frame = np.asarray(self._frames[index])
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
            raise MediaError(
                f"frame {index} is an array of shape {frame.shape} and type {frame.dtype}; "
                "(H, W, 3) uint8 RGB is accepted"
            )
        if self._shape is not None and frame.shape != self._shape:
            raise MediaError(
                f"frame {index} is {frame.shape[1]} x {frame.shape[0]} pixels but frame 0 is "
                f"{self._shape[1]} x {self._shape[0]}; all frames of a clip must have one size"
            )
        return frame

    def _read(self, index: int) -> np.ndarray:
        return np.array(self._checked(index))

    def _release(self) -> None:
        self._frames = []


def list_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the picture files of `folder` in natural order. Raises MediaError when there are none."""
    place = Path(folder)
    if not place.is_dir():
        raise MediaError(f"{place} is not a folder; a folder of pictures is needed")
    files = [path for path in place.iterdir() if path.is_file() and not path.name.startswith(".")]
    pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        found = ", ".join(sorted(path.name for path in files)[:3]) or "no files"
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise MediaError(f"the folder {place} holds no pictures ({found}); accepted are {kinds}")
    return sorted(pictures, key=lambda path: _natural_key(path.name))


def _natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key under which runs of digits compare as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", Path(name).stem.casefold())
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts], name

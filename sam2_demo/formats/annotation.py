"""The one value that every format reads into and writes from: the masklets of one clip.

Frame indices count the frames of the clip, also where a format holds only every fourth of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np

from sam2_demo.errors import DatasetError
from sam2_demo.masks.masklet import Masklet, plain_object_id
from sam2_demo.masks.run_lengths import Rle
from sam2_demo.video import FrameReader
from sam2_demo.video.picture_sequences import FolderReader

VOID_LABEL = 255  # in indexed PNGs: pixels that count neither for nor against


Box = tuple[float, float, float, float]


@dataclass
class ClipAnnotation:
    """Masklets of one clip of (height, width) pixels and `num_frames` frames.

    `labels` names objects; `void` holds pixels to ignore, by frame; `extra` keeps what only one format knows.
    `times` are the seconds at which frames appear on the clip's own clock and `duration` is when the last one ends, as
    readers of video give them; empty and None: frame / `frame_rate`. `pixel_aspect` is the width of a pixel to its
    height. `picture_names` are the file names of all frames' pictures where these have names of their own: formats of
    one picture per frame call their files so, and number them otherwise.
    `boxes` holds x0, y0, x1, y1 in pixels, by object and frame, where a file gives a box and no mask.
    `has_frame_indices` is False for masks of one picture that do not say which frame it is.
    """

    height: int
    width: int
    num_frames: int
    frame_rate: float = 24.0
    masklets: dict[int, Masklet] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    name: str = ""
    void: dict[int, Rle] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    picture_names: list[str] = field(default_factory=list)
    times: Sequence[float] = ()
    duration: float | None = None
    pixel_aspect: float = 1.0
    boxes: dict[int, dict[int, Box]] = field(default_factory=dict)
    has_frame_indices: bool = True

    @classmethod
    def of_clip(cls, reader: FrameReader, name: str = "") -> ClipAnnotation:
        """An annotation without masks of a clip, with its size, times, pixel aspect and the names of its pictures."""
        names = [path.name for path in reader.paths] if isinstance(reader, FolderReader) else []
        is_told_apart = len({PurePath(own).stem for own in names}) == len(names)
        return cls(
            reader.height,
            reader.width,
            reader.num_frames,
            float(reader.frame_rate),
            name=name,
            picture_names=names if is_told_apart else [],
            times=[float(time) for time in reader.times],
            duration=float(reader.duration),
            pixel_aspect=float(getattr(reader, "pixel_aspect", 1)),
        )

    @property
    def frame_times(self) -> list[float]:
        """The seconds at which each frame appears."""
        return list(self.times) or [frame / self.frame_rate for frame in range(self.num_frames)]

    @property
    def end_time(self) -> float:
        """The seconds at which the last frame ends, on the clock of `frame_times`."""
        if self.duration is not None:
            return self.duration
        return self.times[-1] + 1 / self.frame_rate if self.times else self.num_frames / self.frame_rate

    @property
    def object_ids(self) -> list[int]:
        """The ids of the objects, sorted."""
        return sorted(self.masklets)

    @property
    def annotated_frames(self) -> list[int]:
        """Every frame that holds a mask of some object, empty masks included, sorted."""
        frames = {frame for masklet in self.masklets.values() for frame in masklet}
        return sorted(frames | set(self.void))

    def masklet(self, object_id: int) -> Masklet:
        """The masklet of an object, made empty when it is new."""
        if object_id not in self.masklets:
            self.masklets[object_id] = Masklet(object_id, self.height, self.width)
        return self.masklets[object_id]

    def picture_name(self, frame_index: int) -> str:
        """The file name of a frame's picture, 00000.jpg for frame 0 if the pictures have no names of their own."""
        return self.picture_names[frame_index] if self.picture_names else f"{frame_index:05d}.jpg"

    def frame_stem(self, frame_index: int, digits: int = 5) -> str:
        """What a frame's file is called, without its ending: as its picture, or by number with so many digits."""
        return PurePath(self.picture_names[frame_index]).stem if self.picture_names else f"{frame_index:0{digits}d}"

    def check(self) -> ClipAnnotation:
        """Raise DatasetError where sizes, ids, frame indices, times or names contradict each other; return self.

        Numbers of other types, as numpy's, become plain ones, which files of text take.
        """
        self._make_plain()
        for object_id, masklet in self.masklets.items():
            if masklet.object_id != object_id:
                raise DatasetError(f"object {object_id} holds the masklet of object {masklet.object_id}")
            if (masklet.height, masklet.width) != (self.height, self.width):
                raise DatasetError(
                    f"object {object_id} has masks of {masklet.height} x {masklet.width} pixels (height x width), "
                    f"the clip has {self.height} x {self.width}"
                )
            frames = masklet.frame_indices
            if frames and frames[-1] >= self.num_frames:
                raise DatasetError(
                    f"object {object_id} has a mask on frame {frames[-1]}, the clip's frames are "
                    f"0 to {self.num_frames - 1}"
                )
        if self.picture_names and len(self.picture_names) != self.num_frames:
            raise DatasetError(f"{len(self.picture_names)} picture names were given for {self.num_frames} frames")
        unknown = sorted(set(self.labels) - set(self.masklets) - set(self.boxes))
        if unknown:
            raise DatasetError(f"labels name the unknown object ids {unknown}; known are {self.object_ids}")
        self._check_times()
        return self

    def _make_plain(self) -> None:
        self.height, self.width, self.num_frames = int(self.height), int(self.width), int(self.num_frames)
        self.frame_rate, self.pixel_aspect = float(self.frame_rate), float(self.pixel_aspect)
        self.times = [float(time) for time in self.times]
        self.duration = None if self.duration is None else float(self.duration)
        self.masklets = {plain_object_id(key): masklet for key, masklet in self.masklets.items()}
        self.labels = {plain_object_id(key): label for key, label in self.labels.items()}
        self.void = {int(frame): rle for frame, rle in self.void.items()}

    def _check_times(self) -> None:
        for what, number in (("frame rate", self.frame_rate), ("pixel aspect", self.pixel_aspect)):
            if not (math.isfinite(number) and number > 0):
                raise DatasetError(f"the {what} is {number}; a number above 0 is needed")
        if len(self.times) not in (0, self.num_frames):
            raise DatasetError(f"{len(self.times)} times were given for {self.num_frames} frames")
        times = np.array(self.frame_times if self.times else [0.0], np.float64)
        if not (np.isfinite(times).all() and (np.diff(times) > 0).all() and times[0] >= 0):
            raise DatasetError("the times of the frames do not rise from 0 or more")
        if self.duration is not None and not times[-1] <= self.duration < math.inf:
            raise DatasetError(f"the clip ends at {self.duration} s, its last frame appears at {times[-1]} s")


def from_masklets(
    masklets: Iterable[Masklet], num_frames: int, frame_rate: float = 24.0, name: str = ""
) -> ClipAnnotation:
    """A clip's annotation from its masklets, which must be at least one and of one size."""
    by_id = {masklet.object_id: masklet for masklet in masklets}
    if not by_id:
        raise DatasetError("an annotation is made from at least one masklet, got none")
    first = next(iter(by_id.values()))
    return ClipAnnotation(first.height, first.width, num_frames, frame_rate, by_id, name=name).check()

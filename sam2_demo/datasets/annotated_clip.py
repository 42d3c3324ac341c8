"""Clips with ground truth: pictures or a video, and the masklets that people drew on some of the frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import content_of, read_text
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.video import open_video
from sam2_demo.video.pictures import picture_size, read_picture, white_level


class ClipWithTruth(Protocol):
    """What training needs of a clip."""

    @property
    def name(self) -> str:
        """The name in its set."""
        ...

    @property
    def truth(self) -> ClipAnnotation:
        """Ground truth by frame index."""
        ...

    def frames(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The (H, W, 3) RGB pictures of some frames."""
        ...


@dataclass(frozen=True)
class AnnotatedClip:
    """One clip: pictures in order of their names, and ground truth by index into them."""

    name: str
    folder: Path
    frame_paths: tuple[Path, ...]
    truth: ClipAnnotation

    @property
    def frame_names(self) -> list[str]:
        """The stems of the pictures, in order."""
        return [path.stem for path in self.frame_paths]

    @cached_property
    def _white(self) -> float | None:
        with content_of(self.folder, "pictures"):
            return white_level(self.frame_paths)

    def frame(self, frame_index: int) -> NDArray[np.uint8]:
        """The (H, W, 3) RGB picture of a frame; DatasetError when it is broken or of another size than its masks."""
        path = self.frame_paths[frame_index]
        with content_of(path, "a picture"):
            pixels = np.asarray(read_picture(path, white=self._white), np.uint8)
            if pixels.shape[:2] != (self.truth.height, self.truth.width):
                raise DatasetError(
                    f"{path} is {pixels.shape[0]} x {pixels.shape[1]} pixels (height x width), its annotation "
                    f"{self.truth.height} x {self.truth.width}"
                )
        return pixels

    def frames(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The (H, W, 3) RGB pictures of some frames."""
        return [self.frame(index) for index in indices]

    def void(self, frame_index: int) -> NDArray[np.bool_] | None:
        """The (H, W) pixels that do not count on a frame, None where all do."""
        rle = self.truth.void.get(frame_index)
        return None if rle is None else decode_rle(rle)

    def first_visible(self, object_id: int) -> int | None:
        """The first frame whose ground truth shows the object; None when no frame does."""
        masklet = self.truth.masklets[object_id]
        return next((frame for frame in masklet if masklet.area(frame)), None)


@dataclass(frozen=True)
class AnnotatedVideo:
    """One clip in a video file, which is opened when frames are asked for."""

    name: str
    path: Path
    truth: ClipAnnotation

    def frames(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The (H, W, 3) RGB pictures of some frames; DatasetError when the video is not what was annotated."""
        last = max(self.truth.annotated_frames, default=0)
        with open_video(self.path) as reader:
            if (reader.height, reader.width) != (self.truth.height, self.truth.width):
                raise DatasetError(
                    f"{self.path} is {reader.height} x {reader.width} pixels (height x width), its annotation "
                    f"{self.name} {self.truth.height} x {self.truth.width}"
                )
            if last >= reader.num_frames:
                raise DatasetError(
                    f"{self.path} has {reader.num_frames} frames, its annotation {self.name} a mask on frame {last}"
                )
            found = {index: np.asarray(reader.read(index), np.uint8) for index in sorted(set(indices))}
        return [found[index] for index in indices]


ClipType = TypeVar("ClipType", bound=ClipWithTruth, covariant=True)


class AnnotatedClips(ABC, Generic[ClipType]):
    """The clips of one data set, by name; ground truth is read when a clip is asked for."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self.root = root
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def clip(self, name: str) -> ClipType:
        """Read one clip's ground truth; DatasetError names the file that is missing or wrong."""
        if name not in self.names:
            raise DatasetError(f"{self.root} has no clip {name!r}; it has {', '.join(self.names[:20])}")
        return self._read(name)

    @abstractmethod
    def _read(self, name: str) -> ClipType:
        """Read a clip of `names`."""


def check_size(clip: AnnotatedClip) -> AnnotatedClip:
    """Raise DatasetError unless the first picture is as large as the ground truth; return the clip."""
    height, width = picture_size(clip.frame_paths[0])
    if (height, width) != (clip.truth.height, clip.truth.width):
        raise DatasetError(
            f"{clip.frame_paths[0]} is {height} x {width} pixels (height x width), its annotation "
            f"{clip.truth.height} x {clip.truth.width}"
        )
    return clip


def clip_names(annotations: Path) -> list[str]:
    """The names of a folder's folders, sorted; hidden ones, as editors leave them, are no clips."""
    return sorted(path.name for path in annotations.iterdir() if path.is_dir() and path.name[0] != ".")


def names_from_list(path: Path, known: list[str]) -> list[str]:
    """The clip names of a split file, one per line; DatasetError for names that are not in `known`."""
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; a split is a text file with one clip name per line")
    names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DatasetError(f"{path} names clips without annotations: {', '.join(unknown[:5])}")
    return names

"""The one value that every format reads into and writes from: the masklets of one clip.

Frame indices count the frames of the clip, also where a format holds only every fourth of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from sam2_demo.errors import DatasetError
from sam2_demo.masks.masklet import Masklet, Rle

VOID_LABEL = 255  # in indexed PNGs: pixels that count neither for nor against


@dataclass
class ClipAnnotation:
    """Masklets of one clip of (height, width) pixels and `num_frames` frames.

    `labels` names objects; `void` holds pixels to ignore, by frame; `extra` keeps what only one format knows.
    `picture_names` are the file names of all frames' pictures where these have names of their own: formats of one
    picture per frame call their files so, and number them otherwise.
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
        """Raise DatasetError where sizes, ids, frame indices or names contradict each other; return self."""
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
        unknown = sorted(set(self.labels) - set(self.masklets))
        if unknown:
            raise DatasetError(f"labels name the unknown object ids {unknown}; known are {self.object_ids}")
        return self


def from_masklets(
    masklets: Iterable[Masklet], num_frames: int, frame_rate: float = 24.0, name: str = ""
) -> ClipAnnotation:
    """A clip's annotation from its masklets, which must be at least one and of one size."""
    by_id = {masklet.object_id: masklet for masklet in masklets}
    if not by_id:
        raise DatasetError("an annotation is made from at least one masklet, got none")
    first = next(iter(by_id.values()))
    return ClipAnnotation(first.height, first.width, num_frames, frame_rate, by_id, name=name).check()

"""The one value that every format reads into and writes from: the masklets of one clip.

Frame indices count the frames of the clip, also where a format holds only every fourth of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sam2_demo.errors import DatasetError
from sam2_demo.tracking.masklet import Masklet, Rle

VOID_LABEL = 255  # in indexed PNGs: pixels that count neither for nor against


@dataclass
class ClipAnnotation:
    """Masklets of one clip of (height, width) pixels and `num_frames` frames.

    `labels` names objects; `void` holds pixels to ignore, by frame; `extra` keeps what only one format knows.
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

    def check(self) -> ClipAnnotation:
        """Raise DatasetError where sizes, ids or frame indices contradict each other; return self."""
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

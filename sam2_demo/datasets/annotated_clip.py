"""A clip with ground truth: a folder of pictures and the masklets that people drew on some of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.tracking.masklet import decode_rle
from sam2_demo.video.pictures import picture_size, read_picture


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

    def frame(self, frame_index: int) -> NDArray[np.uint8]:
        """The (H, W, 3) RGB picture of a frame."""
        return read_picture(self.frame_paths[frame_index])

    def void(self, frame_index: int) -> NDArray[np.bool_] | None:
        """The (H, W) pixels that do not count on a frame, None where all do."""
        rle = self.truth.void.get(frame_index)
        return None if rle is None else decode_rle(rle)

    def first_visible(self, object_id: int) -> int | None:
        """The first frame whose ground truth shows the object; None when no frame does."""
        masklet = self.truth.masklets[object_id]
        return next((frame for frame in masklet if masklet.area(frame)), None)


def check_size(clip: AnnotatedClip) -> AnnotatedClip:
    """Raise DatasetError unless the first picture is as large as the ground truth; return the clip."""
    height, width = picture_size(clip.frame_paths[0])
    if (height, width) != (clip.truth.height, clip.truth.width):
        raise DatasetError(
            f"{clip.frame_paths[0]} is {height} x {width} pixels (height x width), its annotation "
            f"{clip.truth.height} x {clip.truth.width}"
        )
    return clip


def names_from_list(path: Path, known: list[str]) -> list[str]:
    """The clip names of a split file, one per line; DatasetError for names that are not in `known`."""
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; a split is a text file with one clip name per line")
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DatasetError(f"{path} names clips without annotations: {', '.join(unknown[:5])}")
    return names

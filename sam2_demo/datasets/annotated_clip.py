"""A clip with ground truth: a folder of pictures and the masklets that people drew on some of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.tracking.masklet import decode_rle

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


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
        return read_rgb(self.frame_paths[frame_index])

    def void(self, frame_index: int) -> NDArray[np.bool_] | None:
        """The (H, W) pixels that do not count on a frame, None where all do."""
        rle = self.truth.void.get(frame_index)
        return None if rle is None else decode_rle(rle)

    def first_visible(self, object_id: int) -> int | None:
        """The first frame whose ground truth shows the object; None when no frame does."""
        masklet = self.truth.masklets[object_id]
        return next((frame for frame in masklet if masklet.area(frame)), None)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of a picture file, not turned by EXIF, as its ground truth is not either."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except FileNotFoundError as error:
        raise DatasetError(f"picture {path} does not exist") from error
    except (UnidentifiedImageError, OSError) as error:
        raise DatasetError(f"picture {path} cannot be read: {error}") from error


def list_frames(folder: Path) -> tuple[Path, ...]:
    """The pictures of a clip, by name; DatasetError when there is none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} does not exist; expected the pictures of a clip, as 00000.jpg, 00001.jpg, ...")
    frames = sorted(p for p in folder.iterdir() if p.suffix.lower() in FRAME_SUFFIXES and p.name[0] != ".")
    if not frames:
        raise DatasetError(f"{folder} holds no picture; accepted are {', '.join(FRAME_SUFFIXES)}")
    return tuple(frames)


def check_size(clip: AnnotatedClip) -> AnnotatedClip:
    """Raise DatasetError unless the first picture is as large as the ground truth; return the clip."""
    with Image.open(clip.frame_paths[0]) as image:
        width, height = image.size
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

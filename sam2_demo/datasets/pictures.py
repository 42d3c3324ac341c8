"""Pictures with the masks of their objects, one value for label maps and for COCO files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.label_maps import (
    IGNORE_LABEL,
    LabelledPicture,
    PictureFiles,
    as_object,
    find_labelled_pictures,
    read_labels_of,
    shrink,
)
from sam2_demo.errors import DatasetError
from sam2_demo.formats.files import content_of
from sam2_demo.video.pictures import read_picture

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class PictureObject:
    """One object of a picture: its (H, W) mask, and the pixels that do not count for it."""

    key: str
    mask: BoolMask
    void: BoolMask | None = None


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture (H, W, 3) uint8 RGB with its objects; `name` is unique in its set and a valid file name."""

    name: str
    source: str
    pixels: NDArray[np.uint8]
    objects: tuple[PictureObject, ...]


class PictureSet(Protocol):
    """Pictures by name, each read when it is asked for."""

    names: list[str]

    def picture(self, name: str) -> AnnotatedPicture:
        """Read one picture with its objects."""
        ...


class LabelMapPictures:
    """A folder of pictures with indexed label maps beside them, see `label_maps` for the layout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        found = find_labelled_pictures(root)
        self._files = {_unique_name(files): files for files in found}
        if len(self._files) < len(found):
            raise DatasetError(f"{root} holds two pictures of one source with the same name")
        self.names = sorted(self._files)

    def picture(self, name: str) -> AnnotatedPicture:
        """Read one picture; DatasetError when its sizes differ or a map is missing."""
        files = self._files[name]
        with content_of(files.picture, "a picture"):
            pixels = np.asarray(read_picture(files.picture), np.uint8)
        objects: list[PictureObject] = []
        for index, path in enumerate(files.label_maps):
            labels = read_labels_of(files.picture, pixels, path)
            objects += objects_of(labels, f"@{index}" if index else "")
        return AnnotatedPicture(name, files.source, pixels, tuple(objects))


def objects_of(labels: NDArray[np.uint8], suffix: str = "") -> list[PictureObject]:
    """The objects of one (H, W) label map (see `as_object`); 255 counts neither for nor against any of them."""
    labels = as_object(labels)
    void = labels == IGNORE_LABEL
    present = [label for label in np.unique(labels).tolist() if label not in (0, IGNORE_LABEL)]
    return [PictureObject(f"{label}{suffix}", labels == label, void if void.any() else None) for label in present]


def _unique_name(files: PictureFiles) -> str:
    return f"{files.source}__{files.picture.stem}"


def as_labelled(picture: AnnotatedPicture, max_side: int | None = None) -> LabelledPicture | None:
    """The picture with one label map, smaller objects on top, its long side at most `max_side` pixels.

    None when it shows no object. An 8-bit map holds the 254 largest objects.
    """
    objects = sorted(picture.objects, key=lambda own: -int(own.mask.sum()))[: IGNORE_LABEL - 1]
    if not objects:
        return None
    labels = np.zeros(picture.pixels.shape[:2], np.uint8)
    voids = [own.void for own in objects if own.void is not None]
    if voids:
        labels[np.logical_and.reduce(voids)] = IGNORE_LABEL
    for label, own in enumerate(objects, start=1):
        labels[own.mask] = label
    return shrink(LabelledPicture(picture.source, picture.pixels, (labels,)), max_side)

"""What a run trains on: pictures held in memory and annotated clips, from data sets in any accepted layout."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.alignment import align_sources
from sam2_demo.datasets.annotated_clip import AnnotatedClip, AnnotatedClips, AnnotatedVideo, ClipWithTruth
from sam2_demo.datasets.coco_instances import open_coco
from sam2_demo.datasets.davis import DavisClips, has_split
from sam2_demo.datasets.label_maps import LabelledPicture, find_labelled_pictures, read_labelled_picture, spread
from sam2_demo.datasets.layouts import Layout, recognise_layout
from sam2_demo.datasets.pictures import AnnotatedPicture, PictureObject, as_labelled
from sam2_demo.datasets.sa_v import SaVClips, SaVTrainClips
from sam2_demo.errors import DatasetError
from sam2_demo.masks.run_lengths import decode_rle

ClipSet = AnnotatedClips[AnnotatedClip] | AnnotatedClips[AnnotatedVideo]

TRAIN_SPLIT = "train"
_PICTURES_PER_CLIP = 4
_BYTES_PER_PIXEL = 4  # colours and one label
_PICTURES_OF_CLIPS = 2000  # at most, from all clips of a set
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData:
    """Pictures, never none, and the sets of clips among the given data sets."""

    pictures: list[LabelledPicture]
    clips: tuple[ClipSet, ...]


def read_training_data(
    roots: Sequence[Path], max_side: int, limit: int | None = None, split: str | None = None
) -> TrainingData:
    """Read all pictures, shrunk to `max_side`, and open all clips.

    limit: at most so many pictures, evenly spread over each set; split: of the sets that come with lists of
    clips (default: "train" where there is one, else all clips).
    Pictures are taken from frames of the clips where no other set has any. Raises DatasetError.
    """
    pictures: list[LabelledPicture] = []
    clips: list[ClipSet] = []
    for root in roots:
        layout = recognise_layout(root)
        if layout in ("label maps", "COCO"):
            found = list(_read_pictures(root, layout, max_side, limit))
            log.info("%s (%s): %d pictures", root, layout, len(found))
            for source, (x, y) in align_sources(found).items():
                log.info("pictures of %s are moved by %.2f, %.2f pixels, onto their label maps", source, x, y)
            pictures += found
        else:
            clips.append(_open_clips(root, layout, split))
            log.info("%s (%s): %d clips", root, layout, len(clips[-1]))
    if not pictures:
        pictures = [picture for own in clips for picture in _frames_as_pictures(own, max_side, limit)]
        log.info("%d frames of the clips serve as pictures", len(pictures))
    if not pictures:
        raise DatasetError(f"{', '.join(map(str, roots))} hold no picture and no frame with an object to train on")
    return TrainingData([pictures[i] for i in spread(len(pictures), limit)], tuple(clips))


def _open_clips(root: Path, layout: Layout, split: str | None) -> ClipSet:
    if layout == "SA-V train":
        return SaVTrainClips(root)
    if layout == "SA-V":
        return SaVClips(root, split)
    return DavisClips(root, split or (TRAIN_SPLIT if has_split(root, TRAIN_SPLIT) else None))


def _read_pictures(root: Path, layout: Layout, max_side: int, limit: int | None) -> Iterator[LabelledPicture]:
    if layout == "label maps":
        files = find_labelled_pictures(root)
        for position in _positions(len(files), max_side, limit):
            yield read_labelled_picture(files[position], max_side)
        return
    coco = open_coco(root)
    if coco is None:
        raise DatasetError(f"{root} holds no annotations/instances_<split>.json")
    for position in _positions(len(coco.names), max_side, limit):
        picture = as_labelled(coco.picture(coco.names[position]), max_side)
        if picture is not None:
            yield picture


def _positions(count: int, max_side: int, limit: int | None) -> list[int]:
    """Which of `count` pictures to read: no more than `limit`, or than half the memory holds."""
    room = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    most = max(1, room // (_BYTES_PER_PIXEL * max_side**2))
    if limit is None and count > most:
        log.warning("%d of %d pictures are used: more do not fit into half the memory", most, count)
    return spread(count, min(limit or most, most))


def _frames_as_pictures(clips: ClipSet, max_side: int, limit: int | None) -> Iterator[LabelledPicture]:
    """Annotated frames that show an object, evenly spread over clips and within them."""
    most = min(limit or _PICTURES_OF_CLIPS, _PICTURES_OF_CLIPS)
    per_clip = max(1, min(_PICTURES_PER_CLIP, most // len(clips)))
    for position in spread(len(clips), max(1, most // per_clip)):
        clip = clips.clip(clips.names[position])
        shown = [
            frame
            for frame in clip.truth.annotated_frames
            if any(frame in own and own.area(frame) for own in clip.truth.masklets.values())
        ]
        chosen = [shown[i] for i in spread(len(shown), per_clip)]
        for frame, pixels in zip(chosen, clip.frames(chosen), strict=True):
            picture = as_labelled(_as_picture(clips.root.name, clip, frame, pixels), max_side)
            if picture is not None:
                yield picture


def _as_picture(source: str, clip: ClipWithTruth, frame: int, pixels: NDArray[np.uint8]) -> AnnotatedPicture:
    void = decode_rle(clip.truth.void[frame]) if frame in clip.truth.void else None
    objects = [
        PictureObject(str(object_id), own.mask(frame), void)
        for object_id, own in clip.truth.masklets.items()
        if frame in own and own.area(frame)
    ]
    return AnnotatedPicture(f"{clip.name}-{frame}", source, pixels, tuple(objects))

"""DAVIS: one indexed PNG per frame, 0 background, k the object k, 255 void (Pont-Tuset et al. 2017).

MOSE, YouTube-VOS and LVOS use the same layout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.files import PathLike, frame_files, frame_indices_of, read_labels, write_labels
from sam2_demo.masks.run_lengths import decode_rle, encode_rle


def read(path: PathLike, frame_names: list[str] | None = None) -> ClipAnnotation:
    """Read a folder of indexed PNGs, one clip; PNGs of 0 and 255 only hold object 1.

    A file's number is its frame index, or, when `frame_names` lists the stems of the clip's pictures, its place
    there. Every object has a mask on every annotated frame, empty where it is not seen.
    """
    folder = Path(path)
    files = frame_files(folder)
    indices = frame_indices_of(files, frame_names)
    size = read_labels(files[0]).shape
    num_frames = len(frame_names) if frame_names is not None else max(indices) + 1
    clip = ClipAnnotation(size[0], size[1], num_frames, name=folder.name)
    for file, index in zip(files, indices, strict=True):
        labels = read_labels(file, (size[0], size[1]))
        for label in np.unique(labels).tolist():
            if label == VOID_LABEL:
                clip.void[index] = encode_rle(labels == label)
            elif label:
                clip.masklet(label).set(index, labels == label)
    if not clip.masklets:
        _take_void_as_object(clip)
    empty = np.zeros(size, np.bool_)
    for masklet in clip.masklets.values():
        for index in indices:
            if index not in masklet:
                masklet.set(index, empty, object_score_logits=-10.0)
    clip.masklets = {object_id: clip.masklets[object_id] for object_id in clip.object_ids}
    return clip.check()


def _take_void_as_object(clip: ClipAnnotation) -> None:
    """DAVIS 2016 and other sets of one object per clip draw it with 255: without any other label that is it."""
    for index, rle in clip.void.items():
        clip.masklet(1).set_rle(index, rle)
    clip.void = {}


def write(value: ClipAnnotation, path: PathLike, frame_names: list[str] | None = None) -> None:
    """Write a folder of indexed PNGs, one per annotated frame.

    They are named by `frame_names`, else as the clip names its pictures, else by number: 00000.png.

    A pixel holds one label only: where masks overlap, the smaller object is kept on top.
    """
    value.check()
    for frame_index in value.annotated_frames:
        if frame_names is not None and frame_index >= len(frame_names):
            raise DatasetError(f"frame {frame_index} has no name: {len(frame_names)} frame names were given")
        name = value.frame_stem(frame_index) if frame_names is None else frame_names[frame_index]
        write_labels(label_map(value, frame_index), Path(path) / f"{name}.png")


def label_map(value: ClipAnnotation, frame_index: int) -> NDArray[np.uint8]:
    """(H, W) uint8 labels of one frame, smaller objects on top of larger ones, void on top of all."""
    labels = np.zeros((value.height, value.width), np.uint8)
    present = [masklet for masklet in value.masklets.values() if frame_index in masklet]
    for masklet in sorted(present, key=lambda masklet: (-masklet.area(frame_index), masklet.object_id)):
        if not 0 < masklet.object_id < VOID_LABEL:
            raise DatasetError(
                f"object id {masklet.object_id} does not fit an indexed PNG; ids are 1 to {VOID_LABEL - 1}, "
                "renumber the objects from 1"
            )
        labels[masklet.mask(frame_index)] = masklet.object_id
    if frame_index in value.void:
        labels[decode_rle(value.void[frame_index])] = VOID_LABEL
    return labels

"""SA-V: the train set's JSON and the val and test sets' PNG folders, with all fields as published.

Train: `<video>_manual.json` / `<video>_auto.json`, masks of every 4th frame of a 24 frames/s video.
Val and test: `<video>/<object>/<frame>.png`, one PNG per object because masks may overlap.
Source: the README of the SA-V dataset (CC BY 4.0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sam2_demo.errors import DatasetError
from sam2_demo.formats import sa_v_json
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import (
    PathLike,
    content_of,
    frame_files,
    frame_indices_of,
    read_json,
    read_labels,
    write_json,
    write_labels,
)


def read(path: PathLike, frame_names: list[str] | None = None) -> ClipAnnotation:
    """Read one clip: a train JSON file, or a folder `<video>` of val or test with one folder per object.

    extra["sa_v_folders"] keeps the names of the objects' folders, which are not always of three digits.
    """
    source = Path(path)
    if source.suffix.lower() == ".json":
        with content_of(source, "a file as of SA-V's train set"):
            return sa_v_json.from_content(read_json(source), source)
    return _read_folders(source, frame_names)


def write(
    value: ClipAnnotation,
    path: PathLike,
    annotation_step: int | None = None,
    frame_names: list[str] | None = None,
) -> None:
    """Write one clip: train JSON when `path` ends in .json, otherwise the PNG folders of val and test.

    `annotation_step`: the JSON holds every n-th frame; 4 as published when the masks allow it, otherwise 1.
    """
    value.check()
    target = Path(path)
    if target.suffix.lower() == ".json":
        write_json(sa_v_json.to_content(value, annotation_step), target)
    else:
        _write_folders(value, target, frame_names)


def _read_folders(folder: Path, frame_names: list[str] | None) -> ClipAnnotation:
    inside = folder.iterdir() if folder.is_dir() else ()
    objects = sorted(path for path in inside if path.is_dir() and path.name[0] != ".")
    if not objects:
        raise DatasetError(f"{folder} holds no object folders; expected SA-V's <video>/<object>/<frame>.png")
    wrong = [path.name for path in objects if not path.name.isdecimal()]
    if wrong:
        raise DatasetError(f"{folder} holds folders that are no object ids: {wrong}; expected 000, 001, ...")
    size = read_labels(frame_files(objects[0])[0]).shape
    clip = ClipAnnotation(size[0], size[1], len(frame_names or ()), name=folder.name)
    clip.extra["sa_v_folders"] = {int(place.name): place.name for place in objects}
    for place in objects:
        files = frame_files(place)
        for file, index in zip(files, frame_indices_of(files, frame_names), strict=True):
            labels = read_labels(file, (size[0], size[1]))
            if len(np.unique(labels[labels > 0])) > 1:
                raise DatasetError(f"{file} holds several labels; SA-V stores one object per PNG")
            mask = labels > 0
            clip.masklet(int(place.name)).set(index, mask, 10.0 if mask.any() else -10.0)
            clip.num_frames = max(clip.num_frames, index + 1)
    return clip.check()


def _write_folders(value: ClipAnnotation, folder: Path, frame_names: list[str] | None) -> None:
    for object_id, masklet in value.masklets.items():
        place = folder / value.extra.get("sa_v_folders", {}).get(object_id, f"{object_id:03d}")
        for frame_index in masklet:
            name = value.frame_stem(frame_index) if frame_names is None else frame_names[frame_index]
            write_labels(masklet.mask(frame_index).astype(np.uint8), place / f"{name}.png")

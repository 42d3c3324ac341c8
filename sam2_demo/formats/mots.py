"""MOTS: 16-bit PNGs of class * 1000 + instance, or a text file of run lengths (Voigtlaender et al. 2019).

Masks do not overlap; 10000 marks pixels to ignore. Frames count from 0 as in KITTI MOTS. MOTS knows two classes, so
in a text file every object is one of them; clip.json beside the PNGs keeps labels, and objects that are never seen.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.clip_fields import clip_fields, picture_stems, take_clip_fields
from sam2_demo.formats.files import (
    PathLike,
    content_of,
    frame_files,
    frame_indices_of,
    read_json,
    read_text,
    read_values,
    write_json,
    write_text,
)
from sam2_demo.masks.run_lengths import Rle, decode_rle, encode_rle

CLASSES = {"car": 1, "pedestrian": 2, "person": 2}
_IGNORE, _IGNORE_CLASS, _INSTANCES = 10000, 10, 1000
_SIDECAR = "clip.json"
_MOST_OBJECTS = 1000  # far more than any clip has; noise that is read as ids has tens of thousands
_LINE = re.compile(r"([0-9]{1,9}) ([0-9]{1,9}) [0-9]{1,9} ([0-9]{1,9}) ([0-9]{1,9}) (\S+)")


def write(value: ClipAnnotation, path: PathLike) -> None:
    """Write a text file when `path` ends in .txt, otherwise a folder of 16-bit PNGs, 000000.png for frame 0
    or as the clip names its pictures.

    The class of an object is extra["mots_class"][id], or follows from its label (car 1, pedestrian 2), or is 1.
    Where masks overlap, the smaller object is kept on top. DatasetError where the file would hold nothing.
    """
    value.check()
    target = Path(path)
    ids = {object_id: _mots_id(value, object_id) for object_id in value.object_ids}
    if len(set(ids.values())) < len(ids):
        raise DatasetError(f"object ids {value.object_ids} fall together as MOTS ids {sorted(ids.values())}")
    if target.suffix.lower() == ".txt":
        lines = [line for frame in value.annotated_frames for line in _lines(value, ids, frame)]
        if not lines:
            raise DatasetError(f"{target} would be empty: MOTS text holds visible masks, and no frame shows an object")
        write_text("".join(line + "\n" for line in lines), target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for frame in value.annotated_frames:
        Image.fromarray(_id_map(value, ids, frame)).save(target / f"{value.frame_stem(frame, digits=6)}.png")
    write_json(_sidecar(value, ids), target / _SIDECAR)


def read(path: PathLike) -> ClipAnnotation:
    """Read a text file or a folder of PNGs.

    The object id is what clip.json says, else the instance number, or class * 1000 + instance where two classes share
    an instance number. A folder holds every frame, so objects have an empty mask where they are not seen; a text file
    does not.
    """
    source = Path(path)
    if not source.exists():
        raise DatasetError(f"{source} does not exist; a MOTS text file or a folder of 16-bit PNGs is needed")
    with content_of(source, "lines of `frame id class height width run-lengths`, or a folder of PNGs"):
        if source.is_file():
            return _from_frames(source, _read_text(source))
        sidecar = read_json(source / _SIDECAR) if (source / _SIDECAR).is_file() else {}
        by_frame, size = _read_folder(source, sidecar)
        found = {mots_id for own in by_frame.values() for mots_id in own} - {_IGNORE}
        # That of other masks says nothing of these.
        is_theirs = found <= set(sidecar.get("ids", {}).values())
        return _from_frames(source, by_frame, sidecar if is_theirs else {}, size)


def read_line(text: str, place: str) -> tuple[int, int, Rle]:
    """Frame, MOTS id and run lengths of a line of a text file; DatasetError names `place`, the file and the line."""
    matched = _LINE.fullmatch(text.strip())
    if not matched:
        raise DatasetError(f"{place}: expected `frame id class height width run-lengths`")
    frame, mots_id, height, width = (int(word) for word in matched.groups()[:4])
    return frame, mots_id, {"size": [height, width], "counts": matched.group(5)}


def _from_frames(
    source: Path,
    by_frame: dict[int, dict[int, Rle]],
    sidecar: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
) -> ClipAnnotation:
    sidecar = sidecar or {}
    known = {int(mots_id): int(text) for text, mots_id in sidecar.get("ids", {}).items()}
    sizes = {(rle["size"][0], rle["size"][1]) for own in by_frame.values() for rle in own.values()}
    if not sizes and known and size is not None:
        sizes = {size}
    if len(sizes) != 1:
        raise DatasetError(f"{source} holds masks of the sizes {sorted(sizes)}; a clip has one size and some mask")
    (height, width) = sizes.pop()
    clip = ClipAnnotation(height, width, max(by_frame) + 1, name=source.stem)
    take_clip_fields(clip, sidecar)
    mots_ids = sorted({*known, *(mots_id for own in by_frame.values() for mots_id in own)} - {_IGNORE})
    if len(mots_ids) > _MOST_OBJECTS:
        raise DatasetError(f"{source} holds {len(mots_ids)} objects; up to {_MOST_OBJECTS} are read")
    shared = len({mots_id % _INSTANCES for mots_id in mots_ids}) < len(mots_ids)
    names = {number: name for name, number in reversed(CLASSES.items())}
    empty = encode_rle(np.zeros((height, width), np.bool_))
    for mots_id in mots_ids:
        object_id = known.get(mots_id, mots_id if shared else mots_id % _INSTANCES)
        clip.masklet(object_id)
        kind = mots_id // _INSTANCES
        clip.extra.setdefault("mots_class", {})[object_id] = kind
        if not known and kind in names:
            clip.labels[object_id] = names[kind]
        for frame, own in by_frame.items():
            if mots_id in own:
                clip.masklet(object_id).set_rle(frame, own[mots_id])
            elif source.is_dir():
                clip.masklet(object_id).set_rle(frame, empty, -10.0)
    clip.labels |= {int(text): label for text, label in sidecar.get("labels", {}).items()}
    clip.void = {frame: own[_IGNORE] for frame, own in by_frame.items() if _IGNORE in own}
    return clip.check()


def _mots_id(value: ClipAnnotation, object_id: int) -> int:
    if object_id >= _INSTANCES:
        mots_id = object_id
    else:
        kind = value.extra.get("mots_class", {}).get(object_id) or CLASSES.get(value.labels.get(object_id, ""), 1)
        mots_id = kind * _INSTANCES + object_id
    if not 0 < mots_id < 65536 or mots_id == _IGNORE:
        raise DatasetError(f"object id {object_id} does not fit MOTS: class * 1000 + id is {mots_id}, up to 65535")
    return mots_id


def _sidecar(value: ClipAnnotation, ids: dict[int, int]) -> dict[str, Any]:
    return clip_fields(value) | {
        "labels": {str(object_id): label for object_id, label in value.labels.items()},
        "ids": {str(object_id): mots_id for object_id, mots_id in ids.items()},
    }


def _id_map(value: ClipAnnotation, ids: dict[int, int], frame: int) -> NDArray[np.uint16]:
    """(H, W) MOTS ids of one frame, smaller objects on top."""
    labels = np.zeros((value.height, value.width), np.uint16)
    present = [masklet for masklet in value.masklets.values() if frame in masklet]
    for masklet in sorted(present, key=lambda masklet: (-masklet.area(frame), masklet.object_id)):
        labels[masklet.mask(frame)] = ids[masklet.object_id]
    if frame in value.void:
        labels[decode_rle(value.void[frame])] = _IGNORE
    return labels


def _lines(value: ClipAnnotation, ids: dict[int, int], frame: int) -> list[str]:
    labels = _id_map(value, ids, frame)
    lines = []
    for mots_id in np.unique(labels[labels > 0]).tolist():
        kind = _IGNORE_CLASS if mots_id == _IGNORE else mots_id // _INSTANCES
        counts = encode_rle(labels == mots_id)["counts"]
        lines.append(f"{frame} {mots_id} {kind} {value.height} {value.width} {counts}")
    return lines


def _read_text(source: Path) -> dict[int, dict[int, Rle]]:
    by_frame: dict[int, dict[int, Rle]] = {}
    for number, line in enumerate(read_text(source).splitlines(), start=1):
        frame, mots_id, rle = read_line(line, f"{source}, line {number}")
        if mots_id in by_frame.setdefault(frame, {}):
            raise DatasetError(f"{source}, line {number}: object {mots_id} is on frame {frame} a second time")
        by_frame[frame][mots_id] = rle
    if not by_frame:
        raise DatasetError(f"{source} is empty; expected lines of `frame id class height width run-lengths`")
    return by_frame


def _read_folder(folder: Path, sidecar: dict[str, Any]) -> tuple[dict[int, dict[int, Rle]], tuple[int, int]]:
    files = frame_files(folder)
    frame_names = picture_stems(sidecar, (file.stem for file in files))
    by_frame: dict[int, dict[int, Rle]] = {}
    known: set[int] = set()
    for file, frame in zip(files, frame_indices_of(files, frame_names), strict=True):
        labels = read_values(file, str(file))
        found = np.unique(labels[labels > 0]).tolist()
        known.update(found)
        if len(known) > _MOST_OBJECTS:
            raise DatasetError(f"{file} brings the objects to {len(known)}; up to {_MOST_OBJECTS} are read")
        by_frame[frame] = {value: encode_rle(labels == value) for value in found}
    return by_frame, (labels.shape[0], labels.shape[1])

"""YOLO segmentation labels: labels/<picture>.txt with `class x y x y ...` per part, coordinates in [0, 1].

Classes are the labels of objects. YOLO knows no objects over time and no picture size; clip.json beside the
labels keeps both, and files without it are read when the size is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import Box, ClipAnnotation
from sam2_demo.formats.clip_fields import clip_fields, picture_stems, take_clip_fields
from sam2_demo.formats.coco import UNNAMED, count_boxes
from sam2_demo.formats.files import (
    PathLike,
    content_of,
    frame_files,
    frame_indices_of,
    read_json,
    read_text,
    write_json,
    write_text,
)
from sam2_demo.masks.polygons import Polygon, mask_polygons, polygons_mask
from sam2_demo.masks.run_lengths import encode_rle

_SIDECAR = "clip.json"
_MOST_CLASSES = 1_000_000


def write(value: ClipAnnotation, path: PathLike) -> None:
    """Write a folder: labels/00000.txt or <picture>.txt for each annotated frame, classes.txt, data.yaml, clip.json."""
    value.check()
    folder = Path(path)
    classes = sorted({value.labels.get(object_id, UNNAMED) for object_id in value.object_ids})
    lines_of: dict[str, list[int]] = {}
    for frame in value.annotated_frames:
        lines, owners = [], []
        for object_id in value.object_ids:
            masklet = value.masklets[object_id]
            number = classes.index(value.labels.get(object_id, UNNAMED))
            for polygon in mask_polygons(masklet.mask(frame)) if frame in masklet else []:
                lines.append(f"{number} {_normalized(polygon, value)}")
                owners.append(object_id)
        write_text("".join(line + "\n" for line in lines), folder / "labels" / f"{value.frame_stem(frame)}.txt")
        lines_of[f"{frame:05d}"] = owners
    write_text("".join(" ".join(name.splitlines()) + "\n" for name in classes), folder / "classes.txt")
    names = "".join(f"  {number}: {_yaml_text(name)}\n" for number, name in enumerate(classes))
    write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}", folder / "data.yaml")
    write_json(_sidecar(value) | {"lines": lines_of}, folder / _SIDECAR)


def read(path: PathLike, size: tuple[int, int] | None = None, with_boxes: bool = False) -> ClipAnnotation:
    """Read such a folder, or any folder of YOLO segmentation labels when `size` (height, width) is given.

    Without clip.json an object is a class: object k + 1 holds all polygons of class k. Boxes, as detectors' labels are,
    are in `boxes` only; DatasetError for labels of nothing else, unless `with_boxes` says that they are welcome.
    """
    folder = Path(path)
    sidecar = read_json(folder / _SIDECAR) if (folder / _SIDECAR).is_file() else {}
    if not sidecar and size is None:
        raise DatasetError(f"{folder} has no {_SIDECAR}; give the pictures' size (height, width) to read its labels")
    with content_of(folder, f"labels, and a {_SIDECAR} as `write` makes it"):
        clip = _from_folder(folder, sidecar, size)
    if clip.boxes and not clip.masklets and not with_boxes:
        raise DatasetError(
            f"{folder} holds boxes only and no masks: {count_boxes(clip)}; use them as box prompts (yolo.read_boxes)"
        )
    return clip


def read_boxes(path: PathLike, size: tuple[int, int] | None = None) -> ClipAnnotation:
    """As `read`, for detectors' labels: `boxes` of the result serve as box prompts. DatasetError where there are none.

    An object is a class where no frame has two boxes of one; otherwise each box is an object of its own.
    """
    clip = read(path, size, with_boxes=True)
    if not clip.boxes:
        raise DatasetError(f"{path} has no line `class x y width height`; read its masks")
    return clip


def read_line(text: str, place: str, size: tuple[int, int]) -> tuple[int, NDArray[np.float64]]:
    """Class and (N, 2) points xy in [0, 1] of a line of labels: three or more of a polygon, or two corners of a box.

    A box is `class x y width height` of its centre, with or without a confidence. Points up to a pixel of a picture of
    `size` (height, width) outside are moved to its rim. DatasetError names `place`, the file and the line.
    """
    words = text.split()
    try:
        kind, numbers = float(words[0]), np.array(words[1:], np.float64)
    except (IndexError, ValueError) as error:
        raise DatasetError(f"{place}: expected `class x y x y ...` ({error})") from error
    if not (0 <= kind < _MOST_CLASSES and kind.is_integer()):
        raise DatasetError(f"{place}: the class is {words[0][:40]}, expected 0 to {_MOST_CLASSES - 1}")
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        if not (width > 0 and height > 0):
            raise DatasetError(f"{place}: a box is `class x y width height`, got a size of {width} x {height}")
        numbers = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    elif len(numbers) < 6 or len(numbers) % 2:
        raise DatasetError(
            f"{place}: a polygon is three or more points x y, a box is x y width height; got {len(numbers)} numbers"
        )
    points = numbers.reshape(-1, 2)
    pixel = 1 / np.array([size[1], size[0]], np.float64)
    outside = ~((points >= -pixel) & (points <= 1 + pixel))  # not-a-number is outside too
    if outside.any():
        raise DatasetError(f"{place}: the coordinate {points[outside][0]} is no share of the picture from 0 to 1")
    return int(kind), np.clip(points, 0, 1)


def _from_folder(folder: Path, sidecar: dict[str, Any], size: tuple[int, int] | None) -> ClipAnnotation:
    height, width = (sidecar["height"], sidecar["width"]) if size is None else size
    files = frame_files(folder / "labels" if (folder / "labels").is_dir() else folder, ".txt")
    files = [file for file in files if file.name != "classes.txt"]
    indices = frame_indices_of(files, picture_stems(sidecar, (file.stem for file in files)))
    clip = ClipAnnotation(height, width, max(indices) + 1, name=folder.name)
    take_clip_fields(clip, sidecar)
    boxes: list[tuple[int, int, Box]] = []
    for file, frame in zip(files, indices, strict=True):
        boxes += _read_frame(clip, file, frame, sidecar.get("lines", {}).get(f"{frame:05d}"))
    kinds = _add_boxes(clip, boxes)
    empty = encode_rle(np.zeros((height, width), np.bool_))
    for text, frames in sidecar.get("frames", {}).items():
        masklet = clip.masklet(int(text))
        for frame, score, quality in frames:
            masklet.set_rle(frame, masklet.rle(frame) if frame in masklet else empty, score, quality)
    named = {int(text): label for text, label in sidecar.get("labels", {}).items()}
    clip.labels = named or _class_names(folder, clip, kinds)
    return clip.check()


def _sidecar(value: ClipAnnotation) -> dict[str, Any]:
    return clip_fields(value) | {
        "height": value.height,
        "width": value.width,
        "labels": {str(object_id): label for object_id, label in value.labels.items()},
        "frames": {
            str(object_id): [
                [frame, masklet.frame(frame).object_score_logits, masklet.frame(frame).iou_prediction]
                for frame in masklet
            ]
            for object_id, masklet in value.masklets.items()
        },
    }


def _yaml_text(text: str) -> str:
    """Text in YAML's double quotes: those of JSON, with what YAML does not take as it is escaped too."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _yaml_escape(ord(sign)) for sign in quoted)


def _yaml_escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _normalized(polygon: Polygon, value: ClipAnnotation) -> str:
    # Half a pixel in, so that readers that round down and readers that round to nearest get the same pixel.
    places = (polygon + 0.5) / (value.width, value.height)
    return " ".join(f"{number:.6f}" for number in places.ravel())


def _read_frame(clip: ClipAnnotation, file: Path, frame: int, owners: list[int] | None) -> list[tuple[int, int, Box]]:
    """Give the clip the polygons of a frame; the frame's boxes with frame and class come back."""
    boxes: list[tuple[int, int, Box]] = []
    polygons: dict[int, list[Polygon]] = {}
    text = read_text(file)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if owners is not None and len(owners) != len(lines):
        raise DatasetError(f"{file} has {len(lines)} lines, {_SIDECAR} names the objects of {len(owners)}")
    for place, (number, line) in enumerate(lines):
        kind, shares = read_line(line, f"{file}, line {number}", (clip.height, clip.width))
        if len(shares) == 2:
            x0, y0, x1, y1 = (float(value) for value in (shares * (clip.width, clip.height)).ravel())
            boxes.append((frame, kind, (x0, y0, x1, y1)))
            continue
        points = np.floor(shares * (clip.width, clip.height))
        inside = np.minimum(points, (clip.width - 1, clip.height - 1)).astype(np.int32)
        polygons.setdefault(kind + 1 if owners is None else owners[place], []).append(inside)
    for object_id, own in polygons.items():
        clip.masklet(object_id).set(frame, polygons_mask(own, (clip.height, clip.width)))
    return boxes


def _add_boxes(clip: ClipAnnotation, boxes: list[tuple[int, int, Box]]) -> dict[int, int]:
    """Give the clip boxes of (frame, class, corners); returns the class of every object."""
    kinds = {object_id: object_id - 1 for object_id in clip.masklets}
    is_one_each = len({(frame, kind) for frame, kind, _ in boxes}) == len(boxes)
    for frame, kind, box in boxes:
        # Nothing tells several of a class apart from frame to frame.
        object_id = kind + 1 if is_one_each and kind + 1 not in clip.masklets else max(kinds, default=0) + 1
        kinds[object_id] = kind
        clip.boxes.setdefault(object_id, {})[frame] = box
    return kinds


def _class_names(folder: Path, clip: ClipAnnotation, kinds: dict[int, int]) -> dict[int, str]:
    place = folder / "classes.txt"
    names = read_text(place).splitlines() if place.is_file() else []
    named = {number: name for number, name in enumerate(names) if name != UNNAMED}
    known = {*clip.masklets, *clip.boxes}
    return {object_id: named[kind] for object_id, kind in kinds.items() if object_id in known and kind in named}

"""Masks from a file that a person sends: checked before anything is unpacked or decoded, then read by `formats`.

Accepted: a label map (PNG), a zip of DAVIS, SA-V or per-object PNGs, SA-V JSON and COCO JSON. Every picture must have
the clip's size by its header, and every run length must cover exactly one picture, because the decoders trust both.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sam2_demo.errors import DatasetError, DemoError
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import read_labels
from sam2_demo.sessions.mask_code import sum_of_runs

ACCEPTED = (
    "a label map (PNG), a zip of DAVIS, SA-V or per-object PNGs, or a JSON file of SA-V or COCO with run lengths"
)
MAX_FILES = 20_000
MAX_UNPACKED = 512 * 1024 * 1024
MAX_POLYGON_NUMBERS = 1_000_000
_PNG_HEADER = struct.Struct(">8s4x4sII")
_OBJECT_FOLDER = re.compile(r"^object_(?=\d+$)")
_WRONG_CONTENT = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


def read_masks(path: Path, name: str, size: tuple[int, int], num_frames: int) -> ClipAnnotation:
    """The masks of a file called `name` for a clip of (height, width) = `size`; DatasetError says what does not fit."""
    suffix = Path(name).suffix.lower()
    if suffix not in (".png", ".zip", ".json"):
        raise DatasetError(f"{name} cannot be imported; accepted are {ACCEPTED}")
    try:
        if suffix == ".png":
            clip = _read_label_map(path, size)
        elif suffix == ".json":
            clip = _read_table(path, size)
        else:
            clip = _read_archive(path, size)
    except DemoError as error:
        raise DatasetError(_without_places(str(error), path, name)) from error
    except _WRONG_CONTENT as error:
        raise DatasetError(f"{name} is not written as its format says: {type(error).__name__} {error}") from error
    return _fitting(clip, name, size, num_frames)


def _fitting(clip: ClipAnnotation, name: str, size: tuple[int, int], num_frames: int) -> ClipAnnotation:
    if (clip.height, clip.width) != size:
        raise DatasetError(
            f"{name} has masks of {clip.width} x {clip.height} pixels (width x height), expected {size[1]} x {size[0]}"
        )
    clip.masklets = {object_id: masklet for object_id, masklet in clip.masklets.items() if len(masklet)}
    if not clip.masklets:
        raise DatasetError(f"{name} holds no masks; expected at least one object")
    beyond = sorted(frame for frame in clip.annotated_frames if frame >= num_frames)
    if beyond:
        raise DatasetError(f"{name} has masks of frame {beyond[0]}; the clip has frames 0 to {num_frames - 1}")
    return clip


def _read_label_map(path: Path, size: tuple[int, int]) -> ClipAnnotation:
    with path.open("rb") as file:
        _check_picture(file.read(_PNG_HEADER.size), path.name, size)
    labels = read_labels(path, size)
    clip = ClipAnnotation(size[0], size[1], 1)
    found = [label for label in np.unique(labels).tolist() if label]
    if found == [VOID_LABEL]:
        clip.masklet(1).set(0, labels == VOID_LABEL)
        return clip
    for label in found:
        if label != VOID_LABEL:
            clip.masklet(label).set(0, labels == label)
    return clip


def _read_table(path: Path, size: tuple[int, int]) -> ClipAnnotation:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path.name} holds a {type(content).__name__}; accepted are SA-V and COCO files")
    for place, node in _nodes(content):
        if "counts" in node:
            _check_runs(node, f"{path.name}: the mask at {place}", size)
    for annotation in content.get("annotations") or []:
        if isinstance(annotation, dict) and isinstance(annotation.get("segmentation"), list):
            _check_polygons(annotation["segmentation"], f"{path.name}: annotation {annotation.get('id')}", size)
    for image in content.get("images") or []:
        given = int(image["height"]), int(image["width"])
        if given != size:
            raise DatasetError(
                f"{path.name}: image {image.get('id')} is {given[1]} x {given[0]} pixels (width x height), "
                f"expected {size[1]} x {size[0]}"
            )
    return read_any(path)


def _nodes(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a JSON value with the names that lead to it; nesting is bounded by the parser."""
    waiting = [(place, value)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            yield place, value
            waiting += [(f"{place}.{name}".lstrip("."), inner) for name, inner in value.items()]
        elif isinstance(value, list) and not (value and isinstance(value[0], int | float | str)):
            waiting += [(f"{place}[{index}]", inner) for index, inner in enumerate(value)]


def _check_runs(node: dict[str, Any], what: str, size: tuple[int, int]) -> None:
    given, counts = node.get("size"), node["counts"]
    if not isinstance(given, list) or [int(side) for side in given] != list(size):
        raise DatasetError(f"{what} has size {given} (height, width), expected {list(size)}")
    if isinstance(counts, str) and counts.isascii():
        total = sum_of_runs(counts)
    elif isinstance(counts, list) and all(isinstance(run, int) and run >= 0 for run in counts):
        total = sum(counts)
    else:
        raise DatasetError(f"{what} has run lengths that are neither text nor whole numbers")
    if total != size[0] * size[1]:
        raise DatasetError(f"{what} has run lengths of {total} pixels, expected {size[0] * size[1]}")


def _check_polygons(polygons: list[Any], what: str, size: tuple[int, int]) -> None:
    numbers = [number for polygon in polygons for number in polygon]
    far = 10 * max(size)
    if len(numbers) > MAX_POLYGON_NUMBERS or not all(-far <= float(number) <= far for number in numbers):
        raise DatasetError(f"{what} has an outline far outside of its picture, or one of too many points")


def _read_archive(path: Path, size: tuple[int, int]) -> ClipAnnotation:
    place = path.with_name(f".unpacked-{uuid.uuid4().hex[:8]}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked_entries(archive, size)
            for entry in entries:
                # The page's own zip of masks calls the folders object_001 and so on.
                parts = (_OBJECT_FOLDER.sub("", part) for part in PurePosixPath(entry.filename).parts)
                target = place.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
        return read_any(place)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise DatasetError(f"{path.name} cannot be unpacked: {error}") from error
    except DemoError as error:
        raise DatasetError(str(error).replace(f"{place}/", "").replace(str(place), path.name)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _checked_entries(archive: zipfile.ZipFile, size: tuple[int, int]) -> list[zipfile.ZipInfo]:
    """The PNGs and the one table of a zip; nothing is unpacked before names, sizes and headers have been seen."""
    everything = archive.infolist()
    total = sum(entry.file_size for entry in everything)
    if len(everything) > MAX_FILES or total > MAX_UNPACKED:
        raise DatasetError(
            f"the zip unpacks to {len(everything)} files of {total // 1_000_000} MB; accepted are up to {MAX_FILES} "
            f"files of {MAX_UNPACKED // 1_000_000} MB"
        )
    wanted = []
    for entry in everything:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        if entry.filename.startswith(("/", "\\")) or ".." in parts or any(":" in part for part in parts):
            raise DatasetError(f"the zip names a file outside of itself: {entry.filename[:80]!r}")
        is_hidden = any(part[0] in "._" for part in parts)
        if entry.is_dir() or is_hidden or not entry.filename.lower().endswith((".png", "clip.json")):
            continue
        if entry.filename.lower().endswith(".png"):
            with archive.open(entry) as file:
                _check_picture(file.read(_PNG_HEADER.size), entry.filename, size)
        wanted.append(entry)
    if not any(entry.filename.lower().endswith(".png") for entry in wanted):
        raise DatasetError("the zip holds no PNG; expected 00000.png per frame, or <object>/00000.png")
    return wanted


def _check_picture(header: bytes, name: str, size: tuple[int, int]) -> None:
    if len(header) < _PNG_HEADER.size or not header.startswith(b"\x89PNG\r\n\x1a\n"):
        raise DatasetError(f"{name} is no PNG")
    _, _, width, height = _PNG_HEADER.unpack(header)
    if (height, width) != size:
        raise DatasetError(f"{name} is {width} x {height} pixels (width x height), expected {size[1]} x {size[0]}")


def _without_places(text: str, path: Path, name: str) -> str:
    return text.replace(str(path), name).replace(path.name, name)

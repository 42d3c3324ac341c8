"""Files of masks that are text: JSON, MOTS lines, CSV tables and YOLO labels, looked at as a stream before reading.

The lines are taken apart by the formats' own functions, so what is looked at is what will be read.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from itertools import count
from typing import IO, Any

import numpy as np

from sam2_demo.errors import DatasetError
from sam2_demo.formats import csv_tables, files, mots, yolo
from sam2_demo.formats.checked.bounds import (
    MAX_POLYGON_NUMBERS,
    Extent,
    check_frame,
    check_outlines,
    check_runs,
    check_size,
    counts_from_1,
)
from sam2_demo.formats.files import content_of

MAX_LINES = 500_000
_BYTE_ORDER_MARK = "\ufeff"
_BESIDE_A_MASK = 4096  # bytes of a line for all that is not its run lengths
_BYTES_PER_NUMBER = 24
_WHOLE = re.compile(r"[0-9]{1,9}(?:\.0{0,9})?")
_SIDECAR = "height, width, num_frames, frames and lines as the YOLO export writes them"


def load_json(content: bytes, name: str) -> dict[str, Any]:
    """The object of a JSON file; DatasetError for anything else."""
    value = files.load_json(content, name)
    if not isinstance(value, dict):
        raise DatasetError(f"{name} holds a {type(value).__name__}; expected an object with named fields")
    return value


def check_json(content: dict[str, Any], name: str, extent: Extent) -> None:
    """Sizes, run lengths and outlines of SA-V and COCO files; those of one video, an annotation per image."""
    for place, node in _nodes(content):
        if "counts" in node:
            _check_mask(node, f"{name}: the mask at {place}", extent)
    for annotation in content.get("annotations") or []:
        shapes = annotation.get("segmentation") if isinstance(annotation, dict) else None
        if isinstance(shapes, list):
            # One polygon may stand for itself.
            shapes = shapes if not shapes or isinstance(shapes[0], list | dict) else [shapes]
            polygons = [_points(polygon) for polygon in shapes if not isinstance(polygon, dict)]
            check_outlines(polygons, f"{name}: annotation {annotation.get('id')}", extent)
    for image in content.get("images") or []:
        check_size((int(image["height"]), int(image["width"])), f"{name}: image {image.get('id')}", extent)


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


def _check_mask(node: dict[str, Any], what: str, extent: Extent) -> None:
    given = node.get("size")
    if not isinstance(given, list) or [int(side) for side in given] != list(extent.size):
        raise DatasetError(f"{what} has size {given} (height, width), expected {list(extent.size)}")
    check_runs(node["counts"], what, extent)


def _points(polygon: list[Any]) -> np.ndarray:
    numbers = np.array([float(number) for number in polygon], np.float64)
    return numbers[: len(numbers) // 2 * 2].reshape(-1, 2)


def check_mots(file: IO[bytes], name: str, extent: Extent) -> None:
    """Frames, sizes and run lengths of a MOTS text."""
    first, beyond = extent.num_frames, ""
    for number, text in _lines(file, name, 2 * extent.area + _BESIDE_A_MASK):
        what = f"{name}, line {number}"
        frame, _, rle = mots.read_line(text, what)
        first = min(first, frame)
        if frame == extent.num_frames:
            beyond = beyond or what
        else:
            check_frame(frame, what, extent)
        check_size((rle["size"][0], rle["size"][1]), f"{what}: the mask", extent)
        check_runs(rle["counts"], what, extent)
    if beyond and not counts_from_1(first, extent.num_frames, extent):
        check_frame(extent.num_frames, beyond, extent)


def check_table(file: IO[bytes], name: str, extent: Extent) -> None:
    """Numbers, frames, sizes and run lengths of a CSV table."""
    lines = (text for _, text in _lines(file, name, 2 * extent.area + _BESIDE_A_MASK))
    for number, row in csv_tables.read_rows(lines, name):
        what = f"{name}, line {number}"
        for column in ("object_id", "num_frames"):
            _whole(row, column, what)
        check_size((_whole(row, "height", what), _whole(row, "width", what)), f"{what}: the mask", extent)
        check_frame(_whole(row, "frame_index", what), what, extent)
        for column in ("frame_rate", "object_score_logits", "iou_prediction"):
            _check_number(row, column, what)
        check_runs(row["counts"], what, extent)


def check_labels(file: IO[bytes], name: str, extent: Extent) -> int:
    """Points of YOLO labels; how many polygons there are."""
    found = 0
    for number, text in _lines(file, name, _BYTES_PER_NUMBER * MAX_POLYGON_NUMBERS):
        what = f"{name}, line {number}"
        if len(text.split(None, MAX_POLYGON_NUMBERS + 1)) > MAX_POLYGON_NUMBERS + 1:
            raise DatasetError(f"{what} has more than {MAX_POLYGON_NUMBERS} numbers")
        if text.strip():
            _, points = yolo.read_line(text, what, extent.size)
            check_outlines([points * extent.size[::-1]], what, extent)
            found += 1
    return found


def check_sidecar(content: bytes, name: str, extent: Extent) -> None:
    """Size, frames and object ids of the clip.json beside YOLO labels."""
    fields = load_json(content, name)
    with content_of(name, _SIDECAR):
        height, width, _ = (_int(fields[field]) for field in ("height", "width", "num_frames"))
        check_size((height, width), name, extent)
        rows = [row for own in fields["frames"].values() for row in own]
        if len(rows) > MAX_LINES:
            raise DatasetError(f"{name} lists {len(rows)} masks; accepted are up to {MAX_LINES}")
        for frame, _, _ in rows:
            check_frame(_int(frame), name, extent)
        for owners in fields["lines"].values():
            for owner in owners:
                _int(owner)


def _lines(file: IO[bytes], name: str, longest: int) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a file; DatasetError for too many, for too long ones and for other encodings."""
    encoding = files.encoding_of(file.read(4))
    file.seek(0)
    source: IO[Any] = file if encoding.startswith("utf-8") else io.TextIOWrapper(file, encoding, newline="\n")
    for number in count(1):
        try:
            line = source.readline(longest + 1)
            text = line if isinstance(line, str) else line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DatasetError(f"{name}, line {number} is no text in UTF-8 ({error.reason})") from error
        if not line:
            return
        if number > MAX_LINES:
            raise DatasetError(f"{name} has more than the {MAX_LINES} lines that are accepted")
        if len(line) > longest:
            raise DatasetError(f"{name}, line {number} is longer than the {longest} bytes that are accepted")
        yield number, text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _whole(row: dict[str, str], column: str, what: str) -> int:
    if not _WHOLE.fullmatch(row[column]):
        raise DatasetError(f"{what}: {column} is {row[column][:40]!r}, expected a whole number")
    return csv_tables.whole_number(row[column])


def _check_number(row: dict[str, str], column: str, what: str) -> None:
    try:
        is_number = math.isfinite(float(row[column]))
    except ValueError:
        is_number = False
    if not is_number:
        raise DatasetError(f"{what}: {column} is {row[column][:40]!r}, expected a number")


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{str(value)[:40]!r} is no whole number")
    return value

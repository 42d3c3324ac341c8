"""A table of boxes, areas, centroids and scores, one row per object and frame, for spreadsheets and scripts.

The last columns hold the mask itself as COCO run lengths, so the table can be read back.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import PathLike, content_of, read_text, write_text
from sam2_demo.masks.frame_state import frame_state
from sam2_demo.masks.masklet import Masklet

_LONGEST_CELL = 1 << 26  # the csv module takes 131072 characters, which intricate masks exceed
_LATER_COLUMNS = {"duration_seconds", "state"}  # which earlier tables lack
_EVEN = 1e-9  # seconds; less is rounding
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "'")


@dataclass(frozen=True)
class TableRow:
    """One object on one frame, which appears at `time_seconds` on the clip's own clock.

    Box x0, y0, x1, y1 and centroid in pixels, x1 and y1 outside; empty when hidden. state: seen, unsure or gone, as in
    `masks.frame_state`; it follows from the rest and is not read back.
    """

    frame_index: int
    time_seconds: float
    object_id: int
    label: str
    visible: int
    area: int
    x0: int | None
    y0: int | None
    x1: int | None
    y1: int | None
    centroid_x: float | None
    centroid_y: float | None
    object_score_logits: float
    iou_prediction: float
    state: str
    height: int
    width: int
    num_frames: int
    frame_rate: float
    duration_seconds: float
    counts: str


def rows_of(value: ClipAnnotation) -> list[TableRow]:
    """The rows of a clip, by frame and then by object."""
    value.check()
    times = value.frame_times
    return [
        _row(value, value.masklets[object_id], frame, times[frame])
        for frame in value.annotated_frames
        for object_id in value.object_ids
        if frame in value.masklets[object_id]
    ]


def write(value: ClipAnnotation, path: PathLike, with_masks: bool = True) -> None:
    """Write the table; without masks it is small but cannot be read back as an annotation."""
    columns = [field.name for field in fields(TableRow) if with_masks or field.name != "counts"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows_of(value):
        writer.writerow([_cell(name, getattr(row, name)) for name in columns])
    write_text(text.getvalue(), Path(path))


def read(path: PathLike) -> ClipAnnotation:
    """Read a table that `write` made with masks."""
    source = Path(path)
    if not source.is_file():
        raise DatasetError(f"{source} does not exist; a CSV table is needed")
    with content_of(source, "a table that was exported with masks"):
        return _from_table(source)


def read_rows(lines: Iterable[str], place: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells of each row; DatasetError names `place`, the file, when columns lack or the text is no CSV."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    rest = iter(lines)
    first = next(rest, "")
    reader = csv.DictReader(chain([first], rest), restval="")
    try:
        missing = sorted({field.name for field in fields(TableRow)} - _LATER_COLUMNS - set(reader.fieldnames or ()))
        if missing:
            raise DatasetError(f"{place} lacks the columns {', '.join(missing)}; masks come back from `counts` only")
        for row in reader:
            # Run lengths were once quoted too; none begins with the quote.
            yield reader.line_num, row | {name: _text(row[name]) for name in ("label", "counts")}
    except csv.Error as error:
        raise DatasetError(f"{place}, line {reader.line_num}: no CSV ({error})") from error


def whole_number(text: str) -> int:
    """A whole number of a cell, also as 3.0, as tables with empty cells become in pandas; ValueError for others."""
    number = float(text) if "." in text else int(text)
    if not float(number).is_integer():
        raise ValueError(f"{text!r} is no whole number")
    return int(number)


def _from_table(source: Path) -> ClipAnnotation:
    rows = list(read_rows(io.StringIO(read_text(source), newline=""), str(source)))
    if not rows:
        raise DatasetError(f"{source} has no rows, so the size of its clip is unknown")
    first = rows[0][1]
    height, width, num_frames = (whole_number(first[name]) for name in ("height", "width", "num_frames"))
    clip = ClipAnnotation(height, width, num_frames, float(first["frame_rate"]), name=source.stem)
    times: dict[int, float] = {}
    for number, row in rows:
        _add(clip, row, f"{source}, line {number}")
        times[whole_number(row["frame_index"])] = float(row["time_seconds"])
    _take_times(clip.check(), times, first.get("duration_seconds", ""))
    return clip.check()


def _take_times(clip: ClipAnnotation, known: dict[int, float], duration: str) -> None:
    """Times of all frames where the table's are not those of the frame rate; between its rows they are interpolated.

    Frames before and after its rows come at the frame rate, or faster where there is no room for that.
    """
    if not all(abs(time - frame / clip.frame_rate) <= _EVEN for frame, time in known.items()):  # not-a-number neither
        frames = sorted(known)
        first, last = frames[0], frames[-1]
        end = float(duration) if duration else math.inf
        step = 1 / clip.frame_rate
        early = min(step, known[first] / first) if first else step
        late = min(step, (end - known[last]) / (clip.num_frames - last))
        before = [known[first] - (first - frame) * early for frame in range(first)]
        inside = np.interp(np.arange(first, last + 1), frames, [known[frame] for frame in frames]).tolist()
        after = [known[last] + (frame - last) * late for frame in range(last + 1, clip.num_frames)]
        clip.times = [*(max(time, 0.0) for time in before), *inside, *after]
    if duration and abs(float(duration) - clip.end_time) > _EVEN:
        clip.duration = float(duration)


def _add(clip: ClipAnnotation, row: dict[str, str], place: str) -> None:
    try:
        object_id, frame = whole_number(row["object_id"]), whole_number(row["frame_index"])
        size = [whole_number(row["height"]), whole_number(row["width"])]
        scores = float(row["object_score_logits"]), float(row["iou_prediction"])
    except ValueError as error:
        raise DatasetError(f"{place}: a number was expected ({error})") from error
    if size != [clip.height, clip.width]:
        raise DatasetError(f"{place}: height and width are {size}, the lines before have {[clip.height, clip.width]}")
    with content_of(place, "run lengths in the column counts"):
        clip.masklet(object_id).set_rle(frame, {"size": size, "counts": row["counts"]}, *scores)
    if row["label"]:
        clip.labels[object_id] = row["label"]


def _row(value: ClipAnnotation, masklet: Masklet, frame: int, time: float) -> TableRow:
    box = masklet.box(frame) or (None, None, None, None)
    centroid: tuple[float | None, float | None] = (None, None)
    if masklet.area(frame):
        ys, xs = np.nonzero(masklet.mask(frame))
        centroid = (float(xs.mean()), float(ys.mean()))
    own = masklet.frame(frame)
    return TableRow(
        frame_index=frame,
        time_seconds=time,
        object_id=masklet.object_id,
        label=value.labels.get(masklet.object_id, ""),
        visible=int(masklet.area(frame) > 0),
        area=masklet.area(frame),
        x0=box[0],
        y0=box[1],
        x1=box[2],
        y1=box[3],
        centroid_x=centroid[0],
        centroid_y=centroid[1],
        object_score_logits=own.object_score_logits,
        iou_prediction=own.iou_prediction,
        state=frame_state(masklet, frame),
        height=value.height,
        width=value.width,
        num_frames=value.num_frames,
        frame_rate=value.frame_rate,
        duration_seconds=value.end_time,
        counts=own.counts,
    )


def _cell(name: str, value: Any) -> Any:
    """A label that a spreadsheet would take for a formula is quoted as people quote it there."""
    if name == "label" and value.startswith(_FORMULA_SIGNS):
        return "'" + value
    return "" if value is None else value


def _text(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_SIGNS) else cell

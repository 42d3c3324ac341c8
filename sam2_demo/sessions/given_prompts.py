"""Prompts that a command line or a file gives for a clip: parsed, checked, and handed to a session."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sam2_demo.errors import DatasetError, InputError
from sam2_demo.formats.files import read_values
from sam2_demo.masks.display import encode_mask
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.rendering.palette import color_to_hex, object_color
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.prompt_set import PromptSet

_PLACE = re.compile(r"(?:(?P<object>\d+):)?(?P<what>.+?)(?:@(?P<frame>\d+))?")
_JSON_FIELDS = ("frame", "object_id", "name", "points", "labels", "box", "mask")
_CSV_FIELDS = ("frame", "object_id", "name", "x", "y", "label", "x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class GivenPrompt:
    """All that is said about one object on one frame; `mask_file`: a PNG of the clip's size, in place of `prompt`."""

    frame: int
    object_id: int
    prompt: PromptSet
    name: str = ""
    mask_file: Path | None = None


def from_texts(
    points: Iterable[str], negatives: Iterable[str], boxes: Iterable[str], masks: Iterable[str]
) -> list[GivenPrompt]:
    """Prompts of a command line: "[OBJECT:]X,Y[@FRAME]", "[OBJECT:]X0,Y0,X1,Y1[@FRAME]", "FILE[@FRAME]".

    Without OBJECT or FRAME they are about object 1 on frame 0. A mask file is a label map: each value but 0 is an
    object. InputError for anything else.
    """
    found: list[GivenPrompt] = []
    for label, texts in ((1, points), (0, negatives)):
        for text in texts:
            object_id, frame, (x, y) = _place(text, 2)
            found.append(GivenPrompt(frame, object_id, PromptSet(points=((x, y),), labels=(label,))))
    for text in boxes:
        object_id, frame, (x0, y0, x1, y1) = _place(text, 4)
        found.append(GivenPrompt(frame, object_id, PromptSet(box=(x0, y0, x1, y1))))
    for text in masks:
        name, _, frame_text = text.rpartition("@") if re.search(r"@\d+$", text) else (text, "", "0")
        found.append(GivenPrompt(int(frame_text), 0, PromptSet(), mask_file=Path(name)))
    return joined(found)


def from_file(path: Path) -> list[GivenPrompt]:
    """Prompts of a .json list, each {"frame", "object_id", "points", "labels", "box", "mask", "name"}, or of a .csv
    table with the columns frame, object_id, x, y, label or x0, y0, x1, y1, and name; DatasetError if it is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            rows: list[Any] = [_csv_row(row) for row in csv.DictReader(text.splitlines())]
        else:
            rows = json.loads(text)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"{path} holds no prompts: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise DatasetError(f"{path} holds no list of prompts")
    try:
        return joined([_from_row(row, path.parent) for row in rows])
    except (TypeError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: {error}; each prompt has some of {', '.join(_JSON_FIELDS)}") from error


def joined(prompts: Sequence[GivenPrompt]) -> list[GivenPrompt]:
    """One prompt for each object and frame: clicks of several in their order; the last box, mask and name count."""
    found: dict[tuple[int, int, Path | None], GivenPrompt] = {}
    for one in prompts:
        key = (one.frame, one.object_id, one.mask_file)
        before = found.get(key)
        if before is not None:
            prompt = PromptSet(
                points=before.prompt.points + one.prompt.points,
                labels=before.prompt.labels + one.prompt.labels,
                box=one.prompt.box or before.prompt.box,
            )
            one = GivenPrompt(one.frame, one.object_id, prompt, one.name or before.name, one.mask_file)
        found[key] = one
    return sorted(found.values(), key=lambda one: (one.frame, one.object_id))


def give(session: ClipSession, prompts: Sequence[GivenPrompt]) -> None:
    """Give a session the prompts that it does not have yet; InputError where it has others."""
    wanted = {(frame, object_id): prompt for frame, object_id, prompt in _resolved(session, prompts)}
    names = {one.object_id: one.name for one in prompts if one.name}
    for place, prompt in session.prompts.items():
        if wanted.get(place) != prompt:
            raise InputError(
                f"{session.folder} already holds other prompts (object {place[1]} on frame {place[0]}): give another"
            )
    for position, object_id in enumerate(sorted({object_id for _, object_id in wanted})):
        if object_id not in session.objects:
            color = color_to_hex(object_color(position))
            session.put_object(ObjectInfo(object_id, names.get(object_id, f"Object {object_id}"), color))
    for (frame, object_id), prompt in wanted.items():
        if (frame, object_id) not in session.prompts:
            session.prompt(frame, object_id, prompt)


def _resolved(session: ClipSession, prompts: Sequence[GivenPrompt]) -> list[tuple[int, int, PromptSet]]:
    found: list[tuple[int, int, PromptSet]] = []
    for one in prompts:
        if one.mask_file is None:
            found.append((one.frame, one.object_id, one.prompt))
            continue
        labels = read_values(one.mask_file, str(one.mask_file))
        if labels.shape != session.size:
            raise InputError(
                f"{one.mask_file} has {labels.shape[1]} x {labels.shape[0]} pixels, the clip "
                f"{session.size[1]} x {session.size[0]}"
            )
        values = [one.object_id] if one.object_id else [int(value) for value in np.unique(labels) if value]
        for value in values:
            mask = labels > 0 if one.object_id else labels == value
            shown, whole = encode_mask(mask, session.display), encode_rle(mask)["counts"]
            found.append((one.frame, value, PromptSet(mask=shown, full_mask=whole)))
    return found


def _place(text: str, count: int) -> tuple[int, int, list[float]]:
    """Object, frame and numbers of "[OBJECT:]A,B,...[@FRAME]"."""
    match = _PLACE.fullmatch(text)
    parts = match["what"].split(",") if match else []
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if match is None or len(numbers) != count or not np.isfinite(numbers).all():
        form = "X,Y" if count == 2 else "X0,Y0,X1,Y1"
        raise InputError(f"{text!r} is not of the form [OBJECT:]{form}[@FRAME], such as 2:320,240@15")
    return int(match["object"] or 1), int(match["frame"] or 0), numbers


def _csv_row(row: dict[str, str]) -> dict[str, Any]:
    given = {key.strip(): value.strip() for key, value in row.items() if key and value and value.strip()}
    found: dict[str, Any] = {key: int(given[key]) for key in ("frame", "object_id") if key in given}
    if "x" in given and "y" in given:
        found |= {"points": [[float(given["x"]), float(given["y"])]], "labels": [int(given.get("label", "1"))]}
    if "x0" in given:
        found["box"] = [float(given[key]) for key in ("x0", "y0", "x1", "y1")]
    unknown = set(given) - set(_CSV_FIELDS)
    if unknown:
        _refuse(f"there is no column {sorted(unknown)[0]!r}; accepted: {', '.join(_CSV_FIELDS)}")
    return found | ({"name": given["name"]} if "name" in given else {})


def _from_row(row: Any, folder: Path) -> GivenPrompt:
    if not isinstance(row, dict) or set(row) - set(_JSON_FIELDS):
        _refuse(f"{json.dumps(row)[:80]} is no prompt")
    points = [[float(x), float(y)] for x, y in row.get("points") or ()]
    labels = row.get("labels") or [1] * len(points)
    if len(labels) != len(points) or any(label not in (0, 1) for label in labels):
        _refuse(f"{len(points)} points need as many labels, 1 or 0; there are {json.dumps(labels)[:80]}")
    box = [float(value) for value in row["box"]] if row.get("box") else None
    if box is not None and len(box) != 4:
        _refuse(f"box is {box}; it is x0, y0, x1, y1")
    mask = folder / row["mask"] if row.get("mask") else None
    if not points and box is None and mask is None:
        _refuse(f"{json.dumps(row)[:80]} says nothing: give points, a box or a mask")
    prompt = PromptSet.from_json({"points": [[x, y, n] for (x, y), n in zip(points, labels, strict=True)], "box": box})
    object_id = int(row.get("object_id", 0 if mask else 1))
    return GivenPrompt(int(row.get("frame", 0)), object_id, prompt, str(row.get("name", "")), mask)


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)

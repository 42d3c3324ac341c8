"""What the browser sends, checked: every field has a type, a range and a maximum length."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

from sam2_demo.errors import InputError, PromptError
from sam2_demo.rendering.effects import OBJECT_EFFECTS
from sam2_demo.sessions.object_table import MAX_NAME_LENGTH, ObjectInfo
from sam2_demo.sessions.prompt_set import PromptSet

MAX_POINTS = 200
MAX_MASK_TEXT = 400_000
MAX_OBJECT_ID = 1_000_000
MAX_FRAME = 10_000_000
MAX_VIEW_FIELDS = 40
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def read_payload(data: object) -> dict[str, Any]:
    """The event's data as a dict; InputError for anything else."""
    if not isinstance(data, dict):
        raise InputError(f"the request is a {type(data).__name__}, not an object")
    return data


def read_int(data: dict[str, Any], name: str, most: int, least: int = 0) -> int:
    """An integer field within least..most."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} must be an integer from {least} to {most}, got {_shown(value)}")
    return value


def read_optional_int(data: dict[str, Any], name: str, most: int) -> int | None:
    """As `read_int`; None where the field is missing or null."""
    return None if data.get(name) is None else read_int(data, name, most)


def read_choice(data: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """A text field that is one of `choices`."""
    value = data.get(name)
    if value not in choices or not isinstance(value, str):
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {_shown(value)}")
    return value


def read_text(data: dict[str, Any], name: str, most: int) -> str:
    """A text field of at most `most` characters, without control characters."""
    value = data.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise InputError(f"{name} must be a text of up to {most} characters, got {_shown(value)}")
    return "".join(character for character in value if character.isprintable()).strip()


def read_number(data: dict[str, Any], name: str) -> float:
    """A finite number."""
    return _number(data.get(name))


def read_view(data: dict[str, Any]) -> dict[str, Any]:
    """How results are shown: a flat table of short texts, numbers and truth values."""
    view = read_payload(data.get("view"))
    if len(view) > MAX_VIEW_FIELDS:
        raise InputError(f"a view has up to {MAX_VIEW_FIELDS} fields, got {len(view)}")
    for name, value in view.items():
        plain = value is None or isinstance(value, bool | int | float | str)
        if len(name) > 40 or not plain or (isinstance(value, str) and len(value) > 80):
            raise InputError(f"field {_shown(name)} of the view is not a short plain value")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"field {_shown(name)} of the view is not a finite number")
    return view


def read_prompt(data: dict[str, Any]) -> PromptSet:
    """Clicks, box and painted mask of one object on one frame; places are checked by the predictors."""
    prompt = read_payload(data.get("prompt"))
    points = prompt.get("points")
    if not isinstance(points, list) or len(points) > MAX_POINTS:
        raise PromptError(f"points must be a list of up to {MAX_POINTS} clicks")
    for point in points:
        if not isinstance(point, list) or len(point) != 3:
            raise PromptError(f"a click is [x, y, label], got {_shown(point)}")
    labels = [point[2] for point in points]
    if any(isinstance(label, bool) or label not in (0, 1) for label in labels):
        raise PromptError("the label of a click is 1 (part of the object) or 0 (not part of it)")
    box = prompt.get("box")
    if box is not None and (not isinstance(box, list) or len(box) != 4):
        raise PromptError(f"a box is [x0, y0, x1, y1], got {_shown(box)}")
    mask = prompt.get("mask")
    if mask is not None and (not isinstance(mask, str) or len(mask) > MAX_MASK_TEXT or not mask.isascii()):
        raise PromptError("the painted mask is not a run-length text or is too long")
    return PromptSet(
        points=tuple((_number(p[0]), _number(p[1])) for p in points),
        labels=tuple(labels),
        box=None if box is None else (_number(box[0]), _number(box[1]), _number(box[2]), _number(box[3])),
        mask=mask,
    )


def read_object(data: dict[str, Any]) -> ObjectInfo:
    """How an object is shown."""
    fields = read_payload(data.get("object"))
    color = fields.get("color")
    if not isinstance(color, str) or not _COLOR.fullmatch(color):
        raise InputError(f"color must look like #12ab90, got {_shown(color)}")
    object_id = read_int(fields, "object_id", MAX_OBJECT_ID, least=1)
    return ObjectInfo(
        object_id=object_id,
        name=read_text(fields, "name", MAX_NAME_LENGTH) or f"Object {object_id}",
        color=color.lower(),
        visible=fields.get("visible") is not False,
        locked=fields.get("locked") is True,
        effect=_effect(fields, "effect"),
        effect_variant=read_optional_int(fields, "effect_variant", 2) or 0,
        extra=_effect(fields, "extra"),
        extra_variant=read_optional_int(fields, "extra_variant", 2) or 0,
        stability=_stability(fields),
    )


def _stability(fields: dict[str, Any]) -> float | None:
    if fields.get("stability") is None:
        return None
    stability = read_number(fields, "stability")
    if not 0 <= stability <= 1:
        raise InputError(f"stability is {stability}; accepted: 0 to 1")
    return stability


def _effect(fields: dict[str, Any], name: str) -> str:
    """The name of an object's own effect; empty: as for all objects."""
    return read_choice({name: fields.get(name) or ""}, name, ("", "none", *OBJECT_EFFECTS))


def safe_name(text: object) -> str:
    """A file name as given by a person, cut to something that can be shown and stored."""
    name = str(text).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*').strip(" .")
    return name[-80:] or "untitled"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise PromptError(f"a coordinate must be a finite number, got {_shown(value)}")
    return float(value)


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**20:
        return "a number of more than 20 digits"  # Python does not write very long ones
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

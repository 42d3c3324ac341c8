"""Everything mode on the page: the search as a running task, and which masks were chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sam2_demo.errors import InputError
from sam2_demo.sessions.everything import FoundMask, read_everything, search
from sam2_demo.sessions.session import Session
from sam2_demo.ui import payloads

GRIDS: Mapping[str, tuple[int, int]] = {"16": (16, 0), "24": (24, 0), "32": (32, 0), "32+crops": (32, 1)}
"""Points per side and layers of crops by the name that the page sends."""

MAX_GROUPS_TEXT = 12_000


def search_steps(session: Session, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers of the running search, from the page's question: masks as they come, then how it ended."""
    points_per_side, crop_layers = GRIDS[payloads.read_choice(data, "grid", tuple(GRIDS))]
    frame = payloads.read_int(data, "frame", payloads.MAX_FRAME)
    done = total = 0
    for step in search(session, frame, points_per_side, crop_layers):
        done, total = step.done, step.total
        found = [mask_to_json(mask) for mask in step.found]
        yield {"step": {"found": found, "gone": step.gone, "size": list(step.size), "done": done, "total": total}}
    yield {"result": {"done": done, "total": total, "stopped": session.cancel.is_set()}}


def mask_to_json(mask: FoundMask) -> dict[str, Any]:
    """A mask for the page; area in pixels of the working size."""
    return {
        "id": mask.mask_id,
        "counts": mask.counts,
        "area": mask.area,
        "box": list(mask.box),
        "iou": mask.predicted_iou,
        "stability": mask.stability,
    }


def everything_to_json(session: Session) -> dict[str, Any]:
    """What was found last, for the page; no frame if nothing was looked for."""
    found = read_everything(session)
    if found is None:
        return {"frame": None, "masks": []}
    return {
        "frame": found.frame,
        "size": list(found.size),
        "masks": [mask_to_json(mask) for mask in found.masks.values()],
    }


def read_groups(text: str) -> list[list[int]]:
    """Masks as the page names them: "3,5.7,9" are mask 3, masks 5 and 7 joined, and mask 9."""
    if not text or len(text) > MAX_GROUPS_TEXT:
        raise InputError(f"name the masks as 3,5.7,9 in up to {MAX_GROUPS_TEXT} characters")
    parts = [group.split(".") for group in text.split(",")]
    if any(not (part.isascii() and part.isdecimal()) or len(part) > 6 for group in parts for part in group):
        raise InputError(f"masks are named by their numbers, as 3,5.7,9; got {text[:40]!r}")
    return [[int(part) for part in group] for group in parts]

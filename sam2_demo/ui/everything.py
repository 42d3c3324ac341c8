"""Everything mode on the page: the search as a running task, and the chosen masks as COCO JSON or label map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.errors import InputError
from sam2_demo.formats import coco
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.davis import label_map
from sam2_demo.formats.files import write_json, write_labels
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.everything import Everything, FoundMask, read_everything, search
from sam2_demo.ui import payloads
from sam2_demo.ui.studio_state import AnySession

GRIDS: Mapping[str, tuple[int, int]] = {"16": (16, 0), "24": (24, 0), "32": (32, 0), "32+crops": (32, 1)}
"""Points per side and layers of crops by the name that the page sends."""

EVERYTHING_FILES = {"coco": "everything_coco.json", "labels": "everything_labels.png"}
MAX_GROUPS_TEXT = 12_000


def search_steps(session: AnySession, data: dict[str, Any]) -> Iterator[dict[str, Any]]:
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


def everything_to_json(session: AnySession) -> dict[str, Any]:
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


def write_everything(session: AnySession, kind: str, groups: list[list[int]]) -> Path:
    """Write the groups of masks as `kind`, "coco" or "labels", at the original size, into the session's folder."""
    if kind not in EVERYTHING_FILES:
        raise InputError(f"{kind[:40]!r} is not one of {', '.join(EVERYTHING_FILES)}")
    found = read_everything(session)
    if found is None:
        raise InputError("nothing was looked for yet: press Find everything first")
    clip = _as_annotation(session, found, groups)
    target = session.folder / "exports" / f"{Path(session.name).stem or 'picture'}_{EVERYTHING_FILES[kind]}"
    if kind == "labels":
        if len(groups) >= VOID_LABEL:
            raise InputError(
                f"a label map holds up to {VOID_LABEL - 1} masks, these are {len(groups)}: filter more strictly"
            )
        write_labels(label_map(clip, found.frame), target)
        return target
    content = coco.to_content(clip)
    for annotation in content["annotations"]:
        parts = [found.masks[part] for part in groups[annotation["track_id"] - 1]]
        annotation["predicted_iou"] = min(part.predicted_iou for part in parts)
        annotation["stability_score"] = min(part.stability for part in parts)
    write_json(content, target)
    return target


def _as_annotation(session: AnySession, found: Everything, groups: list[list[int]]) -> ClipAnnotation:
    if isinstance(session, ClipSession):
        clip = ClipAnnotation.of_clip(session.reader, session.name)
    else:
        clip = ClipAnnotation(*session.size, 1, name=session.name)
    clip.picture_names = [session.name] * clip.num_frames
    for number, group in enumerate(groups, start=1):
        mask = np.zeros(session.size, np.bool_)
        for part in group:
            mask |= found.mask(part, session.size)
        iou = min(found.masks[part].predicted_iou for part in group)
        clip.masklet(number).set(found.frame, mask, iou_prediction=iou)
    return clip.check()

"""Everything mode's masks as files: the chosen ones as COCO JSON or label map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sam2_demo.errors import InputError
from sam2_demo.formats import coco
from sam2_demo.formats.annotation import VOID_LABEL, ClipAnnotation
from sam2_demo.formats.davis import label_map
from sam2_demo.formats.files import write_json, write_labels
from sam2_demo.sessions.everything import Everything, read_everything
from sam2_demo.sessions.mask_files import MASK_FOLDER
from sam2_demo.sessions.session import Session

EVERYTHING_FILES = {"coco": "everything_coco.json", "labels": "everything_labels.png"}


def write_everything(session: Session, kind: str, groups: list[list[int]]) -> Path:
    """Write the groups of masks as `kind`, "coco" or "labels", at the original size, into the session's folder."""
    if kind not in EVERYTHING_FILES:
        raise InputError(f"{kind[:40]!r} is not one of {', '.join(EVERYTHING_FILES)}")
    found = read_everything(session)
    if found is None:
        raise InputError("nothing was looked for yet: press Find everything first")
    clip = _as_annotation(session, found, groups)
    target = session.folder / MASK_FOLDER / f"{clip.name}_{EVERYTHING_FILES[kind]}"
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


def _as_annotation(session: Session, found: Everything, groups: list[list[int]]) -> ClipAnnotation:
    clip = session.empty_annotation(session.file_stem)
    for number, group in enumerate(groups, start=1):
        mask = np.zeros(session.size, np.bool_)
        for part in group:
            mask |= found.mask(part, session.size)
        iou = min(found.masks[part].predicted_iou for part in group)
        clip.masklet(number).set(found.frame, mask, iou_prediction=iou)
    return clip.check()

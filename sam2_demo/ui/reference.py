"""Reference masks on the page: J and F of every frame, and the click that the paper's simulation would make next.

Source: SAM 2, appendix F.1.2 (clicks at the centre of the largest error region); J and F as in `masks.metrics`.
"""

from __future__ import annotations

import time
from typing import Any

from sam2_demo.datasets.prompt_simulation import click_on_error
from sam2_demo.errors import InputError
from sam2_demo.sessions.reference import FILE_NAME, read_reference, write_reference
from sam2_demo.sessions.scores import required_reference, scores_so_far
from sam2_demo.sessions.session import Session
from sam2_demo.ui import payloads

SECONDS_PER_ANSWER = 1.5
MAX_SHOWN_NAME = 60


def reference_to_json(session: Session) -> dict[str, Any]:
    """References with their pairs and scores so far; `complete` is false when it pays to ask again.

    A score is [frame, J, F] of a frame that both the reference and the object have.
    """
    reference = read_reference(session)
    if reference is None:
        return {"references": [], "complete": True}
    deadline = time.monotonic() + SECONDS_PER_ANSWER
    complete, rows = True, []
    for reference_id, masklet in reference.clip.masklets.items():
        object_id = reference.pairs.get(reference_id)
        own = session.masklet(object_id) if object_id is not None and object_id in session.objects else None
        scores, done = scores_so_far(session, reference, masklet, own, deadline)
        complete = complete and done
        label = reference.clip.labels.get(reference_id, "")[:MAX_SHOWN_NAME]
        frames = masklet.frame_indices
        rows.append({"id": reference_id, "label": label, "object": object_id, "frames": frames, "scores": scores})
    return {"name": reference.name, "references": rows, "complete": complete}


def ask_reference(session: Session, data: dict[str, Any]) -> dict[str, Any]:
    """Answer the page's question about references: name is pair, next_click or drop."""
    name = payloads.read_choice(data, "name", ("pair", "next_click", "drop"))
    if name == "next_click":
        return next_click(session, data)
    if name == "pair":
        return change_pair(session, data)
    (session.folder / FILE_NAME).unlink(missing_ok=True)
    return {}


def change_pair(session: Session, data: dict[str, Any]) -> dict[str, Any]:
    """Measure another object against a reference, as the page says; the object must exist."""
    reference = required_reference(session)
    object_id = payloads.read_optional_int(data, "object_id", payloads.MAX_OBJECT_ID)
    if object_id is not None:
        session.objects.get(object_id)
    reference.pair(payloads.read_int(data, "reference_id", payloads.MAX_OBJECT_ID), object_id)
    write_reference(session, reference)
    return {}


def next_click(session: Session, data: dict[str, Any]) -> dict[str, Any]:
    """The next simulated click for an object on a frame: {"click": [x, y, label]}, null where nothing is wrong."""
    reference = required_reference(session)
    frame = payloads.read_int(data, "frame", payloads.MAX_FRAME)
    object_id = payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1)
    wanted = reference.masklet(reference.of_object(object_id))
    if frame not in wanted:
        nearest = min(wanted.frame_indices, key=lambda known: abs(known - frame))
        raise InputError(f"the reference has no mask of frame {frame}; the nearest frame that has one is {nearest}")
    own = session.masklet(object_id)
    predicted = own.mask(frame) if own is not None and frame in own else None
    click = click_on_error(wanted.mask(frame), predicted, reference.void(frame))
    return {"click": None if click is None else [click.x, click.y, click.label]}

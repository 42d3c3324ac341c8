"""Reference masks on the page: J and F of every frame, and the click that the paper's simulation would make next.

Source: SAM 2, appendix F.1.2 (clicks at the centre of the largest error region); J and F as in `masks.metrics`.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.prompt_simulation import click_on_error
from sam2_demo.errors import InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.metrics import boundary_accuracy, region_similarity
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.reference import FILE_NAME, Reference, read_reference, write_reference
from sam2_demo.sessions.session import Session
from sam2_demo.ui import payloads
from sam2_demo.ui.studio_state import AnySession

SECONDS_PER_ANSWER = 1.5
MAX_SHOWN_NAME = 60
_PAIRING_IOU = 0.1

Score = tuple[float, float]

# Scores by (reference, object, frame) with the digest of the two masks that they are of.
_known: WeakKeyDictionary[Session, dict[tuple[int, int, int], tuple[bytes, Score]]] = WeakKeyDictionary()


def own_masks(session: AnySession, object_id: int) -> Masklet | None:
    """The masks of an object of a session; None if it has none yet."""
    if isinstance(session, ClipSession):
        return session.masklets().get(object_id)
    found = session.candidates.get(object_id)
    if found is None:
        return None
    masklet = Masklet(object_id, *session.size)
    masklet.set(0, found.mask)
    return masklet


def keep_reference(session: AnySession, clip: ClipAnnotation, name: str) -> None:
    """Take a clip's masks as reference, each paired with the object here that it overlaps most."""
    reference = Reference(clip, {}, name)
    free = [info.object_id for info in session.objects]
    for reference_id, masklet in clip.masklets.items():
        ious = {object_id: _overlap(masklet, own_masks(session, object_id)) for object_id in free}
        best = max(ious, key=lambda object_id: ious[object_id], default=None)
        if best is not None and ious[best] >= _PAIRING_IOU:
            reference.pair(reference_id, best)
            free.remove(best)
    write_reference(session, reference)


def _overlap(reference: Masklet, own: Masklet | None) -> float:
    if own is None:
        return 0.0
    # Two empty masks agree perfectly, and say nothing.
    shared = [frame for frame in reference if frame in own and (reference.area(frame) or own.area(frame))][:5]
    if not shared:
        return 0.0
    return max(region_similarity(own.mask(frame), reference.mask(frame)) for frame in shared)


def required_reference(session: AnySession) -> Reference:
    """The session's reference; InputError if there is none."""
    reference = read_reference(session)
    if reference is None:
        raise InputError("there are no reference masks yet: import them first")
    return reference


def reference_to_json(session: AnySession) -> dict[str, Any]:
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
        own = own_masks(session, object_id) if object_id is not None and object_id in session.objects else None
        scores, done = _scores(session, reference, masklet, own, deadline)
        complete = complete and done
        label = reference.clip.labels.get(reference_id, "")[:MAX_SHOWN_NAME]
        frames = masklet.frame_indices
        rows.append({"id": reference_id, "label": label, "object": object_id, "frames": frames, "scores": scores})
    return {"name": reference.name, "references": rows, "complete": complete}


def _scores(
    session: AnySession, reference: Reference, masklet: Masklet, own: Masklet | None, deadline: float
) -> tuple[list[list[float]], bool]:
    if own is None:
        return [], True
    known = _known.setdefault(session, {})
    scores: list[list[float]] = []
    for frame in masklet:
        if frame not in own:
            continue
        void = reference.clip.void.get(frame, {"counts": ""})["counts"]
        texts = own.frame(frame).counts + "|" + masklet.frame(frame).counts + "|" + str(void)
        digest = hashlib.blake2b(texts.encode(), digest_size=12).digest()
        key = (masklet.object_id, own.object_id, frame)
        if known.get(key, (b"",))[0] != digest:
            if time.monotonic() > deadline:
                return scores, False
            known[key] = (digest, score(own.mask(frame), masklet.mask(frame), reference.void(frame)))
        scores.append([frame, *known[key][1]])
    return scores, True


def score(
    mask: NDArray[np.bool_], reference: NDArray[np.bool_], void: NDArray[np.bool_] | None = None
) -> Score:
    """J and F of two (H, W) masks, in [0, 1], rounded to four digits."""
    return (
        round(region_similarity(mask, reference, void), 4),
        round(boundary_accuracy(mask, reference, void), 4),
    )


def ask_reference(session: AnySession, data: dict[str, Any]) -> dict[str, Any]:
    """Answer the page's question about references: name is pair, next_click or drop."""
    name = payloads.read_choice(data, "name", ("pair", "next_click", "drop"))
    if name == "next_click":
        return next_click(session, data)
    if name == "pair":
        return change_pair(session, data)
    (session.folder / FILE_NAME).unlink(missing_ok=True)
    return {}


def change_pair(session: AnySession, data: dict[str, Any]) -> dict[str, Any]:
    """Measure another object against a reference, as the page says; the object must exist."""
    reference = required_reference(session)
    object_id = payloads.read_optional_int(data, "object_id", payloads.MAX_OBJECT_ID)
    if object_id is not None:
        session.objects.get(object_id)
    reference.pair(payloads.read_int(data, "reference_id", payloads.MAX_OBJECT_ID), object_id)
    write_reference(session, reference)
    return {}


def next_click(session: AnySession, data: dict[str, Any]) -> dict[str, Any]:
    """The next simulated click for an object on a frame: {"click": [x, y, label]}, null where nothing is wrong."""
    reference = required_reference(session)
    frame = payloads.read_int(data, "frame", payloads.MAX_FRAME)
    object_id = payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1)
    wanted = reference.masklet(reference.of_object(object_id))
    if frame not in wanted:
        nearest = min(wanted.frame_indices, key=lambda known: abs(known - frame))
        raise InputError(f"the reference has no mask of frame {frame}; the nearest frame that has one is {nearest}")
    own = own_masks(session, object_id)
    predicted = own.mask(frame) if own is not None and frame in own else None
    click = click_on_error(wanted.mask(frame), predicted, reference.void(frame))
    return {"click": None if click is None else [click.x, click.y, click.label]}

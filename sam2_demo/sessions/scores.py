"""The session's masks against its reference: which object a reference is for, and J and F of every frame.

Source: J and F as in `masks.metrics`.
"""

from __future__ import annotations

import hashlib
import time
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.metrics import boundary_accuracy, region_similarity
from sam2_demo.sessions.reference import Reference, read_reference, write_reference
from sam2_demo.sessions.session import Session

_PAIRING_IOU = 0.1

Score = tuple[float, float]

# Scores by (reference, object, frame) with the digest of the two masks that they are of.
_known: WeakKeyDictionary[Session, dict[tuple[int, int, int], tuple[bytes, Score]]] = WeakKeyDictionary()


def keep_reference(session: Session, clip: ClipAnnotation, name: str) -> None:
    """Take a clip's masks as reference, each paired with the object here that it overlaps most."""
    reference = Reference(clip, {}, name)
    free = [info.object_id for info in session.objects]
    for reference_id, masklet in clip.masklets.items():
        ious = {object_id: _overlap(masklet, session.masklet(object_id)) for object_id in free}
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


def required_reference(session: Session) -> Reference:
    """The session's reference; InputError if there is none."""
    reference = read_reference(session)
    if reference is None:
        raise InputError("there are no reference masks yet: import them first")
    return reference


def scores_so_far(
    session: Session, reference: Reference, masklet: Masklet, own: Masklet | None, deadline: float
) -> tuple[list[list[float]], bool]:
    """[frame, J, F] of every frame that both have, and whether that is all; what is known already is not measured
    again, and at the `deadline` (of `time.monotonic`) the rest is left for later."""
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


def score(mask: NDArray[np.bool_], reference: NDArray[np.bool_], void: NDArray[np.bool_] | None = None) -> Score:
    """J and F of two (H, W) masks, in [0, 1], rounded to four digits."""
    return (
        round(region_similarity(mask, reference, void), 4),
        round(boundary_accuracy(mask, reference, void), 4),
    )

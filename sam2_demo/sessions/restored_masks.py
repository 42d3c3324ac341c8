"""An object's masks brought back from a session's folder, and the prompts that its frames do not answer (any more)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sam2_demo.errors import DemoError, StorageError
from sam2_demo.sessions.folder import StoredMasklet
from sam2_demo.sessions.prompt_set import PromptSet

if TYPE_CHECKING:
    from sam2_demo.sessions.clip_session import ClipSession

log = logging.getLogger(__name__)

Unanswered = tuple[int, int, PromptSet | None]
"""Frame, object id, and the earlier prompt there that the frame does answer."""


def restore_masks(session: ClipSession, earlier: Mapping[tuple[int, int], list[PromptSet]]) -> None:
    """Put the frames of all objects back into the session's tracker, and answer again the prompts whose frames were not
    stored; `earlier`: what had been said before in the same places."""
    session.shown.restore()
    unanswered = [place for info in session.objects for place in _restore_object(session, info.object_id, earlier)]
    # Each answer may rest on the ones before it.
    order = list(session.prompts)
    for frame, object_id, before in sorted(unanswered, key=lambda place: order.index(place[:2])):
        try:
            session.answer_again(frame, object_id, before)
        except StorageError as error:
            log.warning("an answer that was made again is not stored: %s", error)
        except DemoError:
            del session.prompts[frame, object_id]
            session.stored.note_damage("prompts.jsonl")


def _restore_object(
    session: ClipSession, object_id: int, earlier: Mapping[tuple[int, int], list[PromptSet]]
) -> list[Unanswered]:
    """Put an object's frames back into the session's tracker; returns the prompts that are to be answered again."""
    found = session.stored.read_masklet(object_id)
    given: dict[int, PromptSet] = {}
    unanswered: list[Unanswered] = []
    for frame, prompt in ((f, p) for (f, owner), p in session.prompts.items() if owner == object_id):
        answered = _answered_prompt(found, frame, prompt, earlier.get((frame, object_id), []))
        if answered is not None:
            given[frame] = answered
        if answered != prompt:
            unanswered.append((frame, object_id, answered))
    if not _put_back(session, object_id, given, found):
        return [(frame, owner, None) for frame, owner in session.prompts if owner == object_id]
    session.stale[object_id] = {frame for frame in found.stale if frame < session.reader.num_frames}
    return unanswered


def _answered_prompt(found: StoredMasklet, frame: int, prompt: PromptSet, earlier: list[PromptSet]) -> PromptSet | None:
    """Which prompt a stored frame answers; None where there is no frame, or one that answers none of them."""
    if frame not in found.frames:
        return None
    if frame not in found.answers:  # written by an older version
        return prompt
    digest = found.answers[frame]
    return next((said for said in [prompt, *reversed(earlier)] if said.digest() == digest), None)


def _put_back(session: ClipSession, object_id: int, given: Mapping[int, PromptSet], found: StoredMasklet) -> bool:
    frames = [found.frames[frame] for frame in sorted(found.frames) if frame < session.reader.num_frames]
    if not frames:
        return True
    try:
        arguments = {f: said.as_arguments(session.display, session.size) for f, said in given.items()}
        tracker = session.tracker()
        with session.engine.lock:
            tracker.restore_object(object_id, arguments, frames)
    except (DemoError, ValueError, TypeError, KeyError, RuntimeError, EOFError) as error:
        # A record without a checksum, of an older version, can be damaged in ways that only the tracker sees.
        log.warning("the masks of an object are damaged and put aside (%s)", type(error).__name__)
        session.stored.put_aside(f"masklets/{object_id}")
        return False
    return True

"""What becomes of imported masks: prompts of one frame, or the reference of the whole session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_demo.errors import DatasetError, InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.masks.run_lengths import encode_mask
from sam2_demo.sessions.object_table import MAX_NAME_LENGTH
from sam2_demo.sessions.scores import keep_reference
from sam2_demo.sessions.session import Session

MOST_NAMED_FRAMES = 6


def take_masks(session: Session, path: Path, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Read a file of masks and use it as `query` says: use=prompts with frame=N, or use=reference.

    Prompts come back as {"objects": [{"id", "label", "counts"}]}, run lengths at display size, for the page to give.
    """
    num_frames = session.num_frames
    clip = read_masks(path, name, session.size, num_frames)
    _check_count(clip, name, session.objects.max_objects)
    if query.get("use") == "reference":
        keep_reference(session, clip, name)
        return {"objects": [], "frames": len(clip.annotated_frames), "num_frames": num_frames}
    if query.get("use") != "prompts":
        raise InputError("imported masks are used as prompts or as reference")
    text = query.get("frame", "")
    if not text.isdecimal() or int(text) >= num_frames:
        raise InputError(f"frame {text[:20]!r} does not exist; the clip has frames 0 to {num_frames - 1}")
    return {"objects": _prompts(session, clip, name, int(text))}


def _check_count(clip: ClipAnnotation, name: str, most: int) -> None:
    if len(clip.masklets) > most:
        raise DatasetError(f"{name} holds {len(clip.masklets)} objects; this server takes up to {most} in one session")


def _prompts(session: Session, clip: ClipAnnotation, name: str, frame: int) -> list[dict[str, Any]]:
    # A single picture is meant for the frame that is shown, whatever its own number is.
    frames = clip.annotated_frames
    source = frames[0] if len(frames) == 1 else frame
    seen = {i: m for i, m in clip.masklets.items() if source in m and m.area(source)}
    if not seen:
        seen_on = [f for f in frames if any(f in m and m.area(f) for m in clip.masklets.values())]
        named = ", ".join(map(str, seen_on[:MOST_NAMED_FRAMES])) + (" ..." if len(seen_on) > MOST_NAMED_FRAMES else "")
        raise DatasetError(f"{name} shows no object on frame {frame}; it has objects on the frames {named or 'none'}")
    return [
        {
            "id": object_id,
            "label": clip.labels.get(object_id, "")[:MAX_NAME_LENGTH],
            "counts": encode_mask(masklet.mask(source), session.display),
        }
        for object_id, masklet in seen.items()
    ]

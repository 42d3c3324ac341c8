"""What becomes of imported masks: prompts of one frame, or the reference of the whole session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2_demo.errors import DatasetError, InputError
from sam2_demo.formats import coco
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.sessions.object_table import MAX_NAME_LENGTH
from sam2_demo.sessions.scores import keep_reference
from sam2_demo.sessions.session import Session

MOST_NAMED_FRAMES = 6
MOST_PROMPTED_FRAMES = 8  # a file of more frames is a whole clip's, of which the frame that is shown becomes prompts


def take_masks(session: Session, path: Path, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Read a file of masks and use it as `query` says: use=prompts with frame=N, or use=reference.

    Prompts come back as {"objects": [{"id", "label", "frame", "counts" or "box"}]} for the page to give: run lengths at
    display size, or, where the file has boxes only, x0, y0, x1, y1 in pixels of the picture. Masks and boxes stay on
    their own frames; a label map, which has none, is for the frame that is shown. video=NAME chooses among several.
    """
    num_frames = session.num_frames
    stem = Path(session.name).stem
    clip = read_masks(path, name, session.size, num_frames, stem, query.get("video") or None)
    _check_count(clip, name, session.objects.max_objects)
    if query.get("use") == "reference":
        if not clip.masklets:
            raise DatasetError(
                f"{name} holds boxes only and no masks: {coco.count_boxes(clip)}; boxes are prompts, and no reference"
            )
        keep_reference(session, clip, name)
        return {"objects": [], "frames": len(clip.annotated_frames), "num_frames": num_frames}
    if query.get("use") != "prompts":
        raise InputError("imported masks are used as prompts or as reference")
    text = query.get("frame", "")
    if not text.isdecimal() or int(text) >= num_frames:
        raise InputError(f"frame {text[:20]!r} does not exist; the clip has frames 0 to {num_frames - 1}")
    return {"objects": _prompts(session, clip, name, int(text))}


def _check_count(clip: ClipAnnotation, name: str, most: int) -> None:
    count = len({*clip.masklets, *clip.boxes})
    if count > most:
        raise DatasetError(f"{name} holds {count} objects; this server takes up to {most} in one session")


def _prompts(session: Session, clip: ClipAnnotation, name: str, shown: int) -> list[dict[str, Any]]:
    """A prompt for each mask or box of each frame of a file of few frames, else of the frame that is shown."""
    known = _seen_on(clip)
    frames = [shown] if len(known) > MOST_PROMPTED_FRAMES else known
    if not set(frames) & set(known):
        named = ", ".join(map(str, known[:MOST_NAMED_FRAMES])) + (" ..." if len(known) > MOST_NAMED_FRAMES else "")
        raise DatasetError(f"{name} shows no object on frame {shown}; it has objects on the frames {named or 'none'}")
    given = []
    for frame in frames:
        target = frame if clip.has_frame_indices else shown
        seen = {i: m for i, m in clip.masklets.items() if frame in m and m.area(frame)}
        masks = [{"id": i, "counts": session.full_masks.show(m.mask(frame))} for i, m in seen.items()]
        boxes = [{"id": i, "box": list(own[frame])} for i, own in clip.boxes.items() if frame in own]
        given += [own | {"label": _label(clip, own["id"]), "frame": target} for own in (*masks, *boxes)]
    return given


def _seen_on(clip: ClipAnnotation) -> list[int]:
    seen = {frame for masklet in clip.masklets.values() for frame in masklet if masklet.area(frame)}
    return sorted(seen | {frame for own in clip.boxes.values() for frame in own})


def _label(clip: ClipAnnotation, object_id: Any) -> str:
    return clip.labels.get(object_id, "")[:MAX_NAME_LENGTH]

"""Results as files: the painted video, masks as PNG, a picture's mask, cut-out and overlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError, MediaError
from sam2_demo.rendering.effects import draw_effects
from sam2_demo.rendering.overlay import draw_cutout
from sam2_demo.rendering.palette import hex_to_color
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.sessions.clip_facts import mask_center
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.picture_session import PictureSession
from sam2_demo.sessions.session import Session
from sam2_demo.video.pictures import read_picture
from sam2_demo.video.writer import VideoWriter

OVERLAY_NAME = "overlay.mp4"
BACKDROP_NAME = "backdrop.png"
EXPORT_NAMES = (OVERLAY_NAME,)


@dataclass(frozen=True)
class RenderProgress:
    """How far a file is; `file_name` is set once it is complete."""

    done: int
    total: int
    file_name: str = ""


def render_clip(session: ClipSession) -> Iterator[RenderProgress]:
    """Write the clip with its visible objects painted in, original size, times and sound.

    Ends without a file when the session's `cancel` is set, as any other change to the session does.
    """
    reader = session.reader
    look = Look.from_view(session.view)
    backdrop = read_backdrop(session)
    trails = Trails(session)
    with session.task(wait=False, gives_way=True):
        session.cancel.clear()
        writer = VideoWriter.like(session.folder / OVERLAY_NAME, reader, audio_from=session.source)
        try:
            for index in range(reader.num_frames):
                if session.cancel.is_set():
                    return
                subjects = _subjects(session, session.shown_masks(index), trails.until(index))
                writer.write(draw_effects(Scene(reader.read(index), subjects, backdrop), look))
                yield RenderProgress(index + 1, reader.num_frames)
            writer.close()
        finally:
            writer.abort()
        yield RenderProgress(reader.num_frames, reader.num_frames, OVERLAY_NAME)


def made_video(session: Session) -> dict[str, Any] | None:
    """The video that was made last: file name, when, and whether nothing was changed since; None if there is none."""
    path = session.folder / OVERLAY_NAME
    if not path.is_file():
        return None
    made = path.stat().st_mtime
    inputs = [session.folder / name for name in ("objects.json", "view.json", BACKDROP_NAME)]
    inputs += (session.folder / "masklets").glob("*/frames.jsonl")
    changed = any(other.stat().st_mtime > made for other in inputs if other.is_file())
    return {"file": OVERLAY_NAME, "made": made, "current": not changed}


def picture_file(session: PictureSession, what: str, object_text: str | None) -> tuple[str, bytes]:
    """(file name, PNG) of `what`: "mask" or "cutout" of one object, or "overlay" of all visible ones."""
    stem = session.file_stem
    if what == "overlay":
        scene = Scene(session.rgb, _subjects(session, session.masks(), {}), read_backdrop(session))
        painted = draw_effects(scene, Look.from_view(session.view))
        return f"{stem}_overlay.png", encode_png(painted[..., ::-1])
    if what not in ("mask", "cutout"):
        raise InputError(f"{what[:40]!r} is not one of mask, cutout, overlay")
    object_id = int(object_text) if object_text is not None and object_text.isdecimal() else -1
    info = session.objects.get(object_id)
    found = session.candidates.get(object_id)
    if found is None:
        raise InputError(f"{info.name} has no mask yet: click on it first")
    if what == "mask":
        return f"{stem}_mask_{object_id}.png", encode_png(mask_picture(found.mask))
    rgba = draw_cutout(session.rgb, found.mask)
    return f"{stem}_cutout_{object_id}.png", encode_png(rgba[..., [2, 1, 0, 3]])


class Trails:
    """Where each object's centre has been so far, taken up frame by frame."""

    def __init__(self, session: ClipSession) -> None:
        self._session = session
        self._centers: dict[int, list[tuple[float, float]]] = {}

    def until(self, frame: int) -> dict[int, tuple[tuple[float, float], ...]]:
        """Centres by object id up to a frame; frames must be asked for in order."""
        for object_id, masklet in self._session.masklets().items():
            center = mask_center(masklet, frame) if frame in masklet else None
            if center is not None:
                self._centers.setdefault(object_id, []).append(center)
        return {object_id: tuple(centers) for object_id, centers in self._centers.items()}


def read_backdrop(session: Session) -> NDArray[np.uint8] | None:
    """The picture that was given to stand behind the objects."""
    path = session.folder / BACKDROP_NAME
    return read_picture(path) if path.is_file() else None


def _subjects(
    session: Session,
    masks: Mapping[int, NDArray[np.bool_]],
    trails: Mapping[int, tuple[tuple[float, float], ...]],
) -> tuple[Subject, ...]:
    infos = {info.object_id: info for info in session.objects}
    return tuple(_subject(infos[i], mask, trails.get(i, ())) for i, mask in masks.items() if i in infos)


def _subject(info: ObjectInfo, mask: NDArray[np.bool_], trail: tuple[tuple[float, float], ...]) -> Subject:
    effect = (info.effect, info.effect_variant) if info.effect else None
    extra = (info.extra, info.extra_variant) if info.extra else None
    return Subject(mask, hex_to_color(info.color), info.name, trail, effect, extra)


def mask_picture(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A mask as an 8-bit picture: 255 where the object is."""
    return mask.astype(np.uint8) * 255


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """PNG of a picture in OpenCV's channel order."""
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise MediaError(f"a picture of shape {picture.shape} could not be written as PNG")
    return encoded.tobytes()

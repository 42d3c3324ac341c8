"""From an uploaded file to a session, with every limit checked before the model sees anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import MediaError, SessionError
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.folder import SessionFolder
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.picture_session import PictureSession
from sam2_demo.sessions.session import MODEL_FILE, Session
from sam2_demo.video.opening import declared_size, open_video
from sam2_demo.video.pictures import read_picture


def open_clip(token: str, source: Path, name: str, engine: Engine, limits: Limits) -> ClipSession:
    """A session for a video file; MediaError when it cannot be read or is longer than allowed."""
    _check_pixels(source, name, limits.max_clip_megapixels)
    reader = open_video(source)
    if reader.duration > limits.max_clip_seconds:
        reader.close()
        raise MediaError(
            f"the clip lasts {reader.duration:.0f} s; this server takes up to {limits.max_clip_seconds:.0f} s"
        )
    try:
        reader.read(0)
        session = ClipSession(token, source, name, engine, reader, limits.max_objects)
        session.notice = reader.notice
        times = [round(float(time), 6) for time in reader.times]
        _describe(session, source, {"num_frames": reader.num_frames, "times": times})
        return session
    except MediaError:
        reader.close()
        raise


def open_still(token: str, source: Path, name: str, engine: Engine, limits: Limits) -> PictureSession:
    """A session for a picture file; MediaError when it cannot be read."""
    _check_pixels(source, name, limits.max_picture_megapixels)
    session = PictureSession(token, read_picture(source, name), name, source.parent, engine, limits.max_objects)
    _describe(session, source, {"num_frames": 1})
    return session


def _check_pixels(source: Path, name: str, megapixels: float) -> None:
    """Refuse what would take too much memory before any of it is decoded: small files can hold huge pictures."""
    size = declared_size(source)
    found = 0.0 if size is None else size[0] * size[1] / 1e6
    if size is not None and found > megapixels:
        raise MediaError(
            f"{name} has {size[1]} x {size[0]} pixels, that is {found:.0f} megapixels; this server takes up to "
            f"{megapixels:g}: divide its sides by {(found / megapixels) ** 0.5:.1f} and open it again"
        )


OPENERS: dict[str, Callable[[str, Path, str, Engine, Limits], Session]] = {"video": open_clip, "picture": open_still}
"""How a session of each kind comes from a file: token, file, its name, model, limits."""


@dataclass(frozen=True)
class _Clip:
    """What clip.json says of the source: its kind, its name for people, and its file."""

    kind: str
    name: str
    source: str

    @classmethod
    def of(cls, fields: Any) -> _Clip:
        """From what was read; ValueError and its like for anything else."""
        if fields["kind"] not in OPENERS:
            raise ValueError("no session")
        return cls(fields["kind"], str(fields["name"]), Path(fields["source"]).name)

    @classmethod
    def guessed(cls, folder: Path) -> _Clip:
        """From the source alone; SessionError where there is none."""
        sources = sorted(path for path in folder.glob("source*") if path.is_file())
        if not sources:
            raise SessionError("there is no stored session in this place")
        try:
            open_video(sources[0]).close()
            kind = "video"
        except MediaError:
            kind = "picture"
        return cls(kind, sources[0].name, sources[0].name)


def reopen(token: str, folder: Path, engine: Engine, limits: Limits) -> Session:
    """The session of a stored session with everything that was made; SessionError if the folder holds none."""
    stored = SessionFolder(folder)
    stored.settle_masklets(MODEL_FILE)
    clip = stored.read_json("clip.json", _Clip.of) or _Clip.guessed(folder)
    model = stored_model(folder)
    session = OPENERS[clip.kind](token, folder / clip.source, clip.name, engine, limits)
    session.stored.damaged += stored.damaged
    session.restore_made_with(model)
    return session


def stored_kind(folder: Path) -> str:
    """Whether a stored session is a "video" or a "picture"; SessionError for a folder that holds none."""
    return (SessionFolder(folder).read_json("clip.json", _Clip.of) or _Clip.guessed(folder)).kind


def stored_model(folder: Path) -> str | None:
    """The name of the model that a stored session was made with, if it says so."""
    return SessionFolder(folder).read_json(MODEL_FILE, _name)


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a model's name is a text")
    return value


def _describe(session: Session, source: Path, facts: dict[str, Any]) -> None:
    height, width = session.size
    about = {"kind": session.kind, "name": session.name, "source": source.name, "height": height, "width": width}
    session.stored.write_json("clip.json", about | facts)
    if stored_model(session.folder) is None:
        session.note_model()

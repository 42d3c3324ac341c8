"""From an uploaded file to a workspace, with every limit checked before the model sees anything."""

from __future__ import annotations

from pathlib import Path

from sam2_demo.errors import MediaError
from sam2_demo.sessions.engine import Engine
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.picture_workspace import PictureWorkspace
from sam2_demo.sessions.video_workspace import VideoWorkspace
from sam2_demo.video.opening import open_video
from sam2_demo.video.pictures import read_picture


def open_clip(token: str, source: Path, name: str, engine: Engine, limits: Limits) -> VideoWorkspace:
    """A workspace for a video file; MediaError when it cannot be read or is longer than allowed."""
    reader = open_video(source)
    if reader.duration > limits.max_clip_seconds:
        reader.close()
        raise MediaError(
            f"the clip lasts {reader.duration:.0f} s; this server takes up to {limits.max_clip_seconds:.0f} s"
        )
    try:
        reader.read(0)
        return VideoWorkspace(token, source, name, engine, reader, limits.max_objects)
    except MediaError:
        reader.close()
        raise


def open_still(token: str, source: Path, name: str, engine: Engine, limits: Limits) -> PictureWorkspace:
    """A workspace for a picture file; MediaError when it cannot be read."""
    return PictureWorkspace(token, read_picture(source), name, source.parent, engine, limits.max_objects)

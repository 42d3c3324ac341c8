"""Which clips a command line means: video files, folders of pictures, folders of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2_demo.errors import DatasetError
from sam2_demo.video import PICTURE_SUFFIXES

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".gif")


@dataclass(frozen=True)
class Clip:
    """A video file or a folder of pictures, and the name under which its masklets are written."""

    name: str
    path: Path


def find_clips(sources: Sequence[Path]) -> list[Clip]:
    """All clips of the sources, in their order, those of a folder by name; DatasetError when there are none.

    A folder with videos, or with folders of pictures, holds clips; one with nothing but pictures is a clip.
    """
    clips: list[Clip] = []
    for source in sources:
        clips += _clips_of(source)
    by_name: dict[str, Path] = {}
    for clip in clips:
        other = by_name.setdefault(clip.name, clip.path)
        if other.resolve() != clip.path.resolve():
            raise DatasetError(
                f"{other} and {clip.path} are both named {clip.name!r} and would be written to the same file; "
                "rename one or write them to different folders"
            )
    return [Clip(name, path) for name, path in by_name.items()]


def _clips_of(source: Path) -> list[Clip]:
    if source.is_file():
        if source.suffix.lower() not in VIDEO_SUFFIXES:
            raise DatasetError(f"{source} is no video; accepted are {', '.join(VIDEO_SUFFIXES)} and folders")
        return [Clip(source.stem, source)]
    if not source.is_dir():
        raise DatasetError(f"{source} does not exist; give a video, a folder of pictures or a folder of clips")
    inside = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    clips = [Clip(path.stem if path.is_file() else path.name, path) for path in inside if _is_clip(path)]
    if clips:
        return clips
    if _holds_pictures(source):
        return [Clip(source.resolve().name, source)]
    raise DatasetError(
        f"{source} holds no clip; a folder needs videos ({', '.join(VIDEO_SUFFIXES)}), pictures "
        f"({', '.join(sorted(PICTURE_SUFFIXES))}) or folders of pictures"
    )


def _is_clip(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES if path.is_file() else _holds_pictures(path)


def _holds_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())

"""The clips and pictures that are one click away: all of the examples folder, with what examples.json says of them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2_demo.masks.display import display_size
from sam2_demo.sessions.frame_store import encode_jpeg
from sam2_demo.video.opening import open_video
from sam2_demo.video.pictures import PICTURE_SUFFIXES, read_picture

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif")
POSTER_SIDE = 240


@dataclass(frozen=True)
class Example:
    """One example; `hints` is its entry of examples.json: title, description, prompts."""

    name: str
    kind: str
    path: Path
    hints: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the page shows."""
        title = self.hints.get("title") or self.path.stem.replace("_", " ").replace("-", " ").capitalize()
        return {
            "name": self.name,
            "kind": self.kind,
            "title": title,
            "description": self.hints.get("description", ""),
            "prompts": self.hints.get("prompts", []),
        }


def list_examples(folder: Path) -> list[Example]:
    """Clips and pictures of a folder, those of examples.json first; an absent folder has none."""
    if not folder.is_dir():
        return []
    hints = _read_index(folder / "examples.json")
    order = {name: place for place, name in enumerate(hints)}
    found: list[Example] = []
    for path in sorted(folder.iterdir(), key=lambda path: (order.get(path.name, len(order)), path.name)):
        suffix = path.suffix.lower()
        kind = "video" if suffix in VIDEO_SUFFIXES else "picture" if suffix in PICTURE_SUFFIXES else ""
        if kind:
            found.append(Example(path.stem, kind, path, hints.get(path.name, {})))
    return found


def read_poster(example: Example) -> bytes:
    """A small JPEG of the example."""
    if example.kind == "picture":
        rgb = read_picture(example.path)
    else:
        with open_video(example.path) as reader:
            rgb = reader.read(min(8, reader.num_frames - 1))
    height, width = display_size(rgb.shape[:2], POSTER_SIDE * 2)
    return encode_jpeg(rgb, (height, width))


def _read_index(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of examples.json by file name; a file that cannot be used counts as empty."""
    try:
        index = json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read: %s", path, error)
        return {}
    entries = [*index.get("clips", []), *index.get("pictures", [])] if isinstance(index, dict) else []
    return {str(entry.get("file")): entry for entry in entries if isinstance(entry, dict)}

"""What work that goes on after a kill needs: files that appear whole, cut lines, settings that bind a folder.

Nothing of ours is imported here, so every room may use it.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(target: Path, several_writers: bool = False) -> Iterator[Path]:
    """A file beside `target` to write to, which takes its place when all went well and is removed otherwise.

    What a kill leaves beside it is written over by the next writer, unless there may be `several_writers` at once.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    own = f".{uuid.uuid4().hex[:8]}" if several_writers else ""
    beside = target.with_name(f".{target.name}{own}.part")
    try:
        yield beside
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file of one JSON object a line; a line that a kill cut is left out, and no file holds none."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """In words, what binds a folder differently from what is asked for here; empty where nothing does.

    Values are compared as JSON.
    """
    asked = json.loads(json.dumps(wanted))
    differing = sorted(key for key in {*found, *asked} if found.get(key) != asked.get(key))
    return "; ".join(f"{key} {found.get(key)!r} there, {asked.get(key)!r} here" for key in differing)

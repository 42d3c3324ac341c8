"""A session's folder: everything a person made, written as it is made, readable after the server was killed.

    source.*               the file as it was given
    clip.json              what it is: kind, name, frames, times, size
    objects.json           names, colours, visibility
    view.json              how results are shown: effects, marks
    prompts.jsonl          append-only: what was said where and when; undoing appends, too
    model.json             the model that the masks are of
    masklets/<object_id>/  frames.jsonl and records.bin, append-only: masks, scores, what memories are rebuilt from,
                           and which frames a change of prompts has made stale; candidates.json for pictures
    masklets-aside/        the masks of that model while it cannot be had, until something is changed with another one

Files that are replaced are replaced at once; of files that grow, an unfinished last line is ignored.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sam2_demo.errors import SessionError
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.tracking.saved_state import SavedFrame


class SessionFolder:
    """Reads and writes one session's folder; one writer at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write_json(self, name: str, value: Any) -> None:
        """Replace a file in one step."""
        target = self.path / name
        target.parent.mkdir(exist_ok=True, parents=True)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        part.write_text(json.dumps(value))
        os.replace(part, target)

    def read_json(self, name: str) -> Any:
        """The content of a file that `write_json` wrote; None if there is none."""
        path = self.path / name
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise SessionError(f"the stored session cannot be read: {name} is damaged ({error})") from error

    def write_objects(self, objects: list[dict[str, Any]]) -> None:
        """Store how the objects are shown."""
        self.write_json("objects.json", objects)

    def read_objects(self) -> list[ObjectInfo]:
        """The stored objects."""
        return [ObjectInfo(**fields) for fields in self.read_json("objects.json") or []]

    def append_prompt(self, frame: int, object_id: int, prompt: PromptSet) -> None:
        """Note that this is now all that was said about an object on a frame."""
        line = {"time": round(time.time(), 3), "frame": frame, "object": object_id, **prompt.to_json()}
        self._append("prompts.jsonl", json.dumps(line))

    def read_prompts(self) -> dict[tuple[int, int], PromptSet]:
        """Prompts in force by (frame, object id)."""
        prompts: dict[tuple[int, int], PromptSet] = {}
        for line in self._lines(self.path / "prompts.jsonl"):
            key = (line["frame"], line["object"])
            prompts.pop(key, None)
            prompt = PromptSet.from_json(line)
            if not prompt.is_empty():
                prompts[key] = prompt
        return prompts

    def write_candidates(self, object_id: int, value: dict[str, Any]) -> None:
        """Store the candidate masks of an object of a picture."""
        self.write_json(f"masklets/{object_id}/candidates.json", value)

    def read_candidates(self, object_id: int) -> dict[str, Any] | None:
        """The stored candidate masks of an object of a picture."""
        return self.read_json(f"masklets/{object_id}/candidates.json")

    def append_frames(self, object_id: int, frames: list[SavedFrame | int]) -> None:
        """Store frames of an object; a bare index says that the frame holds nothing any more."""
        folder = self._masklets / str(object_id)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "records.bin").open("ab") as records, (folder / "frames.jsonl").open("a") as index:
            for saved in frames:
                if isinstance(saved, int):
                    index.write(json.dumps({"frame": saved, "gone": True}) + "\n")
                    continue
                place = records.tell()
                records.write(saved.record + saved.unprompted)
                records.flush()
                line = {
                    "frame": saved.frame_index,
                    "counts": saved.counts,
                    "score": saved.object_score_logits,
                    "iou": saved.iou_prediction,
                    "backward": saved.went_backward,
                    "record": [place, len(saved.record)],
                    "unprompted": len(saved.unprompted),
                }
                index.write(json.dumps(line) + "\n")

    def append_stale(self, object_id: int, first: int, last: int) -> None:
        """Note that an object's frames from `first` to `last` are to be tracked again; storing one takes it back."""
        (self._masklets / str(object_id)).mkdir(parents=True, exist_ok=True)
        self._append(f"masklets/{object_id}/frames.jsonl", json.dumps({"stale": [first, last]}))

    def read_stale(self, object_id: int) -> set[int]:
        """An object's frames that were made stale and not stored since."""
        stale: set[int] = set()
        for line in self._lines(self._masklets / str(object_id) / "frames.jsonl"):
            if "stale" in line:
                stale.update(range(line["stale"][0], line["stale"][1] + 1))
            else:
                stale.discard(line["frame"])
        return stale

    def read_frames(self, object_id: int) -> Iterator[SavedFrame]:
        """The frames in force of an object, by index."""
        folder = self._masklets / str(object_id)
        latest = {line["frame"]: line for line in self._lines(folder / "frames.jsonl") if "frame" in line}
        if not latest:
            return
        with (folder / "records.bin").open("rb") as records:
            for frame in sorted(latest):
                line = latest[frame]
                if line.get("gone"):
                    continue
                place, length = line["record"]
                records.seek(place)
                record = records.read(length)
                unprompted = records.read(line.get("unprompted", 0))
                if len(record) == length:
                    values = line["counts"], line["score"], line["iou"], line["backward"]
                    yield SavedFrame(frame, *values, record, unprompted)

    def drop_masklet(self, object_id: int) -> None:
        """Forget the masks of an object."""
        shutil.rmtree(self._masklets / str(object_id), ignore_errors=True)

    def drop_masklets(self) -> None:
        """Forget all masks."""
        shutil.rmtree(self._masklets, ignore_errors=True)

    def put_masklets_aside(self) -> None:
        """Forget all masks for now; those that were put aside first are the ones that can be taken back."""
        if self._masklets.is_dir() and not self._aside.exists():
            self._masklets.rename(self._aside)
        self.drop_masklets()

    def take_masklets_back(self) -> None:
        """Have the masks that were put aside, if any, in place of those made since."""
        if self._aside.is_dir():
            self.drop_masklets()
            self._aside.rename(self._masklets)

    def drop_masklets_aside(self) -> None:
        """Forget the masks that were put aside."""
        shutil.rmtree(self._aside, ignore_errors=True)

    @property
    def _masklets(self) -> Path:
        return self.path / "masklets"

    @property
    def _aside(self) -> Path:
        return self.path / "masklets-aside"

    def touch(self) -> None:
        """Note that the session was used now."""
        (self.path / "clip.json").touch()

    def last_use(self) -> float:
        """When the session was last used, in seconds since 1970; 0 for a folder that holds no session."""
        return modified_at(self.path / "clip.json")

    def _append(self, name: str, line: str) -> None:
        path = self.path / name
        with path.open("a+b") as file:
            # A line that a kill cut short must not swallow this one.
            if file.tell() and not self._ends_line(path):
                file.write(b"\n")
            file.write(line.encode() + b"\n")

    @staticmethod
    def _ends_line(path: Path) -> bool:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    @staticmethod
    def _lines(path: Path) -> Iterator[dict[str, Any]]:
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


def modified_at(path: Path) -> float:
    """When a file or folder was last written, in seconds since 1970; 0 where there is none (any more)."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

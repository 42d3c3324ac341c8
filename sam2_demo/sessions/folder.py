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

How files are written is said in `durable`. A prompt is on the disk before it is answered; frames follow within seconds,
because they can be answered again: opening does so for every prompt whose frame is missing or answers another one.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from sam2_demo.sessions.durable import Appends, encode_line, is_intact, read_lines, replace_file
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.tracking.saved_state import SavedFrame

log = logging.getLogger(__name__)

MOST_FRAMES = 10_000_000
DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError)
"""What reading a damaged file raises."""
T = TypeVar("T")


class SessionFolder:
    """Reads and writes one session's folder; one writer at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: list[str] = []
        self._appends = Appends()

    def write_json(self, name: str, value: Any) -> None:
        """Replace a file in one step, unless it holds this already; StorageError where the disk does not take it."""
        content, target = json.dumps(value).encode(), self.path / name
        with suppress(OSError):
            if target.read_bytes() == content:
                return
        replace_file(target, content)

    def read_json(self, name: str, parse: Callable[[Any], T] = lambda value: value) -> T | None:
        """The content of a file that `write_json` wrote, as `parse` makes it; None if there is none.

        A damaged one is put aside under another name, and `damaged` names it: the rest of the session is as it was.
        """
        path = self.path / name
        try:
            return parse(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except DAMAGE as error:
            log.warning("a damaged file of a session is put aside: %s (%s)", path.name, type(error).__name__)
            self.put_aside(name)
            return None

    def put_aside(self, name: str) -> None:
        """Have a damaged part of the session out of the way, under another name, and remember its name."""
        self.note_damage(name)
        path = self.path / name
        with suppress(OSError):
            os.replace(path, path.with_name(f"{path.name}.damaged-{uuid.uuid4().hex[:6]}"))

    def note_damage(self, name: str) -> None:
        """Remember that a part of the session could not be read."""
        if name not in self.damaged:
            self.damaged.append(name)

    def change(self) -> AbstractContextManager[None]:
        """What is appended within is kept as a whole, or none of it is; StorageError then."""
        return self._appends.change()

    def flush(self) -> None:
        """Bring tracked frames to the disk; prompts go there at once."""
        self._appends.flush()

    def append_line(self, name: str, fields: dict[str, Any]) -> None:
        """Add a line to a file that grows, to be on the disk with the next `flush`."""
        self._append(name, encode_line(fields))

    def read_intact(self, name: str) -> Iterator[dict[str, Any]]:
        """The lines of a file that grows, but for damaged ones, which `damaged` tells of."""
        for line in read_lines(self.path / name):
            if line is not None and is_intact(line):
                yield line
            else:
                self.note_damage(name)

    def write_objects(self, objects: list[dict[str, Any]]) -> None:
        """Store how the objects are shown."""
        self.write_json("objects.json", objects)

    def read_objects(self) -> list[ObjectInfo]:
        """The stored objects."""
        return self.read_json("objects.json", lambda table: [ObjectInfo.from_json(fields) for fields in table]) or []

    def append_prompt(self, frame: int, object_id: int, prompt: PromptSet) -> None:
        """Note that this is now all that was said about an object on a frame."""
        line = {"time": round(time.time(), 3), "frame": frame, "object": object_id, **prompt.to_json()}
        self._append("prompts.jsonl", encode_line(line), sync=True)

    def read_prompts(self) -> dict[tuple[int, int], list[PromptSet]]:
        """All that was ever said by (frame, object id), the last of each in force; in the order in which it was."""
        prompts: dict[tuple[int, int], list[PromptSet]] = {}
        for line in self.read_intact("prompts.jsonl"):
            try:
                key, prompt = (int(line["frame"]), int(line["object"])), PromptSet.from_json(line)
            except DAMAGE:
                self.note_damage("prompts.jsonl")
                continue
            prompts[key] = [*prompts.pop(key, []), prompt]
        return prompts

    def write_candidates(self, object_id: int, value: dict[str, Any]) -> None:
        """Store the candidate masks of an object of a picture."""
        self.write_json(f"masklets/{object_id}/candidates.json", value)

    def read_candidates(self, object_id: int, parse: Callable[[Any], T]) -> T | None:
        """The stored candidate masks of an object of a picture."""
        return self.read_json(f"masklets/{object_id}/candidates.json", parse)

    def append_frame(self, object_id: int, frame: int, saved: SavedFrame | None, prompt: PromptSet | None) -> None:
        """Store a frame of an object, and which prompt it answers; None says that it holds nothing any more."""
        name = f"masklets/{object_id}/"
        with self.change():
            if saved is None:
                self._append(f"{name}frames.jsonl", encode_line({"frame": frame, "gone": True}))
                return
            record = saved.record + saved.unprompted
            place = self._appends.append(self.path / f"{name}records.bin", record, is_line=False, sync=False)
            line = {
                "frame": saved.frame_index,
                "counts": saved.counts,
                "score": saved.object_score_logits,
                "iou": saved.iou_prediction,
                "backward": saved.went_backward,
                "answers": None if prompt is None else prompt.digest(),
                "record": [place, len(saved.record)],
                "unprompted": len(saved.unprompted),
            }
            self._append(f"{name}frames.jsonl", encode_line(line, record))

    def append_stale(self, object_id: int, first: int, last: int) -> None:
        """Note that an object's frames from `first` to `last` are to be tracked again; storing one takes it back."""
        self._append(f"masklets/{object_id}/frames.jsonl", encode_line({"stale": [first, last]}))

    def read_masklet(self, object_id: int) -> StoredMasklet:
        """What is in force of an object's frames."""
        name = f"masklets/{object_id}/frames.jsonl"
        found = StoredMasklet()
        try:
            records: IO[bytes] = (self.path / name).with_name("records.bin").open("rb")
        except OSError:
            records = io.BytesIO()
        with records:
            for line in read_lines(self.path / name):
                try:
                    found.take(line or {}, records)
                except DAMAGE:
                    self.note_damage(name)
        return found

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

    @contextmanager
    def masklets_anew(self, made_with: str) -> Iterator[None]:
        """Masks stored within, and `made_with` naming a new model, take the place of those before, which come back
        where that fails.

        made_with: the file that names the model of the session's masks; it is written last within. Where a kill ends
        this, `settle_masklets` does what is left.
        """
        before = self.path / "masklets-before"
        shutil.rmtree(before, ignore_errors=True)
        if self._masklets.is_dir():
            shutil.copyfile(self.path / made_with, self._masklets / made_with)
            self._masklets.rename(before)
        try:
            yield
        except BaseException:
            self.drop_masklets()
            if before.is_dir():
                before.rename(self._masklets)
            raise
        shutil.rmtree(before, ignore_errors=True)

    def settle_masklets(self, made_with: str) -> None:
        """After a kill within `masklets_anew`: have the masks from before back, unless the new ones were complete.

        They were if the model that is named now is not the one whose masks lie aside. Those would be lost otherwise:
        nothing else looks for them, and the next change of model begins by removing them.
        """
        before = self.path / "masklets-before"
        if not before.is_dir():
            return
        with suppress(OSError):
            names = [
                path.read_bytes() if path.is_file() else b"" for path in (before / made_with, self.path / made_with)
            ]
            if names[0] and names[0] == names[1]:
                self.drop_masklets()
                before.rename(self._masklets)
            else:
                shutil.rmtree(before, ignore_errors=True)

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
        """Note that the session was used now; a disk that can only be read keeps the old time."""
        with suppress(OSError):
            (self.path / "clip.json").touch()

    def last_use(self) -> float:
        """When the session was last used, in seconds since 1970; 0 for a folder that holds no session."""
        return modified_at(self.path / "clip.json")

    def _append(self, name: str, line: bytes, sync: bool = False) -> None:
        self._appends.append(self.path / name, line, is_line=True, sync=sync)


@dataclass
class StoredMasklet:
    """An object's frames by index, those that are to be tracked again, and the digest of the prompt that each answers.

    answers: None for frames that answer none; missing where an older version did not say.
    """

    frames: dict[int, SavedFrame] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    answers: dict[int, str | None] = field(default_factory=dict)

    def take(self, line: dict[str, Any], records: IO[bytes]) -> None:
        """Follow one line of the log; ValueError and its like for a damaged one."""
        if "stale" in line:
            if not is_intact(line):
                raise ValueError("damaged")
            first, last = line["stale"]
            self.stale.update(range(int(first), min(int(last), int(first) + MOST_FRAMES) + 1))
            return
        frame = int(line["frame"])
        saved = None if line.get("gone") else _saved_frame(frame, line, records)
        if saved is None and not is_intact(line):
            raise ValueError("damaged")
        self.stale.discard(frame)
        self.answers.pop(frame, None)
        self.frames.pop(frame, None)
        if saved is not None:
            self.frames[frame] = saved
            if "answers" in line:
                self.answers[frame] = line["answers"]


def _saved_frame(frame: int, line: dict[str, Any], records: IO[bytes]) -> SavedFrame:
    place, length = line["record"]
    unprompted = line.get("unprompted", 0)
    records.seek(place)
    found = records.read(length + unprompted)
    if len(found) != length + unprompted or not is_intact(line, found):
        raise ValueError("the record is cut short or damaged")
    values = str(line["counts"]), float(line["score"]), float(line["iou"]), line["backward"]
    return SavedFrame(frame, *values, found[:length], found[length:])


def modified_at(path: Path) -> float:
    """When a file or folder was last written, in seconds since 1970; 0 where there is none (any more)."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

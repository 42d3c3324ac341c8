"""What every session has, for a picture or a clip: objects, prompts, a model, and one task at a time."""

from __future__ import annotations

import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import BusyError, InputError, PromptError, StorageError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.masklet import Masklet
from sam2_demo.sessions.folder import SessionFolder
from sam2_demo.sessions.full_masks import FullMasks
from sam2_demo.sessions.object_table import ObjectInfo, ObjectTable
from sam2_demo.sessions.prompt_set import PromptSet

if TYPE_CHECKING:
    from sam2_demo.sessions.clip_session import ClipSession
    from sam2_demo.sessions.picture_session import PictureSession

log = logging.getLogger(__name__)

MODEL_FILE = "model.json"


class Session(ABC):
    """One person's picture or clip while it is open on the server.

    `folder` holds the source file and everything made from it; closing leaves it, so that the session can be
    opened again. `size` and `display` are (height, width) of the original and of what the browser shows. `notice`
    tells the person what is not as it was left.
    """

    kind = ""

    def __init__(self, token: str, name: str, folder: Path, engine: Engine, max_objects: int) -> None:
        self.token = token
        self.name = name
        self.folder = folder
        self.stored = SessionFolder(folder)
        self.view: dict[str, Any] = {}
        self.engine = engine
        self.objects = ObjectTable(max_objects)
        self.prompts: dict[tuple[int, int], PromptSet] = {}
        self.size = (1, 1)
        self.display = (1, 1)
        self.cancel = threading.Event()
        self.notice = ""
        self._task = threading.Lock()
        self._gives_way = False

    @contextmanager
    def task(self, wait: bool = True, gives_way: bool = False) -> Iterator[None]:
        """Holds the session for one change at a time; BusyError when a long one is running.

        A task that gives way is cancelled by the next one instead.
        """
        patience = 20 if wait or self._gives_way else 0
        if self._gives_way:
            self.cancel.set()
        if not self._task.acquire(timeout=patience):
            raise BusyError("this session is busy; stop the running task or wait for it to end")
        self._gives_way = gives_way
        try:
            yield
        finally:
            try:
                self.stored.flush()
            except StorageError:
                log.exception("frames that were told are not on the disk yet")
            self._gives_way = False
            self._task.release()

    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self._task.locked()

    @property
    @abstractmethod
    def num_frames(self) -> int:
        """How many frames there are; 1 for a picture."""

    @abstractmethod
    def pixels(self, frame: int) -> NDArray[np.uint8]:
        """A frame, or the picture, as (H, W, 3) RGB of the original size; PromptError for one that does not exist."""

    @abstractmethod
    def jpeg(self, frame: int) -> bytes:
        """A frame, or the picture, as JPEG at display size."""

    @abstractmethod
    def masklets(self) -> dict[int, Masklet]:
        """The masks so far, by object id and frame."""

    def masklet(self, object_id: int) -> Masklet | None:
        """The masks of one object; None if it has none yet."""
        return self.masklets().get(object_id)

    @property
    def file_stem(self) -> str:
        """What every file made from this clip or picture begins with: its name in letters, digits and . _ - alone."""
        return re.sub(r"[^\w.-]+", "_", Path(self.name).stem) or self.kind

    @abstractmethod
    def empty_annotation(self, name: str) -> ClipAnnotation:
        """An annotation of this clip or picture that holds no masks yet."""

    def annotation(self) -> ClipAnnotation:
        """The masks so far with the objects' names, as the formats take them; InputError if there are none yet."""
        clip = self.empty_annotation(self.file_stem)
        clip.masklets = {object_id: masklet for object_id, masklet in self.masklets().items() if len(masklet)}
        if not clip.masklets:
            raise InputError("there are no masks yet: click on an object first")
        clip.labels = {info.object_id: info.name for info in self.objects if info.object_id in clip.masklets}
        return clip

    def exclusive_masks(self, frame: int) -> Mapping[int, NDArray[np.bool_]]:
        """The masks of a frame without overlaps, by object id; none where every mask is shown whole."""
        return {}

    def stability_scores(self, frame: int) -> Mapping[int, float]:
        """How stable the masks of a frame are, by object id, in [0, 1]; none where nothing is known."""
        return {}

    @abstractmethod
    def details_to_json(self) -> dict[str, Any]:
        """What only sessions of this kind tell the page; "clip" are fields of the clip or picture."""

    @abstractmethod
    def prompt(self, frame: int, object_id: int, prompt: PromptSet) -> dict[str, Any]:
        """Replace all that was said about an object on a frame; returns masks in wire form."""

    @abstractmethod
    def preview(self, frame: int, x: float, y: float) -> str:
        """Run lengths at display size of what a click at (x, y) would select; changes nothing."""

    def choose(self, object_id: int, position: int) -> None:
        """Take the position-th candidate as an object's mask; InputError where there are no candidates."""
        raise InputError("candidates are chosen on pictures only")

    @abstractmethod
    def remove_object(self, object_id: int) -> None:
        """Remove an object with its prompts and masks."""

    @abstractmethod
    def reset(self) -> None:
        """Forget every object, prompt and mask."""

    @abstractmethod
    def use_engine(self, engine: Engine) -> None:
        """Go on with another model. Where that fails, nothing changes."""

    def as_clip(self) -> ClipSession:
        """This session, for what only clips can do; InputError for a picture."""
        raise InputError("this session holds a picture, not a clip")

    def as_picture(self) -> PictureSession:
        """This session, for what only pictures can do; InputError for a clip."""
        raise InputError("this session holds a clip, not a picture")

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < self.num_frames:
            raise PromptError(f"frame {frame} does not exist; the clip has frames 0 to {self.num_frames - 1}")

    def put_object(self, info: ObjectInfo) -> None:
        """Add an object or change its name, colour or visibility."""
        changed = self.objects.copy()
        changed.put(info)
        self.stored.write_objects(changed.to_json())
        self.objects = changed

    def put_view(self, view: dict[str, Any]) -> None:
        """Keep how results are shown; plain values that only the page reads."""
        self.stored.write_json("view.json", view)
        self.view = view

    def restore(self) -> None:
        """Take objects, prompts and masks from the folder; what is damaged there is left out, and `notice` names it."""
        self.objects = ObjectTable(self.objects.max_objects)
        for info in self.stored.read_objects():
            self.objects.put(info)
        self.view = self.stored.read_json("view.json", dict) or {}
        said = {key: said for key, said in self.stored.read_prompts().items() if key[1] in self.objects}
        self.prompts = {key: prompts[-1] for key, prompts in said.items() if not prompts[-1].is_empty()}
        self._restore_masks({key: prompts[:-1] for key, prompts in said.items()})
        self._tell_damage()

    @contextmanager
    def change(self) -> Iterator[None]:
        """What is stored within is stored as a whole; where the disk does not take it, the session is again what its
        folder holds, and StorageError says so."""
        try:
            with self.stored.change():
                yield
        except StorageError:
            self._forget()
            self.restore()
            raise

    def _tell_damage(self) -> None:
        if self.stored.damaged:
            names = ", ".join(self.stored.damaged)
            self.notice = f"{self.notice} Damaged and left out: {names}. Everything else is as it was.".strip()
            self.stored.damaged = []

    def restore_made_with(self, model: str | None) -> None:
        """As `restore`, when the session was left with a model of this name."""
        self.stored.take_masklets_back()
        self.restore()

    def note_model(self) -> None:
        """Keep the name of the model in the folder, so that the session comes back with it."""
        self.stored.write_json(MODEL_FILE, self.engine.name)

    def prompts_to_json(self) -> list[dict[str, Any]]:
        """Every prompt with its place."""
        return [
            {"frame": frame, "object": object_id, **replace(prompt, full_mask=None).to_json()}
            for (frame, object_id), prompt in self.prompts.items()
        ]

    @cached_property
    def full_masks(self) -> FullMasks:
        """Masks of the original size behind those that the page has."""
        return FullMasks(self.display, self.size)

    def _behind(self, frame: int, object_id: int, prompt: PromptSet) -> PromptSet:
        """A prompt from the page, its painted mask at the original size wherever it is not changed."""
        earlier = self.prompts.get((frame, object_id))
        if earlier is not None and earlier.mask == prompt.mask and earlier.full_mask is not None:
            return replace(prompt, full_mask=earlier.full_mask)
        masklet = self.masklet(object_id) if prompt.mask is not None else None
        return self.full_masks.behind(prompt, masklet.mask(frame) if masklet is not None and frame in masklet else None)

    def _forget_prompts(self, object_id: int) -> None:
        """Take an object's prompts away, in the folder too: its id may come back."""
        for key in [key for key in self.prompts if key[1] == object_id]:
            del self.prompts[key]
            self.stored.append_prompt(*key, PromptSet())

    def close(self) -> None:
        """End what runs and let memory go; the folder stays."""
        self.cancel.set()
        with self.task():
            self._release()

    @abstractmethod
    def _restore_masks(self, earlier: Mapping[tuple[int, int], list[PromptSet]]) -> None:
        """Bring back the masks that belong to `prompts`; `earlier`: what had been said before in the same places."""

    @abstractmethod
    def _forget(self) -> None:
        """Let the masks in memory go; the folder's come in their place."""

    @abstractmethod
    def _release(self) -> None:
        """Let frames and model state go."""

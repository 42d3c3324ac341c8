"""What every session has, for a picture or a clip: objects, prompts, a model, and one task at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import BusyError
from sam2_demo.sessions.folder import SessionFolder
from sam2_demo.sessions.object_table import ObjectInfo, ObjectTable
from sam2_demo.sessions.prompt_set import PromptSet

MODEL_FILE = "model.json"


class Session:
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
            self._gives_way = False
            self._task.release()

    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self._task.locked()

    def put_object(self, info: ObjectInfo) -> None:
        """Add an object or change its name, colour or visibility."""
        self.objects.put(info)
        self.stored.write_objects(self.objects.to_json())

    def put_view(self, view: dict[str, Any]) -> None:
        """Keep how results are shown; plain values that only the page reads."""
        self.view = view
        self.stored.write_json("view.json", view)

    def restore(self) -> None:
        """Take objects, prompts and masks from the folder."""
        for info in self.stored.read_objects():
            self.objects.put(info)
        self.view = self.stored.read_json("view.json") or {}
        prompts = self.stored.read_prompts()
        self.prompts = {key: prompt for key, prompt in prompts.items() if key[1] in self.objects}
        self._restore_masks()

    def note_model(self) -> None:
        """Keep the name of the model in the folder, so that the session comes back with it."""
        if self.stored.read_json(MODEL_FILE) != self.engine.name:
            self.stored.write_json(MODEL_FILE, self.engine.name)

    def prompts_to_json(self) -> list[dict[str, Any]]:
        """Every prompt with its place."""
        return [
            {"frame": frame, "object": object_id, **prompt.to_json()}
            for (frame, object_id), prompt in self.prompts.items()
        ]

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

    def _restore_masks(self) -> None:
        """Bring back the masks that belong to `prompts`."""

    def _release(self) -> None:
        """Let frames and model state go."""

"""What the page's events do: read the payload, ask the session, answer in plain values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from sam2_demo.engines.zero_gpu import forgets_memory, on_gpu
from sam2_demo.errors import DemoError
from sam2_demo.formats.exchange import FORMATS
from sam2_demo.sessions.clip_session import DIRECTIONS
from sam2_demo.sessions.mask_files import make_masks
from sam2_demo.sessions.painted_files import RenderProgress, render_clip
from sam2_demo.ui import payloads
from sam2_demo.ui.everything import search_steps
from sam2_demo.ui.reference import ask_reference
from sam2_demo.ui.studio_server import StudioServer

log = logging.getLogger(__name__)

Answer = dict[str, Any]
COMMANDS = ("put_object", "put_view", "remove_object", "choose", "reset", "use_model")
UNEXPECTED = "something went wrong on the server; it has been logged, and what you did is kept"


class StudioHandlers:
    """Handlers of the studio's events. Each answer carries the number of its question."""

    def __init__(self, server: StudioServer) -> None:
        self.server = server
        computing = (self._prompt, self._preview, self._alternatives, self._track, self._find_everything)
        self._on_gpu: dict[Callable[..., Any], Callable[..., Any]] = {work: on_gpu(work) for work in computing}

    def prompt(self, event: gr.EventData) -> Answer:
        """Replace what was said about one object on one frame; answers with masks."""
        return self._answer(event, self._prompt)

    def command(self, event: gr.EventData) -> Answer:
        """Quick changes: objects, chosen candidate, reset."""
        return self._answer(event, self._command)

    def preview(self, event: gr.EventData) -> Answer:
        """What a click under the pointer would select."""
        return self._answer(event, self._preview)

    def alternatives(self, event: gr.EventData) -> Answer:
        """What else a single click on a clip's frame may mean."""
        return self._answer(event, self._alternatives)

    def stop(self, event: gr.EventData) -> Answer:
        """End the running task of a session after the frame it is at."""
        return self._answer(event, self._stop)

    def track(self, event: gr.EventData) -> Iterator[Answer]:
        """Follow the objects through the clip; answers frame by frame."""
        yield from self._steps(event, self._track)

    def make_video(self, event: gr.EventData) -> Iterator[Answer]:
        """Make the video with the objects painted in; answers with progress, then the file's place."""
        yield from self._steps(event, self._render)

    def make_masks(self, event: gr.EventData) -> Iterator[Answer]:
        """Write the masks in a format of FORMATS; answers with progress, then the file's place."""
        yield from self._steps(event, self._make_masks)

    def find_everything(self, event: gr.EventData) -> Iterator[Answer]:
        """Look for everything on a frame; answers with masks as they come."""
        yield from self._steps(event, self._find_everything)

    def reference(self, event: gr.EventData) -> Answer:
        """References: which object they are for, and the next simulated click."""
        return self._answer(event, self._reference)

    def ask(self, name: str, data: dict[str, Any]) -> Answer:
        """The answer to a prompt, preview, alternatives or command that comes without Gradio's queue."""
        questions = {"prompt": self._prompt, "preview": self._preview, "alternatives": self._alternatives}
        return self._answer_to(data, {**questions, "command": self._command}[name])

    def _reference(self, data: dict[str, Any]) -> Any:
        return ask_reference(self.server.session(data.get("token"), data.get("model")), data)

    def _find_everything(self, data: dict[str, Any]) -> Iterator[Answer]:
        yield from search_steps(self.server.session(data.get("token"), data.get("model")), data)

    def _prompt(self, data: dict[str, Any]) -> Any:
        session = self.server.session(data.get("token"), data.get("model"))
        object_id = payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1)
        prompt = payloads.read_prompt(data)
        return session.prompt(payloads.read_int(data, "frame", payloads.MAX_FRAME), object_id, prompt)

    def _preview(self, data: dict[str, Any]) -> Any:
        session = self.server.session(data.get("token"), data.get("model"))
        frame = payloads.read_int(data, "frame", payloads.MAX_FRAME)
        return {"counts": session.preview(frame, payloads.read_number(data, "x"), payloads.read_number(data, "y"))}

    def _alternatives(self, data: dict[str, Any]) -> Any:
        session = self.server.video(data.get("token"), data.get("model"))
        frame = payloads.read_int(data, "frame", payloads.MAX_FRAME)
        return {"candidates": session.alternatives(frame, payloads.read_prompt(data))}

    def _command(self, data: dict[str, Any]) -> Any:
        session = self.server.session(data.get("token"))
        name = payloads.read_choice(data, "name", COMMANDS)
        if name == "put_object":
            session.put_object(payloads.read_object(data))
        elif name == "put_view":
            session.put_view(payloads.read_view(data))
        elif name == "reset":
            session.reset()
        elif name == "use_model":
            self.server.session(data.get("token"), payloads.read_text(data, "model", 200))
        elif name == "remove_object":
            session.remove_object(payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1))
        else:
            session.choose(
                payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1),
                payloads.read_int(data, "position", 2),
            )
        return {}

    def _stop(self, data: dict[str, Any]) -> Any:
        self.server.session(data.get("token")).cancel.set()
        return {}

    def _track(self, data: dict[str, Any]) -> Iterator[Answer]:
        session = self.server.video(data.get("token"), data.get("model"))
        direction = payloads.read_choice(data, "direction", DIRECTIONS)
        start = payloads.read_optional_int(data, "start", payloads.MAX_FRAME)
        end = payloads.read_optional_int(data, "end", payloads.MAX_FRAME)
        done = total = 0
        for step in session.track(start, direction, end, afresh=data.get("afresh") is True):
            done, total = step.done, step.total
            yield {
                "step": {
                    "frame": step.frame_index,
                    "done": done,
                    "total": total,
                    "seconds_left": step.seconds_left,
                    "masks": step.masks,
                }
            }
        yield {"result": {"done": done, "total": total, "stopped": session.cancel.is_set()}}

    def _render(self, data: dict[str, Any]) -> Iterator[Answer]:
        yield from _file_steps(render_clip(self.server.video(data.get("token"))))

    def _make_masks(self, data: dict[str, Any]) -> Iterator[Answer]:
        session = self.server.session(data.get("token"))
        yield from _file_steps(make_masks(session, payloads.read_choice(data, "format", tuple(FORMATS))))

    def _answer(self, event: gr.EventData, work: Callable[[dict[str, Any]], Any]) -> Answer:
        try:
            return self._answer_to(event._data, work)
        finally:
            self._read_again(event, work)

    def _answer_to(self, given: object, work: Callable[[dict[str, Any]], Any]) -> Answer:
        seq = 0
        try:
            data = payloads.read_payload(given)
            seq = payloads.read_int(data, "seq", 2**53)
            run: Callable[[dict[str, Any]], Any] = self._on_gpu.get(work, work)
            return {"seq": seq, "result": run(data)}
        except DemoError as error:
            log.info("refused: %s", error)
            return {"seq": seq, "error": str(error)}
        except Exception:  # the page waits for an answer; the log has the rest
            log.exception("a question of the page could not be answered")
            return {"seq": seq, "error": UNEXPECTED, "unexpected": True}

    def _steps(self, event: gr.EventData, work: Callable[[dict[str, Any]], Iterator[Answer]]) -> Iterator[Answer]:
        seq = 0
        try:
            data = payloads.read_payload(event._data)
            seq = payloads.read_int(data, "seq", 2**53)
            run: Callable[[dict[str, Any]], Iterator[Answer]] = self._on_gpu.get(work, work)
            for answer in run(data):
                yield {"seq": seq, **answer}
        except DemoError as error:
            log.info("refused: %s", error)
            yield {"seq": seq, "error": str(error)}
        except Exception:  # the page waits for an answer; the log has the rest
            log.exception("a task of the page could not be finished")
            yield {"seq": seq, "error": UNEXPECTED, "unexpected": True}
        finally:
            self._read_again(event, work)

    def _read_again(self, event: gr.EventData, work: Callable[..., Any]) -> None:
        """Where another process has worked, the session is read from its folder when it is next used."""
        if forgets_memory() and work in self._on_gpu and isinstance(event._data, dict):
            self.server.sessions.remove(str(event._data.get("token")))


def _file_steps(making: Iterator[RenderProgress]) -> Iterator[Answer]:
    name = ""
    for progress in making:
        if progress.file_name:
            name = progress.file_name
        else:
            yield {"step": {"done": progress.done, "total": progress.total}}
    yield {"result": {"file": name, "stopped": not name}}

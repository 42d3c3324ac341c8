"""Clean calls for programs (gradio_client, HTTP): segment a picture, track a clip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from sam2_demo.errors import DemoError, InputError
from sam2_demo.formats import coco
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.session import Session
from sam2_demo.sessions.visitors import visitor_of
from sam2_demo.tracking.alike import AlikeFinder, AlikeOptions
from sam2_demo.ui import payloads
from sam2_demo.ui.studio_server import StudioServer
from sam2_demo.ui.studio_state import PALETTE

_MAX_EXAMPLES = 16


class Endpoints:
    """The calls; each opens a session of its own and leaves nothing behind."""

    def __init__(self, server: StudioServer) -> None:
        self._server = server

    def segment_picture(
        self,
        picture: dict[str, Any],
        points: list[list[float]],
        labels: list[int],
        box: list[float] | None = None,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Masks of one object of a picture.

        picture: an uploaded file (gradio_client: handle_file(path)); points: [[x, y], ...] in pixels; labels: 1 for
        what belongs to the object, 0 for what does not, one per point; box: [x0, y0, x1, y1] or None.
        Returns {"masks": [{"size", "counts"} in COCO run lengths, ...], "iou_predictions": [...]}, best first.
        """
        with self._opened("picture", picture, request) as session:
            prompt = payloads.read_prompt({"prompt": _as_prompt(points, labels, box)})
            self._add_object(session, 1, "object")
            session.prompt(0, 1, prompt)
            found = session.as_picture().candidates[1]
            return {"masks": [encode_rle(mask) for mask in found.masks], "iou_predictions": found.scores}

    def track_clip(
        self,
        clip: dict[str, Any],
        prompts: list[dict[str, Any]],
        direction: str = "both",
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Masklets of one or more objects of a clip.

        clip: an uploaded file; prompts: [{"frame": 0, "object_id": 1, "points": [[x, y], ...], "labels": [1, ...],
        "box": [x0, y0, x1, y1] or None, "name": "dog"}, ...]; direction: "both", "forward" or "backward" from the
        first prompted frame. Returns a COCO instances table with one annotation per visible mask; "track_id" is
        the object.
        """
        with self._opened("video", clip, request) as session:
            if not isinstance(prompts, list) or not prompts:
                raise InputError("prompts must be a list of at least one prompt")
            for given in prompts:
                fields = payloads.read_payload(given)
                object_id = payloads.read_int(fields, "object_id", payloads.MAX_OBJECT_ID, least=1)
                self._add_object(session, object_id, str(fields.get("name") or f"object {object_id}")[:60])
                prompt = _as_prompt(fields.get("points"), fields.get("labels"), fields.get("box"))
                frame = payloads.read_int(fields, "frame", payloads.MAX_FRAME)
                session.prompt(frame, object_id, payloads.read_prompt({"prompt": prompt}))
            for _ in session.as_clip().track(None, direction):
                continue
            return coco.to_content(session.annotation())

    def find_alike(
        self,
        picture: dict[str, Any],
        points: list[list[float]],
        threshold: float = 0.5,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """All objects of a picture that look like those that points show.

        picture: an uploaded file; points: [[x, y], ...] in pixels, one on each example; threshold: how alike, 0 to 1.
        Returns {"masks": [{"size", "counts"} in COCO run lengths, ...], "likeness": [...]}, most alike first.
        """
        with self._opened("picture", picture, request) as session:
            if not isinstance(points, list) or not 1 <= len(points) <= _MAX_EXAMPLES:
                raise InputError(f"points must be a list of 1 to {_MAX_EXAMPLES}, one on each example")
            rgb, lock = session.as_picture().rgb, session.engine.lock
            with lock:
                finder = AlikeFinder(session.engine.open_picture().network, AlikeOptions(_as_share(threshold)))
            for object_id, point in enumerate(points, start=1):
                prompt = payloads.read_prompt({"prompt": _as_prompt([point], [1], None)})
                self._add_object(session, object_id, "example")
                session.prompt(0, object_id, prompt)
                with lock:
                    finder.add_example(rgb, session.as_picture().candidates[object_id].masks[0])
            steps, found = finder.steps(rgb), []
            while True:
                with lock:  # for one window at a time: others want to click meanwhile
                    step = next(steps, None)
                if step is None:
                    break
                found += step
            chosen = finder.choose(found)
            return {"masks": [one.rle for one in chosen], "likeness": [one.likeness for one in chosen]}

    @contextmanager
    def _opened(self, kind: str, given: object, request: gr.Request | None) -> Iterator[Session]:
        """A session on an uploaded file, deleted afterwards; refusals become errors that the client shows."""
        token = ""
        try:
            source = _uploaded_path(given)
            visitor = visitor_of(request.client.host if request and request.client else None)
            token, folder = self._server.storage.create(visitor, source.stat().st_size)
            own = folder / f"source{source.suffix.lower()[:8]}"
            shutil.copyfile(source, own)
            yield self._server.open_file(kind, token, own, payloads.safe_name(source.name), None)
        except DemoError as error:
            raise gr.Error(str(error), print_exception=False) from error
        finally:
            if token:
                self._server.forget(token)

    @staticmethod
    def _add_object(session: Session, object_id: int, name: str) -> None:
        if object_id not in session.objects:
            session.put_object(ObjectInfo(object_id, name, PALETTE[(object_id - 1) % len(PALETTE)]))


def _as_share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InputError(f"threshold is {value!r}; accepted: 0 to 1")
    return float(value)


def _as_prompt(points: Any, labels: Any, box: Any) -> dict[str, Any]:
    points, labels = points or [], labels or []
    if not isinstance(points, list) or not isinstance(labels, list) or len(points) != len(labels):
        raise InputError("points and labels must be lists of the same length")
    if any(not isinstance(point, list) or len(point) != 2 for point in points):
        raise InputError("a point is [x, y]")
    return {"points": [[*point, label] for point, label in zip(points, labels, strict=True)], "box": box}


def _uploaded_path(given: object) -> Path:
    """The file of an upload; InputError for anything that did not come through Gradio's upload."""
    path = given.get("path") if isinstance(given, dict) else given
    if not isinstance(path, str):
        raise InputError("give an uploaded file: handle_file(path) with gradio_client")
    found, uploads = Path(path).resolve(), Path(get_upload_folder()).resolve()
    if not found.is_relative_to(uploads) or not found.is_file():
        raise InputError("give an uploaded file: paths on the server are not accepted")
    return found

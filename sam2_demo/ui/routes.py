"""Plain addresses of the page: its own files, uploads, frames, masks and results. Every one checks the token."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from sam2_demo.errors import BusyError, DemoError, InputError, MediaError, QuotaError, SessionError
from sam2_demo.sessions.clip_facts import tracks_to_json
from sam2_demo.sessions.mask_files import made_masks, write_masks
from sam2_demo.sessions.opening import OPENERS
from sam2_demo.sessions.painted_files import EXPORT_NAMES, picture_file
from sam2_demo.sessions.session import Session
from sam2_demo.sessions.sound import sound_file
from sam2_demo.sessions.sprite_files import sprite_file, store_backdrop
from sam2_demo.sessions.visitors import visitor_of
from sam2_demo.ui.examples import read_poster
from sam2_demo.ui.payloads import safe_name
from sam2_demo.ui.studio_server import StudioServer
from sam2_demo.ui.studio_state import session_to_json

log = logging.getLogger(__name__)

CANVAS_FOLDER = Path(__file__).resolve().parent / "canvas"
MASKS_PER_REQUEST = 200
FILES_AT_ONCE = 2
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".mp4": "video/mp4"}

Endpoint = Callable[[Request], Response]
T = TypeVar("T")


class StudioRoutes:
    """The routes of one server; `all` goes to Gradio's `app_kwargs`."""

    def __init__(self, server: StudioServer) -> None:
        self.server = server
        # Read once into a table: whatever address is asked for, no path of the disk is made of it.
        self._own_files = {
            path.relative_to(CANVAS_FOLDER).as_posix(): path.read_bytes()
            for path in CANVAS_FOLDER.rglob("*")
            if path.suffix in _TYPES and path.is_file()
        }
        self._posters: dict[str, bytes] = {}
        self._readers = ThreadPoolExecutor(FILES_AT_ONCE, "reads-files")

    def all(self) -> list[Route]:
        """Every route, below /sam2."""
        table: list[tuple[str, Endpoint, str]] = [
            ("static/{version}/{name:path}", self.own_file, "GET"),
            ("alive", self.alive, "GET"),
            ("models", self.models, "GET"),
            ("examples", self.examples, "GET"),
            ("examples/{name}/poster.jpg", self.poster, "GET"),
            ("examples/{name}/open", self.open_example, "POST"),
            ("s/{token}/state", self.state, "GET"),
            ("s/{token}/delete", self.delete, "POST"),
            ("s/{token}/tracks", self.tracks, "GET"),
            ("s/{token}/frames/{index:int}.jpg", self.frame, "GET"),
            ("s/{token}/sound", self.sound, "GET"),
            ("s/{token}/thumbs/{index:int}.jpg", self.thumb, "GET"),
            ("s/{token}/masks/{first:int}-{last:int}", self.masks, "GET"),
            ("s/{token}/sprites/{name}.png", self.sprite, "GET"),
            ("s/{token}/picture/{what}.png", self.picture, "GET"),
            ("s/{token}/masks-as/{name}", self.mask_file, "GET"),
            ("s/{token}/files/{name}", self.result, "GET"),
        ]
        routes = [Route(f"/sam2/{path}", answering(work), methods=[verb]) for path, work, verb in table]
        routes.append(Route("/sam2/upload/{kind}", self.upload, methods=["POST"]))
        routes.append(Route("/sam2/s/{token}/backdrop", self.receive_backdrop, methods=["POST"]))
        return routes

    def own_file(self, request: Request) -> Response:
        """A script or style of the page."""
        name = request.path_params["name"]
        if name not in self._own_files:
            return refusal(404, "there is no such file")
        media_type = _TYPES.get(Path(name).suffix, "application/octet-stream")
        return Response(self._own_files[name], media_type=media_type, headers=_kept(31_536_000, "public"))

    def alive(self, request: Request) -> Response:
        """That the server is there, and whether it is still the same one."""
        return JSONResponse({"run": self.server.run}, headers=HEADERS | {"Cache-Control": "no-store"})

    def models(self, request: Request) -> Response:
        """The models offered and loaded."""
        return JSONResponse(self.server.models.to_json(), headers=HEADERS)

    def examples(self, request: Request) -> Response:
        """The examples on offer."""
        found = [example.to_json() for example in self.server.examples.values()]
        return JSONResponse({"examples": found}, headers=HEADERS)

    def poster(self, request: Request) -> Response:
        """A small picture of an example."""
        name = request.path_params["name"]
        example = self.server.examples.get(name)
        if example is None:
            return refusal(404, "there is no such example")
        if name not in self._posters:
            self._posters[name] = read_poster(example)
        return Response(self._posters[name], media_type="image/jpeg", headers=_kept(3600, "public"))

    def open_example(self, request: Request) -> Response:
        """Start a session on an example."""
        name, model = request.path_params["name"], request.query_params.get("model")
        session = self.server.open_example(name, model, visitor_at(request))
        return self._describe(session)

    def state(self, request: Request) -> Response:
        """Everything about a session but frames and masks."""
        return self._describe(self._session(request))

    def delete(self, request: Request) -> Response:
        """Close a session and delete what it holds."""
        self.server.forget(self._session(request).token)
        return JSONResponse({}, headers=HEADERS)

    def tracks(self, request: Request) -> Response:
        """Scores and areas of every masked frame."""
        return JSONResponse(tracks_to_json(self.server.video(request.path_params["token"]).masklets()), headers=HEADERS)

    def frame(self, request: Request) -> Response:
        """One frame (or the picture) at display size."""
        session = self._session(request)
        encoded = session.jpeg(request.path_params["index"])
        return Response(encoded, media_type="image/jpeg", headers=_kept(3600, "private"))

    def thumb(self, request: Request) -> Response:
        """A small picture of a frame, for the filmstrip."""
        encoded = self.server.video(request.path_params["token"]).frames.thumbnail(request.path_params["index"])
        return Response(encoded, media_type="image/jpeg", headers=_kept(3600, "private"))

    def sound(self, request: Request) -> Response:
        """The sound of a clip, for playing it in the page."""
        path = sound_file(self.server.video(request.path_params["token"]).source)
        return FileResponse(path, media_type="audio/mp4", headers=_kept(3600, "private"))

    def masks(self, request: Request) -> Response:
        """Masks of a range of frames, both ends included."""
        session = self.server.video(request.path_params["token"])
        first, last = request.path_params["first"], request.path_params["last"]
        if first >= session.reader.num_frames:
            raise InputError(f"there is no frame {str(first)[:12]}; this clip has {session.reader.num_frames}")
        last = min(last, session.reader.num_frames - 1, first + MASKS_PER_REQUEST - 1)
        found = {str(index): session.masks_at(index) for index in range(first, last + 1)}
        return JSONResponse({"masks": found}, headers=HEADERS | {"Cache-Control": "no-store"})

    def picture(self, request: Request) -> Response:
        """A result of a picture: mask of an object, its cut-out, or the overlay of all."""
        session = self._session(request).as_picture()
        name, encoded = picture_file(session, request.path_params["what"], request.query_params.get("object"))
        return Response(encoded, media_type="image/png", headers=as_download(name))

    def mask_file(self, request: Request) -> Response:
        """All masks of a session in one of the project's formats."""
        path = write_masks(self._session(request), request.path_params["name"])
        return FileResponse(path, headers=as_download(path.name))

    def result(self, request: Request) -> Response:
        """A file that was made of a session: its video, or masks."""
        session = self._session(request)
        name = request.path_params["name"]
        masks = made_masks(session, name)
        if masks is not None:
            return FileResponse(masks, headers=as_download(masks.name))
        path = session.folder / name
        if name not in EXPORT_NAMES or not path.is_file():
            return refusal(404, "this file does not exist (any more)")
        headers = dict(HEADERS)
        if "download" in request.query_params:
            headers = as_download(f"{session.file_stem}_{name}")
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)

    def sprite(self, request: Request) -> Response:
        """A small picture that an effect places."""
        encoded = sprite_file(self._session(request), request.path_params["name"], request.query_params)
        return Response(encoded, media_type="image/png", headers=_kept(3600, "private"))

    async def receive_backdrop(self, request: Request) -> Response:
        """Take a picture to stand behind the objects."""
        part = self.server.settings.data_dir / "none"
        try:
            session = await run_in_threadpool(self._session, request)
            part = session.folder / f".backdrop-{uuid.uuid4().hex[:8]}.part"
            await self._receive(request, part)
            await self._read_file(store_backdrop, session, part)
        except ClientDisconnect:
            return refusal(400, "the upload was broken off")
        except DemoError as error:
            return refusal_of(error, str(error).replace(str(part), "the picture").replace(part.name, "the picture"))
        finally:
            part.unlink(missing_ok=True)
        return JSONResponse({}, headers=HEADERS)

    async def upload(self, request: Request) -> Response:
        """Take a file as the request's body and start a session on it."""
        kind = request.path_params["kind"]
        if kind not in OPENERS:
            return refusal(404, "there is no such page")
        name = safe_name(unquote(request.headers.get("x-file-name", "")))
        try:
            token, folder = await run_in_threadpool(
                self.server.storage.create, visitor_at(request), _announced_bytes(request)
            )
        except DemoError as error:
            return refusal_of(error)
        source = folder / f"source{Path(name).suffix.lower()[:8]}"
        try:
            await self._receive(request, source)
            model = request.query_params.get("model")
            session = await self._read_file(self.server.open_file, kind, token, source, name, model)
        except ClientDisconnect:
            self.server.storage.delete(token)
            return refusal(400, "the upload was broken off")
        except DemoError as error:
            self.server.storage.delete(token)
            return refusal_of(error, str(error).replace(str(source), name).replace(source.name, name))
        except Exception:  # readers of damaged files fail in ways that nobody has listed
            self.server.storage.delete(token)
            log.exception("a file could not be opened")
            return refusal(400, f"{name} is damaged or of a kind that cannot be read here")
        except BaseException:  # the server ends, or the request is cancelled
            self.server.storage.delete(token)
            raise
        return self._describe(session)

    async def _read_file(self, work: Callable[..., T], *arguments: Any) -> T:
        """Read a file of a stranger, which may take long and much memory: few at a time, beside all other work."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(work, *arguments))

    async def _receive(self, request: Request, target: Path) -> None:
        limit = self.server.settings.limits.max_upload_mb * 1_000_000
        received = 0
        with target.open("wb") as file:
            async for chunk in request.stream():
                received += len(chunk)
                if received > limit:
                    raise MediaError(f"the file is larger than the {limit // 1_000_000} MB that this server takes")
                file.write(chunk)
        if not received:
            raise MediaError(f"{target.name} is empty (0 bytes); choose another file")

    def _describe(self, session: Session) -> Response:
        expires = self.server.storage.expires_at(session.token)
        return JSONResponse(session_to_json(session) | {"expires": expires}, headers=HEADERS)

    def _session(self, request: Request) -> Session:
        return self.server.session(request.path_params["token"])


def answering(work: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint run in a thread, its refusals turned into answers that the page can show."""

    @wraps(work)
    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(work, request)
        except DemoError as error:
            return refusal_of(error)

    return endpoint


def refusal(status: int, text: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """A refusal that the page can show."""
    log.info("refused with %d: %s", status, text)
    return JSONResponse({"error": text}, status_code=status, headers={**HEADERS, **headers})


def refusal_of(error: DemoError, text: str | None = None) -> Response:
    """The refusal that an error is: 404 for what is gone, 503 for what is only busy, 429 beyond a quota, else 400."""
    if isinstance(error, BusyError):
        status = 429 if isinstance(error, QuotaError) else 503
        return refusal(status, text or str(error), {"Retry-After": str(error.retry_after)})
    return refusal(404 if isinstance(error, SessionError) else 400, text or str(error))


def visitor_at(request: Request) -> str:
    """Who sends a request, for fair shares."""
    return visitor_of(request.client.host if request.client else None)


def _announced_bytes(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 16 else 0


def _kept(seconds: int, scope: str) -> dict[str, str]:
    return HEADERS | {"Cache-Control": f"{scope}, max-age={seconds}"}


def as_download(name: str) -> dict[str, str]:
    """Headers of a file to be saved under this name."""
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._- "))
    told = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"  # the latter as RFC 6266 has it
    return HEADERS | {"Content-Disposition": told, "Cache-Control": "no-store"}

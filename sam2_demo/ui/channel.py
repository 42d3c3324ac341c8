"""One WebSocket per page: quick questions without a queue, and a camera's pictures up and masks down.

Gradio's queue remains the way where there is no socket, and on ZeroGPU, whose calls must go through it. Texts are
questions as the page's events have them, with the event's name, and are answered as those are. A binary message is a
camera's picture: its number (4 bytes, little-endian), the seconds at which it was taken (8, a double), then a JPEG.
Pictures are dropped, never queued: while one is tracked only the newest waits.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sam2_demo.engines.zero_gpu import forgets_memory
from sam2_demo.errors import BusyError, DemoError, InputError
from sam2_demo.sessions.live import LiveSession, give_prompts
from sam2_demo.sessions.visitors import visitor_of
from sam2_demo.ui import payloads
from sam2_demo.ui.gate import is_foreign
from sam2_demo.ui.handlers import UNEXPECTED, StudioHandlers
from sam2_demo.ui.studio_server import StudioServer

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 2_000_000
MAX_TEXT = 1_000_000
MESSAGES_PER_SECOND = 120.0
MOST_QUESTIONS = 16  # on their way at once, of one page
MOST_CAMERAS = 4
MOST_SOCKETS = 64
REFUSED, TOO_LARGE, UNKNOWN_PAGE = 1008, 1009, 4403
_HEAD = struct.Struct("<Id")
_QUESTIONS = ("prompt", "preview", "alternatives", "command")


class Channels:
    """The sockets of all pages of one server."""

    def __init__(self, server: StudioServer, handlers: StudioHandlers) -> None:
        self.server = server
        self.handlers = handlers
        self.num_open = 0
        self.num_cameras = 0

    def routes(self) -> list[WebSocketRoute]:
        """The one address; none where calls must go through Gradio's queue."""
        return [] if forgets_memory() else [WebSocketRoute("/sam2/channel", self.serve)]

    async def serve(self, socket: WebSocket) -> None:
        """Check who calls, then answer until the page goes."""
        if is_foreign(socket.headers):
            await socket.close(REFUSED, "this request comes from another site")  # before it is accepted: status 403
            return
        await socket.accept()
        if not secrets.compare_digest(socket.query_params.get("run", "").encode(), self.server.run.encode()):
            await socket.close(UNKNOWN_PAGE, "the server was started anew; the page asks again")
            return
        if self.num_open >= MOST_SOCKETS:
            await socket.close(REFUSED, "too many pages are open on this server")
            return
        self.num_open += 1
        line = _Line(self, socket)
        try:
            await line.listen()
        finally:
            self.num_open -= 1
            await line.end()


class _Line:
    """One page's socket."""

    def __init__(self, channels: Channels, socket: WebSocket) -> None:
        self.channels = channels
        self.socket = socket
        self.live: LiveSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._newest: bytes | None = None
        self._tracking: asyncio.Task[None] | None = None
        self._allowance, self._counted = MESSAGES_PER_SECOND, time.monotonic()

    async def listen(self) -> None:
        """Take messages until the page goes or breaks the rules."""
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                data, text = message.get("bytes"), message.get("text")
                if not self._may_send():
                    await self.socket.close(REFUSED, f"more than {MESSAGES_PER_SECOND:.0f} messages a second")
                    return
                if len(data or b"") > MAX_FRAME_BYTES or len(text or "") > MAX_TEXT:
                    await self.socket.close(TOO_LARGE, f"pictures may have up to {MAX_FRAME_BYTES // 1_000_000} MB")
                    return
                if data is not None:
                    self._take_frame(data)
                elif text is not None:
                    await self._take_text(text)
        except (WebSocketDisconnect, RuntimeError):
            return  # the page has gone in between

    def _may_send(self) -> bool:
        now = time.monotonic()
        room = self._allowance + (now - self._counted) * MESSAGES_PER_SECOND
        self._allowance, self._counted = min(2 * MESSAGES_PER_SECOND, room) - 1, now
        return self._allowance >= 0

    def _take_frame(self, data: bytes) -> None:
        self._newest = data
        if self._tracking is None or self._tracking.done():
            self._tracking = asyncio.create_task(self._track())

    async def _track(self) -> None:
        while self._newest is not None:
            data, self._newest = self._newest, None
            number = int.from_bytes(data[:4], "little")
            answer = await self._guarded(partial(self._push, data))
            await self._send({"number": number, **answer})

    def _push(self, data: bytes) -> Any:
        if self.live is None:
            raise InputError("the camera was not started")
        if len(data) < _HEAD.size:
            raise InputError("a camera's picture is damaged")
        _, seconds = _HEAD.unpack_from(data)
        return self.live.push(data[_HEAD.size :], seconds)

    async def _take_text(self, text: str) -> None:
        if len(self._tasks) >= MOST_QUESTIONS:
            await self.socket.close(REFUSED, "too many questions at once")
            return
        task = asyncio.create_task(self._answer(text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, text: str) -> None:
        try:
            data = payloads.read_payload(json.loads(text))
            name, seq = data.get("event"), payloads.read_int(data, "seq", 2**53)
        except (ValueError, DemoError):
            await self._send({"seq": 0, "error": "this is no question"})
            return
        if name in _QUESTIONS:
            answer = await run_in_threadpool(self.channels.handlers.ask, name, data)
        else:
            answer = {"seq": seq, **await self._guarded(lambda: self._ask_live(str(name), data))}
        await self._send(answer)

    def _ask_live(self, name: str, data: dict[str, Any]) -> Any:
        if name == "live_start":
            return self._start(data)
        if name == "live_stop":
            self._stop()
            return {}
        if self.live is None:
            raise InputError("the camera was not started")
        if name == "live_prompt":
            frame = payloads.read_int(data, "frame", 2**53)
            object_id = payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1)
            return self.live.prompt(frame, object_id, payloads.read_prompt(data))
        if name == "live_remove":
            self.live.remove_object(payloads.read_int(data, "object_id", payloads.MAX_OBJECT_ID, least=1))
            return {}
        if name == "live_keep":
            return {"token": self._keep(self.live, data)}
        raise InputError("there is no such question")

    def _start(self, data: dict[str, Any]) -> dict[str, Any]:
        channels = self.channels
        self._stop()
        if channels.num_cameras >= MOST_CAMERAS:
            raise BusyError(f"{MOST_CAMERAS} cameras are running on this server already; try again in a minute")
        model = data.get("model")
        engine = channels.server.models.engine(model if isinstance(model, str) else None)
        self.live = LiveSession(engine, channels.server.settings.limits.max_objects)
        channels.num_cameras += 1
        return {"model": engine.name}

    def _stop(self) -> None:
        if self.live is not None:
            self.live.close()
            self.live = None
            self.channels.num_cameras -= 1

    def _keep(self, live: LiveSession, data: dict[str, Any]) -> str:
        """A clip session of the last seconds, with the objects and what was said about them."""
        server = self.channels.server
        given = data.get("objects")
        if not isinstance(given, list) or len(given) > server.settings.limits.max_objects:
            raise InputError("the objects must be a list")
        looks = {info.object_id: info for info in (payloads.read_object({"object": each}) for each in given)}
        client = self.socket.client
        token, folder = server.storage.create(visitor_of(client.host if client else None))
        source = folder / "source.mp4"
        try:
            said = {key: prompt for key, prompt in live.write_clip(source).items() if key[1] in looks}
            session = server.open_file("video", token, source, "camera.mp4", live.engine.name)
        except DemoError:
            server.storage.delete(token)
            raise
        give_prompts(session, said, looks)
        return token

    async def _guarded(self, work: Callable[[], Any]) -> dict[str, Any]:
        try:
            return {"result": await run_in_threadpool(work)}
        except DemoError as error:
            log.info("refused: %s", error)
            return {"error": str(error)}
        except Exception:  # the page waits for an answer; the log has the rest
            log.exception("a message of the page could not be answered")
            return {"error": UNEXPECTED, "unexpected": True}

    async def _send(self, answer: dict[str, Any]) -> None:
        try:
            await self.socket.send_text(json.dumps(answer, separators=(",", ":")))
        except (WebSocketDisconnect, RuntimeError):
            log.debug("a page has gone before its answer")

    async def end(self) -> None:
        """What runs may end; then the camera's stream goes."""
        self._newest = None
        running = [*self._tasks, *([self._tracking] if self._tracking else [])]
        await asyncio.gather(*running, return_exceptions=True)
        await run_in_threadpool(self._stop)

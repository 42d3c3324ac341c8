"""What every request passes before any route sees it, Gradio's own routes included.

Bodies have a size and must keep moving: what is no file is small, because it is read whole and unpacked in memory.
What changes something must come from the page itself or from a program: browsers say where a request comes from
(Sec-Fetch-Site, Origin), programs say nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FILE_ROUTES = ("/gradio_api/upload", "/backdrop", "/import-masks")
ROOM_AROUND_FILES = 1_000_000
MOST_BYTES_OF_QUESTIONS = 2_000_000
LONGEST_PATH = 4_000


class Gate:
    """ASGI middleware around the whole app."""

    def __init__(
        self,
        app: ASGIApp,
        max_upload_bytes: int = 500_000_000,
        stalled_seconds: float = 30.0,
        least_rate: float = 2_000.0,
    ) -> None:
        self._app = app
        self._max_upload_bytes = max_upload_bytes
        self._stalled_seconds = stalled_seconds
        self._least_rate = least_rate  # bytes per second, after the time in which a body may stall
        self._headers = security_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, started = Headers(scope=scope), False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    own.setdefault(name, value)
            await send(message)

        limit = self._limit(scope["path"])
        if len(scope["path"]) > LONGEST_PATH:
            await _refuse(answer, 414, "this address is too long")
        elif scope["method"] not in SAFE_METHODS and is_foreign(headers):
            await _refuse(answer, 403, "this request comes from another site; open the page itself")
        elif _announced(headers) > limit:
            await _refuse(answer, 413, f"this request is too large; up to {limit / 1e6:g} MB are taken here")
        else:
            body = self._bounded(receive, limit)
            try:
                await self._app(scope, receive if scope["method"] in SAFE_METHODS else body, answer)
            except BodyError as error:
                if not started:
                    await _refuse(answer, error.status, str(error))

    def _limit(self, path: str) -> int:
        is_file = path.endswith(FILE_ROUTES) or "/sam2/upload/" in path
        return self._max_upload_bytes + ROOM_AROUND_FILES if is_file else MOST_BYTES_OF_QUESTIONS

    def _bounded(self, receive: Receive, limit: int) -> Receive:
        received, began, is_whole = 0, time.monotonic(), False

        async def bounded() -> Message:
            nonlocal received, is_whole
            if is_whole:  # from here on, only the end of the connection is waited for
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._stalled_seconds)
            except TimeoutError as error:
                raise BodyError(408, "the request has stopped moving") from error
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > limit:
                raise BodyError(413, f"this request is too large; up to {limit / 1e6:g} MB are taken here")
            late = time.monotonic() - began - self._stalled_seconds
            if not is_whole and received < late * self._least_rate:
                raise BodyError(408, "the request comes too slowly")
            return message

        return bounded


class BodyError(ClientDisconnect):
    """A body that is not read to its end; for routes, as if its sender had gone."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def security_headers() -> dict[str, str]:
    """Headers of every answer that does not bring its own. Gradio's pages need inline scripts and eval."""
    friends = " https://huggingface.co https://*.hf.space" if os.environ.get("SPACE_ID") else ""
    policy = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob: ws: wss:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": f"'self'{friends}",
    }
    return {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
    }


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length[:16]) if length.isdecimal() else 0


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin sends a request."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    own = {headers.get("host"), headers.get("x-forwarded-host")}
    return urlsplit(origin).netloc not in own


async def _refuse(send: Send, status: int, text: str) -> None:
    log.info("refused with %d: %s", status, text)
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

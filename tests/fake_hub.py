"""A local stand-in for the Hub: the routes that downloading a file needs, and ways to go wrong."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """Serves `files` ((repo id, name) -> bytes) under `/{repo}/resolve/main/{name}`.

    breaks: how many GET answers break off, each after `break_after` bytes; damage: answer with a flipped byte;
    ignore_ranges: answer 200 to range requests; requests: what was asked, in order.
    """

    files: dict[tuple[str, str], bytes]
    breaks: int = 0
    break_after: int = 0
    damage: bool = False
    ignore_ranges: bool = False
    requests: list[str] = field(default_factory=list)

    def __enter__(self) -> FakeHub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def log_message(self, *args: object) -> None:
                """Keep the test output clean."""

            def _answer(self, with_body: bool) -> None:
                wanted = self.headers.get("Range")
                hub.requests.append(f"{self.command} {self.path}" + (f" {wanted}" if wanted else ""))
                repo, _, name = self.path.strip("/").partition("/resolve/main/")
                content = hub.files.get((repo, name))
                if content is None:
                    known = any(repo == other for other, _ in hub.files)
                    self.send_response(404)
                    self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
                    self.send_header("X-Repo-Commit", COMMIT)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self._send(content, wanted, with_body)

            def _send(self, content: bytes, wanted: str | None, with_body: bool) -> None:
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and not hub.ignore_ranges else 0
                self.send_response(206 if start else 200)
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(len(content) - start))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.end_headers()
                if not with_body:
                    return
                body = content[start:]
                if hub.damage:
                    body = body[:-1] + bytes([body[-1] ^ 1])
                if hub.breaks:
                    hub.breaks -= 1
                    body = body[: hub.break_after]
                    self.close_connection = True
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, start: str) -> int:
        """How many requests began with `start`."""
        return sum(request.startswith(start) for request in self.requests)

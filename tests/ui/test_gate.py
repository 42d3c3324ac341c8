"""The gate before all routes: what other sites send is refused; what is only busy is told apart from what is gone."""

import asyncio
import struct
import tracemalloc
import zlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from stand_in import load_stand_in
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from sam2_demo.engines.model_host import ModelHost
from sam2_demo.sessions.limits import Limits
from sam2_demo.ui.gate import Gate
from sam2_demo.ui.page import launch_options
from sam2_demo.ui.settings import AppSettings
from sam2_demo.ui.studio_server import StudioServer

NAMED = {"X-File-Name": "scene.mp4"}


@pytest.fixture
def whole(server):
    return TestClient(Starlette(**launch_options(server)["app_kwargs"]))


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://other.testserver"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://demo.example"},  # a proxy has changed the host
    {"Origin": "http://testserver"},
    {"Origin": "https://demo.example", "X-Forwarded-Host": "demo.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_other_sites_open_no_sessions(whole, server, clip_file, headers):
    answer = whole.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=NAMED | headers)
    assert answer.status_code == 403 and "another site" in answer.json()["error"]
    assert not server.settings.data_dir.exists() and len(server.sessions) == 0
    assert whole.get("/sam2/alive", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", OWN)
def test_the_page_and_programs_do(whole, clip_file, headers):
    answer = whole.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=NAMED | headers)
    assert answer.status_code == 200


def test_strangers_are_refused_and_stored_sessions_stay(tmp_path, clip_file):
    limits = Limits(max_upload_mb=1, max_sessions=4, max_stored=6, max_stored_per_visitor=3)
    settings = AppSettings(data_dir=tmp_path / "data", examples_dir=tmp_path / "none", limits=limits)
    server = StudioServer(settings, ModelHost("auto", load_stand_in))
    routes = Starlette(**launch_options(server)["app_kwargs"])
    tokens, statuses = [], []
    for number in range(12):
        client = TestClient(routes, client=(f"203.0.113.{number // 6}", 50_000))
        answer = client.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=NAMED)
        statuses.append(answer.status_code)
        server.sweep()
        if answer.status_code == 200:
            tokens.append(answer.json()["token"])
        else:
            assert "for one visitor" in answer.json()["error"] and int(answer.headers["retry-after"]) > 0
    assert statuses == [200, 200, 200, 429, 429, 429] * 2
    assert all(client.get(f"/sam2/s/{token}/state").status_code == 200 for token in tokens)


def test_busy_is_not_gone(whole, server, clip_file):
    tokens = []
    for _ in range(5):
        answer = whole.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=NAMED)
        tokens.append(answer.json()["token"])
    busy = [server.sessions.get(token) for token in tokens[1:]]
    entered = [workspace.task() for workspace in busy]
    for task in entered:
        task.__enter__()
    answer = whole.get(f"/sam2/s/{tokens[0]}/state")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    for task in entered:
        task.__exit__(None, None, None)
    assert whole.get(f"/sam2/s/{tokens[0]}/state").status_code == 200
    assert whole.get(f"/sam2/s/{'A' * 32}/state").status_code == 404


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/run/predict", "/sam2/examples/x/open", "/x"])
def test_what_is_no_file_is_small(whole, path):
    assert whole.post(path, content=b"[],".ljust(3_000_000)).status_code == 413

    def in_pieces():
        for _ in range(30):
            yield b"[]," * 40_000

    async def read_whole(request):
        await request.body()
        return JSONResponse({})

    app = Starlette(routes=[Route("/{path:path}", read_whole, methods=["POST"])], middleware=[Middleware(Gate)])
    assert TestClient(app).post(path, content=in_pieces()).status_code == 413
    assert TestClient(app).post(path, content=b"[]").status_code == 200


def test_files_have_the_servers_limit_on_gradios_own_route_too(whole):
    for path in ("/gradio_api/upload", "/sam2/upload/video"):
        assert whole.post(path, content=bytes(2_100_000)).status_code == 413
    assert whole.post("/sam2/upload/video", content=bytes(1_500_000)).status_code == 400


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread of its own: browser tests leave a running loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result(timeout=20)


@pytest.mark.parametrize("pause", [0.4, 0.05])
def test_a_body_that_does_not_move_or_moves_too_slowly_is_given_up(pause):
    gone = []

    async def app(scope, receive, send):
        try:
            while (await receive()).get("more_body"):
                pass
        except ClientDisconnect:
            gone.append(scope["path"])
            raise

    async def receive():
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/sam2/upload/video", "headers": []}
    run_apart(asyncio.wait_for(Gate(app, stalled_seconds=0.2, least_rate=1000)(scope, receive, send), 5))
    assert gone == ["/sam2/upload/video"] and sent[0]["status"] == 408


def test_an_upload_that_is_given_up_leaves_nothing(server):
    async def receive():
        await asyncio.sleep(0.3)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    app = Starlette(routes=launch_options(server)["app_kwargs"]["routes"])
    scope = {"type": "http", "method": "POST", "path": "/sam2/upload/video", "headers": [], "query_string": b""}
    run_apart(Gate(app, stalled_seconds=0.1)(scope, receive, send))
    assert sent[0]["status"] == 400
    assert [path.name for path in server.settings.data_dir.iterdir() if path.is_dir()] == []


def png_of(width, height):
    """A picture whose header promises much and which holds little."""
    head = struct.pack(">II", width, height) + bytes([8, 0, 0, 0, 0])
    row = zlib.compress(bytes((width + 1) * 8))
    parts = [(b"IHDR", head), (b"IDAT", row), (b"IEND", b"")]
    encoded = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + encoded


def gif_of(width, height):
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\xf0\x00\x00\x00\x00\x00\xff\xff\xff"
        + (b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\x00\x02\x02\x4c\x01\x00;")
    )


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("picture", "big.png", png_of(9400, 9400)),
        ("picture", "big.gif", gif_of(9000, 9000)),
        ("video", "big.gif", gif_of(9000, 9000)),
    ],
)
def test_huge_pictures_in_small_files_are_refused_before_they_are_decoded(whole, server, kind, name, content):
    tracemalloc.start()
    answer = whole.post(f"/sam2/upload/{kind}", content=content, headers={"X-File-Name": name})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 400
    assert "megapixels" in answer.json()["error"] and "divide its sides by" in answer.json()["error"]
    assert peak < 30e6 and not [path for path in server.settings.data_dir.iterdir() if path.is_dir()]


def test_every_answer_has_the_headers_that_browsers_need(whole):
    for path in ("/sam2/alive", "/healthz", "/nothing"):
        headers = whole.get(path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'self';" in headers["content-security-policy"] + ";"


def test_health_and_readiness(whole, server, monkeypatch):
    assert whole.get("/healthz").json() == {"alive": True}
    assert whole.get("/readyz").json() == {"ready": True, "model": True, "disk": True}
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    answer = whole.get("/readyz")
    assert (answer.status_code, answer.json()["disk"]) == (503, False)


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**5000, float("inf")], ids=["400", "-400", "5000", "inf"])
def test_numbers_that_are_too_long_are_refused(ask, clip, number):
    prompt = {"points": [[number, 3, 1]], "box": None, "mask": None}
    for fields in ({"frame": 0, "prompt": prompt}, {"frame": number, "prompt": prompt | {"points": [[1, 1, 1]]}}):
        answer = ask("prompt", token=clip["token"], object_id=1, **fields)
        assert "error" in answer and "unexpected" not in answer


@pytest.mark.parametrize("path", ["/sam2/s/x/frames/" + "9" * 5000 + ".jpg", "/" + "a" * 60_000])
def test_addresses_that_are_too_long_are_refused(whole, path):
    assert whole.get(path).status_code == 414

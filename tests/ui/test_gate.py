"""The gate before all routes: what other sites send is refused; what is only busy is told apart from what is gone."""

import pytest
from stand_in import load_stand_in
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2_demo.engines.model_host import ModelHost
from sam2_demo.sessions.limits import Limits
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

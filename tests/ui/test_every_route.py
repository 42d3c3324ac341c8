"""Hostile requests on every route and every event of the page; a new one without its row here fails the test."""

from __future__ import annotations

import re

import gradio as gr
import pytest
from stand_in import SIZE
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient

from sam2_demo.ui.page import build_page, launch_options

OPEN = ("/healthz", "/readyz", "/sam2/alive", "/sam2/models", "/sam2/examples")
"""Routes that take nothing and tell nothing about anybody."""

BAD_VALUES = {
    "version": [],
    "name": ["..%2F..%2Fetc%2Fpasswd", "%00", "<script>", "x" * 3000],
    "kind": ["..%2Fvideo", "script", "%3Cscript%3E"],
    "index": ["-1", "999999999", "1e3", "abc", "9" * 400],
    "first": ["-1", "abc", "9" * 400],
    "last": ["-1", "abc"],
    "what": ["..%2Fmask", "source", "%3Csvg%3E"],
    "format": ["..%2Fcoco", "exe"],
}
GOOD_VALUES = {
    "version": "1",
    "name": "overlay.mp4",
    "kind": "video",
    "index": "0",
    "first": "0",
    "last": "1",
    "what": "overlay",
    "format": "coco",
}
FORGED = ["A" * 32, "x", "..%2F..%2Fetc%2Fpasswd", "%00", "%2e%2e", "a" * 5000, "<script>alert(1)</script>"]


@pytest.fixture
def routes(server):
    every = launch_options(server)["app_kwargs"]["routes"]
    sockets = [route.path for route in every if isinstance(route, WebSocketRoute)]
    assert sockets == ["/sam2/channel"], "say in a test of its own what another socket refuses, as test_channel.py does"
    return [route for route in every if not isinstance(route, WebSocketRoute)]


@pytest.fixture
def whole(server, routes):
    """A client of all routes that the app has, own and added ones."""
    return TestClient(Starlette(routes=routes), raise_server_exceptions=False)


def fields(route):
    return re.findall(r"{(\w+)(?::\w+)?}", route.path)


def address(route, **values):
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values.get(found[1], GOOD_VALUES.get(found[1], "x")), route.path)


def ask_all(whole, route, path, **how):
    return [whole.request(method, path, **how) for method in sorted(route.methods - {"HEAD"})]


def refused(answer, server, clip):
    """A refusal of the client's fault that tells nothing of the server or of the session."""
    assert 400 <= answer.status_code < 500, (answer.request.url.path[:80], answer.status_code, answer.text[:200])
    told = answer.text
    assert clip["token"] not in told and str(server.settings.data_dir) not in told
    assert "root:" not in told and "Traceback" not in told
    assert "html" not in answer.headers.get("content-type", "") and len(told) < 600


def test_each_part_of_each_address_is_known_here(routes):
    unknown = {name for route in routes for name in fields(route)} - set(GOOD_VALUES) - {"token"}
    assert not unknown, f"say in this test what is good and bad for {unknown}"


def test_routes_without_a_token_are_few(routes):
    free = {route.path for route in routes if "token" not in fields(route)}
    assert free == {
        *OPEN,
        "/sam2/static/{version}/{name:path}",
        "/sam2/examples/{name}/poster.jpg",
        "/sam2/examples/{name}/open",
        "/sam2/upload/{kind}",
    }


def test_forged_tokens_on_every_route(whole, routes, server, clip):
    for route in routes:
        if "token" not in fields(route):
            continue
        for token in FORGED:
            for answer in ask_all(whole, route, address(route, token=token), content=b"x"):
                refused(answer, server, clip)
    assert server.sessions.tokens() == {clip["token"]}


def test_bad_values_in_every_address(whole, routes, server, clip):
    for route in routes:
        for name in fields(route):
            for value in BAD_VALUES.get(name, []):
                path = address(route, token=clip["token"], **{name: value})
                for answer in ask_all(whole, route, path, content=b"x"):
                    if not (name == "last" and answer.status_code == 200):
                        refused(answer, server, clip)
    assert whole.get(f"/sam2/s/{clip['token']}/state").status_code == 200, "the session goes on"


def test_every_route_that_takes_a_body_refuses_wrong_and_large_ones(whole, routes, server, clip):
    most = server.settings.limits.max_upload_mb * 1_000_000
    taking = [route for route in routes if "POST" in route.methods and not route.path.endswith(("/open", "/delete"))]
    assert taking
    for route in taking:
        for body in (b"", b"\x00" * 100, b"<script>alert(1)</script>", b"x" * (most + 1)):
            for answer in ask_all(whole, route, address(route, token=clip["token"]), content=body):
                refused(answer, server, clip)
    stored = {path.name for path in server.settings.data_dir.iterdir()}
    assert stored == {clip["token"]}, "refused uploads leave nothing"


def test_methods_that_a_route_does_not_have(whole, routes, clip):
    for route in routes:
        for method in {"PUT", "DELETE", "PATCH"} - route.methods:
            assert whole.request(method, address(route, token=clip["token"])).status_code == 405


def test_answers_are_never_sniffed_as_pages(whole, routes, clip):
    for route in routes:
        if "GET" in route.methods:
            answer = whole.get(address(route, token=clip["token"]))
            assert "text/html" not in answer.headers.get("content-type", ""), route.path
            if answer.status_code == 200:
                assert answer.headers["x-content-type-options"] == "nosniff", route.path


# --- events -----------------------------------------------------------------------------------------------

BAD_PAYLOADS = [
    None,
    [],
    "x",
    7,
    {},
    {"seq": "1"},
    {"seq": -1},
    {"seq": 1},
    {"seq": 1, "token": None},
    {"seq": 1, "token": {"a": 1}},
    {"seq": 1, "token": "../../etc/passwd"},
    {"seq": 1, "token": "A" * 32, "frame": 0, "object_id": 1, "name": "reset"},
    {"seq": 1, "token": ["x"] * 10_000},
    {"seq": 1, "token": "x" * 1_000_000},
]


def wired(server):
    """The functions behind all events of the page, by name."""
    page = build_page(server)
    return {f"{k} {block.name}": block for k, block in page.fns.items() if block.fn is not None}


def answers_of(function, data):
    found = function(gr.EventData(None, data))
    return [found] if isinstance(found, dict) else list(found)


def test_every_event_refuses_what_is_no_question(server, clip):
    events = {
        name: b for name, b in wired(server).items() if not b.name.startswith(("segment_", "track_clip", "find_alike"))
    }
    assert len(events) > 10
    for name, block in events.items():
        for data in BAD_PAYLOADS:
            last = answers_of(block.fn, data)[-1]
            assert "error" in last, (name, data if len(str(data)) < 200 else "large")
            assert "unexpected" not in last and str(server.settings.data_dir) not in last["error"]
            assert clip["token"] not in last["error"] and len(last["error"]) < 400
    assert server.sessions.tokens() == {clip["token"]}


WRONG_FIELDS = [
    {"frame": -1},
    {"frame": 10**12},
    {"frame": "0"},
    {"frame": None},
    {"object_id": 0},
    {"object_id": 1.5},
    {"prompt": 3},
    {"prompt": {"points": [[0, 0, 1]] * 201}},
    {"prompt": {"points": [["1", 2, 1]]}},
    {"prompt": {"points": [[1, 2, 9]]}},
    {"prompt": {"points": [], "mask": "x" * 500_000}},
    {"prompt": {"points": [], "mask": "\u0000"}},
    {"prompt": {"points": [], "box": [0, 0, float("inf"), 1]}},
    {"prompt": {"points": {}, "box": "x"}},
]


@pytest.mark.parametrize("change", WRONG_FIELDS)
def test_prompts_with_wrong_fields_are_refused_and_change_nothing(ask, clip, client, change):
    good = {"frame": 0, "object_id": 1, "prompt": {"points": [[25, 35, 1]], "box": None, "mask": None}}
    before = client.get(f"/sam2/s/{clip['token']}/state").json()
    for event in ("prompt", "alternatives", "preview"):
        if event != "prompt" and "object_id" in change:
            continue
        if event == "preview" and "prompt" in change:
            continue
        answer = ask(event, token=clip["token"], **({"x": 3, "y": 3} | good | change))
        assert "error" in answer and "unexpected" not in answer, (event, answer)
    after = client.get(f"/sam2/s/{clip['token']}/state").json()
    assert before | {"expires": 0} == after | {"expires": 0}


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "${alert(1)}", "{{value}}", "../../x", "a\u202eb"])
def test_names_are_given_back_as_they_are_text_in_json(ask, clip, client, name):
    fields = {"object_id": 1, "name": name, "color": "#aabbcc"}
    ask("command", token=clip["token"], name="put_object", object=fields)
    answer = client.get(f"/sam2/s/{clip['token']}/state")
    assert answer.headers["content-type"] == "application/json"
    shown = "".join(c for c in name if c.isprintable())
    assert answer.json()["objects"][0]["name"] == shown


def test_script_in_file_names_does_not_reach_headers(client, clip_file, ask):
    named = {"X-File-Name": "%22%0d%0aSet-Cookie%3a%20a%3db%0d%0a%3Cscript%3E.mp4"}
    state = client.post("/sam2/upload/video", content=clip_file.read_bytes(), headers=named).json()
    ask("command", token=state["token"], name="put_object", object={"object_id": 1, "name": "a", "color": "#ff0000"})
    prompt = {"points": [[25, 35, 1]], "box": None, "mask": None}
    ask("prompt", token=state["token"], frame=0, object_id=1, prompt=prompt)
    answer = client.get(f"/sam2/s/{state['token']}/masks-as/png")
    assert "set-cookie" not in answer.headers
    # The name once in plain letters, once percent-encoded: nothing in either can end the value or the header.
    named = r"attachment; filename=\"[\w. -]+\"(; filename\*=UTF-8''[\w.%-]+)?"
    assert re.fullmatch(named, answer.headers["content-disposition"])
    assert (state["clip"]["height"], state["clip"]["width"]) == SIZE

"""The page's WebSocket: who may open it, what it takes, questions as through Gradio's queue, and a camera over it."""

from __future__ import annotations

import json
import struct
import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from stand_in import SIZE, StandInEngine, an_object, scene
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sam2_demo.engines import zero_gpu
from sam2_demo.engines.model_host import LoadedModel, ModelHost
from sam2_demo.masks.display import decode_mask
from sam2_demo.ui import channel
from sam2_demo.ui.channel import Channels


@pytest.fixture
def channels(server, handlers):
    return Channels(server, handlers)


@pytest.fixture
def caller(channels):
    with TestClient(Starlette(routes=channels.routes())) as client:
        yield client


class Page:
    """One page's end of the socket."""

    def __init__(self, socket):
        self.socket, self.seq, self.number = socket, 0, 0

    def ask(self, event, /, **data):
        self.seq += 1
        self.socket.send_json({"event": event, "seq": self.seq, **data})
        answer = self.socket.receive_json()
        assert answer.pop("seq") == self.seq
        return answer

    def send(self, rgb, seconds=0.0):
        self.number += 1
        self.socket.send_bytes(struct.pack("<Id", self.number, seconds) + as_jpeg(rgb))
        return self.number

    def push(self, rgb, seconds=0.0):
        number = self.send(rgb, seconds)
        answer = self.socket.receive_json()
        assert answer.pop("number") == number
        return answer

    def click(self, frame, object_id, x, y):
        said = {"points": [[x, y, 1]], "box": None, "mask": None}
        return self.ask("live_prompt", frame=frame, object_id=object_id, prompt=said)


def as_jpeg(rgb):
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@contextmanager
def connected(caller, server, **given):
    with caller.websocket_connect(f"/sam2/channel?run={server.run}", **given) as socket:
        yield Page(socket)


def red_square(index):
    return np.abs(scene(index).astype(int) - (220, 30, 30)).sum(axis=2) < 60


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_what_is_clicked_is_followed_and_others_come_and_go(caller, server):
    with connected(caller, server) as page:
        assert page.ask("live_start") == {"result": {"model": "stand-in"}}
        for index in range(3):
            answer = page.push(scene(index), index / 10)["result"]
            assert answer["frame"] == index and answer["masks"] == {}
        assert answer["size"] == list(SIZE)
        assert "masks" in page.click(1, 4, 25, 35)["result"]  # on the frame that was seen, not the newest
        masks = page.push(scene(5), 0.5)["result"]["masks"]
        assert iou(decode_mask(masks["4"]["counts"], SIZE, SIZE), red_square(5)) > 0.9
        assert masks["4"]["score"] > 0 and masks["4"]["area"] == pytest.approx(red_square(5).mean(), rel=0.1)
        page.click(3, 9, 130, 30)
        assert set(page.push(scene(6))["result"]["masks"]) == {"4", "9"}
        assert page.ask("live_remove", object_id=4) == {"result": {}}
        assert set(page.push(scene(7))["result"]["masks"]) == {"9"}


def test_frames_are_dropped_never_queued(tmp_path, server, handlers):
    slow = StandInEngine(delay=0.2)
    server.models = ModelHost("auto", lambda source, progress=None: LoadedModel(slow, ""))
    with (
        TestClient(Starlette(routes=Channels(server, handlers).routes())) as client,
        connected(client, server) as page,
    ):
        page.ask("live_start")
        for index in range(12):
            page.send(scene(index))
        answers = [page.socket.receive_json(), page.socket.receive_json()]
        assert answers[0]["number"] < answers[1]["number"] == 12  # the newest of those that came meanwhile
        started = time.monotonic()
        assert page.push(scene(13))["result"]["frame"] == 2
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("run", ["", "?run=", "?run=forged"])
def test_pages_of_another_run_and_forged_ones_are_refused(caller, channels, run):
    with caller.websocket_connect(f"/sam2/channel{run}") as socket, pytest.raises(WebSocketDisconnect) as refusal:
        socket.receive_json()
    assert refusal.value.code == channel.UNKNOWN_PAGE
    assert channels.num_open == 0


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_other_sites_are_refused_before_anything_is_opened(caller, server, headers):
    with pytest.raises(WebSocketDisconnect) as refusal, connected(caller, server, headers=headers):
        pass
    assert refusal.value.code == channel.REFUSED
    with connected(caller, server, headers={"origin": "http://testserver"}) as page:
        assert page.ask("live_start")["result"]


def test_large_pictures_and_floods_end_the_connection_in_words(caller, server, channels):
    with connected(caller, server) as page, pytest.raises(WebSocketDisconnect) as refusal:
        page.ask("live_start")
        page.socket.send_bytes(b"\xff\xd8\xff" + bytes(3_000_000))
        page.socket.receive_json()
    assert refusal.value.code == channel.TOO_LARGE and "2 MB" in refusal.value.reason
    with connected(caller, server) as page, pytest.raises(WebSocketDisconnect) as refusal:
        for _ in range(500):
            page.socket.send_bytes(b"")
        while True:
            page.socket.receive_json()
    assert refusal.value.code == channel.REFUSED and "120 messages a second" in refusal.value.reason
    for _ in range(50):
        if channels.num_open == channels.num_cameras == 0:
            break
        time.sleep(0.1)
    assert channels.num_open == channels.num_cameras == 0


def huge_header():
    jpeg = bytearray(as_jpeg(scene(0)))
    place = jpeg.index(b"\xff\xc0")
    jpeg[place + 5 : place + 9] = struct.pack(">HH", 30_000, 30_000)
    return bytes(jpeg)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "damaged"),
        (bytes(12) + b"GIF89a", "must be a JPEG"),
        (bytes(12) + b"\xff\xd8\xff\xe0", "damaged"),
        (bytes(12) + as_jpeg(scene(0))[:300], "damaged"),
        (bytes(12) + huge_header(), "30000 x 30000 pixels"),
    ],
)
def test_what_is_no_picture_is_refused_and_the_camera_goes_on(caller, server, body, words):
    with connected(caller, server) as page:
        page.ask("live_start")
        page.socket.send_bytes(body)
        assert words in page.socket.receive_json()["error"]
        assert page.push(scene(0))["result"]["frame"] == 0


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"seq": "x"}', '{"event": "live_prompt"}'])
def test_what_is_no_question_is_refused(caller, server, text):
    with connected(caller, server) as page:
        page.socket.send_text(text)
        assert page.socket.receive_json()["error"]
        assert "not started" in page.ask("live_remove", object_id=1)["error"]
        assert "no such question" in [page.ask("live_start"), page.ask("delete_all")][1]["error"]
        assert "must be an integer" in page.ask("live_prompt", frame=-1, object_id=1)["error"]


def test_another_size_starts_anew(caller, server):
    with connected(caller, server) as page:
        page.ask("live_start")
        page.push(scene(0))
        page.click(0, 1, 25, 35)
        answer = page.push(scene(1)[::2, ::2])["result"]
        assert answer["anew"] and answer["frame"] == 0 and answer["masks"] == {}
        assert page.push(scene(2)[::2, ::2])["result"]["anew"] is False


def test_last_seconds_are_kept_as_a_clip_with_what_was_said(caller, server):
    with connected(caller, server) as page:
        page.ask("live_start")
        assert "nothing to keep" in page.ask("live_keep", objects=[])["error"]
        for index in range(6):
            page.push(scene(index), 10 + index / 10)
            if index == 2:
                page.click(2, 7, 25, 35)
        kept = page.ask("live_keep", objects=[an_object(7, name="Square")])["result"]
        session = server.video(kept["token"])
        assert session.num_frames == 6
        assert session.reader.times == pytest.approx(np.arange(6) / 10, abs=2e-3)
        assert [info.name for info in session.objects] == ["Square"]
        assert {key: prompt.points for key, prompt in session.prompts.items()} == {(2, 7): ((25.0, 35.0),)}
        assert iou(session.masklets()[7].mask(2), red_square(2)) > 0.8


def test_what_was_said_before_the_last_seconds_is_told_by_its_mask(caller, server, monkeypatch):
    monkeypatch.setattr("sam2_demo.sessions.live.KEPT_SECONDS", 0.35)
    with connected(caller, server) as page:
        page.ask("live_start")
        page.push(scene(0), 0.0)
        page.click(0, 7, 25, 35)
        for index in range(1, 8):
            page.push(scene(index), index / 10)
        session = server.video(page.ask("live_keep", objects=[an_object(7)])["result"]["token"])
    assert session.num_frames == 4
    assert list(session.prompts) == [(0, 7)]
    assert iou(session.masklets()[7].mask(0), red_square(4)) > 0.8


def test_cameras_are_few_and_free_again_when_a_page_goes(caller, server, channels, monkeypatch):
    monkeypatch.setattr(channel, "MOST_CAMERAS", 1)
    with connected(caller, server) as first, connected(caller, server) as second:
        assert first.ask("live_start")["result"]
        assert first.ask("live_start")["result"]  # anew
        assert "1 cameras are running" in second.ask("live_start")["error"]
        assert first.ask("live_stop") == {"result": {}}
        assert second.ask("live_start")["result"]
    assert channels.num_cameras == 0


def test_questions_are_answered_as_through_the_queue(caller, server, clip, ask):
    token = clip["token"]
    said = {"points": [[25, 35, 1]], "box": None, "mask": None}
    with connected(caller, server) as page:
        for name, data in (
            ("prompt", {"frame": 0, "object_id": 1, "prompt": said}),
            ("preview", {"frame": 3, "x": 40, "y": 35}),
            ("alternatives", {"frame": 0, "prompt": said}),
            ("command", {"name": "put_object", "object": an_object(3)}),
            ("preview", {"frame": 900, "x": 1, "y": 1}),
            ("prompt", {"frame": 0, "object_id": 99, "prompt": said}),
        ):
            by_queue = ask(name, token=token, **data)
            by_queue.pop("seq")
            assert page.ask(name, token=token, **data) == json.loads(json.dumps(by_queue))
        assert "error" in page.ask("prompt", token="forged", frame=0, object_id=1, prompt=said)


def test_there_is_no_socket_where_calls_go_through_gradio(channels, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    assert zero_gpu.forgets_memory() and channels.routes() == []

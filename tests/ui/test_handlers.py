"""Events of the page without a browser: answers, refusals, tracking, the painted video, models."""

import time
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest
from stand_in import SIZE, an_object, event, load_stand_in
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2_demo.engines.model_catalogue import CATALOGUE
from sam2_demo.engines.model_host import ModelHost
from sam2_demo.errors import SessionError, WeightsError
from sam2_demo.ui.model_loading import ModelLoading
from sam2_demo.ui.routes import StudioRoutes
from sam2_demo.ui.studio_server import StudioServer
from sam2_demo.video import open_video

CLICK = {"points": [[25, 35, 1]], "box": None, "mask": None}


def state_of(client, token):
    state = client.get(f"/sam2/s/{token}/state").json()
    assert state.pop("expires") > 0
    return state


def test_a_click_is_answered_with_the_number_of_the_question(handlers, clip):
    answer = handlers.prompt(event(seq=41, token=clip["token"], frame=0, object_id=1, prompt=CLICK))
    assert answer["seq"] == 41
    assert answer["result"]["1"]["area"] == pytest.approx(0.063, abs=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frame": 20}, "frame 20 does not exist"),
        ({"frame": -1}, "frame must be an integer"),
        ({"frame": "0"}, "frame must be an integer"),
        ({"object_id": 7}, "object 7 does not exist"),
        ({"prompt": {"points": [[500, 3, 1]], "box": None}}, "outside"),
        ({"prompt": {"points": [[float("nan"), 3, 1]], "box": None}}, "finite"),
        ({"prompt": {"points": [], "box": [40, 40, 10, 10]}}, "inverted"),
        ({"prompt": {"points": [], "box": [10, 10, 10, 40]}}, "no area"),
        ({"token": "forged"}, "not open"),
        ({"model": "facebook/unknown"}, "not loaded"),
        ({"prompt": None}, "not an object"),
    ],
)
def test_bad_prompts_are_explained_and_change_nothing(ask, clip, client, change, words):
    good = {"token": clip["token"], "frame": 0, "object_id": 1, "prompt": CLICK}
    ask("prompt", **good)
    before = state_of(client, clip["token"])
    assert words in ask("prompt", **(good | change))["error"]
    assert state_of(client, clip["token"]) == before


@pytest.mark.parametrize("data", [None, [], "x", {"seq": "1"}, {"seq": -1}, {}])
def test_events_that_are_no_questions(handlers, data):
    assert handlers.prompt(gr.EventData(None, data))["seq"] == 0
    assert "error" in next(handlers.track(gr.EventData(None, data)))


def test_tracking_answers_frame_by_frame(ask, clip):
    ask("prompt", token=clip["token"], frame=4, object_id=1, prompt={"points": [[41, 35, 1]], "box": None})
    answers = ask("track", token=clip["token"], direction="both", start=None)
    steps = [answer["step"] for answer in answers[:-1]]
    assert sorted(step["frame"] for step in steps) == list(range(20))
    assert all(set(step["masks"]) == {"1"} for step in steps)
    assert answers[-1]["result"] == {"done": 20, "total": 20, "stopped": False}


def test_track_without_prompts(ask, clip):
    assert "click on an object first" in ask("track", token=clip["token"], direction="both", start=None)[0]["error"]
    assert "direction" in ask("track", token=clip["token"], direction="up", start=None)[0]["error"]


def test_stop_keeps_what_is_done(handlers, ask, clip):
    token = clip["token"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    answers = handlers.track(event(seq=2, token=token, direction="forward", start=0))
    for _ in range(3):
        next(answers)
    assert ask("stop", token=token)["result"] == {}
    last = list(answers)
    assert len(last) == 1 and last[0]["result"] == {"done": 3, "total": 20, "stopped": True}


def test_the_painted_video_has_the_frames_of_the_source(ask, clip, server, client):
    token = clip["token"]
    ask("command", token=token, name="put_object", object=an_object(1, color="#ff00ff"))
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=0)
    answers = ask("make_video", token=token)
    assert answers[-1]["result"] == {"file": "overlay.mp4", "stopped": False}
    path = server.sessions.get(token).folder / "overlay.mp4"
    with open_video(path) as reader:
        assert (reader.num_frames, reader.width, reader.height) == (20, SIZE[1], SIZE[0])
        painted = reader.read(12)
    assert painted[35, 73, 2] > 100 and painted[80, 20, 2] < 90
    part = client.get(f"/sam2/s/{token}/files/overlay.mp4", headers={"Range": "bytes=0-99"})
    assert part.status_code == 206 and len(part.content) == 100


def test_objects_are_changed_removed_and_reset(ask, clip, client):
    token = clip["token"]
    ask("command", token=token, name="put_object", object=an_object(1, name="Dog", visible=False))
    ask("command", token=token, name="remove_object", object_id=2)
    objects = client.get(f"/sam2/s/{token}/state").json()["objects"]
    assert [(o["name"], o["visible"]) for o in objects] == [("Dog", False)]
    assert "does not exist" in ask("command", token=token, name="remove_object", object_id=2)["error"]
    ask("command", token=token, name="reset")
    assert client.get(f"/sam2/s/{token}/state").json()["objects"] == []


def test_the_number_of_objects_is_bounded(ask, clip, server):
    for number in range(1, server.settings.limits.max_objects + 1):
        assert "result" in ask("command", token=clip["token"], name="put_object", object=an_object(number))
    answer = ask("command", token=clip["token"], name="put_object", object=an_object(999))
    assert "up to 50 objects" in answer["error"]


def test_another_model_is_loaded_with_progress_and_used(server, ask, clip):
    answers = list(ModelLoading(server.models).load(event(seq=3, source="embedded")))
    assert answers[-1]["result"]["name"] == "embedded"
    ask("prompt", token=clip["token"], frame=0, object_id=1, prompt=CLICK)
    answer = ask("prompt", token=clip["token"], model="embedded", frame=0, object_id=2, prompt=CLICK)
    assert set(answer["result"]) == {"1", "2"}
    assert server.sessions.get(clip["token"]).engine.name == "embedded"


def test_models_that_are_not_offered_or_fail_are_explained(server):
    answers = list(ModelLoading(server.models).load(event(seq=3, source="/etc/passwd")))
    assert "not one of the models" in answers[-1]["error"]

    def fail(source, progress=None):
        raise WeightsError("the Hub is out of reach")

    server.models._loader = fail
    answers = list(ModelLoading(server.models).load(event(seq=4, source="facebook/sam2.1-hiera-tiny")))
    assert answers[-1]["error"] == "the Hub is out of reach"


def test_a_new_server_over_the_same_folder_knows_the_sessions(server, ask, clip, client):
    token = clip["token"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=0)
    before = state_of(client, token)
    masks = client.get(f"/sam2/s/{token}/masks/0-19").json()
    later = StudioServer(server.settings, ModelHost("auto", load_stand_in))
    fresh = TestClient(Starlette(routes=StudioRoutes(later).all()))
    assert state_of(fresh, token) == before
    assert fresh.get(f"/sam2/s/{token}/masks/0-19").json() == masks
    assert fresh.post(f"/sam2/s/{token}/delete").status_code == 200
    assert fresh.get(f"/sam2/s/{token}/state").status_code == 404
    assert not list(server.settings.data_dir.iterdir())


@pytest.mark.parametrize(
    "view",
    [None, [], {"x" * 41: 1}, {"a": "x" * 81}, {"a": {}}, {"a": float("inf")}, {str(k): k for k in range(41)}],
)
def test_views_are_small_tables_of_plain_values(ask, clip, view):
    assert "error" in ask("command", token=clip["token"], name="put_view", view=view)


def test_previews_and_alternatives_change_nothing(ask, clip, client):
    token = clip["token"]
    before = state_of(client, token)
    assert ask("preview", token=token, frame=3, x=25, y=35)["result"]["counts"]
    found = ask("alternatives", token=token, frame=3, prompt=CLICK)["result"]["candidates"]
    assert [candidate["iou"] for candidate in found] == pytest.approx([0.9, 0.7, 0.5])
    assert "outside" in ask("preview", token=token, frame=3, x=2500, y=35)["error"]
    assert state_of(client, token) == before


def test_deleting_a_session_whose_task_does_not_end_deletes_its_folder(server, client, clip, monkeypatch):
    session = server.sessions.get(clip["token"])

    def busy():
        raise SessionError("this session is busy")

    monkeypatch.setattr(session, "close", busy)
    assert client.post(f"/sam2/s/{clip['token']}/delete").status_code == 200
    assert not list(server.settings.data_dir.iterdir())


def test_sweeping_goes_on_after_an_error(server, monkeypatch):
    swept = []

    def sweep():
        swept.append(1)
        if len(swept) == 3:
            server.close()
        raise OSError("a disk that is not there")

    monkeypatch.setattr(server, "sweep", sweep)
    monkeypatch.setattr("sam2_demo.ui.studio_server.SWEEP_SECONDS", 0.01)
    server._sweep_loop()
    assert len(swept) == 3


def test_a_model_that_several_ask_for_is_loaded_once():
    loads = []

    def load(source, progress):
        loads.append(source)
        time.sleep(0.05)
        return load_stand_in(source, progress)

    host = ModelHost("auto", load)
    source = CATALOGUE[0].source
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(host.load, [source] * 3))
    assert loads == ["auto", source]
    assert found[0] is found[1] is found[2]

"""The calls for programs, through gradio_client as somebody else would use them."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import gradio_client
import httpx
import numpy as np
import pytest
from stand_in import SIZE

from sam2_demo.engines.network_engine import load_engine
from sam2_demo.masks.run_lengths import decode_rle


@pytest.fixture(scope="module")
def client(app):
    return gradio_client.Client(app[1], verbose=False)


def test_a_picture_is_segmented_and_nothing_stays(client, picture_file, app):
    before = app[0].sessions.tokens()
    found = client.predict(
        gradio_client.handle_file(str(picture_file)), [[37, 35]], [1], None, api_name="/segment_picture"
    )
    assert len(found["masks"]) == 3 and found["iou_predictions"][0] == pytest.approx(0.9)
    mask = decode_rle(found["masks"][0])
    assert mask.shape == SIZE and mask[35, 37] and not mask[80, 10]
    assert app[0].sessions.tokens() <= before


def test_a_clip_is_tracked(client, clip_file):
    prompts = [{"frame": 0, "object_id": 1, "points": [[25, 35]], "labels": [1], "name": "square"}]
    table = client.predict(gradio_client.handle_file(str(clip_file)), prompts, "forward", api_name="/track_clip")
    assert len(table["annotations"]) == 20
    assert table["categories"][0]["name"] == "square"


@pytest.mark.parametrize("given", ["/etc/passwd", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}])
def test_files_of_the_server_are_not_read(app, given):
    started = httpx.post(
        app[1] + "gradio_api/call/segment_picture", json={"data": [given, [[1, 1]], [1], None]}, timeout=20
    )
    answer = started.text
    if started.status_code == 200:
        number = started.json()["event_id"]
        answer = httpx.get(app[1] + f"gradio_api/call/segment_picture/{number}", timeout=20).text
    assert "error" in answer and "masks" not in answer and "root:" not in answer


def test_refusals_say_why(client, picture_file):
    with pytest.raises(Exception, match="outside"):
        client.predict(
            gradio_client.handle_file(str(picture_file)), [[9999, 1]], [1], None, api_name="/segment_picture"
        )


def test_only_clean_calls_are_public(client):
    named = json.dumps(client.view_api(return_format="dict", print_info=False)["named_endpoints"])
    assert "/segment_picture" in named and "/track_clip" in named
    assert "make_video" not in named and "load_model" not in named


def test_example_talks_to_the_page(app, picture_file, clip_file, monkeypatch, capsys):
    files = ["--picture", str(picture_file), "--clip", str(clip_file), "--point", "25", "35"]
    monkeypatch.setattr(sys, "argv", ["talk_to_page.py", "--url", app[1], *files])
    runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "talk_to_page.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "picture: " in shown and "clip: 20 masks as COCO JSON" in shown


def test_likes_of_a_click_come_as_run_lengths(client, app, tmp_path, monkeypatch) -> None:
    engine = load_engine("embedded").engine
    monkeypatch.setattr(app[0].models, "engine", lambda name: engine)
    rgb = np.full((240, 320, 3), 150, np.uint8)
    centres = [(50, 50), (150, 60), (250, 170)]
    for centre in centres:
        cv2.circle(rgb, centre, 20, (40, 40, 210), -1)
    path = tmp_path / "discs.png"
    cv2.imwrite(str(path), rgb)
    found = client.predict(gradio_client.handle_file(str(path)), [[150, 60]], 0.6, api_name="/find_alike")
    masks = [decode_rle(rle) for rle in found["masks"]]
    assert len(masks) == len(found["likeness"]) == 3
    assert all(any(mask[y, x] for mask in masks) for x, y in centres)
    with pytest.raises(Exception, match="accepted: 0 to 1"):
        client.predict(gradio_client.handle_file(str(path)), [[150, 60]], 3, api_name="/find_alike")

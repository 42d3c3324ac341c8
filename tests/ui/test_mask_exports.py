"""What exports say of a session beyond its masks: who made them, and what the picture is called."""

import csv
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from stand_in import SIZE, an_object, scene

from sam2_demo.formats.exchange import read_any
from sam2_demo.masks.display import encode_mask
from sam2_demo.sessions.mask_files import write_masks

CLICK = {"points": [[25, 35, 1]], "box": None, "mask": None}


def given_mask(x0):
    """The prompt by which everything mode makes an object."""
    mask = np.zeros(SIZE, bool)
    mask[20:51, x0 : x0 + 20] = True
    return CLICK | {"points": [], "mask": encode_mask(mask, SIZE)}


def test_frames_that_a_person_prompted_are_counted(server, clip, ask):
    token = clip["token"]
    ask("command", token=token, name="put_object", object=an_object(3, stability=0.9))
    ask("command", token=token, name="put_object", object=an_object(4, stability=0.9))
    for frame in (0, 9):
        ask("prompt", token=token, frame=frame, object_id=1, prompt=CLICK)
    ask("prompt", token=token, frame=0, object_id=2, prompt=given_mask(50))  # painted
    for object_id in (3, 4):
        ask("prompt", token=token, frame=0, object_id=object_id, prompt=given_mask(80))
    ask("prompt", token=token, frame=5, object_id=4, prompt=given_mask(90))  # painted over what was found
    ask("track", token=token, direction="forward", start=0)
    content = json.loads(write_masks(server.video(token), "sa_v").read_text())
    assert content["masklet_id"] == [1, 2, 3, 4]
    assert content["masklet_edited_frame_count"] == [2, 1, 0, 1]
    assert content["masklet_type"] == ["manual", "manual", "auto", "manual"]
    ask("prompt", token=token, frame=9, object_id=1, prompt=CLICK | {"points": []})  # taken back
    content = json.loads(write_masks(server.video(token), "sa_v").read_text())
    assert content["masklet_edited_frame_count"] == [1, 1, 0, 1]


def test_a_picture_s_masks_are_called_as_the_picture(client, server, picture_file, ask):
    named = {"X-File-Name": "my truck.png"}
    state = client.post("/sam2/upload/picture", content=picture_file.read_bytes(), headers=named).json()
    token = state["token"]
    for object_id, stability in ((1, None), (2, 0.9)):
        ask("command", token=token, name="put_object", object=an_object(object_id, stability=stability))
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("prompt", token=token, frame=0, object_id=2, prompt=given_mask(80))
    session = server.session(token)
    assert json.loads(write_masks(session, "coco").read_text())["images"][0]["file_name"] == "my truck.png"
    assert "labels/my truck.txt" in zipfile.ZipFile(write_masks(session, "yolo")).namelist()
    assert zipfile.ZipFile(write_masks(session, "davis")).namelist() == ["my truck.png"]
    content = json.loads(write_masks(session, "sa_v").read_text())
    assert content["masklet_edited_frame_count"] == [1, 0] and content["masklet_type"] == ["manual", "auto"]
    assert content["masklet_stability_score"] == [[0.0, 0.9]]


def late_clip_of_varying_rate(path: Path) -> list[float]:
    """Pictures at 30 and then at 10 a second, half a second behind the sound's beginning; returns their times."""
    times = [0.5 + frame / 30 for frame in range(12)] + [0.9 + frame / 10 for frame in range(12)]
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("libx264", rate=30, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
        tone.sample_rate, tone.pts, tone.time_base = 8000, 0, Fraction(1, 8000)
        container.mux(sound.encode(tone))
        for index, time in enumerate(times):
            picture = av.VideoFrame.from_ndarray(scene(index % 20), format="rgb24")
            picture.pts, picture.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return times


def test_files_of_a_session_say_the_clip_s_own_times(client, server, ask, tmp_path):
    times = late_clip_of_varying_rate(tmp_path / "late.mkv")
    content = (tmp_path / "late.mkv").read_bytes()
    token = client.post("/sam2/upload/video", content=content, headers={"X-File-Name": "late.mkv"}).json()["token"]
    ask("command", token=token, name="put_object", object=an_object(1))
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=0)
    session = server.session(token)
    reader = session.reader
    np.testing.assert_allclose(reader.times, times, atol=1e-3)
    rows = list(csv.DictReader(write_masks(session, "csv").read_text().splitlines()))
    np.testing.assert_allclose([float(row["time_seconds"]) for row in rows], reader.times, atol=1e-9)
    assert json.loads(write_masks(session, "sa_v").read_text())["video_duration"] == reader.duration
    with av.open(str(write_masks(session, "alpha"))) as container:
        shown = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.size]
        np.testing.assert_allclose(shown, reader.times, atol=1e-3)
        assert abs(container.duration / 1e6 - reader.duration) < 2e-3
    for kind in ("coco", "yolo", "mots_png", "png"):
        np.testing.assert_allclose(read_any(write_masks(session, kind)).frame_times, reader.times, atol=1e-9)

"""Files of masks: read when they fit, refused in words when they do not, never trusted."""

import io
import json
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from archives import zipped
from PIL import Image
from stand_in import SIZE, an_object, scene
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2_demo.formats import coco, davis, per_object_png, sa_v
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked import archives
from sam2_demo.formats.exchange import write_file
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.sessions.scores import _overlap, score
from sam2_demo.ui.mask_routes import MaskRoutes
from sam2_demo.ui.routes import StudioRoutes


@pytest.fixture
def client(server):
    return TestClient(Starlette(routes=StudioRoutes(server).all() + MaskRoutes(server).all()))


@pytest.fixture
def send(client, clip):
    def sent(content, name, **query):
        query = {"use": "prompts", "frame": 0} | query
        return client.post(
            f"/sam2/s/{clip['token']}/import-masks", params=query, content=content, headers={"X-File-Name": name}
        )

    return sent


def square(index):
    return np.abs(scene(index).astype(int) - (220, 30, 30)).sum(axis=2) < 60


def annotation(frames=20):
    value = ClipAnnotation(*SIZE, frames, name="scene")
    for index in range(frames):
        value.masklet(1).set(index, square(index))
        value.masklet(2).set(index, np.eye(*SIZE, dtype=bool) if index > 4 else np.zeros(SIZE, bool))
    value.labels = {1: "red square"}
    return value


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


def files_of(value, kind, place):
    if kind == "davis":
        davis.write(value, place / "scene")
        return zipped({f"scene/{p.name}": p.read_bytes() for p in (place / "scene").iterdir()}), "scene.zip"
    if kind == "png":
        per_object_png.write(value, place / "masks.zip")
        return (place / "masks.zip").read_bytes(), "masks.zip"
    if kind == "own zip":
        return zipped({f"object_001/{k:05d}.png": png(square(k) * np.uint8(255)) for k in range(20)}), "masks.zip"
    if kind in ("mots", "mots_png", "csv", "yolo"):
        path = write_file(value, kind, place)
        return path.read_bytes(), path.name
    {"coco": coco, "sa_v": sa_v}[kind].write(value, place / "a.json")
    return (place / "a.json").read_bytes(), "a.json"


NAMES = {"coco": "red square", "png": "red square", "csv": "red square", "yolo": "red square"}
NAMES |= {"mots": "car", "mots_png": "red square"}  # MOTS text knows no class of that name, a zip has names beside it


@pytest.mark.parametrize("kind", ["davis", "png", "own zip", "coco", "sa_v", "mots", "mots_png", "csv", "yolo"])
def test_masks_of_a_frame_come_back_as_prompts(send, tmp_path, kind):
    answer = send(*files_of(annotation(), kind, tmp_path), frame=4)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["objects"]
    assert found["id"] == 1 and found["counts"] == encode_rle(square(4))["counts"]
    assert found["label"] == NAMES.get(kind, "")


def test_a_label_map_is_meant_for_the_frame_that_is_shown(send):
    labels = np.zeros(SIZE, np.uint8)
    labels[10:20, 10:20], labels[30:40, 30:40], labels[0, 0] = 3, 7, 255
    answer = send(png(labels), "labels.png", frame=9)
    assert [found["id"] for found in answer.json()["objects"]] == [3, 7]


def on_frames(frames, kind, place, first=0):
    """A file with the square on these frames, numbered from `first`."""
    value = ClipAnnotation(*SIZE, 30, name="scene")
    for frame in frames:
        value.masklet(1).set(frame + first, square(frame))
    return files_of(value, kind, place)


@pytest.mark.parametrize("kind", ["davis", "png", "coco", "mots", "mots_png", "csv", "yolo"])
@pytest.mark.parametrize("frames", [[5], [5, 9], [0, 7]])
def test_masks_of_few_frames_keep_their_frames(send, tmp_path, kind, frames):
    answer = send(*on_frames(frames, kind, tmp_path), frame=0)
    assert answer.status_code == 200, answer.text
    found = answer.json()["objects"]
    assert [(own["id"], own["frame"]) for own in found] == [(1, frame) for frame in frames]
    assert [own["counts"] for own in found] == [encode_rle(square(frame))["counts"] for frame in frames]


def test_only_masks_that_do_not_say_their_frame_are_for_the_one_that_is_shown(send):
    (found,) = send(png(ONES), "mask.png", frame=9).json()["objects"]
    assert found["frame"] == 9
    (found,) = send(zipped({"mask.png": png(ONES)}), "a.zip", frame=9).json()["objects"]
    assert found["frame"] == 9
    (found,) = send(zipped({"00003.png": png(ONES)}), "a.zip", frame=9).json()["objects"]
    assert found["frame"] == 3


@pytest.mark.parametrize("kind", ["davis", "mots", "yolo"])
def test_frames_that_are_numbered_from_1_to_the_last_are_counted_from_1(send, tmp_path, kind):
    content, name = on_frames(range(20), kind, tmp_path, first=1)
    if kind == "yolo":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = zipped({n: archive.read(n) for n in archive.namelist() if n.startswith("labels/")})
    (found,) = send(content, name, frame=4).json()["objects"]
    assert found["frame"] == 4 and found["counts"] == encode_rle(square(4))["counts"]


def theirs(images, **annotation):
    """COCO of another tool: an annotation on each image, by default the square of frame 4."""
    images = [{"id": i, "height": SIZE[0], "width": SIZE[1]} | own for i, own in enumerate(images, start=1)]
    own = {"segmentation": encode_rle(square(4)), "category_id": 1, "bbox": [10, 20.5, 30, 8]} | annotation
    annotations = [own | {"id": 30 + image["id"], "image_id": image["id"]} for image in images]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]}
    return json.dumps(content).encode()


def test_coco_lands_on_the_frames_that_images_name(send, client, clip):
    track = {"attributes": {"track_id": 0}}
    images = [{"file_name": f"frame_{frame:06d}.png"} for frame in (3, 0, 2)]
    found = send(theirs(images, **track), "a.json").json()["objects"]
    assert [(own["id"], own["frame"], own["label"]) for own in found] == [(0, f, "dog") for f in (0, 2, 3)]
    answer = send(theirs(images, **track), "a.json", use="reference")
    assert answer.json()["frames"] == 3
    (row,) = client.get(f"/sam2/s/{clip['token']}/reference").json()["references"]
    assert row["frames"] == [0, 2, 3]
    answer = send(theirs([{"file_name": "a.png"}, {"file_name": "b.png"}]), "a.json", use="reference")
    assert answer.status_code == 400 and "expected frame_id in every image, or a number" in answer.json()["error"]


def test_of_several_videos_one_is_chosen_by_name(send):
    images = [{"file_name": f"{video}/{frame}.png"} for video in ("street", "park") for frame in (2, 6)]
    images[0] |= {"height": 5}
    content = theirs(images, track_id=1)
    answer = send(content, "a.json")
    assert answer.status_code == 400
    assert answer.json()["error"] == "a.json holds frames of 2 videos: street, park; choose one by its name"
    found = send(content, "a.json", video="park").json()["objects"]
    assert [own["frame"] for own in found] == [2, 6]
    assert "image 1 is 160 x 5 pixels" in send(content, "a.json", video="street").json()["error"]
    images = [own | {"file_name": own["file_name"].replace("park", "scene")} for own in images]
    assert len(send(theirs(images, track_id=1), "a.json").json()["objects"]) == 2, "that which is called as the clip"


@pytest.mark.parametrize("segmentation", [[], None])
def test_boxes_without_masks_are_offered_as_box_prompts(send, ask, clip, server, segmentation):
    content = theirs([{"frame_id": 5}], segmentation=segmentation, track_id=7)
    (found,) = send(content, "a.json").json()["objects"]
    assert found == {"id": 7, "label": "dog", "frame": 5, "box": [10.0, 20.5, 40.0, 28.5]}
    prompt = {"points": [], "box": found["box"], "mask": None}
    ask("prompt", token=clip["token"], frame=5, object_id=1, prompt=prompt)
    assert server.video(clip["token"]).prompts[5, 1].box == (10, 20.5, 40, 28.5)
    answer = send(content, "a.json", use="reference")
    assert "boxes only and no masks: 1 of 1 object on 1 frame; boxes are prompts" in answer.json()["error"]


ONES = np.ones(SIZE, np.uint8)


def wide():
    return png(np.ones((96, 100), np.uint8))


def broken_runs(counts, size=SIZE):
    image = {"id": 1, "height": SIZE[0], "width": SIZE[1]}
    shape = {"size": list(size), "counts": counts}
    return json.dumps({"images": [image], "annotations": [{"id": 5, "image_id": 1, "segmentation": shape}]}).encode()


def outlined(polygon):
    image = {"id": 1, "height": SIZE[0], "width": SIZE[1]}
    own = {"id": 5, "image_id": 1, "segmentation": [polygon]}
    return json.dumps({"images": [image], "annotations": [own]}).encode()


def bomb():
    """A PNG whose header speaks of 60000 x 60000 pixels."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


REFUSED = [
    (lambda: wide(), "labels.png", {}, "labels.png is 100 x 96 pixels (width x height), expected 160 x 96"),
    (lambda: zipped({"a/00003.png": wide()}), "a.zip", {}, "a/00003.png is 100 x 96 pixels"),
    (lambda: png(np.zeros(SIZE, np.uint8)), "empty.png", {}, "empty.png holds no masks"),
    (lambda: png(np.ones((*SIZE, 3), np.uint8)), "rgb.png", {}, "colour mode RGB"),
    (lambda: b"text", "a.png", {}, "a.png is no PNG"),
    (lambda: b"text", "a.zip", {}, "a.zip cannot be unpacked"),
    (lambda: b"{", "a.json", {}, "a.json is not JSON"),
    (lambda: b"[1]", "a.json", {}, "holds a list"),
    (lambda: b"[" * 100_000, "a.json", {}, "a.json is not JSON"),
    (lambda: b'{"images": [], "annotations": []}', "a.json", {}, "no images"),
    (lambda: b'{"images": [7], "annotations": []}', "a.json", {}, "not written as its format says"),
    (lambda: b"x", "a.exe", {}, "accepted are a label map (PNG)"),
    (lambda: bomb(), "a.png", {}, "60000 x 60000 pixels"),
    (lambda: zipped({"../../evil.png": wide()}), "a.zip", {}, "outside of itself"),
    (lambda: zipped({"/etc/evil.png": wide()}), "a.zip", {}, "outside of itself"),
    (lambda: zipped({"a.bin": b"x"}), "a.zip", {}, "holds no PNG and no labels"),
    (lambda: zipped({"a.txt": b"x"}), "a.zip", {}, "a.txt, line 1: expected `class x y x y ...`"),
    (lambda: zipped({"../labels/00000.txt": b"0 0 0 0 1 1 1"}), "a.zip", {}, "outside of itself"),
    (lambda: zipped({"0.png": png(ONES), "0.png/1.png": png(ONES)}), "a.zip", {}, "be unpacked: File exists"),
    (lambda: b"0 1001 1 96 160 111", "a.txt", {}, "a.txt, line 1 has run lengths of"),
    (lambda: b"frame_index,counts\n0,111", "a.csv", {}, "a.csv lacks the columns area, centroid_x"),
    (lambda: broken_runs("111"), "a.json", {}, "run lengths of"),
    (lambda: broken_runs([5, 10**12]), "a.json", {}, "run lengths of 1000000000005 pixels, expected 15360"),
    (lambda: broken_runs("oT4" * 3, (9, 9)), "a.json", {}, "has size [9, 9] (height, width), expected [96, 160]"),
    (lambda: outlined([0, 0, 1e12, 0, 5, 5]), "a.json", {}, "far outside"),
    (lambda: png(np.ones(SIZE, np.uint8)), "a.png", {"frame": 20}, "frame '20' does not exist"),
    (lambda: png(np.ones(SIZE, np.uint8)), "a.png", {"use": "x"}, "as prompts or as reference"),
    (lambda: zipped({"00020.png": png(np.ones(SIZE, np.uint8))}), "a.zip", {}, "frame 20; the clip has frames 0"),
    (lambda: zipped({f"{name}.png": png(ONES) for name in "xy"}), "a.zip", {}, "x.png is not named by its frame"),
    (lambda: b"", "a.png", {}, "empty"),
    (lambda: png(np.arange(np.prod(SIZE)).reshape(SIZE).astype(np.uint8)), "a.png", {}, "holds 254 objects"),
]


@pytest.mark.parametrize(("make", "name", "query", "words"), REFUSED, ids=[row[3][:40] for row in REFUSED])
def test_files_that_do_not_fit_are_explained_and_leave_nothing(send, server, clip, make, name, query, words):
    folder = server.video(clip["token"]).folder
    before = sorted(path.name for path in folder.rglob("*"))
    answer = send(make(), name, **query)
    assert answer.status_code == 400 and words in answer.json()["error"], answer.text
    assert str(folder) not in answer.text and ".import" not in answer.text and ".unpacked" not in answer.text
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_zips_that_unpack_to_too_much_are_refused_unread(send, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 2_000_000)
    answer = send(zipped({"zeros.bin": b"\0" * 9_000_000}), "a.zip")
    assert "unpacks to 1 files of 9 MB; accepted are up to 20000 files of 2 MB" in answer.json()["error"]


def test_no_object_on_the_frame_that_is_shown(send, tmp_path):
    value = annotation()
    value.masklets.pop(1)
    value.labels = {}
    answer = send(*files_of(value, "davis", tmp_path), frame=2)
    assert "shows no object on frame 2; it has objects on the frames 5, 6, 7, 8, 9, 10 ..." in answer.json()["error"]


def test_only_with_the_session_s_token(client):
    answer = client.post("/sam2/s/forged/import-masks?use=prompts&frame=0", content=b"x", headers={"X-File-Name": "a"})
    assert answer.status_code == 404


def test_masks_that_are_hidden_together_are_no_pair():
    reference, own = Masklet(1, *SIZE), Masklet(1, *SIZE)
    nothing = np.zeros(SIZE, bool)
    for frame in range(12):
        reference.set(frame, nothing if frame < 9 else square(0))
        own.set(frame, nothing if frame < 9 else ~square(0))
    assert _overlap(reference, own) == 0
    own.set(9, square(0))
    assert _overlap(reference, own) > 0.8


# --- reference ------------------------------------------------------------------------------------

CLICK = {"points": [[25, 35, 1]], "box": None, "mask": None}


def test_labels_of_a_detector_are_offered_as_box_prompts(send):
    content = zipped({"labels/00006.txt": b"0 0.5 0.5 0.25 0.5 0.9\n", "classes.txt": b"dog\n"})
    (found,) = send(content, "a.zip").json()["objects"]
    assert found == {"id": 1, "label": "dog", "frame": 6, "box": [60, 24, 100, 72]}
    assert "boxes only and no masks" in send(content, "a.zip", use="reference").json()["error"]


def test_reference_scores_are_those_of_the_metrics(send, ask, clip, client, server, tmp_path):
    token = clip["token"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=0)
    value = annotation()
    value.masklet(1).set(3, square(3) | square(9))
    assert send(*files_of(value, "davis", tmp_path), use="reference").json()["frames"] == 20
    found = client.get(f"/sam2/s/{token}/reference").json()
    first, second = found["references"]
    assert (first["id"], first["object"], second["object"]) == (1, 1, None) and found["complete"]
    scores = {frame: (j, f) for frame, j, f in first["scores"]}
    own = server.video(token).masklets()[1]
    assert len(scores) == 20 and scores[0] == score(own.mask(0), square(0)) and scores[0][0] > 0.8
    assert scores[3][0] < 0.6, "the reference of frame 3 is made to differ"
    assert second["scores"] == [] and second["frames"] == list(range(20))
    assert ask("reference", token=token, name="pair", reference_id=2, object_id=1) == {"seq": 1, "result": {}}
    first, second = client.get(f"/sam2/s/{token}/reference").json()["references"]
    assert first["object"] is None and second["object"] == 1 and len(second["scores"]) == 20
    ask("reference", token=token, name="drop")
    assert client.get(f"/sam2/s/{token}/reference").json()["references"] == []


def test_simulated_clicks_come_closer_until_nothing_is_wrong(send, ask, clip, tmp_path):
    token = clip["token"]
    question = {"token": token, "name": "next_click", "frame": 0, "object_id": 1}
    assert "import them first" in ask("reference", **question)["error"]
    send(*files_of(annotation(), "davis", tmp_path), use="reference")
    assert "not paired" in ask("reference", **question)["error"]
    ask("reference", token=token, name="pair", reference_id=1, object_id=1)
    x, y, label = ask("reference", **question)["result"]["click"]
    assert label == 1 and abs(x - 25) <= 1 and abs(y - 35) <= 1, "the middle of the square"
    exact = {"points": [], "box": None, "mask": encode_rle(square(0))["counts"]}
    ask("prompt", token=token, frame=0, object_id=1, prompt=exact)
    assert ask("reference", **question)["result"]["click"] is None
    ask("prompt", token=token, frame=0, object_id=1, prompt={"points": [[130, 20, 1]], "box": None})
    assert ask("reference", **question)["result"]["click"][2] in (0, 1)


def test_reference_questions_that_cannot_be_answered(send, ask, clip):
    labels = np.zeros(SIZE, np.uint8)
    labels[20:50, 10:40] = 4
    coded = io.BytesIO()
    Image.fromarray(labels).save(coded, "PNG")
    send(zipped({"00007.png": coded.getvalue()}), "a.zip", use="reference")
    token = clip["token"]
    answer = ask("reference", token=token, name="pair", reference_id=9)
    assert "reference 9 does not exist; known are [4]" in answer["error"]
    answer = ask("reference", token=token, name="pair", reference_id=4, object_id=8)
    assert "object 8 does not exist" in answer["error"]
    ask("command", token=token, name="put_object", object=an_object(2))
    ask("reference", token=token, name="pair", reference_id=4, object_id=2)
    answer = ask("reference", token=token, name="next_click", frame=0, object_id=2)
    assert "no mask of frame 0; the nearest frame that has one is 7" in answer["error"]

"""Uploads, frames, masks and files: by token only, with refusals that people can read."""

import io
import time
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image
from stand_in import SIZE, an_object, event

from sam2_demo.masks.display import encode_mask

CLICK = {"points": [[25, 35, 1]], "box": None, "mask": None}


def read_png(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def upload(client, kind, content, name):
    return client.post(f"/sam2/upload/{kind}", content=content, headers={"X-File-Name": name})


def test_an_uploaded_clip_is_described(client, clip_file):
    answer = upload(client, "video", clip_file.read_bytes(), "My%20clip.mp4")
    clip = answer.json()["clip"]
    assert answer.status_code == 200
    assert (clip["name"], clip["width"], clip["height"], clip["num_frames"]) == ("My clip.mp4", SIZE[1], SIZE[0], 20)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "empty.mp4", "empty"),
        (b"just text, no video" * 20, "text.mp4", "text.mp4"),
        (b"x" * 1_000_001, "big.mp4", "larger than the 1 MB"),
    ],
)
@pytest.mark.parametrize("kind", ["video", "picture"])
def test_files_that_cannot_be_used_leave_nothing_behind(client, server, content, name, words, kind):
    answer = upload(client, kind, content, name)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert str(server.settings.data_dir) not in answer.json()["error"]
    assert list(server.settings.data_dir.glob("*")) == []
    assert len(server.sessions) == 0


def test_a_truncated_clip_is_refused_or_opened_but_never_crashes(client, clip_file):
    content = clip_file.read_bytes()
    for share in (0.2, 0.6, 0.95):
        answer = upload(client, "video", content[: int(len(content) * share)], "cut.mp4")
        assert answer.status_code in (200, 400)
        if answer.status_code == 400:
            assert "cut.mp4" in answer.json()["error"]


def test_pictures_of_every_kind(client):
    rng = np.random.default_rng(1)
    colour = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    for name, picture in {
        "one.png": colour[:1, :1],
        "deep.png": (colour.astype(np.uint16) * 257),
        "grey.png": colour[..., 0],
        "clear.png": np.dstack([colour, colour[..., 0]]),
    }.items():
        answer = upload(client, "picture", cv2.imencode(".png", picture)[1].tobytes(), name)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["clip"]["height"], answer.json()["clip"]["width"]) == picture.shape[:2]


def test_frames_are_jpegs_of_the_right_frame(client, clip):
    answer = client.get(f"/sam2/s/{clip['token']}/frames/10.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    frame = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert frame.shape == (*SIZE, 3)
    assert frame[35, 65, 0] > 170 and frame[35, 15, 0] < 90


@pytest.mark.parametrize(
    "path",
    [
        "s/{token}/state",
        "s/{token}/tracks",
        "s/{token}/frames/0.jpg",
        "s/{token}/masks/0-3",
        "s/{token}/masks-as/png",
        "s/{token}/files/overlay.mp4",
        "s/{token}/picture/overlay.png",
    ],
)
@pytest.mark.parametrize("token", ["A" * 32, "x", "..%2F..%2Fetc", "%00"])
def test_without_the_right_token_nothing_is_given(client, clip, path, token):
    answer = client.get("/sam2/" + path.format(token=token))
    assert answer.status_code == 404
    assert clip["token"] not in answer.text


NO_RESULTS = ["source.mp4", "..%2Fsource.mp4", "%2e%2e/x", "overlay.mp4", ".masks.part", "clip.json"]


@pytest.mark.parametrize("name", NO_RESULTS)
def test_only_results_can_be_fetched_from_a_session(client, clip, name):
    assert client.get(f"/sam2/s/{clip['token']}/files/{name}").status_code == 404


def test_only_own_files_are_served(client):
    for name in ("app/studio.js", "masks/rle.js", "studio.css"):
        assert client.get(f"/sam2/static/1/{name}").status_code == 200
    wrong = ("..%2Fpage.py", "page.py", "%2e%2e%2fpage.py", "nothing.js", "app", "app/", "studio.js")
    for name in (*wrong, "app/%2e%2e/../page.py", "app%2F..%2F..%2Fpage.py", "/etc/passwd", "%2Fetc%2Fpasswd"):
        assert client.get(f"/sam2/static/1/{name}").status_code == 404


def test_frames_outside_the_clip(client, clip):
    answer = client.get(f"/sam2/s/{clip['token']}/frames/20.jpg")
    assert answer.status_code == 400
    assert "0 to 19" in answer.json()["error"]


def test_masks_of_a_range_and_the_zip(client, clip, ask):
    token = clip["token"]
    assert "no masks yet" in ask("make_masks", token=token, format="png")[-1]["error"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=None)
    masks = client.get(f"/sam2/s/{token}/masks/5-500").json()["masks"]
    assert list(masks) == [str(k) for k in range(5, 20)]
    assert masks["5"]["1"]["area"] == pytest.approx(31 * 31 / (SIZE[0] * SIZE[1]), rel=0.15)
    name = ask("make_masks", token=token, format="png")[-1]["result"]["file"]
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/sam2/s/{token}/files/{name}").content))
    assert archive.namelist() == ["clip.json", *(f"1/{k:05d}.png" for k in range(20))]
    mask = read_png(archive.read("1/00005.png"))
    assert mask.shape == SIZE and set(np.unique(mask)) == {0, 255}


def test_a_file_of_masks_tells_how_far_it_is_and_ends_with_its_page(client, handlers, server, clip, ask, monkeypatch):
    token = clip["token"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    work = server.video(token)
    read = work.reader.read
    monkeypatch.setattr(work.reader, "read", lambda index: (time.sleep(0.1), read(index))[1])
    question = event(seq=1, token=token, format="alpha")
    steps = handlers.make_masks(question)
    assert next(steps)["step"]["total"] == 20
    steps.close()
    assert not list((work.folder / "exports").iterdir())
    *steps, last = handlers.make_masks(question)
    done = [step["step"]["done"] for step in steps]
    assert done == sorted(done) and done[-1] > 1
    assert last["result"]["file"] == "scene_alpha.webm"
    (work.folder / "exports" / "half.webm.part").touch()
    assert client.get(f"/sam2/s/{token}/files/scene_alpha.webm").status_code == 200
    assert client.get(f"/sam2/s/{token}/files/half.webm.part").status_code == 404


def test_formats_without_overlaps_have_what_is_shown(client, server, clip, ask):
    """The stand-in shows earlier objects on top; left to themselves, the formats put smaller ones there."""
    token = clip["token"]
    large = np.zeros(SIZE, bool)
    large[10:70, 5:90] = True
    mask = {"points": [], "box": None, "mask": encode_mask(large, SIZE)}
    ask("prompt", token=token, frame=0, object_id=1, prompt=mask)
    ask("prompt", token=token, frame=0, object_id=2, prompt=CLICK)
    for overlap, expected in ((None, 1), ("both", 2)):
        server.video(token).view["overlap"] = overlap
        archive = zipfile.ZipFile(io.BytesIO(client.get(f"/sam2/s/{token}/masks-as/davis").content))
        (name,) = [name for name in archive.namelist() if name.endswith("00000.png")]
        labels = np.array(Image.open(io.BytesIO(archive.read(name))))
        assert labels[35, 25] == expected and labels[60, 80] == 1
        lines = client.get(f"/sam2/s/{token}/masks-as/mots").text.split("\n")
        assert len([line for line in lines if line]) == expected


def test_formats_without_overlaps_keep_what_is_alone_to_the_pixel(client, server, clip, ask, monkeypatch):
    """What the page shows of old frames is made from coarser records than the masklets."""
    token = clip["token"]
    for object_id, columns in ((1, slice(5, 90)), (2, slice(80, 120))):
        mask = np.zeros(SIZE, bool)
        mask[10:70, columns] = True
        prompt = CLICK | {"points": [], "mask": encode_mask(mask, SIZE)}
        ask("prompt", token=token, frame=0, object_id=object_id, prompt=prompt)
    coarse = {1: np.zeros(SIZE, bool), 2: np.zeros(SIZE, bool)}
    coarse[1][20:60, 15:80], coarse[2][20:60, 80:110] = True, True
    monkeypatch.setattr(type(server.video(token)), "exclusive_masks", lambda *_: coarse)
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/sam2/s/{token}/masks-as/davis").content))
    (name,) = [name for name in archive.namelist() if name.endswith("00000.png")]
    labels = np.array(Image.open(io.BytesIO(archive.read(name))))
    assert (labels[12, 6], labels[12, 118], labels[30, 85]) == (1, 2, 2)
    assert np.count_nonzero(labels == 1) == 60 * 85 - 40 * 10 - 20 * 10 and np.count_nonzero(labels) == 60 * 115


def test_masklets_that_everything_mode_found_are_automatic(client, clip, ask):
    token = clip["token"]
    mask = np.zeros(SIZE, bool)
    mask[20:51, 10:41] = True
    for object_id, stability in ((1, 0.9), (2, None), (3, 0.8)):
        ask("command", token=token, name="put_object", object=an_object(object_id, stability=stability))
        prompt = CLICK | {"points": [], "mask": encode_mask(mask, SIZE)}
        ask("prompt", token=token, frame=0, object_id=object_id, prompt=prompt)
    ask("prompt", token=token, frame=2, object_id=3, prompt=CLICK)  # corrected by a person
    ask("track", token=token, direction="forward", start=0)
    content = client.get(f"/sam2/s/{token}/masks-as/sa_v").json()
    assert content["masklet_id"] == [1, 2, 3] and content["masklet_type"] == ["auto", "manual", "manual"]
    assert [row[0] for row in content["masklet_stability_score"]] == [0.9] + 19 * [0.75]


def test_masks_in_the_formats_of_the_field(client, clip, ask):
    token = clip["token"]
    assert "no masks yet" in client.get(f"/sam2/s/{token}/masks-as/coco").json()["error"]
    ask("prompt", token=token, frame=0, object_id=1, prompt=CLICK)
    ask("track", token=token, direction="forward", start=None)
    table = client.get(f"/sam2/s/{token}/masks-as/coco")
    assert 'filename="scene_coco.json"' in table.headers["content-disposition"]
    assert len(table.json()["annotations"]) == 20
    names = zipfile.ZipFile(io.BytesIO(client.get(f"/sam2/s/{token}/masks-as/davis").content)).namelist()
    assert sum(name.endswith(".png") for name in names) == 20
    assert client.get(f"/sam2/s/{token}/masks-as/..%2Fx").status_code == 404
    assert client.get(f"/sam2/s/{token}/masks-as/exe").status_code == 400


def test_sprites_and_backdrop(client, clip, ask):
    base = f"/sam2/s/{clip['token']}"
    for path in ("label.png?object=1", "text.png?text=%3Cb%3E&variant=2", "sticker.png?variant=1"):
        assert read_png(client.get(f"{base}/sprites/{path}").content).shape[2] == 4
    for path in ("label.png?object=9", "label.png", "sticker.png?variant=7", "other.png", "backdrop.png"):
        assert client.get(f"{base}/sprites/{path}").status_code == 400
    picture = cv2.imencode(".png", np.full((30, 50, 3), 90, np.uint8))[1].tobytes()
    assert client.post(f"{base}/backdrop", content=picture).status_code == 200
    assert read_png(client.get(f"{base}/sprites/backdrop.png").content).shape == (30, 50, 3)
    refused = client.post(f"{base}/backdrop", content=b"no picture")
    assert refused.status_code == 400 and clip["token"] not in refused.text
    assert client.post("/sam2/s/forged/backdrop", content=picture).status_code == 404


def test_results_of_a_picture(client, picture_file, ask):
    state = upload(client, "picture", picture_file.read_bytes(), "scene.png").json()
    base = f"/sam2/s/{state['token']}/picture"
    ask("command", token=state["token"], name="put_object", object={"object_id": 1, "name": "a", "color": "#ff0000"})
    assert client.get(f"{base}/mask.png?object=1").status_code == 400
    ask("prompt", token=state["token"], frame=0, object_id=1, prompt=CLICK)
    mask = client.get(f"{base}/mask.png?object=1")
    assert 'filename="scene_mask_1.png"' in mask.headers["content-disposition"]
    decoded = read_png(mask.content)
    assert decoded.shape == SIZE and decoded[35, 25] == 255
    cutout = read_png(client.get(f"{base}/cutout.png?object=1").content)
    assert cutout.shape == (31, 31, 4)
    assert client.get(f"{base}/overlay.png").status_code == 200
    for bad in ("mask.png", "mask.png?object=9", "mask.png?object=-1", "mask.png?object=x", "other.png?object=1"):
        assert client.get(f"{base}/{bad}").status_code == 400


def test_two_people_never_see_each_other(client, clip_file, picture_file, ask):
    one = upload(client, "video", clip_file.read_bytes(), "one.mp4").json()["token"]
    two = upload(client, "video", clip_file.read_bytes(), "two.mp4").json()["token"]
    ask("command", token=one, name="put_object", object={"object_id": 1, "name": "secret", "color": "#ff0000"})
    ask("prompt", token=one, frame=0, object_id=1, prompt=CLICK)
    assert client.get(f"/sam2/s/{two}/state").json()["objects"] == []
    assert client.get(f"/sam2/s/{two}/masks/0-3").json()["masks"] == {"0": {}, "1": {}, "2": {}, "3": {}}
    assert "error" in ask("prompt", token=two, frame=0, object_id=1, prompt=CLICK)

"""Everything mode in a session: what is kept of what was found, when to stop, and what comes back."""

import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from stand_in import SIZE, StandInEngine, found_record, scene
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2_demo.errors import InputError, PromptError, SessionError
from sam2_demo.masks.overlaps import box_iou
from sam2_demo.sessions.everything import Collection, read_everything, search
from sam2_demo.sessions.mask_files import write_masks
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.picture_session import PictureSession
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.ui.mask_routes import MaskRoutes
from sam2_demo.ui.routes import StudioRoutes


def record(box, iou, stability, size=(100, 200)):
    mask = np.zeros(size, bool)
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = True
    return found_record(mask, iou, stability)


@pytest.fixture
def picture(tmp_path):
    return PictureSession("t" * 32, scene(3), "scene.png", tmp_path, StandInEngine(), 9)


@pytest.fixture
def clip_session(server, clip):
    return server.video(clip["token"])


def test_only_masks_that_another_one_always_stands_for_are_dropped():
    kept = Collection((100, 200))
    found, gone = kept.add([record((10, 10, 60, 60), 0.5, 0.9), record((10, 10, 60, 59), 0.4, 0.8)])
    assert [mask.mask_id for mask in found] == [1] and gone == []
    found, gone = kept.add([record((10, 11, 60, 60), 0.4, 0.95)])
    assert len(found) == 1 and gone == [], "neither of the two is better in both scores"
    found, gone = kept.add([record((10, 10, 59, 60), 0.6, 0.96), record((100, 10, 150, 60), 0.1, 0.1)])
    assert gone == [1, 2] and len(found) == 2
    assert found[0].box == (10, 10, 59, 60) and found[0].area == 49 * 50


def test_specks_are_no_masks_and_holes_are_filled():
    kept = Collection((1000, 1000))
    pierced = record((100, 100, 300, 300), 0.9, 0.9, (1000, 1000))
    pierced["segmentation"][200:205, 200:205] = False
    found, _ = kept.add([pierced, record((5, 5, 10, 10), 0.9, 0.9, (1000, 1000))])
    assert [mask.area for mask in found] == [200 * 200]
    assert kept.add([pierced]) == ([], [])


def test_what_is_found_comes_back_from_the_folder(picture):
    steps = list(search(picture, 0, 8))
    assert [step.done for step in steps] == [1, 2, 3]
    found = read_everything(picture)
    assert found.size == SIZE and len(found.masks) == 3 and not picture.is_busy()
    square = found.mask(1, SIZE)
    assert square[35, 25] and not square[5, 5]
    assert found.mask(1, (192, 320))[70, 50]
    assert found.mask(1, (192, 320)).sum() == pytest.approx(4 * square.sum(), rel=0.1)
    with pytest.raises(InputError, match="mask 99 does not exist"):
        found.mask(99, SIZE)


def test_cancel_keeps_what_is_found(picture):
    steps = search(picture, 0, 8)
    next(steps)
    picture.cancel.set()
    assert list(steps) == []
    assert len(read_everything(picture).masks) == 1


def test_one_task_at_a_time_and_damaged_files_are_named(picture, tmp_path):
    assert read_everything(picture) is None
    with picture.task(), pytest.raises(SessionError, match="busy"):
        next(search(picture, 0, 8))
    (tmp_path / "everything.json").write_text(json.dumps({"frame": 0, "size": [1, 1], "masks": [{"x": 1}]}))
    assert read_everything(picture) is None
    assert picture.stored.damaged == ["everything.json"]


def test_frames_that_a_clip_does_not_have(clip_session):
    with pytest.raises(PromptError, match="frame 99 does not exist"):
        next(search(clip_session, 99, 8))
    assert len(list(search(clip_session, 2, 8))) == 3
    assert read_everything(clip_session).frame == 2


def test_boxes_that_touch_do_not_overlap():
    assert box_iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert box_iou((0, 0, 10, 10), (0, 0, 10, 5)) == 0.5


@pytest.fixture
def mask_client(server):
    return TestClient(Starlette(routes=StudioRoutes(server).all() + MaskRoutes(server).all()))


def test_masks_arrive_step_by_step_and_can_be_asked_for_again(ask, clip, mask_client):
    place = f"/sam2/s/{clip['token']}/everything"
    assert mask_client.get(place).json() == {"frame": None, "masks": []}
    answers = ask("find_everything", token=clip["token"], frame=4, grid="16")
    assert [answer["step"]["done"] for answer in answers[:-1]] == [1, 2, 3]
    assert answers[-1]["result"] == {"done": 3, "total": 3, "stopped": False}
    found = [mask for answer in answers[:-1] for mask in answer["step"]["found"]]
    assert [mask["iou"] for mask in found] == [0.9, 0.7, 0.4]
    assert mask_client.get(place).json() == {"frame": 4, "size": list(SIZE), "masks": found}
    assert "grid must be one of" in ask("find_everything", token=clip["token"], frame=4, grid="x")[0]["error"]
    assert "frame 20 does not exist" in ask("find_everything", token=clip["token"], frame=20, grid="16")[0]["error"]


def test_masks_as_coco_and_as_label_map(ask, clip, mask_client, tmp_path):
    place = f"/sam2/s/{clip['token']}/everything"
    assert "press Find everything" in mask_client.get(f"{place}/coco?masks=1").json()["error"]
    ask("find_everything", token=clip["token"], frame=4, grid="16")
    answer = mask_client.get(f"{place}/coco?masks=1.2,3")
    assert 'filename="scene_everything_coco.json"' in answer.headers["content-disposition"]
    (tmp_path / "a.json").write_bytes(answer.content)
    table = COCO(str(tmp_path / "a.json"))
    joined, ground = table.loadAnns(table.getAnnIds())
    assert table.annToMask(joined)[[35, 25], [40, 130]].tolist() == [1, 1] and table.annToMask(ground)[90, 5] == 1
    assert (joined["predicted_iou"], joined["stability_score"]) == (0.7, 0.9)
    assert table.loadImgs(joined["image_id"])[0]["frame_index"] == 4
    labels = cv2.imdecode(np.frombuffer(mask_client.get(f"{place}/labels?masks=1,2").content, np.uint8), -1)
    assert labels.shape[:2] == SIZE and len(np.unique(labels.reshape(len(labels) * SIZE[1], -1), axis=0)) == 3


def test_found_masks_and_a_session_s_own_are_named_alike(server, ask, clip, mask_client):
    """One name for the clip, its frames and its files, whichever way masks were made."""
    session = server.session(clip["token"])
    session.name = "Größe 1 (final).mp4"
    ask("find_everything", token=clip["token"], frame=4, grid="16")
    found = mask_client.get(f"/sam2/s/{clip['token']}/everything/coco?masks=3")
    session.put_object(ObjectInfo(1, "Square", "#336699"))
    session.prompt(4, 1, PromptSet(points=((40.0, 35.0),), labels=(1,)))
    own = json.loads(write_masks(session, "coco").read_text())
    other = found.json()
    assert other["info"]["description"] == own["info"]["description"] == "Größe_1_final_"
    images = [{image["frame_index"]: image["file_name"] for image in content["images"]} for content in (other, own)]
    assert images[0][4] == images[1][4] == "00004.jpg"
    sizes = [{(image["height"], image["width"]) for image in content["images"]} for content in (other, own)]
    assert sizes[0] == sizes[1] == {SIZE}
    names = sorted(path.name for path in (session.folder / "exports").iterdir())
    assert names == ["Größe_1_final__coco.json", "Größe_1_final__everything_coco.json"]
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe_1_final__everything_coco.json" in found.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("coco?masks=9", "mask 9 does not exist"),
        ("coco?masks=1,,2", "named by their numbers"),
        ("coco?masks=" + "1," * 9000 + "1", "12000 characters"),
        ("coco", "name the masks"),
        ("exe?masks=1", "not one of coco, labels"),
        ("labels?masks=" + ",".join(["1"] * 255), "up to 254 masks"),
    ],
)
def test_bad_requests_for_files_are_explained(ask, clip, mask_client, path, words):
    ask("find_everything", token=clip["token"], frame=0, grid="16")
    answer = mask_client.get(f"/sam2/s/{clip['token']}/everything/{path}")
    assert answer.status_code == 400 and words in answer.json()["error"]
    assert mask_client.get(f"/sam2/s/forged/everything/{path}").status_code == 404

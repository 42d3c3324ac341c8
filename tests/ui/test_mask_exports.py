"""What exports say of a session beyond its masks: who made them, and what the picture is called."""

import json
import zipfile

import numpy as np
from stand_in import SIZE, an_object

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

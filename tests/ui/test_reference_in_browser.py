"""Masks from files in Chromium: as prompts, as reference with scores over time, and clicks simulated from them."""

import json
import re

import cv2
import numpy as np
import pytest
from archives import zipped
from drive import IN_CHROMIUM
from playwright.sync_api import expect
from stand_in import SIZE, scene

from sam2_demo.errors import InputError
from sam2_demo.ui import reference

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="session")
def davis_file(tmp_path_factory):
    """Labels of the square (1) and the disc (2), all frames."""
    path = tmp_path_factory.mktemp("davis") / "labels.zip"
    files = {}
    for index in range(20):
        labels = np.zeros(SIZE, np.uint8)
        for label, color in ((1, (220, 30, 30)), (2, (40, 60, 230))):
            labels[np.abs(scene(index).astype(int) - color).sum(axis=2) < 60] = label
        files[f"{index:05d}.png"] = cv2.imencode(".png", labels)[1].tobytes()
    path.write_bytes(zipped(files))
    return path


def bring_in(drive, path, use="prompts"):
    drive.press("Import masks …")
    dialog = drive.root.get_by_role("dialog", name="Import masks")
    dialog.get_by_label("File of masks").set_input_files(str(path))
    if use == "reference":
        dialog.get_by_label("As reference").check()
    dialog.get_by_role("button", name="Import", exact=True).click()
    return dialog


def test_imported_masks_are_prompts_that_can_be_tracked_and_undone(tab, video, davis_file, tmp_path):
    wrong = tmp_path / "wrong.png"
    cv2.imwrite(str(wrong), np.ones((10, 12), np.uint8))
    dialog = bring_in(video, wrong)
    dialog.get_by_text("wrong.png is 12 x 10 pixels (width x height), expected 160 x 96").wait_for(timeout=10_000)
    dialog.get_by_role("button", name="Close").click()
    bring_in(video, davis_file)
    video.until(lambda w: len(w.prompts) == 2, "two prompts of masks")
    video.press("Undo")
    video.until(lambda w: not w.prompts and not len(w.objects), "both are gone")
    video.press("Redo")
    video.until(lambda w: len(w.prompts) == 2, "both are back")
    video.press("Track")
    video.until(lambda w: sorted(len(m) for m in w.masklets().values()) == [20, 20], "both are tracked")


def test_a_click_that_cannot_be_simulated_leaves_no_object(tab, video, tmp_path, monkeypatch):
    one = tmp_path / "one.zip"
    one.write_bytes(zipped({"00003.png": cv2.imencode(".png", np.ones(SIZE, np.uint8))[1].tobytes()}))
    bring_in(video, one, "reference")
    video.root.get_by_text("Reference masks on 1 of 20 frames").wait_for(timeout=10_000)
    click = video.root.get_by_role("button", name="Simulate the next click for Reference 1")
    click.click()
    tab.get_by_text("The reference has no mask of frame 0; the nearest frame that has one is 3.").wait_for()
    assert not len(video.session().objects)
    expect(video.root.locator(".sam-object")).to_have_count(0)
    video.root.get_by_label("Frame", exact=True).fill("3")

    def refuse(*_):
        raise InputError("not this time")

    monkeypatch.setattr(reference, "next_click", refuse)
    click.click()
    tab.get_by_text("not this time").wait_for(timeout=10_000)
    video.until(lambda w: not len(w.objects), "the object is taken back")
    expect(video.root.locator(".sam-object")).to_have_count(0)


def test_scores_against_a_reference_and_simulated_clicks(tab, video, davis_file):
    bring_in(video, davis_file, "reference")
    video.root.get_by_text("Reference masks on 20 of 20 frames").wait_for(timeout=10_000)
    video.root.get_by_role("button", name="Simulate the next click for Reference 1").click()
    video.until(lambda w: (0, 1) in w.prompts, "a simulated click")
    x, y = video.session().prompts[(0, 1)].points[0]
    assert abs(x - 25) <= 1 and abs(y - 35) <= 1
    video.root.get_by_text(re.compile(r"J&F [89]\d\.\d .* on 1 of 20 frames, here")).wait_for(timeout=10_000)
    video.press("Track")
    video.root.get_by_text(re.compile(r"J&F [89]\d\.\d .* on 20 of 20 frames")).wait_for(timeout=30_000)
    lane = video.root.locator("canvas.sam-reference-lanes")
    expect(lane).to_be_visible()
    assert lane.bounding_box()["height"] == 34
    video.root.get_by_role("button", name="Remove the reference").click()
    lane.wait_for(state="hidden", timeout=5_000)


def boxes_of_two_videos() -> str:
    """COCO of a detector: boxes on frame 5 of one video, on frame 0 of another."""
    sides = {"height": SIZE[0], "width": SIZE[1]}
    images = [{"id": i, "file_name": f"{name}.png"} | sides for i, name in enumerate(("park/5", "street/0"), start=1)]
    own = {"category_id": 1, "bbox": [28, 18, 36, 36], "segmentation": []}
    annotations = [own | {"id": i, "image_id": i, "track_id": i} for i in (1, 2)]
    categories = [{"id": 1, "name": "red square"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


def test_boxes_become_prompts_of_their_own_frame_of_the_video_that_is_named(tab, video, tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(boxes_of_two_videos())
    dialog = bring_in(video, path)
    dialog.get_by_text("boxes.json holds frames of 2 videos: park, street; choose one").wait_for(timeout=10_000)
    dialog.get_by_label("Video in the file").fill("park")
    dialog.get_by_role("button", name="Import", exact=True).click()
    video.until(lambda w: (5, 1) in w.prompts, "a prompt on the box's own frame, while frame 0 was shown")
    assert video.session().prompts[5, 1].box == (28, 18, 64, 54) and len(video.session().objects) == 1
    told = (
        "1 box on frame 5 became 1 object. The file has boxes instead of masks: each became the prompt of its object."
    )
    video.root.get_by_text(told).wait_for(timeout=10_000)
    assert video.root.get_by_label("Frame", exact=True).input_value() == "5"
    video.press("Undo")
    video.until(lambda w: not w.prompts and not len(w.objects), "it is gone")


def test_masks_of_two_frames_become_one_object_with_two_prompts(tab, video, tmp_path):
    path = tmp_path / "two.zip"
    path.write_bytes(
        zipped({f"{k:05d}.png": cv2.imencode(".png", np.eye(*SIZE, dtype=np.uint8))[1].tobytes() for k in (3, 7)})
    )
    bring_in(video, path)
    video.until(lambda w: set(w.prompts) == {(3, 1), (7, 1)}, "one object, prompted on both frames")
    video.root.get_by_text("2 masks on 2 frames became 1 object.").wait_for(timeout=10_000)

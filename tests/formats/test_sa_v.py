"""SA-V train JSON: the published files re-save to equal content, derived fields follow from the masks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sam2_demo.errors import DatasetError
from sam2_demo.formats import sa_v
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.sa_v_json import FIELDS, to_content

needs_data = pytest.mark.skipif("SAM2_DEMO_DATA" not in os.environ, reason="SAM2_DEMO_DATA names no development data")


@needs_data
@pytest.mark.parametrize("kind", ["manual", "auto"])
def test_published_files_come_back_equal(tmp_path, kind):
    source = Path(os.environ["SAM2_DEMO_DATA"]) / f"sav_000001_{kind}.json"
    clip = sa_v.read(source)
    assert (clip.num_frames, clip.frame_rate, clip.annotated_frames[1]) == (483, 24.0, 4)
    sa_v.write(clip, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(source.read_text())


@needs_data
@pytest.mark.parametrize("kind", ["manual", "auto"])
def test_derived_fields_equal_the_published_ones_when_only_masks_are_known(kind):
    source = Path(os.environ["SAM2_DEMO_DATA"]) / f"sav_000001_{kind}.json"
    clip, published = sa_v.read(source), json.loads(source.read_text())
    clip.extra.clear()
    content = to_content(clip, annotation_step=4)
    for name in FIELDS:
        if name.startswith("masklet_size"):
            if name.endswith("bucket"):
                assert content[name] == published[name]
            else:
                assert content[name] == pytest.approx(published[name], rel=1e-7)
        elif name not in (
            "video_environment",
            "masklet_edited_frame_count",
            "masklet_type",
            "masklet_stability_score",
        ):
            assert content[name] == published[name], name


@pytest.fixture
def clip() -> ClipAnnotation:
    value = ClipAnnotation(50, 200, 18, name="made")
    for frame in range(0, 18, 4):
        mask = np.zeros((50, 200), bool)
        if frame in (4, 8, 16):
            mask[:, :100] = True
        value.masklet(5).set(frame, mask)
    value.masklet(6).set(0, np.eye(50, 200, dtype=bool))
    return value


def test_all_fields_are_written_and_counted_from_the_masks(clip, tmp_path):
    clip.extra["masklet_type"] = {5: "auto", 6: "auto"}
    clip.extra["stability"] = {5: {0: 0.5, 4: 0.75}, 6: {0: 1.0}}
    sa_v.write(clip, tmp_path / "made.json")
    content = json.loads((tmp_path / "made.json").read_text())
    assert tuple(content) == FIELDS
    assert (content["video_frame_count"], content["video_duration"], content["video_resolution"]) == (18, 0.75, 10000)
    assert len(content["masklet"]) == 5 and content["masklet_id"] == [5, 6] and content["masklet_num"] == 2
    assert content["masklet_size_abs"] == [5000, 50] and content["masklet_size_bucket"] == ["medium", "small"]
    assert content["masklet_size_rel"] == [0.5, 0.005]
    assert content["masklet_visibility_changes"] == [2, 1] and content["masklet_first_appeared_frame"] == [1, 0]
    assert content["masklet_frame_count"] == [5, 5] and content["masklet_type"] == ["auto", "auto"]
    assert content["masklet_stability_score"] == [[0.5, 1.0], [0.75, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert coco_mask.decode(content["masklet"][1][0]).sum() == 5000


def test_frames_that_a_person_edited_are_told(clip, tmp_path):
    assert to_content(clip)["masklet_edited_frame_count"] == [0, 0]
    clip.extra["masklet_edited_frame_count"] = {5: 3}
    sa_v.write(clip, tmp_path / "made.json")
    again = sa_v.read(tmp_path / "made.json")
    assert to_content(again)["masklet_edited_frame_count"] == [3, 0]


def test_changed_masks_change_what_follows_from_them(clip, tmp_path):
    sa_v.write(clip, tmp_path / "a.json")
    again = sa_v.read(tmp_path / "a.json")
    again.masklets[5].set(4, np.ones((50, 200), bool))
    again.extra["sa_v"]["video_environment"] = "Outdoor"
    content = to_content(again)
    assert content["masklet_size_abs"][0] == pytest.approx(20000 / 3)
    assert content["masklet_size_bucket"][0] == "medium" and content["video_environment"] == "Outdoor"


def test_the_annotation_step_is_found_again(tmp_path):
    for num_frames, step in ((18, 4), (17, 4), (5, 4), (9, 1), (1, 1), (30, 3), (250, 24), (5, 3), (9, 8), (7, 20)):
        value = ClipAnnotation(4, 4, num_frames)
        for frame in range(0, num_frames, step):
            value.masklet(1).set(frame, np.ones((4, 4), bool))
        sa_v.write(value, tmp_path / "a.json", annotation_step=step)
        assert sa_v.read(tmp_path / "a.json").annotated_frames == value.annotated_frames


def test_the_annotation_step_is_stated_where_it_does_not_follow_from_the_rows(clip, tmp_path):
    assert "annotation_step" not in to_content(clip, 4) and "annotation_step" not in to_content(clip, 1)
    content = to_content(clip, 7)
    assert tuple(content) == (*FIELDS, "annotation_step") and content["annotation_step"] == 7
    sa_v.write(clip, tmp_path / "a.json", annotation_step=7)
    again = sa_v.read(tmp_path / "a.json")
    assert again.annotated_frames == [0, 7, 14] and to_content(again) == content
    for wrong in (0, 5, 7.0, "7"):
        (tmp_path / "a.json").write_text(json.dumps(content | {"annotation_step": wrong}))
        with pytest.raises(DatasetError, match=rf"a\.json: annotation_step is {wrong!r}; expected a whole number"):
            sa_v.read(tmp_path / "a.json")


def broken(content: dict, kind: str) -> dict:
    changed = json.loads(json.dumps(content))
    if kind == "lacks the SA-V fields masklet_id":
        del changed["masklet_id"]
    elif kind == "frame 2 has 1 masks":
        changed["masklet"][2].pop()
    elif kind == "has size":
        changed["masklet"][1][0]["size"] = [200, 50]
    elif kind == "names an object twice":
        changed["masklet_id"] = [5, 5]
    elif kind == "masklet_type has 1 values for 2":
        changed["masklet_type"].pop()
    else:
        changed["video_frame_count"] = 3.0
    return changed


@pytest.mark.parametrize(
    "kind",
    [
        "lacks the SA-V fields masklet_id",
        "frame 2 has 1 masks",
        "has size",
        "names an object twice",
        "masklet_type has 1 values for 2",
        "annotates 5 frames of a video of 3",
    ],
)
def test_broken_files_say_what_was_expected(clip, tmp_path, kind):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken(to_content(clip), kind)))
    with pytest.raises(DatasetError) as caught:
        sa_v.read(path)
    assert str(path) in str(caught.value) and kind in str(caught.value)

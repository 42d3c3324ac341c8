"""Data sets are recognised by what they hold; wrong folders are told what is missing and what is accepted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.layouts import recognise_layout
from sam2_demo.datasets.sa_v import SaVTrainClips
from sam2_demo.errors import DatasetError
from sam2_demo.masks.run_lengths import encode_rle


@pytest.fixture
def label_root(tmp_path):
    root = tmp_path / "labels"
    root.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(root / "a.jpg")
    Image.fromarray(np.ones((8, 8), np.uint8)).save(root / "a.png")
    return root


def test_every_layout_is_recognised(davis_root, sav_root, sav_train_root, label_root, coco_root):
    assert recognise_layout(davis_root) == "DAVIS"
    assert recognise_layout(sav_root) == "SA-V"
    assert recognise_layout(sav_train_root) == recognise_layout(sav_train_root / "sav_000") == "SA-V train"
    assert recognise_layout(label_root) == "label maps"
    file = coco_root / "annotations" / "instances_val.json"
    assert recognise_layout(file) == recognise_layout(coco_root) == "COCO"


@pytest.mark.parametrize("part", ["JPEGImages", "Annotations"])
def test_half_a_davis_layout_names_the_other_half(davis_root, part):
    other = {"JPEGImages": "Annotations", "Annotations": "JPEGImages"}[part]
    (davis_root / other).rename(davis_root / "elsewhere")
    with pytest.raises(DatasetError, match=f"davis holds {part} but no {other} folder; accepted are"):
        recognise_layout(davis_root)


@pytest.mark.parametrize("part", ["JPEGImages_24fps", "Annotations_6fps"])
def test_half_an_sa_v_layout_names_the_other_half(sav_root, part):
    other = {"JPEGImages_24fps": "Annotations_6fps", "Annotations_6fps": "JPEGImages_24fps"}[part]
    (sav_root / other).rename(sav_root / "elsewhere")
    with pytest.raises(DatasetError, match=f"sav holds {part} but no {other} folder; accepted are"):
        recognise_layout(sav_root)


def test_other_folders_are_told_what_they_hold(tmp_path, label_root):
    with pytest.raises(DatasetError, match=r"nowhere does not exist; accepted are"):
        recognise_layout(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"empty is no data set \(it is empty\); accepted are"):
        recognise_layout(tmp_path / "empty")
    (label_root / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"labels is no data set \(it holds a.jpg\); accepted are"):
        recognise_layout(label_root)
    with pytest.raises(DatasetError, match=r"a.jpg is a file of another kind; accepted are"):
        recognise_layout(label_root / "a.jpg")


def test_train_clips_give_frames_of_their_video(sav_train_root):
    clips = SaVTrainClips(sav_train_root)
    assert clips.names == ["sav_000001_manual"]
    clip = clips.clip("sav_000001_manual")
    assert clip.truth.annotated_frames == [0, 4, 8]
    late, early, again = clip.frames([8, 0, 8])
    assert early.shape == (40, 60, 3)
    np.testing.assert_array_equal(late, again)
    # The first object is red, on every frame where its mask is.
    assert np.abs(late[clip.truth.masklets[1].mask(8)].mean(axis=0) - (200, 60, 60)).max() < 25


def test_train_clips_name_what_is_wrong(sav_train_root):
    folder = sav_train_root / "sav_000"
    annotation = folder / "sav_000001_manual.json"
    content = json.loads(annotation.read_text())

    def rewrite(**changes):
        annotation.write_text(json.dumps(content | changes))
        return SaVTrainClips(sav_train_root).clip("sav_000001_manual")

    with pytest.raises(DatasetError, match=r"sav_000001.mp4 has 12 frames, its annotation .* a mask on frame 16"):
        rewrite(video_frame_count=17.0, masklet=[*content["masklet"], *content["masklet"][:2]]).frames([0])
    with pytest.raises(DatasetError, match=r"has size \[40, 60\], the video is \[80, 60\]"):
        rewrite(video_height=80.0)
    larger = [[encode_rle(np.ones((80, 60))) for _ in row] for row in content["masklet"]]
    with pytest.raises(DatasetError, match=r"sav_000001.mp4 is 40 x 60 .* its annotation sav_000001_manual 80 x 60"):
        rewrite(video_height=80.0, masklet=larger).frames([0])
    annotation.write_text("{}")
    with pytest.raises(DatasetError, match=r"sav_000001_manual.json lacks the SA-V fields video_id"):
        SaVTrainClips(sav_train_root).clip("sav_000001_manual")
    (folder / "sav_000001.mp4").unlink()
    with pytest.raises(DatasetError, match=r"sav_000001.mp4 does not exist, sav_000001_manual.json annotates it"):
        SaVTrainClips(sav_train_root)
    annotation.unlink()
    with pytest.raises(DatasetError, match=r"holds no <clip>_manual.json"):
        SaVTrainClips(sav_train_root)

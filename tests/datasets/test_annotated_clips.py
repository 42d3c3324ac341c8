"""Clips in the DAVIS and SA-V layouts, and what is said when the layout is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.datasets.sa_v import SaVClips
from sam2_demo.errors import DatasetError


def test_davis_clips_by_name_and_split(davis_root):
    clips = DavisClips(davis_root)
    assert clips.names == ["first", "second"] and DavisClips(davis_root, "val").names == ["second"]
    clip = clips.clip("first")
    assert clip.truth.object_ids == [1, 2] and len(clip.frame_paths) == 12
    assert clip.first_visible(1) == 0 and clip.first_visible(2) == 4
    assert clip.truth.masklets[2].frame_indices == list(range(12))
    assert clip.frame(3).shape == (40, 60, 3) and clip.void(0) is None


def test_davis_resolution_folders_and_official_splits(davis_root):
    for kind in ("JPEGImages", "Annotations"):
        (davis_root / kind).rename(davis_root / "moved")
        (davis_root / kind).mkdir()
        (davis_root / "moved").rename(davis_root / kind / "480p")
    (davis_root / "ImageSets" / "2017").mkdir(parents=True)
    (davis_root / "ImageSets" / "2017" / "val.txt").write_text("first\n")
    clips = DavisClips(davis_root, "val")
    assert clips.names == ["first"] and clips.clip("first").first_visible(2) == 4


def test_sparse_annotations_are_placed_by_their_picture(sav_root):
    clip = SaVClips(sav_root, "sav_val").clip("clip")
    assert clip.truth.num_frames == 12
    assert clip.truth.masklets[1].frame_indices == [0, 4, 8, 11]
    assert clip.first_visible(2) == 4


def test_pictures_that_start_late_shift_the_index(davis_root):
    for folder in ("JPEGImages", "Annotations"):
        for frame in range(3):
            next((davis_root / folder / "first").glob(f"{frame:05d}.*")).unlink()
    clip = DavisClips(davis_root).clip("first")
    assert clip.frame_names[0] == "00003" and clip.truth.masklets[1].frame_indices == list(range(9))
    assert clip.first_visible(2) == 1


def test_hidden_folders_are_no_clips_and_no_objects(davis_root, sav_root):
    (davis_root / "Annotations" / ".ipynb_checkpoints").mkdir()
    assert DavisClips(davis_root).names == ["first", "second"]
    (sav_root / "Annotations_6fps" / ".ipynb_checkpoints").mkdir()
    (sav_root / "Annotations_6fps" / "clip" / ".ipynb_checkpoints").mkdir()
    assert SaVClips(sav_root).names == ["clip"] and SaVClips(sav_root).clip("clip").truth.object_ids == [1, 2]


def test_void_pixels_are_kept_apart(davis_root):
    path = davis_root / "Annotations" / "first" / "00002.png"
    labels = np.array(Image.open(path))
    labels[:3] = 255
    Image.fromarray(labels).save(path)
    clip = DavisClips(davis_root).clip("first")
    assert clip.truth.object_ids == [1, 2] and clip.void(2)[:3].all() and not clip.void(2)[3:].any()


def test_black_and_white_masks_hold_one_object(davis_root):
    for path in (davis_root / "Annotations" / "first").iterdir():
        labels = np.array(Image.open(path))
        Image.fromarray(((labels == 2) * 255).astype(np.uint8)).save(path)
    clip = DavisClips(davis_root).clip("first")
    assert clip.truth.object_ids == [1] and clip.first_visible(1) == 4 and clip.void(6) is None
    assert clip.truth.masklets[1].frame_indices == list(range(12))


def wrong_layouts(root: Path) -> dict[str, str]:
    clip = root / "Annotations" / "first"
    return {
        "no annotations": f"{root} holds no Annotations folder",
        "picture missing": f"{clip / '00005.png'} belongs to no frame",
        "size": f"{clip / '00004.png'} is 10 x 10",
        "picture size": r"its annotation 40 x 60",
        "colour": f"{clip / '00003.png'} has colour mode RGB",
        "broken": f"{clip / '00003.png'} cannot be read",
    }


@pytest.mark.parametrize("kind", list(wrong_layouts(Path())))
def test_wrong_layouts_name_the_file(davis_root, kind):
    expected = wrong_layouts(davis_root)[kind]
    clip = davis_root / "Annotations" / "first"
    if kind == "no annotations":
        os.rename(davis_root / "Annotations", davis_root / "masks")
    elif kind == "picture missing":
        (davis_root / "JPEGImages" / "first" / "00005.jpg").unlink()
    elif kind == "size":
        Image.fromarray(np.zeros((10, 10), np.uint8)).save(clip / "00004.png")
    elif kind == "picture size":
        for frame in range(12):
            path = davis_root / "JPEGImages" / "first" / f"{frame:05d}.jpg"
            Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    elif kind == "colour":
        Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(clip / "00003.png")
    else:
        (clip / "00003.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError) as caught:
        DavisClips(davis_root).clip("first")
    assert expected in str(caught.value)


def test_unknown_names_list_what_there_is(davis_root, sav_root):
    with pytest.raises(DatasetError, match=r"no clip 'third'; it has first, second"):
        DavisClips(davis_root).clip("third")
    with pytest.raises(DatasetError, match="split 'test' was not found"):
        DavisClips(davis_root, "test")
    (sav_root / "sav_val.txt").write_text("other\n")
    with pytest.raises(DatasetError, match="names clips without annotations: other"):
        SaVClips(sav_root, "sav_val")
    with pytest.raises(DatasetError, match="no JPEGImages_24fps folder"):
        SaVClips(davis_root)
    (sav_root / "Annotations_6fps" / "clip" / "person").mkdir()
    with pytest.raises(DatasetError, match=r"no object ids: \['person'\]"):
        SaVClips(sav_root).clip("clip")


@pytest.mark.skipif("SAM2_DEMO_DATA" not in os.environ, reason="SAM2_DEMO_DATA names no development data")
def test_development_clips_load():
    clips = DavisClips(Path(os.environ["SAM2_DEMO_DATA"]) / "vos", "dev")
    assert len(clips) == 11
    assert clips.clip("schoolgirls").truth.object_ids == [1, 2, 3, 4, 5, 6, 7]

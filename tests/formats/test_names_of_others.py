"""Files named and laid out as other tools do: what can mean one thing only is read, else it is said what to do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.coco_instances import open_coco
from sam2_demo.datasets.label_maps import find_labelled_pictures
from sam2_demo.datasets.layouts import recognise_layout
from sam2_demo.datasets.pictures import LabelMapPictures
from sam2_demo.errors import DatasetError
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import frame_indices_of, frame_numbers

SIZE = (20, 30)
MASK = np.zeros(SIZE, bool)
MASK[4:12, 6:25] = True
OUTLINE = "0 0.2 0.2 0.8 0.2 0.8 0.6 0.2 0.6\n"


def paint(path: Path, value: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(MASK.astype(np.uint8) * np.uint8(value)).save(path)


def show(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path)


def zipped(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target


@pytest.mark.parametrize(
    ("stems", "numbers"),
    [
        (["frame_000003", "frame_000007"], [3, 7]),
        (["clip-2_0007", "clip-2_0008"], [7, 8]),
        (["00003", "5"], [3, 5]),
        (["frame_000003"], [3]),
        (["IMG_2041"], None),
        (["cat_1", "dog_2"], None),
        (["frame_3", "frame_03"], None),
        (["left", "right"], None),
    ],
)
def test_numbers_of_names_that_differ_in_nothing_else(stems, numbers):
    assert frame_numbers(stems) == numbers


def test_names_that_say_no_frame_are_refused_with_what_is_expected(tmp_path):
    with pytest.raises(DatasetError, match=r"cat_1\.png is not named by its frame; .*as frame_00000\.png"):
        frame_indices_of([tmp_path / "cat_1.png", tmp_path / "dog_2.png"])


@pytest.mark.parametrize("folder", ["", "labels"])
def test_yolo_labels_of_numbered_frames(tmp_path, folder):
    place = tmp_path / "export"
    (place / folder).mkdir(parents=True)
    for frame in (3, 7):
        (place / folder / f"frame_{frame:06d}.txt").write_text(OUTLINE)
    if folder:
        show(place / "images" / "frame_000003.jpg")
        (place / "notes.txt").write_text("made by hand")
    archive = zipped(place)
    for clip in (read_any(place, SIZE), read_any(archive, SIZE), read_masks(archive, "a.zip", SIZE, 8)):
        assert clip.annotated_frames == [3, 7]
    with pytest.raises(DatasetError, match=r"frame_000007\.txt"):
        read_masks(archive, "a.zip", SIZE, 5)


def test_masks_of_numbered_frames(tmp_path):
    for frame in (3, 7):
        paint(tmp_path / "davis" / f"frame_{frame:06d}.png")
        paint(tmp_path / "sa_v" / "001" / f"frame_{frame:06d}.png")
    for name in ("davis", "sa_v"):
        clip = read_any(tmp_path / name)
        assert (clip.annotated_frames, clip.object_ids) == ([3, 7], [1])
        assert read_masks(zipped(tmp_path / name), "a.zip", SIZE, 8).annotated_frames == [3, 7]


@pytest.mark.parametrize("picture", [".jpg", ".png"])
def test_masks_beside_their_pictures(tmp_path, picture):
    for frame in (0, 1):
        paint(tmp_path / "set" / "masks" / f"{frame:05d}.png")
        show(tmp_path / "set" / "images" / f"{frame:05d}{picture}")
    for clip in (
        read_any(tmp_path / "set"),
        read_any(zipped(tmp_path / "set")),
        read_masks(zipped(tmp_path / "set"), "a.zip", SIZE, 2),
    ):
        assert (clip.annotated_frames, clip.object_ids) == ([0, 1], [1])
        assert np.array_equal(clip.masklets[1].mask(1), MASK)


@pytest.mark.parametrize("picture", [".jpg", ".png"])
def test_data_sets_of_images_beside_masks(tmp_path, picture):
    for split, stem in (("train", "a"), ("train", "b"), ("val", "a")):
        show(tmp_path / "images" / split / f"{stem}{picture}")
        paint(tmp_path / "masks" / split / f"{stem}.png", 255)
    show(tmp_path / "images" / "train" / f"without{picture}")
    assert recognise_layout(tmp_path) == "label maps"
    pictures = LabelMapPictures(tmp_path)
    assert pictures.names == ["train__a", "train__b", "val__a"]
    (found,) = pictures.picture("val__a").objects
    assert np.array_equal(found.mask, MASK)


def test_masks_called_mask(tmp_path):
    show(tmp_path / "cats" / "a.jpg")
    paint(tmp_path / "cats" / "a_mask.png")
    (found,) = find_labelled_pictures(tmp_path)
    assert found.label_maps == (tmp_path / "cats" / "a_mask.png",)


def instances(folder: Path) -> None:
    show(folder / "x_jpg.rf.0a1b.jpg")
    outline = [6, 4, 25, 4, 25, 12, 6, 12]
    content = {
        "images": [{"id": 0, "file_name": "x_jpg.rf.0a1b.jpg", "height": 20, "width": 30}],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 1, "bbox": [6, 4, 19, 8], "segmentation": [outline], "iscrowd": 0}
        ],
        "categories": [{"id": 0, "name": "all"}, {"id": 1, "name": "cat"}],
    }
    (folder / "_annotations.coco.json").write_text(json.dumps(content))


def test_coco_among_its_pictures(tmp_path):
    instances(tmp_path / "one")
    instances(tmp_path / "split" / "train")
    for root in (tmp_path / "one", tmp_path / "split"):
        assert recognise_layout(root) == "COCO"
        pictures = open_coco(root)
        (found,) = pictures.picture(pictures.names[0]).objects
        assert np.count_nonzero(found.mask ^ MASK) < 40
    instances(tmp_path / "split" / "valid")
    with pytest.raises(DatasetError, match=r"train/_annotations\.coco\.json, valid/.*\); name one"):
        open_coco(tmp_path / "split")


def test_a_data_set_of_yolo_labels_says_what_to_do(tmp_path):
    show(tmp_path / "images" / "train" / "a.jpg")
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "a.txt").write_text(OUTLINE)
    with pytest.raises(DatasetError, match=r"holds YOLO labels.*export the set as COCO with segmentation, or as masks"):
        recognise_layout(tmp_path)

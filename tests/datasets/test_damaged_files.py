"""Every reader names the file that is damaged or missing, and says what was expected."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.coco_instances import CocoPictures
from sam2_demo.datasets.davis import DavisClips
from sam2_demo.datasets.pictures import LabelMapPictures
from sam2_demo.datasets.sa_v import SaVClips
from sam2_demo.errors import DatasetError, InputError


def refusal(act) -> str:
    with pytest.raises(InputError) as caught:
        act()
    return str(caught.value)


def test_davis_frames_that_are_broken_missing_or_of_another_size(davis_root):
    frames = davis_root / "JPEGImages" / "first"
    clip = DavisClips(davis_root).clip("first")
    (frames / "00003.jpg").write_bytes(b"no picture")
    assert f"{frames / '00003.jpg'}: 00003.jpg is not a picture" in refusal(lambda: clip.frame(3))
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(frames / "00004.jpg")
    message = refusal(lambda: clip.frames([1, 4]))
    assert message == f"{frames / '00004.jpg'} is 20 x 30 pixels (height x width), its annotation 40 x 60"
    (frames / "00005.jpg").unlink()
    assert refusal(lambda: clip.frame(5)).startswith(f"{frames / '00005.jpg'} does not exist")
    for path in frames.iterdir():
        path.unlink()
    assert f"the folder {frames} holds no pictures" in refusal(lambda: DavisClips(davis_root).clip("first"))
    frames.rmdir()
    assert f"{frames} is not a folder" in refusal(lambda: DavisClips(davis_root).clip("first"))


def test_sa_v_objects_that_are_broken_or_of_another_size(sav_root):
    place = sav_root / "Annotations_6fps" / "clip" / "001"
    kept = (place / "00004.png").read_bytes()
    wrong = {
        "is 10 x 10 pixels (height x width), expected 40 x 60": np.zeros((10, 10), np.uint8),
        "holds several labels; SA-V stores one object per PNG": np.arange(2400, dtype=np.uint8).reshape(40, 60),
        "has colour mode RGB": np.zeros((40, 60, 3), np.uint8),
    }
    for message, labels in wrong.items():
        Image.fromarray(labels).save(place / "00004.png")
        assert f"{place / '00004.png'} {message}" in refusal(lambda: SaVClips(sav_root).clip("clip"))
    (place / "00004.png").write_bytes(kept)
    (place / "00004.png").rename(place / "00099.png")
    assert f"{place / '00099.png'} belongs to no frame" in refusal(lambda: SaVClips(sav_root).clip("clip"))
    for path in place.iterdir():
        path.unlink()
    assert f"{place} holds no .png file" in refusal(lambda: SaVClips(sav_root).clip("clip"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c["images"][0].pop("height"), "some images lack height; all need id, file_name, height, width"),
        (lambda c: c["annotations"][0].pop("image_id"), "lacks the field 'image_id'; expected a COCO instances file"),
        (lambda c: c["annotations"].append(3), "holds a value of a wrong kind"),
        (lambda c: c["annotations"][0].update(image_id=77), "annotation 11 is of unknown image 77"),
        (lambda c: c["annotations"][0].pop("segmentation"), "annotation 11 lacks the field 'segmentation'"),
        (lambda c: c["annotations"][0]["segmentation"].update(size=[4, 5]), "annotation 11: run lengths cover 2400"),
        (lambda c: c["annotations"][0].update(segmentation=[["a"] * 6]), "annotation 11 holds a value of a wrong kind"),
        (lambda c: c["images"][0].update(height=41), "5.jpg is (40, 60), its annotation says (41, 60)"),
        (lambda c: c["images"][0].update(file_name="none.jpg"), "none.jpg does not exist"),
    ],
)
def test_coco_files_name_the_annotation(coco_root, change, expected):
    path = coco_root / "annotations" / "instances_val.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))

    def read_all() -> None:
        pictures = CocoPictures(path)
        for name in pictures.names:
            pictures.picture(name)

    message = refusal(read_all)
    assert expected in message and str(coco_root) in message


def test_coco_pictures_of_one_name_in_two_folders(coco_root):
    path = coco_root / "annotations" / "instances_val.json"
    content = json.loads(path.read_text())
    for number, image in enumerate(content["images"]):
        place = coco_root / "val" / str(number) / "x.jpg"
        place.parent.mkdir()
        (coco_root / "val" / image["file_name"]).rename(place)
        image["file_name"] = f"{number}/x.jpg"
    path.write_text(json.dumps(content))
    pictures = CocoPictures(path)
    assert len(pictures.names) == 3 and all(len(pictures.picture(name).objects) == 2 for name in pictures.names)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (b"source,file,mask\nset,a.jpg\n", "line 2 has no mask; expected paths"),
        (b"source,file,mask\nset,a.jpg,a.png\nset,,\n", "line 3 has no file and no mask"),
        ("source,file,mask\ns,a.jpg,a.png\né,b.jpg,b.png\n".encode("latin-1"), "line 3 is no text in UTF-8"),
    ],
)
def test_indexes_name_the_line(tmp_path: Path, index, expected):
    (tmp_path / "index.csv").write_bytes(index)
    with pytest.raises(DatasetError) as caught:
        LabelMapPictures(tmp_path)
    assert f"{tmp_path / 'index.csv'}, {expected}" in str(caught.value)


@pytest.mark.parametrize("kept", [0, 20, 50, 500])
def test_label_maps_that_are_cut_off(tmp_path: Path, kept):
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (40, 60), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:kept])
    pictures = LabelMapPictures(tmp_path)
    with pytest.raises(DatasetError, match=rf"{tmp_path / 'a.png'} cannot be read as a PNG"):
        pictures.picture(pictures.names[0])


def test_pictures_of_clips_are_named_with_their_path(davis_root):
    frames = davis_root / "JPEGImages" / "first"
    (frames / "00000.jpg").write_bytes(b"no picture")
    assert refusal(lambda: DavisClips(davis_root).clip("first")).startswith(f"{frames / '00000.jpg'} is not a picture")


def test_label_maps_name_the_file(tmp_path: Path):
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(np.ones((8, 9), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "index.csv").write_text("source,file,mask\nset,a.jpg,gone.png\n")
    pictures = LabelMapPictures(tmp_path)
    assert f"{tmp_path / 'gone.png'} does not exist" in refusal(lambda: pictures.picture("set__a"))
    (tmp_path / "index.csv").write_text("source,file\nset,a.jpg\n")
    assert f"{tmp_path / 'index.csv'} lacks the column(s) mask" in refusal(lambda: LabelMapPictures(tmp_path))
    (tmp_path / "index.csv").write_text("source,file,mask\nset,a.jpg,a.png\n")
    (tmp_path / "a.jpg").write_bytes(b"")
    pictures = LabelMapPictures(tmp_path)
    assert f"{tmp_path / 'a.jpg'}: a.jpg is empty" in refusal(lambda: pictures.picture("set__a"))


def test_coco_files_of_boxes_only_are_said_to_be(coco_root):
    path = next(coco_root.glob("annotations/*.json"))
    content = json.loads(path.read_text())
    first = content["annotations"][0]
    first |= {"segmentation": [], "bbox": [1, 1, 5, 5]}
    path.write_text(json.dumps(content))
    pictures = CocoPictures(path)
    keys = [own.key for name in pictures.names for own in pictures.picture(name).objects]
    assert str(first["id"]) not in keys
    content["annotations"] = [first]
    path.write_text(json.dumps(content))
    assert "holds boxes only: no annotation has a mask" in refusal(lambda: CocoPictures(path))

"""Pictures with label maps and COCO instances: the same objects from both."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.coco_instances import CocoPictures, open_coco, segmentation_mask
from sam2_demo.datasets.pictures import LabelMapPictures, objects_of
from sam2_demo.errors import DatasetError
from sam2_demo.masks.run_lengths import encode_rle


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((30, 40), np.uint8)
    labels[5:15, 5:15], labels[20:28, 10:35], labels[0, :] = 1, 7, 255
    return labels


def test_label_maps_give_objects_and_void(tmp_path, labels):
    (tmp_path / "set").mkdir()
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "set" / "a.jpg")
    Image.fromarray(labels).save(tmp_path / "set" / "a.png")
    pictures = LabelMapPictures(tmp_path)
    assert pictures.names == ["set__a"]
    picture = pictures.picture("set__a")
    assert picture.source == "set" and [own.key for own in picture.objects] == ["1", "7"]
    np.testing.assert_array_equal(picture.objects[1].mask, labels == 7)
    np.testing.assert_array_equal(picture.objects[0].void, labels == 255)


def test_black_and_white_maps_hold_one_object(labels):
    (own,) = objects_of(((labels == 7) * 255).astype(np.uint8))
    assert own.key == "1" and own.void is None
    np.testing.assert_array_equal(own.mask, labels == 7)
    assert objects_of(np.zeros((4, 4), np.uint8)) == []


def test_sizes_that_differ_name_the_file(tmp_path, labels):
    Image.fromarray(np.zeros((31, 40, 3), np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(labels).save(tmp_path / "a.png")
    pictures = LabelMapPictures(tmp_path)
    with pytest.raises(DatasetError, match=r"a.png is 30 x 40 pixels .*, its picture a\.jpg 31 x 40"):
        pictures.picture(pictures.names[0])


@pytest.fixture
def crowded_root(tmp_path, labels):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "val").mkdir()
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "val" / "a.jpg")
    crowd = np.zeros((30, 40), bool)
    crowd[:, 30:] = True
    content = {
        "images": [{"id": 3, "file_name": "a.jpg", "height": 30, "width": 40}],
        "annotations": [
            {"id": 11, "image_id": 3, "segmentation": [[5, 5, 15, 5, 15, 15, 5, 15]], "iscrowd": 0},
            {"id": 12, "image_id": 3, "segmentation": encode_rle(labels == 7), "iscrowd": 0},
            {"id": 13, "image_id": 3, "segmentation": encode_rle(crowd), "iscrowd": 1},
        ],
    }
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return tmp_path


def test_coco_polygons_run_lengths_and_crowds(crowded_root, labels):
    pictures = open_coco(crowded_root)
    assert pictures is not None and pictures.names == ["a"]
    objects = pictures.picture("a").objects
    assert [own.key for own in objects] == ["11", "12"]
    np.testing.assert_array_equal(objects[0].mask, labels == 1)
    np.testing.assert_array_equal(objects[1].mask, labels == 7)
    # Crowd pixels do not count, except those of the object itself.
    assert objects[1].void.sum() == 30 * 10 - (labels == 7)[:, 30:].sum()
    assert segmentation_mask([], (4, 5)).sum() == 0


def test_coco_files_that_contradict_themselves(crowded_root):
    path = crowded_root / "annotations" / "instances_val.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["image_id"] = 4
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="annotation 11 is of unknown image 4"):
        CocoPictures(path)
    path.write_text("[]")
    with pytest.raises(DatasetError, match="lacks 'images'"):
        CocoPictures(path)
    with pytest.raises(DatasetError, match="does not exist"):
        CocoPictures(path.with_name("other.json"))

"""Every format there and back: masks exactly, and whatever else the format has room for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats import coco, csv_tables, davis, mots, per_object_png, sa_v, yolo
from sam2_demo.formats.annotation import ClipAnnotation, from_masklets
from sam2_demo.formats.exchange import FORMATS, read_any, write_file
from sam2_demo.masks.run_lengths import encode_rle
from tests.formats.conftest import mask_of, same_masks

EVERYTHING = {
    "coco.json": coco,
    "clip.csv": csv_tables,
    "png.zip": per_object_png,
    "png": per_object_png,
    "yolo": yolo,
}


@pytest.mark.parametrize("name", list(EVERYTHING))
def test_formats_that_keep_everything(clip, tmp_path, name):
    module = EVERYTHING[name]
    module.write(clip, tmp_path / name)
    again = module.read(tmp_path / name)
    same_masks(clip, again)
    assert again.masklets == clip.masklets  # scores too
    assert again.labels == clip.labels
    assert (again.num_frames, again.frame_rate, again.name) == (9, 12.5, "clip" if name != "coco" else "coco")


def test_davis_keeps_masks_and_void(clip, tmp_path):
    clip.void[3] = clip.masklets[7].rle(5)
    davis.write(clip, tmp_path / "clip")
    again = davis.read(tmp_path / "clip")
    same_masks(clip, again)
    assert again.void == clip.void and again.num_frames == 9


def test_coco_keeps_void(clip, tmp_path):
    clip.void = {3: clip.masklets[7].rle(5), 8: clip.masklets[2].rle(0)}
    coco.write(clip, tmp_path / "clip.json")
    again = coco.read(tmp_path / "clip.json")
    same_masks(clip, again)
    assert again.void == clip.void and again.labels == clip.labels


def test_coco_keeps_void_where_there_is_no_object(tmp_path):
    value = ClipAnnotation(37, 53, 2, void={1: encode_rle(np.eye(37, 53))})
    coco.write(value, tmp_path / "clip.json")
    again = coco.read(tmp_path / "clip.json")
    assert again.void == value.void and again.object_ids == []


def test_sa_v_png_keeps_masks_that_overlap(clip, tmp_path):
    clip.masklet(2).set(0, np.ones((37, 53), bool))
    sa_v.write(clip, tmp_path / "clip")
    assert (tmp_path / "clip" / "007" / "00004.png").is_file()
    same_masks(clip, sa_v.read(tmp_path / "clip"))


@pytest.mark.parametrize("name", ["clip.txt", "clip"])
def test_mots_keeps_masks_that_are_seen(clip, tmp_path, name):
    clip.labels = {1: "car", 2: "pedestrian"}
    mots.write(clip, tmp_path / name)
    again = mots.read(tmp_path / name)
    # A text file has room for the class only, which is 1 for want of a better.
    assert again.object_ids == [1, 2, 7] and again.labels == clip.labels | ({7: "car"} if name == "clip.txt" else {})
    for object_id, masklet in clip.masklets.items():
        for frame in masklet:
            if masklet.area(frame):
                assert again.masklets[object_id].rle(frame) == masklet.rle(frame)
    mots.write(again, tmp_path / f"again-{name}")
    same_masks(again, mots.read(tmp_path / f"again-{name}"))


def test_mots_pictures_keep_labels_and_objects_that_are_never_seen(clip, tmp_path):
    clip.masklet(9).set(4, np.zeros((37, 53), bool))
    clip.labels = {1: "dog", 9: "person"}
    again = read_any(write_file(clip, "mots_png", tmp_path))
    assert again.object_ids == [1, 2, 7, 9] and again.labels == clip.labels
    assert (again.num_frames, again.frame_rate, again.name) == (9, 12.5, "clip")
    mots.write(clip, tmp_path / "clip")
    Image.fromarray(np.full((37, 53), 2005, np.uint16)).save(tmp_path / "clip" / "000000.png")
    assert mots.read(tmp_path / "clip").labels[5] == "pedestrian", "clip.json is that of other masks"


def test_mots_where_nothing_is_seen(tmp_path):
    value = ClipAnnotation(37, 53, 2)
    for frame in range(2):
        value.masklet(1).set(frame, np.zeros((37, 53), bool))
    mots.write(value, tmp_path / "clip")
    same_masks(value, mots.read(tmp_path / "clip"))
    with pytest.raises(DatasetError, match=r"clip\.txt would be empty: MOTS text holds visible masks"):
        mots.write(value, tmp_path / "clip.txt")
    assert not (tmp_path / "clip.txt").exists()


@pytest.mark.parametrize("name", ["png.zip", "png", "yolo"])
def test_named_objects_without_masks_come_back(clip, tmp_path, name):
    clip.masklet(9)
    clip.labels[9] = "cat"
    EVERYTHING[name].write(clip, tmp_path / name)
    again = EVERYTHING[name].read(tmp_path / name)
    assert again.masklets == clip.masklets and again.labels == clip.labels


@pytest.mark.parametrize(
    "label", ['it\'s a "dog"', "\U0001f469\u200d\U0001f680", "a\\nb", "a\nb", "\x85\u2028\x7f", "- x: #1", "ü, 犬", ""]
)
def test_yolo_names_are_yaml(clip, tmp_path, label):
    clip.labels[1] = label
    yolo.write(clip, tmp_path)
    names = yaml.safe_load((tmp_path / "data.yaml").read_text(encoding="utf-8"))["names"]
    assert set(names.values()) == {label, "object", "=SUM(A1)"}
    lines = (tmp_path / "classes.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(names) and lines[[*names.values()].index("object")] == "object"
    assert yolo.read(tmp_path).labels == clip.labels


def test_sa_v_folders_keep_their_names(clip, tmp_path):
    sa_v.write(clip, tmp_path / "a")
    (tmp_path / "a" / "001").rename(tmp_path / "a" / "1")
    (tmp_path / "a" / ".ipynb_checkpoints").mkdir()
    again = sa_v.read(tmp_path / "a")
    same_masks(clip, again)
    sa_v.write(again, tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["002", "007", "1"]


def test_sa_v_json_dense_and_sparse(clip, tmp_path):
    sa_v.write(clip, tmp_path / "dense.json")
    same_masks(clip, sa_v.read(tmp_path / "dense.json"))
    sa_v.write(clip, tmp_path / "sparse.json", annotation_step=4)
    sparse = sa_v.read(tmp_path / "sparse.json")
    assert sparse.annotated_frames == [0, 4, 8] and sparse.num_frames == 9 and sparse.frame_rate == 12.5
    assert sparse.masklets[2].rle(8) == clip.masklets[2].rle(8)


def test_overlaps_in_indexed_png_keep_the_smaller_object_on_top():
    value = ClipAnnotation(10, 10, 1)
    small, large = np.zeros((10, 10), bool), np.ones((10, 10), bool)
    small[2:4, 2:4] = True
    value.masklet(1).set(0, small)
    value.masklet(2).set(0, large)
    labels = davis.label_map(value, 0)
    assert (labels == 1).sum() == 4 and (labels == 2).sum() == 96


@pytest.mark.parametrize("name", list(FORMATS))
def test_one_file_per_format_is_recognised_when_read(clip, tmp_path, name):
    path = write_file(clip, name, tmp_path)
    assert path.name == f"clip_{name}{FORMATS[name].ending}" and path.is_file()
    again = read_any(path)
    assert (again.height, again.width) == (37, 53)
    if name == "alpha":
        assert again.object_ids == [1] and again.num_frames == 9
    else:
        assert again.object_ids == [1, 2, 7]
        assert again.masklets[7].rle(6) == clip.masklets[7].rle(6)
    assert not [other for other in tmp_path.iterdir() if other != path]


def test_the_same_masks_give_the_same_bytes(clip, tmp_path):
    for name in ("png", "yolo", "davis", "coco", "sa_v", "csv"):
        first, second = write_file(clip, name, tmp_path / "a"), write_file(clip, name, tmp_path / "b")
        assert first.read_bytes() == second.read_bytes(), name


@pytest.mark.parametrize("content", ["{}", "[1]", "no json"])
def test_files_in_no_known_format_are_refused(tmp_path, content):
    path = tmp_path / "masks.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=r"masks\.json"):
        read_any(path)
    with pytest.raises(DatasetError, match="no zip"):
        read_any(path.rename(tmp_path / "masks.zip"))
    with pytest.raises(DatasetError, match="accepted: sa_v"):
        write_file(ClipAnnotation(2, 2, 1), "avi", tmp_path)


@pytest.mark.parametrize("name", ["a.zip", "a.txt", "a.csv", "a.json", "a.webm", "a"])
def test_what_does_not_exist_is_said_to(tmp_path, name):
    with pytest.raises(DatasetError) as caught:
        read_any(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name} does not exist")
    if name == "a.txt":
        with pytest.raises(DatasetError, match=r"a\.txt does not exist; a MOTS text file"):
            mots.read(tmp_path / name)


@pytest.mark.parametrize("name", ["davis", "sa_v_png", "png", "mots_png", "yolo"])
def test_a_note_beside_the_masks_changes_nothing(clip, tmp_path, name):
    path = write_file(clip, name, tmp_path)
    expected = read_any(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "how these were made")
    assert read_any(path).masklets == expected.masklets


def test_endings_in_capitals_are_taken(clip, tmp_path):
    per_object_png.write(clip, tmp_path / "png")
    for path in sorted((tmp_path / "png").rglob("*.png")):
        path.rename(path.with_suffix(".PNG"))
    assert per_object_png.read(tmp_path / "png").masklets == clip.masklets


def test_indexed_png_without_an_id_0(tmp_path):
    value = ClipAnnotation(2, 2, 1)
    value.masklet(0).set(0, np.ones((2, 2), bool))
    with pytest.raises(DatasetError, match=r"object id 0 does not fit an indexed PNG; .* renumber the objects from 1"):
        davis.write(value, tmp_path / "a")


def test_contradictions_are_found_before_writing(clip, tmp_path):
    clip.labels[9] = "ghost"
    with pytest.raises(DatasetError, match=r"unknown object ids \[9\]"):
        coco.write(clip, tmp_path / "x.json")
    del clip.labels[9]
    clip.num_frames = 5
    with pytest.raises(DatasetError, match="a mask on frame 8, the clip's frames are 0 to 4"):
        davis.write(clip, tmp_path / "x")
    with pytest.raises(DatasetError, match="at least one masklet"):
        from_masklets([], 3)
    assert not list(Path(tmp_path).iterdir())


@pytest.fixture
def picture() -> ClipAnnotation:
    """Two objects of a picture that has a name."""
    value = ClipAnnotation(37, 53, 1, name="truck", picture_names=["truck.jpg"])
    for object_id in (1, 2):
        value.masklet(object_id).set(0, mask_of(object_id, 0))
    value.labels = {1: "car"}
    return value


NAMED_FILES = {
    "davis": ["truck.png"],
    "sa_v_png": ["001/truck.png", "002/truck.png"],
    "png": ["1/truck.png", "2/truck.png"],
    "yolo": ["labels/truck.txt"],
    "mots_png": ["truck.png"],
}


@pytest.mark.parametrize("name", list(NAMED_FILES))
def test_masks_of_a_picture_are_called_as_the_picture(picture, tmp_path, name):
    path = write_file(picture, name, tmp_path)
    with zipfile.ZipFile(path) as archive:
        beside = ("clip.json", "classes.txt", "data.yaml")
        assert sorted(set(archive.namelist()) - set(beside)) == NAMED_FILES[name]
    again = read_any(path)
    same_masks(picture, again)
    assert again.num_frames == 1
    if name in ("png", "yolo"):
        assert again.masklets == picture.masklets and again.labels == picture.labels


def test_coco_names_the_picture(picture, clip, tmp_path):
    assert [own["file_name"] for own in coco.to_content(picture)["images"]] == ["truck.jpg"]
    assert coco.to_content(clip)["images"][8]["file_name"] == "00008.jpg"


def test_frames_of_a_clip_are_called_as_its_pictures(clip, tmp_path):
    clip.picture_names = [f"shot-{frame}.jpeg" for frame in range(9)]
    davis.write(clip, tmp_path / "davis")
    assert (tmp_path / "davis" / "shot-8.png").is_file()
    same_masks(clip, davis.read(tmp_path / "davis", [f"shot-{frame}" for frame in range(9)]))
    clip.picture_names.pop()
    with pytest.raises(DatasetError, match="8 picture names were given for 9 frames"):
        davis.write(clip, tmp_path / "davis")

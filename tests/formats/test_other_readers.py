"""What others read and write: pycocotools, plain YOLO and MOTS files, polygons, video with alpha."""

from __future__ import annotations

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sam2_demo.errors import DatasetError
from sam2_demo.formats import alpha_video, coco, csv_tables, mots, per_object_png, yolo
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.checked.reading import read_masks
from sam2_demo.formats.files import voc_palette
from sam2_demo.masks.polygons import mask_polygons, polygons_mask
from sam2_demo.masks.run_lengths import encode_rle
from tests.formats.conftest import mask_of


def test_pycocotools_reads_the_file_and_its_masks(clip, tmp_path):
    coco.write(clip, tmp_path / "coco.json")
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(str(tmp_path / "coco.json"))
    assert len(read.getImgIds()) == 9 and {own["name"] for own in read.loadCats(read.getCatIds())} == {
        "car",
        "object",
        "=SUM(A1)",
    }
    for own in read.loadAnns(read.getAnnIds()):
        expected = mask_of(own["track_id"], own["image_id"] - 1)
        np.testing.assert_array_equal(read.annToMask(own).astype(bool), expected)
        ys, xs = np.nonzero(expected)
        assert own["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1] and own["area"] == len(xs)


def test_pycocotools_ignores_what_is_predicted_on_void(clip, tmp_path):
    clip.void = {frame: encode_rle(np.eye(37, 53)) for frame in range(9)}
    coco.write(clip, tmp_path / "coco.json")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "coco.json"))
        crowds = truth.loadAnns(truth.getAnnIds(iscrowd=True))
        objects = truth.loadAnns(truth.getAnnIds(iscrowd=False))
        # All objects, and with more confidence the void pixels, taken for an object of every category.
        found = [own | {"score": 1.0 if own["iscrowd"] else 0.5} for own in [*objects, *crowds]]
        evaluation = COCOeval(truth, truth.loadRes(found), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert len(crowds) == 9 * 3 and evaluation.stats[0] == 1.0


def test_coco_files_of_others(tmp_path):
    crowd = {"size": [20, 30], "counts": [590, 10]}
    content = {
        "images": [{"id": 5, "height": 20, "width": 30, "file_name": "x.jpg"}],
        "annotations": [
            {"id": 9, "image_id": 5, "category_id": 1, "segmentation": [[2, 2, 12, 2, 12, 12, 2, 12]], "iscrowd": 0},
            {"id": 8, "image_id": 5, "category_id": 1, "segmentation": crowd, "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(content))
    clip = coco.read(path)
    assert clip.object_ids == [9] and clip.masklets[9].area(0) == 100 and clip.labels == {9: "cat"}
    assert list(clip.void) == [0]
    content["annotations"][0]["image_id"] = 6
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="annotation 9 is of image 6"):
        coco.read(path)
    content["images"].append({"id": 6, "height": 21, "width": 30})
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="several sizes"):
        coco.read(path)


@pytest.mark.parametrize("density", [0.15, 0.5, 0.62, 0.8, 0.95])
def test_polygons_give_any_mask_back(density):
    for seed in range(20):
        mask = np.random.default_rng(seed).random((23, 31)) < density
        polygons = mask_polygons(mask)
        assert all(len(polygon) >= 3 for polygon in polygons)
        np.testing.assert_array_equal(polygons_mask(polygons, mask.shape), mask)


def test_polygons_of_nested_parts_and_of_nothing():
    mask = np.zeros((40, 40), bool)
    mask[2:38, 2:38], mask[6:34, 6:34], mask[10:20, 10:20], mask[13:16, 13:16] = True, False, True, False
    assert len(mask_polygons(mask)) == 2
    np.testing.assert_array_equal(polygons_mask(mask_polygons(mask), (40, 40)), mask)
    assert mask_polygons(np.zeros((5, 5), bool)) == []
    np.testing.assert_array_equal(polygons_mask(mask_polygons(np.ones((5, 7), bool)), (5, 7)), np.ones((5, 7)))


def test_yolo_labels_of_others(tmp_path):
    (tmp_path / "0.txt").write_text("1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n1 0.8 0.8 0.9 0.8 0.9 0.9\n")
    with pytest.raises(DatasetError, match=r"no clip\.json; give the pictures' size"):
        yolo.read(tmp_path)
    clip = yolo.read(tmp_path, size=(20, 40))
    assert clip.object_ids == [2] and clip.masklets[2].mask(0)[2:11, 4:21].all()
    wrong = {"1 0.1 0.1 0.2\n": "three or more", "1 0.1 2 1 1 0 0\n": "0 to 1", "a 1\n": "class x y"}
    wrong |= {"1 0.1 nan 1 1 0 0\n": "0 to 1", "-1 0 0 1 1 0 1\n": "the class is -1"}
    for text, message in wrong.items():
        (tmp_path / "0.txt").write_text(text)
        with pytest.raises(DatasetError, match=f"0.txt, line 1.*{message}"):
            yolo.read(tmp_path, size=(20, 40))


@pytest.mark.parametrize("over", [1e-7, 0.02])
def test_yolo_points_up_to_a_pixel_outside_are_moved_to_the_rim(tmp_path, over):
    (tmp_path / "0.txt").write_text(f"1.0 {-over} 0.1 {1 + over} 0.1 {1 + over} {1 + over} {-over} 0.5\n")
    moved = yolo.read(tmp_path, size=(20, 40)).masklets[2].mask(0)
    (tmp_path / "0.txt").write_text("1 0 0.1 1 0.1 1 1 0 0.5\n")
    np.testing.assert_array_equal(moved, yolo.read(tmp_path, size=(20, 40)).masklets[2].mask(0))
    (tmp_path / "0.txt").write_text("1 0.1 0.1 1.02500001 0.1 0.5 0.5\n")
    with pytest.raises(DatasetError, match=r"0\.txt, line 1: the coordinate 1\.02500001 is no share .* from 0 to 1"):
        yolo.read(tmp_path, size=(20, 40))


def test_yolo_boxes_are_said_to_be_boxes(tmp_path):
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    for frame in (0, 4):
        (tmp_path / f"{frame}.txt").write_text("1 0.5 0.5 0.5 0.25\n0 0.1 0.1 0.200001 0.1 0.93\n")
    with pytest.raises(DatasetError, match=r"boxes only and no masks: 4 of 2 objects on 2 frames; .*yolo\.read_boxes"):
        yolo.read(tmp_path, size=(20, 40))
    clip = yolo.read_boxes(tmp_path, size=(20, 40))
    assert clip.boxes[2] == {0: (10, 7.5, 30, 12.5), 4: (10, 7.5, 30, 12.5)} and clip.boxes[1][0][0] == 0
    assert clip.labels == {1: "cat", 2: "dog"} and clip.num_frames == 5
    (tmp_path / "0.txt").write_text("1 0.5 0.5 0.5 0.25\n1 0.2 0.2 0.1 0.1\n0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    clip = yolo.read(tmp_path, size=(20, 40))
    assert clip.object_ids == [1] and len(clip.boxes) == 4 and list(clip.labels.values()).count("dog") == 3
    (tmp_path / "0.txt").write_text("1 0.5 0.5 0.5 -0.25\n")
    with pytest.raises(DatasetError, match=r"got a size of 0\.5 x -0\.25"):
        yolo.read(tmp_path, size=(20, 40))


def test_yolo_lines_are_classes_and_shares_of_the_size(clip, tmp_path):
    yolo.write(clip, tmp_path)
    assert (tmp_path / "classes.txt").read_text().splitlines() == ["=SUM(A1)", "car", "object"]
    for line in (tmp_path / "labels" / "00005.txt").read_text().splitlines():
        kind, *numbers = line.split()
        assert kind in "012" and len(numbers) % 2 == 0 and all(0 < float(number) < 1 for number in numbers)


def test_mots_files_of_others(tmp_path):
    labels = np.zeros((10, 12), np.uint16)
    labels[0:3, 0:3], labels[5:8, 5:8], labels[9, 9] = 1001, 2001, 10000
    Image.fromarray(labels).save(tmp_path / "000003.png")
    clip = mots.read(tmp_path)
    assert clip.object_ids == [1001, 2001] and clip.labels == {1001: "car", 2001: "pedestrian"}
    assert clip.num_frames == 4 and list(clip.void) == [3]
    mots.write(clip, tmp_path / "again.txt")
    assert [line.split()[:3] for line in (tmp_path / "again.txt").read_text().splitlines()] == [
        ["3", "1001", "1"],
        ["3", "2001", "2"],
        ["3", "10000", "10"],
    ]
    (tmp_path / "again.txt").write_text("3 1001 1\n")
    with pytest.raises(DatasetError, match=r"again\.txt, line 1: expected"):
        mots.read(tmp_path / "again.txt")


def test_mots_ids_have_limits(tmp_path):
    clip = ClipAnnotation(2, 2, 1)
    clip.masklet(70000).set(0, np.ones((2, 2), bool))
    with pytest.raises(DatasetError, match="70000 does not fit MOTS"):
        mots.write(clip, tmp_path / "x.txt")


def test_csv_columns_say_where_things_are(clip, tmp_path):
    rows = csv_tables.rows_of(clip)
    row = next(own for own in rows if own.object_id == 7 and own.frame_index == 5)
    assert (row.x0, row.y0, row.x1, row.y1, row.area) == (30, 18, 45, 22, 60)
    assert (row.centroid_x, row.centroid_y, row.time_seconds, row.visible) == (37.0, 19.5, 0.4, 1)
    hidden = next(own for own in rows if own.object_id == 2 and own.frame_index == 4)
    assert hidden.x0 is None and hidden.centroid_x is None and hidden.visible == 0
    csv_tables.write(clip, tmp_path / "a.csv", with_masks=False)
    text = (tmp_path / "a.csv").read_text()
    assert "'=SUM(A1)" in text and ",=SUM" not in text
    with pytest.raises(DatasetError, match="lacks the columns counts"):
        csv_tables.read(tmp_path / "a.csv")


def test_csv_run_lengths_are_written_as_they_are(tmp_path):
    mask = np.zeros(600, bool)
    mask[13:40] = True
    value = ClipAnnotation(20, 30, 1)
    value.masklet(1).set(0, mask.reshape(30, 20).T)
    counts = value.masklets[1].frame(0).counts
    assert counts.startswith("=")
    path = tmp_path / "a.csv"
    csv_tables.write(value, path)
    text = path.read_text()
    assert text.endswith(f",{counts}\n") and csv_tables.read(path).masklets == value.masklets
    path.write_text(text.replace(f",{counts}", f",'{counts}"))  # as tables were once written
    assert csv_tables.read(path).masklets == value.masklets


def test_csv_tables_of_spreadsheets(clip, tmp_path):
    csv_tables.write(clip, tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.csv").read_bytes())
    assert csv_tables.read(tmp_path / "b.csv").masklets == clip.masklets


def test_csv_tables_whose_whole_numbers_have_become_fractions(clip, tmp_path):
    csv_tables.write(clip, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    whole = ("frame_index", "object_id", "height", "width", "num_frames", "area")
    with (tmp_path / "b.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {name: f"{row[name]}.0" for name in whole} for row in rows)
    assert csv_tables.read(tmp_path / "b.csv").masklets == clip.masklets
    assert read_masks(tmp_path / "b.csv", "b.csv", (37, 53), 9).masklets == clip.masklets
    text = (tmp_path / "a.csv").read_text().replace("\n4,", "\n4.5,", 1)
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"'4\.5' is no whole number"):
        csv_tables.read(tmp_path / "a.csv")


def test_csv_tables_take_intricate_masks(tmp_path):
    value = ClipAnnotation(600, 600, 1)
    value.masklet(1).set(0, np.random.default_rng(0).random((600, 600)) < 0.5)
    csv_tables.write(value, tmp_path / "a.csv")
    assert len(value.masklets[1].frame(0).counts) > 131_072, "more than the csv module takes by itself"
    assert csv_tables.read(tmp_path / "a.csv").masklets == value.masklets


def test_per_object_zip_errors_name_the_entry(clip, tmp_path):
    per_object_png.write(clip, tmp_path / "png")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "png" / "2" / "00003.png")
    with pytest.raises(DatasetError, match=r"2/00003.png is \(5, 5\), other masks are \(37, 53\)"):
        per_object_png.read(tmp_path / "png")
    (tmp_path / "bad.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"bad\.zip is no zip"):
        per_object_png.read(tmp_path / "bad.zip")


def test_alpha_video_cuts_the_objects_out(clip, tmp_path):
    frames = [np.full((37, 53, 3), 20 * index, np.uint8) for index in range(9)]
    alpha_video.write(clip, tmp_path / "out.webm", frames, object_ids=[2])
    again = alpha_video.read(tmp_path / "out.webm")
    assert (again.num_frames, again.height, again.width) == (9, 37, 53)
    assert again.frame_rate == pytest.approx(12.5)
    for frame in range(9):
        expected, found = clip.masklets[2].mask(frame), again.masklets[1].mask(frame)
        union = (expected | found).sum()
        assert union == 0 or (expected & found).sum() / union > 0.95
    with pytest.raises(DatasetError, match=r"objects \[4\] were asked for"):
        alpha_video.write(clip, tmp_path / "out.webm", frames, object_ids=[4])
    with pytest.raises(DatasetError, match="8 frames were given for a clip of 9"):
        alpha_video.write(clip, tmp_path / "short.webm", frames[:8])
    assert not (tmp_path / "short.webm").exists() and not list(tmp_path.glob("*.part"))


def test_the_palette_is_that_of_pascal_voc():
    palette = voc_palette()
    assert palette[:15] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128]
    assert palette[-3:] == [224, 224, 192] and len(palette) == 768

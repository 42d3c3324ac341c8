"""Random annotation sets through every pair of formats, and against pycocotools as an independent reader.

A few run with the suite; SAM2_DEMO_RANDOM_SETS=200 runs as many.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.davis import label_map
from sam2_demo.formats.exchange import FORMATS, read_any, write_file

COUNT = int(os.environ.get("SAM2_DEMO_RANDOM_SETS", "2"))
NAMES = ("dog", "car", "it's", "=SUM(A1)", "犬", "pedestrian")
FLAT = ("davis", "mots", "mots_png")  # a pixel belongs to one object
WITH_TIMES = ("coco", "png", "yolo", "csv", "sa_v", "mots_png")


def random_mask(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Nothing, everything, noise, a pixel, or ellipses with holes."""
    kind = rng.integers(8)
    mask = np.zeros(size, np.uint8)
    if kind == 0:
        return mask.astype(bool)
    if kind == 1:
        return np.ones(size, bool)
    if kind == 2:
        return rng.random(size) < rng.choice([0.05, 0.5, 0.95])
    if kind == 3:
        mask[rng.integers(size[0]), rng.integers(size[1])] = 1
        return mask.astype(bool)
    for value in (1, 1, 0, 1):
        center = (int(rng.integers(size[1])), int(rng.integers(size[0])))
        axes = (int(rng.integers(1, size[1] + 1)), int(rng.integers(1, size[0] + 1)))
        cv2.ellipse(mask, center, axes, float(rng.integers(180)), 0, 360, value, -1)
    return mask.astype(bool)


def random_set(seed: int) -> ClipAnnotation:
    """Ids with gaps and of numpy's types, frames with gaps, hidden objects, varying rates, named pictures, no masks."""
    rng = np.random.default_rng(seed)
    size = tuple(int(side) for side in rng.integers(1, 60, 2))
    count = int(rng.integers(1, 12))
    value = ClipAnnotation(*size, count, float(rng.choice([24.0, 30000 / 1001, 12.5])), name=f"set_{seed}")
    if rng.random() < 0.5:
        steps = rng.uniform(0.005, 0.3, count + 1)
        value.times = np.cumsum(steps)[:-1].tolist()
        value.duration = float(np.sum(steps))
    if rng.random() < 0.3:
        value.picture_names = [f"shot {rng.integers(10)}-{7 * frame:04d}.jpg" for frame in range(count)]
    ids = rng.choice(254, size=int(rng.integers(1, 6)), replace=False) + 1
    frames = np.unique(rng.choice(count, size=count))
    for object_id in ids:
        for frame in frames if rng.random() < 0.5 else rng.choice(frames, size=1):
            score, quality = float(np.float32(rng.normal())), float(np.float32(rng.random()))
            value.masklet(object_id).set(frame, random_mask(rng, value_size(value)), score, quality)
        if rng.random() < 0.7:
            value.labels[object_id] = str(rng.choice(NAMES))
    return value.check()


def value_size(value: ClipAnnotation) -> tuple[int, int]:
    return value.height, value.width


def seen(value: ClipAnnotation) -> dict[tuple[int, int], str]:
    """The run lengths of every mask that is not empty, by object and frame."""
    return {(i, f): m.rle(f)["counts"] for i, m in value.masklets.items() for f in m if m.area(f)}


def flattened(value: ClipAnnotation) -> dict[tuple[int, int], str]:
    """As `seen`, of what is on top."""
    flat = ClipAnnotation(value.height, value.width, value.num_frames)
    for frame in value.annotated_frames:
        labels = label_map(value, frame)
        for label in np.unique(labels[labels > 0]).tolist():
            flat.masklet(label).set(frame, labels == label)
    return seen(flat)


def is_writable(value: ClipAnnotation, kind: str) -> bool:
    """Not where there is nothing to write, nor where only a clip.json would say whose the names of frames are."""
    named = bool(value.picture_names) and kind in ("davis", "sa_v_png")
    return not named and bool(value.annotated_frames) and not (kind == "mots" and not seen(value))


def expected(value: ClipAnnotation, kind: str) -> dict[tuple[int, int], str]:
    return flattened(value) if kind in FLAT else seen(value)


@pytest.mark.parametrize("seed", range(COUNT))
def test_every_pair_of_formats_keeps_the_masks(tmp_path, seed):
    value = random_set(seed)
    for first in (name for name in FORMATS if name != "alpha" and is_writable(value, name)):
        between = read_any(write_file(value, first, tmp_path / first))
        wanted = expected(value, first)
        assert seen(between) == wanted, first
        if first in WITH_TIMES and (first != "csv" or len(value.annotated_frames) == value.num_frames):
            np.testing.assert_allclose(between.frame_times, value.frame_times, atol=1e-9, err_msg=first)
        for second in (name for name in FORMATS if name != "alpha" and is_writable(between, name)):
            again = read_any(write_file(between, second, tmp_path / first / second))
            assert seen(again) == expected(between, second), (first, second)


@pytest.mark.parametrize("seed", range(COUNT))
def test_pycocotools_reads_the_same_masks(tmp_path, seed):
    value = random_set(seed)
    path = write_file(value, "coco", tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(path))
    frames = {own["id"]: own["frame_index"] for own in theirs.loadImgs(theirs.getImgIds())}
    found = {}
    for own in theirs.loadAnns(theirs.getAnnIds()):
        mask = theirs.annToMask(own).astype(bool)
        expected_mask = value.masklets[own["track_id"]].mask(frames[own["image_id"]])
        np.testing.assert_array_equal(mask, expected_mask)
        ys, xs = np.nonzero(mask)
        assert own["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1] and own["area"] == len(xs)
        found[own["track_id"], frames[own["image_id"]]] = theirs.annToRLE(own)["counts"]
    assert found == seen(value)


@pytest.mark.parametrize("seed", range(COUNT))
def test_polygons_of_others_are_filled_as_pycocotools_fills_them(tmp_path, seed):
    """Polygons with fractions and beyond the rim, as label tools give them, several to an annotation."""
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(4, 80, 2))
    outlines = [
        (rng.uniform(-0.3, 1.3, (int(rng.integers(3, 9)), 2)) * (width, height)).ravel().tolist() for _ in range(3)
    ]
    content = {
        "images": [{"id": 1, "file_name": "frame_3.jpg", "height": height, "width": width}],
        "annotations": [{"id": 4, "image_id": 1, "category_id": 1, "segmentation": outlines, "bbox": [0, 0, 1, 1]}],
        "categories": [{"id": 1, "name": "dog"}],
    }
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(content))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(path))
    np.testing.assert_array_equal(read_any(path).masklets[4].mask(3), theirs.annToMask(theirs.anns[4]).astype(bool))


@pytest.mark.parametrize("seed", range(COUNT))
def test_pictures_are_read_alike_by_pillow_alone(tmp_path, seed):
    """DAVIS and MOTS as their evaluators read them: an array of labels, of class * 1000 + id."""
    value = random_set(seed)
    value.picture_names = []
    for kind, digits in (("davis", 5), ("mots_png", 6)):
        with_zip = write_file(value, kind, tmp_path)
        folder = tmp_path / f"{kind}_files"
        with zipfile.ZipFile(with_zip) as archive:
            archive.extractall(folder)
        for frame in value.annotated_frames:
            labels = np.array(Image.open(folder / f"{frame:0{digits}d}.png"))
            np.testing.assert_array_equal(labels % 1000 if kind == "mots_png" else labels, label_map(value, frame))

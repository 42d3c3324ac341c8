"""COCO as other tools write it: whose frame, object and video an entry is, and boxes where masks were meant."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sam2_demo.errors import DatasetError
from sam2_demo.formats import coco
from sam2_demo.formats.exchange import read_any
from sam2_demo.formats.files import numbered_name

SIZE = (20, 30)


def polygon(shift: int) -> list[list[int]]:
    return [[shift, 2, shift + 5, 2, shift + 5, 9, shift, 9]]


def file_of(images: list[dict], annotations: list[dict] | None = None, **more) -> dict:
    """Images with the fields given, and an annotation on each, of which the place of its mask tells the image."""
    images = [{"id": 10 + i, "height": SIZE[0], "width": SIZE[1]} | own for i, own in enumerate(images)]
    if annotations is None:
        annotations = [
            {"image_id": own["id"], "track_id": 1, "segmentation": polygon(i)} for i, own in enumerate(images)
        ]
    annotations = [{"id": 50 + i, "category_id": 1} | own for i, own in enumerate(annotations)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]} | more


def read(content: dict, tmp_path, **how):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(content))
    return coco.read(path, **how)


def frames_and_places(clip) -> dict[int, int]:
    """The left edge of the mask on each frame of object 1: the image's place in the file."""
    masklet = clip.masklets[1]
    return {frame: masklet.box(frame)[0] for frame in masklet if masklet.area(frame)}


@pytest.mark.parametrize(
    ("images", "frames"),
    [
        ([{"file_name": f"frame_{n:06d}.jpg"} for n in (3, 0, 1, 2)], [3, 0, 1, 2]),
        ([{"file_name": f"{n:05d}.png"} for n in (2, 5)], [2, 5]),
        ([{"file_name": f"video/{n}.png"} for n in (9, 10)], [9, 10]),
        ([{"file_name": f"scene2_{n}.jpg"} for n in (2, 5)], [2, 5]),
        ([{"file_name": f"frame_00000{n}_jpg.rf.0a1b2c3d4e5f67890.jpg"} for n in (4, 7)], [4, 7]),
        ([{"frame_id": n, "file_name": f"{100 + n}.jpg", "video_id": 1} for n in (0, 5, 9)], [0, 5, 9]),
        ([{"frame_id": n} for n in (4.0, 2.0)], [4, 2]),
        ([{"frame_id": str(n)} for n in (4, 2)], [4, 2]),
        ([{"frame_index": n, "frame_id": 77 + n} for n in (1, 0)], [1, 0]),
        ([{"id": f"img-{n}", "file_name": f"{n}.jpg"} for n in (1, 0)], [1, 0]),
        ([{"file_name": "frame_000005.jpg"}], [5]),
        ([{"file_name": "00005.jpg"}], [5]),
        ([{"file_name": "photo.jpg"}], [0]),
        ([{"file_name": "IMG_2041.jpg"}], [0]),
    ],
)
def test_masks_land_on_the_frames_that_images_name(tmp_path, images, frames):
    clip = read(file_of(images), tmp_path)
    assert frames_and_places(clip) == {frame: place for place, frame in enumerate(frames)}
    assert clip.num_frames == max(frames) + 1
    path = tmp_path / "theirs.json"
    assert read_any(path).masklets == clip.masklets


def test_images_that_do_not_say_their_frame_are_refused(tmp_path):
    words = r"theirs\.json does not say which frames .* expected frame_id in every image, or a number in its file_name"
    for images in ([{"file_name": "a.jpg"}, {"file_name": "b.jpg"}], [{}, {}], [{"frame_id": 1}, {}]):
        with pytest.raises(DatasetError, match=words):
            read(file_of(images), tmp_path)
    with pytest.raises(DatasetError, match="images 10 and 11 are both of frame 3"):
        read(file_of([{"frame_id": 3, "video_id": 1}, {"frame_id": 3, "video_id": 1}]), tmp_path)


def test_numbers_that_fit_the_clip_from_1_only_count_from_1(tmp_path):
    content = file_of([{"file_name": f"{n:05d}.jpg"} for n in (1, 2, 4)])
    assert sorted(frames_and_places(read(content, tmp_path))) == [1, 2, 4]
    assert sorted(frames_and_places(read(content, tmp_path, num_frames=5))) == [1, 2, 4]
    clip = read(content, tmp_path, num_frames=4)
    assert sorted(frames_and_places(clip)) == [0, 1, 3] and clip.num_frames == 4
    names = ["00001", "00002", "00003", "00004", "00005"]
    assert sorted(frames_and_places(read(content, tmp_path, num_frames=5, frame_names=names))) == [0, 1, 3]


TWO = [{"id": 1, "name": "street"}, {"id": 2, "name": "park"}]


@pytest.mark.parametrize(
    ("images", "more", "names"),
    [
        ([{"video_id": v, "frame_id": f} for v in (1, 2) for f in (0, 1)], {"videos": TWO}, ("street", "park")),
        ([{"file_name": f"{v}/{f:05d}.jpg"} for v in ("street", "park") for f in (0, 1)], {}, ("street", "park")),
        ([{"file_name": f"{v}_{f:05d}.jpg"} for v in ("street", "park") for f in (0, 1)], {}, ("street", "park")),
        ([{"video_id": v, "frame_id": f} for v in (1, 2) for f in (0, 1)], {}, ("1", "2")),
    ],
)
def test_several_videos_are_refused_by_name_or_chosen(tmp_path, images, more, names):
    content = file_of(images, **more)
    with pytest.raises(DatasetError, match=f"theirs.json holds frames of 2 videos: {names[0]}, {names[1]}; choose one"):
        read(content, tmp_path)
    assert frames_and_places(read(content, tmp_path, video=names[0])) == {0: 0, 1: 1}
    assert frames_and_places(read(content, tmp_path, video=names[1])) == {0: 2, 1: 3}
    with pytest.raises(DatasetError, match="'lake' is none of them"):
        read(content, tmp_path, video="lake")


def test_coco_vid_of_one_video_takes_its_name_length_and_rate(tmp_path):
    content = file_of([{"video_id": 2, "frame_id": 3}], videos=[TWO[0], TWO[1] | {"length": 40, "fps": 10}])
    clip = read(content, tmp_path)
    assert (clip.name, clip.num_frames, clip.frame_rate) == ("park", 40, 10.0)


def test_youtube_vis(tmp_path):
    names = [f"003f/{n:05d}.jpg" for n in (0, 5, 10)]
    mask = np.zeros(SIZE, np.uint8)
    mask[4:9, 7:12] = 1
    coded = coco_mask.encode(np.asfortranarray(mask))
    rle = {"size": list(SIZE), "counts": coded["counts"].decode()}
    loose = {"size": list(SIZE), "counts": [147, 5, 448]}
    video = {"id": 4, "height": SIZE[0], "width": SIZE[1], "length": 3, "file_names": names}
    masks, boxes = [polygon(0), None, rle], [[0, 2, 5, 7], None, [7, 4, 5, 5]]
    own = {"video_id": 4, "category_id": 1}
    annotations = [own | {"id": 7, "segmentations": masks, "bboxes": boxes}]
    annotations += [own | {"id": 8, "segmentations": [None, loose, None]}]
    content = {"videos": [video], "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]}
    clip = read(content, tmp_path)
    assert clip.object_ids == [7, 8] and clip.num_frames == 11 and clip.labels == {7: "dog", 8: "dog"}
    np.testing.assert_array_equal(clip.masklets[7].mask(10), mask.astype(bool))
    assert clip.masklets[7].area(5) == 0 and clip.masklets[7].frame(5).object_score_logits < 0
    assert [clip.masklets[8].area(frame) for frame in (0, 5, 10)] == [0, 5, 0]
    content["videos"].append(video | {"id": 5, "file_names": [name.replace("003f", "77aa") for name in names]})
    content["annotations"].append(annotations[0] | {"id": 9, "video_id": 5})
    with pytest.raises(DatasetError, match="2 videos: 003f, 77aa"):
        read(content, tmp_path)
    assert read(content, tmp_path, video="77aa").object_ids == [9]
    del content["videos"][0]["file_names"]
    with pytest.raises(DatasetError, match="does not say which frames its images are"):
        read(content, tmp_path, video="4")
    content["annotations"][0]["segmentations"].pop()
    with pytest.raises(DatasetError, match="annotation 7 has 2 masks, its video 3 frames"):
        read(content, tmp_path, video="4")


@pytest.mark.parametrize(
    "mark",
    [
        {"attributes": {"track_id": 7, "keyframe": True}},  # CVAT
        {"attributes": {"track_id": 7, "occluded": False}, "track_id": None},
        {"instance_id": 7},
        {"track_id": 7.0},
        {"track_id": "7"},
    ],
)
def test_one_track_is_one_object(tmp_path, mark):
    images = [{"file_name": f"{n}.jpg"} for n in range(12)]
    annotations = [{"image_id": 10 + n, "segmentation": polygon(n)} | mark for n in range(12)]
    clip = read(file_of(images, annotations), tmp_path)
    assert clip.object_ids == [7] and len(clip.masklets[7]) == 12 and clip.labels == {7: "dog"}


def test_tracks_that_are_named_and_annotations_without_one_stay_apart(tmp_path):
    images = [{"file_name": f"{n}.jpg"} for n in range(2)]
    marks = [{"track_id": "left"}, {"track_id": "right"}, {"track_id": "left"}, {"track_id": 51}, {"id": 51}, {}]
    marks += [{"track_id": -1, "id": 90}]
    annotations = [{"image_id": 10 + i % 2, "segmentation": polygon(i)} | mark for i, mark in enumerate(marks)]
    clip = read(file_of(images, annotations), tmp_path)
    assert len(clip.masklets) == 6 and 90 in clip.masklets
    (left,) = [m for m in clip.masklets.values() if 0 in m and m.area(0) == polygon_area(0, 2)]
    assert list(left) == [0]


def polygon_area(*shifts: int) -> int:
    joined = np.zeros(SIZE, bool)
    for shift in shifts:
        joined |= coco.segmentation_mask(polygon(shift), SIZE)
    return int(joined.sum())


def test_scores_of_null_and_ids_that_became_text(tmp_path):
    own = {"image_id": "10", "track_id": 1, "segmentation": polygon(2), "score": None, "attributes": None}
    clip = read(file_of([{"file_name": "4.jpg"}], [own]), tmp_path)
    assert clip.masklets[1].frame(4).iou_prediction == 1.0


def test_masks_written_in_other_ways(tmp_path):
    flat = polygon(3)[0]
    np.testing.assert_array_equal(coco.segmentation_mask(flat, SIZE), coco.segmentation_mask([flat], SIZE))
    part = {"size": list(SIZE), "counts": [147, 5, 448]}
    assert coco.segmentation_mask([part, part], SIZE).sum() == 5


@pytest.mark.parametrize("segmentation", [[], None, {}, [[]], [[1, 2, 3, 4]]])
def test_boxes_without_masks_are_said_to_be_boxes(tmp_path, segmentation):
    images = [{"file_name": f"{n}.jpg"} for n in (4, 6)]
    own = {"track_id": 3, "segmentation": segmentation}
    boxes = [own | {"image_id": 10, "bbox": [2.5, 3, 10, 5]}, own | {"image_id": 11, "bbox": [25, 3, 5.5, 5]}]
    content = file_of(images, boxes)
    words = r"holds boxes only and no masks: 2 of 1 object on 2 frames; use them as box prompts \(coco\.read_boxes\)"
    with pytest.raises(DatasetError, match=words):
        read(content, tmp_path)
    clip = coco.read_boxes(tmp_path / "theirs.json")
    assert clip.boxes == {3: {4: (2.5, 3, 12.5, 8), 6: (25, 3, 30, 8)}} and clip.labels == {3: "dog"}
    assert clip.masklets == {} and clip.num_frames == 7
    for mark in boxes:
        mark.pop("segmentation")
    boxes[1] |= {"segmentation": polygon(4), "track_id": 5}
    clip = read(file_of(images, boxes), tmp_path)
    assert clip.object_ids == [5] and clip.boxes == {3: {4: (2.5, 3, 12.5, 8)}}
    boxes[0]["bbox"] = [2.5, 3, 29.00001, 5]
    with pytest.raises(DatasetError, match=r"annotation 50: its box \(2\.5, 3\.0, 31\.50001, 8\.0\) .* is outside"):
        read(file_of(images, boxes), tmp_path)
    del boxes[0]["bbox"]
    assert read(file_of(images, boxes), tmp_path).masklets[3].area(4) == 0, "neither: looked at, and not seen"
    with pytest.raises(DatasetError, match="no annotation with a box and without a mask"):
        coco.read_boxes(tmp_path / "theirs.json")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("frame_000003.txt", ("frame_", 3)),
        ("00007.jpg", ("", 7)),
        ("a/b/shot12-004.png", ("shot12-", 4)),
        ("frame_000009_png.rf.00ff12.jpg", ("frame_", 9)),
        ("photo.jpg", None),
    ],
)
def test_numbers_in_names(name, found):
    assert numbered_name(name) == found

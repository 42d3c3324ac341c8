"""Small data sets written to disk: two objects that move over twelve frames, the second seen from frame 4 on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.formats import sa_v
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.video import VideoWriter

HEIGHT, WIDTH, FRAMES = 40, 60, 12


def mask_of(object_id: int, frame_index: int) -> np.ndarray:
    """The ground truth of one object on one frame."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if object_id == 1:
        mask[5:20, 5 + frame_index : 20 + frame_index] = True
    elif frame_index >= 4:
        mask[25:35, 40 - frame_index : 52 - frame_index] = True
    return mask


def picture_of(frame_index: int) -> np.ndarray:
    """The picture of one frame."""
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[mask_of(1, frame_index)] = (200, 60, 60)
    picture[mask_of(2, frame_index)] = (60, 200, 60)
    return picture


@pytest.fixture
def davis_root(tmp_path: Path) -> Path:
    """The DAVIS layout with two equal clips."""
    root = tmp_path / "davis"
    for clip in ("first", "second"):
        for folder in ("JPEGImages", "Annotations"):
            (root / folder / clip).mkdir(parents=True)
        for frame in range(FRAMES):
            Image.fromarray(picture_of(frame)).save(root / "JPEGImages" / clip / f"{frame:05d}.jpg", quality=95)
            labels = mask_of(1, frame).astype(np.uint8)
            labels[mask_of(2, frame)] = 2
            Image.fromarray(labels).save(root / "Annotations" / clip / f"{frame:05d}.png")
    (root / "val.txt").write_text("second\n")
    return root


@pytest.fixture
def sav_root(tmp_path: Path) -> Path:
    """The SA-V layout with one clip, annotated on every fourth frame."""
    root = tmp_path / "sav"
    (root / "JPEGImages_24fps" / "clip").mkdir(parents=True)
    for frame in range(FRAMES):
        Image.fromarray(picture_of(frame)).save(root / "JPEGImages_24fps" / "clip" / f"{frame:05d}.jpg", quality=95)
        if frame % 4 == 0 or frame == FRAMES - 1:
            for object_id in (1, 2):
                folder = root / "Annotations_6fps" / "clip" / f"{object_id:03d}"
                folder.mkdir(parents=True, exist_ok=True)
                mask = mask_of(object_id, frame).astype(np.uint8) * 255
                Image.fromarray(mask).save(folder / f"{frame:05d}.png")
    (root / "sav_val.txt").write_text("clip\n")
    return root


@pytest.fixture
def sav_train_root(tmp_path: Path) -> Path:
    """The layout of SA-V's train set with one clip in a folder of its own, annotated on every fourth frame."""
    folder = tmp_path / "sav_train" / "sav_000"
    folder.mkdir(parents=True)
    with VideoWriter(folder / "sav_000001.mp4", WIDTH, HEIGHT, frame_rate=24.0) as writer:
        for frame in range(FRAMES):
            writer.write(picture_of(frame))
    clip = ClipAnnotation(HEIGHT, WIDTH, FRAMES, name="sav_000001")
    for frame in range(0, FRAMES, 4):
        for object_id in (1, 2):
            clip.masklet(object_id).set(frame, mask_of(object_id, frame))
    sa_v.write(clip, folder / "sav_000001_manual.json")
    return folder.parent


@pytest.fixture
def coco_root(tmp_path: Path) -> Path:
    """The COCO layout: three of the pictures, their objects as run lengths."""
    root = tmp_path / "coco"
    for folder in ("annotations", "val"):
        (root / folder).mkdir(parents=True)
    content: dict[str, list] = {"images": [], "annotations": []}
    for image_id, frame in enumerate((5, 7, 9), start=1):
        Image.fromarray(picture_of(frame)).save(root / "val" / f"{frame}.jpg", quality=95)
        content["images"].append({"id": image_id, "file_name": f"{frame}.jpg", "height": HEIGHT, "width": WIDTH})
        for object_id in (1, 2):
            own = {"image_id": image_id, "segmentation": encode_rle(mask_of(object_id, frame)), "iscrowd": 0}
            content["annotations"].append(own | {"id": 10 * image_id + object_id})
    (root / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return root

"""COCO instances JSON with compressed run lengths: one image per frame, one annotation per visible mask.

pycocotools reads it as it is. Void pixels are a crowd of every category, since evaluators compare one category at a
time and ignore what lies in its crowds. Beyond COCO: `track_id` joins the masks of one object, `score` is the predicted
IoU, and info["clip"] keeps what COCO has no place for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.clip_fields import clip_fields, take_clip_fields
from sam2_demo.formats.files import PathLike, content_of, read_json, write_json
from sam2_demo.masks.masklet import Masklet, Rle, decode_rle, encode_rle

UNNAMED = "object"


def write(value: ClipAnnotation, path: PathLike, file_names: list[str] | None = None) -> None:
    """Write an instances file; `file_names` name the pictures of all frames (default: as the clip does)."""
    write_json(to_content(value, file_names), Path(path))


def to_content(value: ClipAnnotation, file_names: list[str] | None = None) -> dict[str, Any]:
    """The content of the instances file."""
    value.check()
    if file_names is not None and len(file_names) != value.num_frames:
        raise DatasetError(f"{len(file_names)} file names were given for {value.num_frames} frames")
    names = {value.labels.get(object_id, UNNAMED) for object_id in value.object_ids}
    categories = {name: number for number, name in enumerate(sorted(names or {UNNAMED}), start=1)}
    frames = range(value.num_frames) if file_names is not None else value.annotated_frames
    images = [
        {
            "id": frame + 1,
            "file_name": file_names[frame] if file_names else value.picture_name(frame),
            "height": value.height,
            "width": value.width,
            "frame_index": frame,
        }
        for frame in frames
    ]
    annotations: list[dict[str, Any]] = []
    for object_id, masklet in sorted(value.masklets.items()):
        category = categories[value.labels.get(object_id, UNNAMED)]
        for frame in masklet:
            if masklet.area(frame):
                annotations.append(_annotation(masklet, frame, category))
    annotations += [
        _crowd(rle, frame, category)
        for frame, rle in sorted(value.void.items())
        for category in categories.values()
        if coco_mask.area(rle)
    ]
    return {
        "info": {"description": value.name, "clip": _clip_info(value)},
        "licenses": [],
        "images": images,
        "annotations": [own | {"id": number} for number, own in enumerate(annotations, start=1)],
        "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()],
    }


def _annotation(masklet: Masklet, frame: int, category: int) -> dict[str, Any]:
    x0, y0, x1, y1 = masklet.box(frame) or (0, 0, 0, 0)
    own = masklet.frame(frame)
    return {
        "image_id": frame + 1,
        "category_id": category,
        "segmentation": masklet.rle(frame),
        "area": masklet.area(frame),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "track_id": masklet.object_id,
        "score": own.iou_prediction,
        "object_score_logits": own.object_score_logits,
    }


def _crowd(rle: Rle, frame: int, category: int) -> dict[str, Any]:
    """Void pixels as COCO has them: an annotation of many objects that none is told apart in."""
    return {
        "image_id": frame + 1,
        "category_id": category,
        "segmentation": rle,
        "area": int(coco_mask.area(rle)),
        "bbox": [int(number) for number in coco_mask.toBbox(rle)],
        "iscrowd": 1,
    }


def _clip_info(value: ClipAnnotation) -> dict[str, Any]:
    hidden = {
        str(object_id): [
            [frame, masklet.frame(frame).object_score_logits, masklet.frame(frame).iou_prediction]
            for frame in masklet
            if not masklet.area(frame)
        ]
        for object_id, masklet in value.masklets.items()
    }
    return clip_fields(value) | {
        "height": value.height,
        "width": value.width,
        "objects": {str(object_id): value.labels.get(object_id) for object_id in value.object_ids},
        "hidden": hidden,
    }


def read(path: PathLike) -> ClipAnnotation:
    """Read an instances file whose images are the frames of one clip, or one picture.

    Objects are joined by `track_id` (or `instance_id`), without these each annotation is an object of its own.
    Frames are `frame_index`, or the images' places in the file. Crowds are void pixels.
    """
    source = Path(path)
    content = read_json(source)
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        raise DatasetError(f"{source} is no COCO instances file: it needs the fields images and annotations")
    if not content["images"]:
        raise DatasetError(f"{source} lists no images")
    with content_of(source, "a COCO instances file"):
        return _from_content(content, source)


def _from_content(content: dict[str, Any], source: Path) -> ClipAnnotation:
    info = (content.get("info") or {}).get("clip", {})
    sizes = {(int(image["height"]), int(image["width"])) for image in content["images"]}
    if len(sizes) > 1:
        raise DatasetError(f"{source} has images of several sizes {sorted(sizes)}; the frames of a clip have one")
    (height, width) = sizes.pop()
    frames = {int(own["id"]): int(own.get("frame_index", place)) for place, own in enumerate(content["images"])}
    clip = ClipAnnotation(height, width, max(frames.values()) + 1)
    take_clip_fields(clip, info)
    clip.name = (content.get("info") or {}).get("description", "") or source.stem
    names = {int(own["id"]): own["name"] for own in content.get("categories", [])}
    for annotation in content["annotations"]:
        _add(clip, annotation, frames, names, source)
    for text, label in info.get("objects", {}).items():
        clip.masklet(int(text))
        if label is not None:
            clip.labels[int(text)] = label
    empty = encode_rle(np.zeros((height, width), np.bool_))
    for text, rows in info.get("hidden", {}).items():
        for frame, score, quality in rows:
            clip.masklet(int(text)).set_rle(int(frame), empty, score, quality)
    return clip.check()


def _add(
    clip: ClipAnnotation, annotation: dict[str, Any], frames: dict[int, int], names: dict[int, str], source: Path
) -> None:
    image_id, own_id = int(annotation["image_id"]), annotation.get("id")
    if image_id not in frames:
        raise DatasetError(f"{source}: annotation {own_id} is of image {image_id}, which the file does not list")
    frame, size = frames[image_id], (clip.height, clip.width)
    with content_of(f"{source}: annotation {own_id}", "segmentation as polygons or run lengths"):
        mask = segmentation_mask(annotation["segmentation"], size)
    if annotation.get("iscrowd"):
        before = decode_rle(clip.void[frame]) if frame in clip.void else np.zeros(size, np.bool_)
        clip.void[frame] = encode_rle(before | mask)
        return
    object_id = int(annotation.get("track_id", annotation.get("instance_id", annotation["id"])))
    masklet = clip.masklet(object_id)
    if frame in masklet:
        mask = mask | masklet.mask(frame)
    masklet.set(frame, mask, annotation.get("object_score_logits", 10.0), annotation.get("score", 1.0))
    name = names.get(int(annotation.get("category_id", 0)), UNNAMED)
    if name != UNNAMED:
        clip.labels[object_id] = name


def segmentation_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) mask of a COCO segmentation: polygons [[x, y, ...], ...], or run lengths, compressed or not."""
    if isinstance(segmentation, list):
        outlines = [polygon for polygon in segmentation if len(polygon) >= 6]
        if not outlines:
            return np.zeros(size, np.bool_)
        merged = coco_mask.merge(coco_mask.frPyObjects(outlines, *size))
        return np.asarray(coco_mask.decode(merged)).astype(np.bool_)
    mask = decode_rle(segmentation)
    if mask.shape != size:
        raise DatasetError(f"the mask is {mask.shape[0]} x {mask.shape[1]}, its image {size[0]} x {size[1]}")
    return mask

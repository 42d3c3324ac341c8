"""COCO instances JSON with compressed run lengths: one image per frame, one annotation per visible mask.

pycocotools reads it as it is. Void pixels are a crowd of every category, since evaluators compare one category at a
time and ignore what lies in its crowds. Beyond COCO: `track_id` joins the masks of one object, `score` is the predicted
IoU, and info["clip"] keeps what COCO has no place for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import Box, ClipAnnotation
from sam2_demo.formats.clip_fields import clip_fields, take_clip_fields
from sam2_demo.formats.coco_identity import frames_of, object_ids_of, of_one_video
from sam2_demo.formats.files import PathLike, content_of, read_json, write_json
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import Rle, decode_rle, encode_rle

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


def read(
    path: PathLike, video: str | None = None, num_frames: int | None = None, frame_names: Sequence[str] | None = None
) -> ClipAnnotation:
    """Read an instances file of a clip's frames or of one picture, as COCO, COCO-VID and YouTube-VIS have it.

    Frames are `frame_index` or `frame_id`, else the number in `file_name`; `num_frames` and `frame_names` (stems of its
    pictures), if known, settle whether numbers count from 1 and which names are whose. `video` chooses among several,
    by name or id. Objects are joined by `track_id` or `instance_id`, also among CVAT's attributes; without these each
    annotation is an object of its own. Crowds are void pixels. Annotations with a box and no mask are in `boxes` only;
    DatasetError for a file of nothing else, which `read_boxes` takes, and for one that does not say its frames.
    """
    clip = from_content(read_json(Path(path)), path, video, num_frames, frame_names)
    if clip.boxes and not clip.masklets and not clip.void:
        raise DatasetError(
            f"{path} holds boxes only and no masks: {count_boxes(clip)}; use them as box prompts (coco.read_boxes)"
        )
    return clip


def read_boxes(
    path: PathLike, video: str | None = None, num_frames: int | None = None, frame_names: Sequence[str] | None = None
) -> ClipAnnotation:
    """As `read`, for files whose annotations have boxes and no masks: `boxes` of the result serve as box prompts.

    DatasetError where every annotation has a mask.
    """
    clip = from_content(read_json(Path(path)), path, video, num_frames, frame_names)
    if not clip.boxes:
        raise DatasetError(f"{path} has no annotation with a box and without a mask; read its masks")
    return clip


def count_boxes(clip: ClipAnnotation) -> str:
    """How many boxes there are, of what, in words."""
    frames = {frame for own in clip.boxes.values() for frame in own}
    total = sum(map(len, clip.boxes.values()))
    return f"{total} of {len(clip.boxes)} object{'s' * (len(clip.boxes) != 1)} on {len(frames)} frame" + "s" * (
        len(frames) != 1
    )


def from_content(
    content: Any,
    path: PathLike,
    video: str | None = None,
    num_frames: int | None = None,
    frame_names: Sequence[str] | None = None,
) -> ClipAnnotation:
    """The clip of a file's content, with masks, boxes or both; `path` names it in messages."""
    source = Path(path)
    with content_of(source, "a COCO instances file"):
        return _from_content(of_one_video(content, str(source), video), source, num_frames, frame_names)


def _from_content(
    content: dict[str, Any], source: Path, num_frames: int | None, frame_names: Sequence[str] | None
) -> ClipAnnotation:
    info = (content.get("info") or {}).get("clip", {})
    images = content["images"]
    sizes = {(int(image["height"]), int(image["width"])) for image in images}
    if len(sizes) > 1:
        raise DatasetError(f"{source} has images of several sizes {sorted(sizes)}; the frames of a clip have one")
    (height, width) = sizes.pop()
    frames = frames_of(images, str(source), num_frames, frame_names)
    clip = ClipAnnotation(height, width, 1, has_frame_indices=frames is not None)
    frames = frames if frames is not None else {images[0]["id"]: 0}
    frames = {str(image_id): frame for image_id, frame in frames.items()} | frames  # ids that became text on the way
    clip.num_frames = max(*frames.values(), num_frames - 1 if num_frames else 0, 0) + 1
    _take_video(clip, content.get("videos") or [])
    take_clip_fields(clip, info)
    clip.name = (content.get("info") or {}).get("description", "") or clip.name or source.stem
    names = {own["id"]: own["name"] for own in content.get("categories") or []}
    annotations = content["annotations"]
    for annotation, object_id in zip(annotations, object_ids_of(annotations), strict=True):
        place = f"{source}: annotation {annotation.get('id')}"
        if annotation["image_id"] not in frames:
            raise DatasetError(f"{place} is of image {annotation['image_id']}, which the file does not list")
        with content_of(place, "segmentation as polygons or run lengths"):
            _add(clip, annotation, object_id, frames, names)
    _take_own_fields(clip, info)
    return clip.check()


def _take_video(clip: ClipAnnotation, videos: Sequence[dict[str, Any]]) -> None:
    """Name, length and rate of the one video that is left, where the file says them."""
    for own in videos:
        clip.name = str(own.get("name") or clip.name)
        rate, length = own.get("fps"), own.get("length")
        if isinstance(rate, int | float) and 0 < rate < 1e6:
            clip.frame_rate = float(rate)
        if isinstance(length, int) and not own.get("file_names"):  # which are perhaps every fifth frame only
            clip.num_frames = max(clip.num_frames, length)


def _take_own_fields(clip: ClipAnnotation, info: dict[str, Any]) -> None:
    """What this project's files say beyond COCO: names of all objects, and on which frames they are hidden."""
    for text, label in info.get("objects", {}).items():
        clip.masklet(int(text))
        if label is not None:
            clip.labels[int(text)] = label
    empty = encode_rle(np.zeros((clip.height, clip.width), np.bool_))
    for text, rows in info.get("hidden", {}).items():
        for frame, score, quality in rows:
            clip.masklet(int(text)).set_rle(int(frame), empty, score, quality)


def _add(
    clip: ClipAnnotation, annotation: dict[str, Any], object_id: int, frames: dict[Any, int], names: dict[Any, str]
) -> None:
    frame, size = frames[annotation["image_id"]], (clip.height, clip.width)
    box = None if has_mask(annotation) else _box(annotation.get("bbox"), size)
    mask = segmentation_mask(annotation.get("segmentation") or [], size)
    if annotation.get("iscrowd"):
        before = decode_rle(clip.void[frame]) if frame in clip.void else np.zeros(size, np.bool_)
        clip.void[frame] = encode_rle(before | mask)
        return
    if box is not None:
        clip.boxes.setdefault(object_id, {})[frame] = box
    else:
        masklet = clip.masklet(object_id)
        if frame in masklet:
            mask = mask | masklet.mask(frame)
        scores = [annotation.get(name) for name in ("object_score_logits", "score")]  # null in files of other tools
        logits, quality = (given if own is None else own for own, given in zip(scores, (10.0, 1.0), strict=True))
        masklet.set(frame, mask, logits, quality)
    name = names.get(annotation.get("category_id"), UNNAMED)
    if name != UNNAMED:
        clip.labels[object_id] = name


def has_mask(annotation: dict[str, Any]) -> bool:
    """Whether an annotation says a mask: detectors' and some tools' have a box and an empty segmentation, or none."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, list):
        return any(isinstance(part, int | float | dict) or len(part) >= 6 for part in segmentation)
    return bool(segmentation)


def _box(bbox: Any, size: tuple[int, int]) -> Box | None:
    """x0, y0, x1, y1 of COCO's x, y, width, height, moved inside by up to a pixel; None for none or an empty one."""
    if not bbox:
        return None
    x, y, width, height = (float(number) for number in bbox)
    if not (width > 0 and height > 0):
        return None
    x1, y1 = x + width, y + height
    if not (min(x, y) >= -1 and x1 <= size[1] + 1 and y1 <= size[0] + 1):
        raise DatasetError(
            f"its box ({x}, {y}, {x1}, {y1}) (x0, y0, x1, y1) is outside the picture, which is {size[1]} x {size[0]} "
            "pixels (width x height)"
        )
    return max(x, 0.0), max(y, 0.0), min(x1, float(size[1])), min(y1, float(size[0]))


def segmentation_mask(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) mask of a COCO segmentation: polygons [[x, y, ...], ...], or run lengths, compressed or not."""
    if isinstance(segmentation, list):
        if segmentation and not isinstance(segmentation[0], list | dict):  # one polygon, not in a list of its own
            segmentation = [segmentation]
        coded = [part for part in segmentation if isinstance(part, dict)]
        if coded:
            return np.asarray(np.any([segmentation_mask(part, size) for part in coded], axis=0))
        outlines = [polygon for polygon in segmentation if len(polygon) >= 6]
        if not outlines:
            return np.zeros(size, np.bool_)
        merged = coco_mask.merge(coco_mask.frPyObjects(outlines, *size))
        return np.asarray(coco_mask.decode(merged)).astype(np.bool_)
    mask = decode_rle(segmentation)
    if mask.shape != size:
        raise DatasetError(f"the mask is {mask.shape[0]} x {mask.shape[1]}, its image {size[0]} x {size[1]}")
    return mask

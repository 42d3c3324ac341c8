"""Which video, frame and object the entries of a COCO file are of; their places in its lists say nothing of that.

Videos are told apart by `video_id` (COCO-VID, YouTube-VIS), else by what stands before the number in `file_name`.
Frames are `frame_index` or `frame_id`, else the number in `file_name`. Objects are `track_id` or `instance_id`, which
CVAT keeps among an annotation's attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from sam2_demo.errors import DatasetError
from sam2_demo.formats.files import numbered_name
from sam2_demo.masks.masklet import plain_object_id

_FRAME_FIELDS = ("frame_index", "frame_id", "frame_idx")
_OBJECT_FIELDS = ("track_id", "instance_id")
_NAMED = 8  # videos or images that a message lists
_MOST_FRAMES = 1_000_000  # of a video that does not list their names
_HIDDEN_SCORE = -10.0


def of_one_video(content: dict[str, Any], place: str, video: str | None = None, likely: str = "") -> dict[str, Any]:
    """The content with the images and annotations of one video, each annotation on one image.

    `video` chooses by name or id; DatasetError where it is needed and not given, or names no video of the file. Without
    it the video that is called `likely` is taken, if there is one.
    """
    if not isinstance(content, dict) or "annotations" not in content or not {"images", "videos"} & set(content):
        raise DatasetError(f"{place} is no COCO instances file: it needs the fields images and annotations")
    names = {own["id"]: str(own.get("name") or _folder_of(own) or own["id"]) for own in content.get("videos") or []}
    if any(own.get("segmentations") is not None or own.get("bboxes") for own in content["annotations"]):
        content = _one_by_one(content)
    images = content.get("images") or []
    if not images:
        raise DatasetError(f"{place} lists no images")
    keys = _video_keys(images)
    names = {key: names.get(key, str(key)) for key in keys}
    known = list(dict.fromkeys(keys))
    if video is None and len(known) > 1 and [names[key] for key in known].count(likely) == 1:
        video = likely
    chosen = [key for key in known if video is not None and video in (names[key], str(key))]
    if (video is None and len(known) > 1) or (video is not None and len(chosen) != 1 and _says_videos(known)):
        listed = ", ".join(names[key] for key in known[:_NAMED]) + (", ..." if len(known) > _NAMED else "")
        asked = "choose one by its name" if video is None else f"{video!r} is none of them"
        raise DatasetError(f"{place} holds frames of {len(known)} videos: {listed}; {asked}")
    wanted = chosen[0] if chosen else known[0]
    own_images = [image for image, key in zip(images, keys, strict=True) if key == wanted]
    ids, others = {image["id"] for image in own_images}, {image["id"] for image in images}
    others -= ids
    return content | {
        "images": own_images,
        "annotations": [own for own in content["annotations"] if own["image_id"] not in others],
        "videos": [own for own in content.get("videos") or [] if own["id"] == wanted],
    }


def _says_videos(keys: Sequence[Any]) -> bool:
    return len(keys) > 1 or keys[0] != ""


def _folder_of(video: dict[str, Any]) -> str:
    names = video.get("file_names") or []
    return str(PurePosixPath(str(names[0])).parent) if names and "/" in str(names[0]) else ""


def _video_keys(images: Sequence[dict[str, Any]]) -> list[Any]:
    """What tells the video of each image; empty texts where nothing does."""
    if any(image.get("video_id") is not None for image in images):
        return [image.get("video_id") for image in images]
    explicit = _explicit_frames(images)
    if explicit is not None and len(set(explicit)) == len(explicit):
        return [""] * len(images)
    return [_before_number(image) for image in images]


def _before_number(image: dict[str, Any]) -> str:
    path = PurePosixPath(str(image.get("file_name") or "").replace("\\", "/"))
    before = numbered_name(path.name)
    folder = "" if str(path.parent) == "." else f"{path.parent}/"
    return (folder + ("" if before is None else before[0])).rstrip("/_-. ")


def _one_by_one(content: dict[str, Any]) -> dict[str, Any]:
    """YouTube-VIS as COCO: an image for each frame of a video, an annotation for each frame of an object."""
    images: list[dict[str, Any]] = []
    of_video: dict[Any, list[dict[str, Any]]] = {}
    for video in content.get("videos") or []:
        length = int(video.get("length", 0))
        if length > _MOST_FRAMES:
            raise DatasetError(f"video {video['id']} has {length} frames; up to {_MOST_FRAMES} are read")
        names = video.get("file_names") or [None] * length
        rows = [{"video_id": video["id"], "height": video["height"], "width": video["width"]} for _ in names]
        for row, name in zip(rows, names, strict=True):
            row |= {"id": len(images) + 1} | ({} if name is None else {"file_name": str(name)})
            images.append(row)
        of_video[video["id"]] = rows
    annotations: list[dict[str, Any]] = []
    for own in content["annotations"]:
        rows = of_video[own["video_id"]]
        masks = own.get("segmentations") or [None] * len(rows)
        boxes = own.get("bboxes") or [None] * len(rows)
        if len(masks) != len(rows) or len(boxes) != len(rows):
            raise DatasetError(f"annotation {own.get('id')} has {len(masks)} masks, its video {len(rows)} frames")
        shared = {name: own[name] for name in ("id", "category_id", "iscrowd", "score", "attributes") if name in own}
        shared["track_id"] = own.get("track_id", own.get("instance_id", own.get("id")))
        for row, mask, box in zip(rows, masks, boxes, strict=True):
            entry = shared | {"image_id": row["id"], "segmentation": mask, "bbox": box}
            if mask is None and not box:  # looked at, and not seen
                size = [int(row["height"]), int(row["width"])]
                entry["segmentation"] = {"size": size, "counts": [size[0] * size[1]]}
                entry["object_score_logits"] = _HIDDEN_SCORE
            annotations.append(entry)
    return content | {"images": images, "annotations": annotations}


def frames_of(
    images: Sequence[dict[str, Any]], place: str, num_frames: int | None, frame_names: Sequence[str] | None
) -> dict[Any, int] | None:
    """The frame of each image, by image id; None for a single image that does not say it.

    `num_frames` is the clip's length, if known: numbers that only fit it when counted from 1 are. `frame_names` are the
    stems of its pictures, if these have names. DatasetError for images that do not say their frame.
    """
    explicit = _explicit_frames(images)
    frames = explicit if explicit is not None else _frames_by_name(images, place, num_frames, frame_names)
    if frames is None:
        return None
    counted = explicit is None or not all("frame_index" in image for image in images)
    if num_frames is not None and counted and max(frames) == num_frames and min(frames) == 1:
        frames = [frame - 1 for frame in frames]
    by_frame: dict[int, Any] = {}
    for image, frame in zip(images, frames, strict=True):
        if frame in by_frame and by_frame[frame] != image["id"]:
            raise DatasetError(f"{place}: the images {by_frame[frame]} and {image['id']} are both of frame {frame}")
        by_frame[frame] = image["id"]
    return {image["id"]: frame for image, frame in zip(images, frames, strict=True)}


def _explicit_frames(images: Sequence[dict[str, Any]]) -> list[int] | None:
    for name in _FRAME_FIELDS:
        found = [_whole(image.get(name)) for image in images]
        known = [frame for frame in found if frame is not None]
        if len(known) == len(images):
            return known
    return None


def _frames_by_name(
    images: Sequence[dict[str, Any]], place: str, num_frames: int | None, frame_names: Sequence[str] | None
) -> list[int] | None:
    names = [PurePosixPath(str(image.get("file_name") or "").replace("\\", "/")).name for image in images]
    places = {name: frame for frame, name in enumerate(frame_names or ())}
    if places and all(PurePosixPath(name).stem in places for name in names):
        return [places[PurePosixPath(name).stem] for name in names]
    if len(images) == 1 and num_frames == 1:
        return [0]
    numbers = [numbered_name(name) for name in names]
    if len(images) == 1 and (numbers[0] is None or (num_frames is None and not _is_frame_name(numbers[0][0]))):
        return None
    unknown = [image["id"] for image, number in zip(images, numbers, strict=True) if number is None]
    if unknown:
        listed = ", ".join(map(str, unknown[:_NAMED])) + (", ..." if len(unknown) > _NAMED else "")
        raise DatasetError(
            f"{place} does not say which frames its images are: expected frame_id in every image, or a number in its "
            f"file_name, as in frame_000005.jpg; without either are the images {listed}"
        )
    return [number[1] for number in numbers if number is not None]


def _is_frame_name(before: str) -> bool:
    """Whether a picture whose number stands behind such a text is likely one of a clip, and no camera's."""
    return not before or "frame" in before.lower()


def object_ids_of(annotations: Sequence[dict[str, Any]]) -> list[int]:
    """The object of each annotation; one without a track's id is an object of its own."""
    given = [_identity(annotation) for annotation in annotations]
    taken = {own for own in given if isinstance(own, int)}
    numbers: dict[Any, int] = {}
    found: list[int] = []
    for annotation, own in zip(annotations, given, strict=True):
        if isinstance(own, int):
            found.append(own)
            continue
        if own is None or own not in numbers:
            wish = _whole(annotation.get("id")) if own is None else None
            number = wish if wish is not None and wish not in taken else _next_free(taken)
            taken.add(number)
            if own is not None:
                numbers[own] = number
            found.append(number)
        else:
            found.append(numbers[own])
    return found


def _next_free(taken: Iterable[int]) -> int:
    return max(taken, default=0) + 1


def _identity(annotation: dict[str, Any]) -> int | str | None:
    attributes = annotation.get("attributes")
    places = [annotation, attributes] if isinstance(attributes, dict) else [annotation]
    for place in places:
        for name in _OBJECT_FIELDS:
            value = place.get(name)
            if value is None or value == "" or value == -1:  # as trackers mark what belongs to no track
                continue
            whole = _whole(value)
            return whole if whole is not None else str(value)
    return None


def _whole(value: object) -> int | None:
    """A whole number of 0 or more, also as text of digits or with a fraction of zero; None for all else."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() and len(value) <= 12 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return plain_object_id(value) if float(value).is_integer() else None

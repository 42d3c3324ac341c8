"""One black and white PNG per object and frame, as a zip or a folder: <object>/<frame>.png, 255 inside.

A picture's mask is called as the picture. clip.json beside them keeps what pictures cannot: labels, frame rate, scores.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.clip_fields import clip_fields, picture_stems, take_clip_fields
from sam2_demo.formats.files import PathLike, content_of, load_json, read_mask
from sam2_demo.resuming import replacing

_SIDECAR = "clip.json"
_NAME = re.compile(r"(?:.*/)?(\d+)/([^/]+)\.png", re.IGNORECASE)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same masks give the same bytes


def write(value: ClipAnnotation, path: PathLike) -> None:
    """Write a zip when `path` ends in .zip, otherwise a folder."""
    value.check()
    target = Path(path)
    if target.suffix.lower() != ".zip":
        for name, content in _entries(value):
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return
    with replacing(target) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        for name, content in _entries(value):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content)


def read(path: PathLike) -> ClipAnnotation:
    """Read a zip or a folder of <object>/<frame>.png; see `read_mask` for their pixels."""
    source = Path(path)
    with content_of(source, f"<object>/<frame>.png and a {_SIDECAR} as `write` makes it"):
        return _from_entries(source, dict(_contents(source)))


def _from_entries(source: Path, found: dict[str, bytes]) -> ClipAnnotation:
    sidecar: dict[str, Any] = load_json(found.get(_SIDECAR, b"{}"), f"{source}: {_SIDECAR}")
    pictures = _pictures(found, sidecar)
    if not pictures:
        raise DatasetError(f"{source} holds no mask; expected <object>/<frame>.png, as 1/00000.png")
    clip: ClipAnnotation | None = None
    for (object_id, frame), name in sorted(pictures.items()):
        mask = read_mask(found[name], f"{source}: {name}")
        if clip is None:
            clip = ClipAnnotation(mask.shape[0], mask.shape[1], 0, name=source.stem)
        if mask.shape != (clip.height, clip.width):
            raise DatasetError(f"{source}: {name} is {mask.shape}, other masks are ({clip.height}, {clip.width})")
        scores = sidecar.get("scores", {}).get(str(object_id), {}).get(str(frame), (10.0, 1.0))
        clip.masklet(object_id).set(frame, mask, *scores)
        clip.num_frames = max(clip.num_frames, frame + 1)
    if clip is None:
        raise DatasetError(f"{source} holds no mask")
    take_clip_fields(clip, sidecar)
    for text in {**sidecar.get("scores", {}), **sidecar.get("labels", {})}:
        clip.masklet(int(text))  # an object without masks has no picture
    clip.labels = {int(object_id): label for object_id, label in sidecar.get("labels", {}).items()}
    return clip.check()


def _pictures(found: Iterable[str], sidecar: dict[str, Any]) -> dict[tuple[int, int], str]:
    """The masks' names by object and frame; where all are of one picture that has a name, it is frame 0."""
    masks = [(match[1], match[2], name) for name in sorted(found) if (match := _NAME.fullmatch(name))]
    stems = picture_stems(sidecar, (stem for _, stem, _ in masks))
    if stems is not None:
        places = {name: frame for frame, name in enumerate(stems)}
        return {(int(own), places[stem]): name for own, stem, name in masks}
    is_of_one = len({stem for _, stem, _ in masks}) == 1
    numbered = {(int(own), int(stem)): name for own, stem, name in masks if stem.isdecimal()}
    return numbered or ({(int(own), 0): name for own, _, name in masks} if is_of_one else {})


def _entries(value: ClipAnnotation) -> Iterator[tuple[str, bytes]]:
    scores = {
        str(object_id): {
            str(f): [masklet.frame(f).object_score_logits, masklet.frame(f).iou_prediction] for f in masklet
        }
        for object_id, masklet in value.masklets.items()
    }
    content = clip_fields(value) | {
        "labels": {str(object_id): label for object_id, label in value.labels.items()},
        "scores": scores,
    }
    yield _SIDECAR, json.dumps(content).encode()
    for object_id, masklet in value.masklets.items():
        for frame in masklet:
            coded = io.BytesIO()
            Image.fromarray(masklet.mask(frame)).save(coded, "PNG")
            yield f"{object_id}/{value.frame_stem(frame)}.png", coded.getvalue()


def _contents(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for place in sorted(source.rglob("*")):
            if place.suffix.lower() in (".png", ".json"):
                yield place.relative_to(source).as_posix(), place.read_bytes()
        return
    try:
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                if name.lower().endswith((".png", ".json")):
                    yield name, archive.read(name)
    except (FileNotFoundError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{source} is no zip and no folder with <object>/<frame>.png: {error}") from error

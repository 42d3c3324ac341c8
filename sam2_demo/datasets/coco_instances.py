"""Pictures of a COCO instances file: <root>/annotations/instances_<split>.json with pictures in <root>/<split>."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sam2_demo.datasets.pictures import AnnotatedPicture, BoolMask, PictureObject
from sam2_demo.errors import DatasetError
from sam2_demo.formats.coco import has_mask, segmentation_mask
from sam2_demo.formats.files import content_of, read_json
from sam2_demo.video.pictures import read_picture

_PREFIX = "instances_"
_BESIDE = "_annotations.coco.json"


class CocoPictures:
    """The annotated pictures of one instances file; crowds count for nothing but as void pixels.

    Annotations with a box and no mask are passed over; DatasetError for a file of nothing else.
    """

    def __init__(self, annotations: Path, pictures: Path | None = None) -> None:
        content = read_json(annotations)
        for field in ("images", "annotations"):
            if not isinstance(content, dict) or field not in content:
                raise DatasetError(f"{annotations} lacks {field!r}; a COCO instances file has images and annotations")
        self.pictures = pictures or _picture_folder(annotations)
        with content_of(annotations, "a COCO instances file"):
            self._index(content, annotations)

    def _index(self, content: dict[str, Any], annotations: Path) -> None:
        fields = ("id", "file_name", "height", "width")
        lacking = [name for name in fields if any(name not in image for image in content["images"])]
        if lacking:
            raise DatasetError(f"{annotations}: some images lack {', '.join(lacking)}; all need {', '.join(fields)}")
        self._images = {int(image["id"]): image for image in content["images"]}
        self._annotations: dict[int, list[dict[str, Any]]] = {}
        with_masks = [own for own in content["annotations"] if has_mask(own) or not own.get("bbox")]
        if content["annotations"] and not with_masks:
            raise DatasetError(f"{annotations} holds boxes only: no annotation has a mask in its segmentation")
        for annotation in with_masks:
            image_id = int(annotation["image_id"])
            if image_id not in self._images:
                raise DatasetError(f"{annotations}: annotation {annotation.get('id')} is of unknown image {image_id}")
            self._annotations.setdefault(image_id, []).append(annotation)
        self._ids = {Path(self._images[i]["file_name"]).stem: i for i in sorted(self._annotations)}
        if len(self._ids) < len(self._annotations):
            # Pictures of several folders may have the same name.
            self._ids = {f"{Path(self._images[i]['file_name']).stem}-{i}": i for i in sorted(self._annotations)}
        self.names = sorted(self._ids)
        self._source = annotations

    def picture(self, name: str) -> AnnotatedPicture:
        """Read one picture with the masks of its instances."""
        image_id = self._ids[name]
        path = self.pictures / self._images[image_id]["file_name"]
        with content_of(path, "a picture"):
            pixels = np.asarray(read_picture(path), np.uint8)
        size = (int(self._images[image_id]["height"]), int(self._images[image_id]["width"]))
        if pixels.shape[:2] != size:
            raise DatasetError(f"{path} is {pixels.shape[:2]}, its annotation says {size} (height, width)")
        crowd = np.zeros(size, np.bool_)
        masks: dict[str, BoolMask] = {}
        for annotation in self._annotations[image_id]:
            place = f"{self._source}: annotation {annotation.get('id')}"
            with content_of(place, "segmentation as polygons or run lengths"):
                mask = segmentation_mask(annotation["segmentation"], size)
            if annotation.get("iscrowd"):
                crowd |= mask
            elif mask.any():
                masks[str(annotation.get("id", len(masks) + 1))] = mask
        void = {key: crowd & ~mask if crowd.any() else None for key, mask in masks.items()}
        objects = tuple(PictureObject(key, mask, void[key]) for key, mask in masks.items())
        return AnnotatedPicture(name, self.pictures.name, pixels, objects)


def _picture_folder(annotations: Path) -> Path:
    if annotations.name == _BESIDE:
        return annotations.parent
    split = annotations.stem.removeprefix(_PREFIX)
    places = [annotations.parent.parent / split, annotations.parent / split, annotations.parent]
    return next((place for place in places if place.is_dir()), places[-1])


def instances_files(root: Path) -> list[Path]:
    """The instances files of a folder: COCO's own annotations/instances_<split>.json, or those that lie among their
    pictures as <split>/_annotations.coco.json."""
    own = sorted(root.glob(f"annotations/{_PREFIX}*.json"))
    return own or sorted([*root.glob(_BESIDE), *root.glob(f"*/{_BESIDE}")])


def open_coco(root: Path) -> CocoPictures | None:
    """The instances file of a COCO folder, or None when `root` is no such folder or file."""
    if root.suffix == ".json":
        return CocoPictures(root)
    found = instances_files(root) if root.is_dir() else []
    if len(found) > 1:
        named = ", ".join(path.relative_to(root).as_posix() for path in found)
        raise DatasetError(f"{root} holds several instances files ({named}); name one")
    return CocoPictures(found[0]) if found else None

"""Which data set a path holds, told by its content."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sam2_demo.datasets.coco_instances import instances_files
from sam2_demo.datasets.label_maps import find_by_stem
from sam2_demo.datasets.sa_v import find_train_files
from sam2_demo.errors import DatasetError

Layout = Literal["label maps", "COCO", "DAVIS", "SA-V", "SA-V train"]

ACCEPTED = """accepted are
  pictures with label maps: <stem>.jpg beside <stem>.png or <stem>_mask.png, images/ beside masks/, or index.csv with
  the columns source, file, mask
  COCO: annotations/instances_<split>.json with pictures in <split>/, _annotations.coco.json among
  its pictures, or the path of such a JSON file
  DAVIS: JPEGImages/<clip>/<frame>.jpg and Annotations/<clip>/<frame>.png
  SA-V val, test: JPEGImages_24fps/<clip>/<frame>.jpg and Annotations_6fps/<clip>/<object>/<frame>.png
  SA-V train: <clip>.mp4 beside <clip>_manual.json or <clip>_auto.json"""
_PARTS: dict[str, tuple[Layout, str]] = {
    "JPEGImages_24fps": ("SA-V", "Annotations_6fps"),
    "Annotations_6fps": ("SA-V", "JPEGImages_24fps"),
    "JPEGImages": ("DAVIS", "Annotations"),
    "Annotations": ("DAVIS", "JPEGImages"),
}


def recognise_layout(path: Path) -> Layout:
    """The layout of a data folder or file; DatasetError says what it holds instead, or which part is missing."""
    if not path.exists():
        raise DatasetError(f"data folder {path} does not exist; {ACCEPTED}")
    if path.is_file():
        if path.suffix.lower() == ".json":
            return "COCO"
        raise DatasetError(f"{path} is a file of another kind; {ACCEPTED}")
    if instances_files(path):
        return "COCO"
    for part, (layout, other) in _PARTS.items():
        if (path / part).is_dir():
            if not (path / other).is_dir():
                raise DatasetError(f"{path} holds {part} but no {other} folder; {ACCEPTED}")
            return layout
    if find_train_files(path):
        return "SA-V train"
    if _holds_label_maps(path):
        return "label maps"
    if any(path.glob("labels/**/*.txt")) or any(path.glob("*/labels/*.txt")):
        raise DatasetError(
            f"{path} holds YOLO labels, which give outlines without the pictures' sizes and no objects over time: "
            f"export the set as COCO with segmentation, or as masks; {ACCEPTED}"
        )
    raise DatasetError(f"{path} is no data set ({_content(path)}); {ACCEPTED}")


def _holds_label_maps(path: Path) -> bool:
    if (path / "index.csv").is_file() or (path / "train" / "index.csv").is_file():
        return True
    return bool(find_by_stem(path))


def _content(path: Path) -> str:
    found = sorted(inside.name + ("/" if inside.is_dir() else "") for inside in path.iterdir())
    if not found:
        return "it is empty"
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"it holds {', '.join(found[:5])}{more}"

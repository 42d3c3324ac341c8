"""Clips in the layouts of SA-V.

Val and test: JPEGImages_24fps/<clip>/<frame>.jpg and Annotations_6fps/<clip>/<object>/<frame>.png, the split
beside them as sav_val.txt or sav_test.txt. Train: <clip>.mp4 beside <clip>_manual.json and <clip>_auto.json, in
the folder itself or, as published, in folders below it.
"""

from __future__ import annotations

from pathlib import Path

from sam2_demo.datasets.annotated_clip import (
    AnnotatedClip,
    AnnotatedClips,
    AnnotatedVideo,
    check_size,
    clip_names,
    names_from_list,
)
from sam2_demo.errors import DatasetError
from sam2_demo.formats import sa_v
from sam2_demo.video.picture_sequences import list_pictures

TRAIN_ENDINGS = ("_manual", "_auto")


class SaVClips(AnnotatedClips[AnnotatedClip]):
    """The annotated clips of val or test below `root`, or those of one of its splits."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.pictures, self.annotations = root / "JPEGImages_24fps", root / "Annotations_6fps"
        for folder in (self.pictures, self.annotations):
            if not folder.is_dir():
                raise DatasetError(
                    f"{root} holds no {folder.name} folder; the SA-V layout is JPEGImages_24fps/<clip>/<frame>.jpg "
                    "and Annotations_6fps/<clip>/<object>/<frame>.png"
                )
        found = clip_names(self.annotations)
        if not found:
            raise DatasetError(f"{self.annotations} holds no clip; expected Annotations_6fps/<clip>/<object>")
        super().__init__(root, found if split is None else names_from_list(root / f"{split}.txt", found))

    def _read(self, name: str) -> AnnotatedClip:
        frames = tuple(list_pictures(self.pictures / name))
        truth = sa_v.read(self.annotations / name, [path.stem for path in frames])
        return check_size(AnnotatedClip(name, self.pictures / name, frames, truth))


class SaVTrainClips(AnnotatedClips[AnnotatedVideo]):
    """The train set's videos below `root`; one with manual and automatic masklets counts as two clips."""

    def __init__(self, root: Path) -> None:
        found = find_train_files(root)
        if not found:
            raise DatasetError(f"{root} holds no <clip>_manual.json or <clip>_auto.json; SA-V's train set has them")
        self._files = {path.stem: path for path in found}
        twice = next((path for path in found if self._files[path.stem] != path), None)
        if twice is not None:
            raise DatasetError(f"{twice} and {self._files[twice.stem]} have the same name; clips need different ones")
        super().__init__(root, sorted(self._files))
        for name in self.names:
            if not self._video(name).is_file():
                raise DatasetError(f"{self._video(name)} does not exist, {self._files[name].name} annotates it")

    def _video(self, name: str) -> Path:
        stem = next(name.removesuffix(ending) for ending in TRAIN_ENDINGS if name.endswith(ending))
        return self._files[name].with_name(f"{stem}.mp4")

    def _read(self, name: str) -> AnnotatedVideo:
        return AnnotatedVideo(name, self._video(name), sa_v.read(self._files[name]))


def find_train_files(root: Path) -> list[Path]:
    """The annotation files of the train set in a folder and the folders directly below it."""
    patterns = [f"{place}*{ending}.json" for place in ("", "*/") for ending in TRAIN_ENDINGS]
    return sorted(path for pattern in patterns for path in root.glob(pattern))

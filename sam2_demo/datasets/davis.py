"""Clips in the DAVIS layout: JPEGImages/<clip>/<frame>.jpg and Annotations/<clip>/<frame>.png.

DAVIS itself puts a resolution between (JPEGImages/480p/<clip>); MOSE, YouTube-VOS and LVOS do not.
A split is ImageSets/2017/<split>.txt, ImageSets/2016/<split>.txt, ImageSets/<split>.txt or <split>.txt.
"""

from __future__ import annotations

from pathlib import Path

from sam2_demo.datasets.annotated_clip import AnnotatedClip, AnnotatedClips, check_size, clip_names, names_from_list
from sam2_demo.errors import DatasetError
from sam2_demo.formats import davis
from sam2_demo.video.picture_sequences import list_pictures

_RESOLUTIONS = ("480p", "Full-Resolution")
_SPLIT_FOLDERS = ("ImageSets/2017", "ImageSets/2016", "ImageSets", ".")


class DavisClips(AnnotatedClips[AnnotatedClip]):
    """The annotated clips below `root`, or those of one of its splits."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.pictures = _clips_folder(root, "JPEGImages")
        self.annotations = _clips_folder(root, "Annotations")
        found = clip_names(self.annotations)
        if not found:
            raise DatasetError(f"{self.annotations} holds no clip; expected Annotations/<clip>/<frame>.png")
        super().__init__(root, found if split is None else names_from_list(_split_file(root, split), found))

    def _read(self, name: str) -> AnnotatedClip:
        frames = tuple(list_pictures(self.pictures / name))
        truth = davis.read(self.annotations / name, [path.stem for path in frames])
        return check_size(AnnotatedClip(name, self.pictures / name, frames, truth))


def _clips_folder(root: Path, kind: str) -> Path:
    folder = root / kind
    if not folder.is_dir():
        raise DatasetError(
            f"{root} holds no {kind} folder; the DAVIS layout is JPEGImages/<clip> and Annotations/<clip>"
        )
    return next((folder / name for name in _RESOLUTIONS if (folder / name).is_dir()), folder)


def has_split(root: Path, split: str) -> bool:
    """Whether the data set comes with a list of clips of this name."""
    return any(path.is_file() for path in _split_places(root, split))


def _split_places(root: Path, split: str) -> list[Path]:
    return [root / folder / f"{split}.txt" for folder in _SPLIT_FOLDERS]


def _split_file(root: Path, split: str) -> Path:
    places = _split_places(root, split)
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise DatasetError(f"split {split!r} was not found; looked for {', '.join(map(str, places))}")
    return found

"""Clips in the DAVIS layout: JPEGImages/<clip>/<frame>.jpg and Annotations/<clip>/<frame>.png.

DAVIS itself puts a resolution between (JPEGImages/480p/<clip>); MOSE, YouTube-VOS and LVOS do not.
A split is ImageSets/2017/<split>.txt, ImageSets/2016/<split>.txt, ImageSets/<split>.txt or <split>.txt.
"""

from __future__ import annotations

from pathlib import Path

from sam2_demo.datasets.annotated_clip import AnnotatedClip, check_size, names_from_list
from sam2_demo.errors import DatasetError
from sam2_demo.formats import davis
from sam2_demo.video.picture_sequences import list_pictures

_RESOLUTIONS = ("480p", "Full-Resolution")
_SPLIT_FOLDERS = ("ImageSets/2017", "ImageSets/2016", "ImageSets", ".")


class DavisClips:
    """The annotated clips below `root`, by name; ground truth is read when a clip is asked for."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.root = root
        self.pictures = _clips_folder(root, "JPEGImages")
        self.annotations = _clips_folder(root, "Annotations")
        found = sorted(path.name for path in self.annotations.iterdir() if path.is_dir())
        if not found:
            raise DatasetError(f"{self.annotations} holds no clip; expected Annotations/<clip>/<frame>.png")
        self.names = found if split is None else names_from_list(_split_file(root, split), found)

    def __len__(self) -> int:
        return len(self.names)

    def clip(self, name: str) -> AnnotatedClip:
        """Read one clip's ground truth; DatasetError names the file that is missing or wrong."""
        if name not in self.names:
            raise DatasetError(f"{self.root} has no clip {name!r}; it has {', '.join(self.names[:20])}")
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


def _split_file(root: Path, split: str) -> Path:
    places = [root / folder / f"{split}.txt" for folder in _SPLIT_FOLDERS]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise DatasetError(f"split {split!r} was not found; looked for {', '.join(map(str, places))}")
    return found

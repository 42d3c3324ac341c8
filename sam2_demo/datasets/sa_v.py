"""Clips in the layout of SA-V val and test: JPEGImages_24fps/<clip>/<frame>.jpg and
Annotations_6fps/<clip>/<object>/<frame>.png, the split beside them as sav_val.txt or sav_test.txt.
"""

from __future__ import annotations

from pathlib import Path

from sam2_demo.datasets.annotated_clip import AnnotatedClip, check_size, names_from_list
from sam2_demo.errors import DatasetError
from sam2_demo.formats import sa_v
from sam2_demo.video.picture_sequences import list_pictures


class SaVClips:
    """The annotated clips below `root`, by name; ground truth is read when a clip is asked for."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        self.root = root
        self.pictures, self.annotations = root / "JPEGImages_24fps", root / "Annotations_6fps"
        for folder in (self.pictures, self.annotations):
            if not folder.is_dir():
                raise DatasetError(
                    f"{root} holds no {folder.name} folder; the SA-V layout is JPEGImages_24fps/<clip>/<frame>.jpg "
                    "and Annotations_6fps/<clip>/<object>/<frame>.png"
                )
        found = sorted(path.name for path in self.annotations.iterdir() if path.is_dir())
        if not found:
            raise DatasetError(f"{self.annotations} holds no clip; expected Annotations_6fps/<clip>/<object>")
        self.names = found if split is None else names_from_list(root / f"{split}.txt", found)

    def __len__(self) -> int:
        return len(self.names)

    def clip(self, name: str) -> AnnotatedClip:
        """Read one clip's ground truth; DatasetError names the file that is missing or wrong."""
        if name not in self.names:
            raise DatasetError(f"{self.root} has no clip {name!r}; it has {', '.join(self.names[:20])}")
        frames = tuple(list_pictures(self.pictures / name))
        truth = sa_v.read(self.annotations / name, [path.stem for path in frames])
        return check_size(AnnotatedClip(name, self.pictures / name, frames, truth))

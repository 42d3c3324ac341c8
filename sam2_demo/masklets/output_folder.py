"""The folder that a run writes: `<clip>_auto.json` for each clip, and the settings with which they were made.

A clip's file is written whole when the clip is done. Where it exists the clip is done, so a run that was
interrupted goes on with the next clip and ends with the files of one that was not. Settings bind a folder from its
first file on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sam2_demo.errors import ConfigError, DatasetError
from sam2_demo.formats import sa_v
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import read_json, write_json
from sam2_demo.masklets.clips import Clip
from sam2_demo.resuming import differences
from sam2_demo.video import FrameReader

_SETTINGS = "settings.json"


class OutputFolder:
    """Made once per run; ConfigError when the folder holds masklets that were made with other settings."""

    def __init__(self, place: Path, settings: dict[str, Any]) -> None:
        self.place = place
        wanted = json.loads(json.dumps(settings))
        if place.exists() and not place.is_dir():
            raise ConfigError(f"{place} is a file; give a folder for the masklets")
        self._check_settings(wanted)
        try:
            write_json(wanted, place / _SETTINGS, indent=2)
        except OSError as error:
            raise ConfigError(f"{place} cannot be a folder of masklets ({error.strerror}): give another one") from error

    def _check_settings(self, wanted: dict[str, Any]) -> None:
        """ConfigError when there are masklets of other settings, or the settings are no run's."""
        path, has_masklets = self.place / _SETTINGS, any(self.place.glob("*_auto.json"))
        if not path.is_file():
            if has_masklets:
                raise ConfigError(
                    f"{self.place} holds masklets but no {_SETTINGS} to compare with: give another folder"
                )
            return
        found = read_json(path)
        if not isinstance(found, dict):
            kind = type(found).__name__
            raise ConfigError(f"{path} holds a {kind} where a run has its settings: give another folder")
        differing = differences(found, wanted)
        if differing and (has_masklets or not found.keys() & wanted.keys()):
            raise ConfigError(
                f"{self.place} holds masklets made with other settings ({differing}): give another folder"
            )

    def path(self, clip: Clip) -> Path:
        """The file of a clip's masklets, named as in SA-V."""
        return self.place / f"{clip.name}_auto.json"

    def is_done(self, clip: Clip, reader: FrameReader) -> bool:
        """Whether a clip's file exists; DatasetError when it was made from another clip of the same name."""
        path = self.path(clip)
        if not path.is_file():
            return False
        done = sa_v.read(path)
        there, here = ((value.width, value.height, value.num_frames) for value in (done, reader))
        if there != here:
            raise DatasetError(
                f"{path} is of a clip of {there[0]} x {there[1]} pixels and {there[2]} frames, {clip.path} has "
                f"{here[0]} x {here[1]} and {here[2]}: give another folder, or delete the file"
            )
        return True

    def write(self, clip: Clip, annotation: ClipAnnotation) -> Path:
        """Write a clip's masklets whole or not at all."""
        annotation.name = clip.name
        sa_v.write(annotation, self.path(clip))
        return self.path(clip)

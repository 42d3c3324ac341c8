"""Reference masks of a session: what a person says is right, to measure the session's masks against.

Kept in the session's folder as reference.json; `pairs` says which object of the session each reference belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import InputError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.sessions.session import Session

FILE_NAME = "reference.json"


@dataclass
class Reference:
    """Reference masklets by their own ids, pixels that do not count, names, and {reference id: object id}."""

    clip: ClipAnnotation
    pairs: dict[int, int] = field(default_factory=dict)
    name: str = ""

    def masklet(self, reference_id: int) -> Masklet:
        """The reference masks of an id; InputError for an unknown one."""
        if reference_id not in self.clip.masklets:
            raise InputError(f"reference {reference_id} does not exist; known are {self.clip.object_ids}")
        return self.clip.masklets[reference_id]

    def of_object(self, object_id: int) -> int:
        """The reference that an object is measured against; InputError if there is none."""
        for reference_id, paired in self.pairs.items():
            if paired == object_id:
                return reference_id
        raise InputError(f"object {object_id} is not paired with a reference: choose one in the list of references")

    def void(self, frame: int) -> NDArray[np.bool_] | None:
        """The (H, W) pixels of a frame that do not count; None if all do."""
        return decode_rle(self.clip.void[frame]) if frame in self.clip.void else None

    def pair(self, reference_id: int, object_id: int | None) -> None:
        """Measure an object (None: no object) against a reference; each belongs to one other at most."""
        self.masklet(reference_id)
        self.pairs = {r: o for r, o in self.pairs.items() if r != reference_id and o != object_id}
        if object_id is not None:
            self.pairs[reference_id] = object_id


def write_reference(session: Session, reference: Reference) -> None:
    """Keep a reference; replaces an earlier one."""
    clip = reference.clip
    content = {
        "name": reference.name,
        "size": [clip.height, clip.width],
        "num_frames": clip.num_frames,
        "masklets": {str(i): {str(f): m.rle(f)["counts"] for f in m} for i, m in clip.masklets.items()},
        "void": {str(frame): rle["counts"] for frame, rle in clip.void.items()},
        "labels": {str(i): label for i, label in clip.labels.items()},
        "pairs": [[reference_id, object_id] for reference_id, object_id in reference.pairs.items()],
    }
    session.stored.write_json(FILE_NAME, content)


def read_reference(session: Session) -> Reference | None:
    """The kept reference; None if there is none."""
    return session.stored.read_json(FILE_NAME, _from_json)


def _from_json(content: dict[str, Any]) -> Reference:
    height, width = content["size"]
    clip = ClipAnnotation(height, width, content["num_frames"])
    for reference_id, frames in content["masklets"].items():
        for frame, counts in frames.items():
            clip.masklet(int(reference_id)).set_rle(int(frame), {"size": [height, width], "counts": counts})
    clip.void = {int(frame): {"size": [height, width], "counts": c} for frame, c in content["void"].items()}
    clip.labels = {int(reference_id): label for reference_id, label in content["labels"].items()}
    return Reference(clip, {int(r): int(o) for r, o in content["pairs"]}, content["name"])

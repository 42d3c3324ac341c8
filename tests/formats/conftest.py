"""A clip with three objects: one in two parts with a hole, one that is hidden for a while, one that comes late."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_demo.formats.annotation import ClipAnnotation

HEIGHT, WIDTH, FRAMES = 37, 53, 9  # odd sizes: nothing may rely on even ones


def mask_of(object_id: int, frame: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if object_id == 1:
        mask[3:15, 2 + frame : 17 + frame] = True
        mask[6:9, 6 + frame : 10 + frame] = False
        mask[30, 50] = True
    elif object_id == 2 and not 3 <= frame < 6:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        mask = (y - 25) ** 2 + (x - 15 - frame) ** 2 < 40
    elif object_id == 7 and frame >= 4:
        mask[18:22, 30:45] = True
    return mask


@pytest.fixture
def clip() -> ClipAnnotation:
    value = ClipAnnotation(HEIGHT, WIDTH, FRAMES, frame_rate=12.5, name="clip")
    for object_id in (1, 2, 7):
        for frame in range(FRAMES):
            mask = mask_of(object_id, frame)
            value.masklet(object_id).set(frame, mask, 3.5 if mask.any() else -2.25, 0.1 * frame)
    value.labels = {1: "car", 7: "=SUM(A1)"}
    return value


def same_masks(first: ClipAnnotation, second: ClipAnnotation) -> None:
    """Both clips have the same masks on the same frames."""
    assert (first.height, first.width) == (second.height, second.width)
    assert first.object_ids == second.object_ids
    for object_id in first.object_ids:
        assert first.masklets[object_id].to_rle() == second.masklets[object_id].to_rle(), object_id

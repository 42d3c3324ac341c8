"""The small data sets of tests/datasets, and predictors that answer from what they see in the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sam2_demo.evaluation.baselines import BaselineFrame
from sam2_demo.video import open_video
from tests.datasets.conftest import davis_root, sav_root  # noqa: F401


@dataclass
class ColorSession:
    """Segments the colour under the first positive click, box centre or mask; remembers how it was asked."""

    frames: list[np.ndarray]
    colors: dict[int, np.ndarray] = field(default_factory=dict)
    asked: list[tuple] = field(default_factory=list)
    closed: bool = False
    damage: Callable[[int, np.ndarray], np.ndarray] = field(default=lambda frame_index, mask: mask)
    corrected: dict[tuple[int, int], int] = field(default_factory=dict)

    def add_prompt(
        self, frame_index, object_id, points=None, point_labels=None, box=None, mask=None, clear_previous=True
    ):
        self.asked.append((frame_index, object_id, points, point_labels, box, mask is not None, clear_previous))
        if mask is not None:
            y, x = np.argwhere(mask).mean(axis=0)
        elif box is not None:
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        else:
            x, y = points[0]
        if object_id not in self.colors:
            self.colors[object_id] = self.frames[frame_index][round(y), round(x)].astype(int)
        key = (frame_index, object_id)
        self.corrected[key] = 1 if clear_previous else self.corrected.get(key, 0) + 1
        return self._frame(frame_index)

    def propagate(self, start_frame_index=None, direction="forward", end_frame_index=None) -> Iterator[BaselineFrame]:
        start = 0 if start_frame_index is None else start_frame_index
        for frame_index in range(start, len(self.frames)):
            yield self._frame(frame_index)

    def close(self) -> None:
        self.closed = True

    def _frame(self, frame_index: int) -> BaselineFrame:
        picture = self.frames[frame_index].astype(int)
        masks = {}
        for object_id, color in self.colors.items():
            mask = np.abs(picture - color).max(axis=2) < 60
            # Three clicks repair a frame for good.
            is_right = self.corrected.get((frame_index, object_id), 0) >= 3
            masks[object_id] = mask if is_right else self.damage(frame_index, mask)
        return BaselineFrame(frame_index, masks)


@dataclass
class ColorTracker:
    """Opens ColorSessions and keeps them for inspection."""

    damage: Callable[[int, np.ndarray], np.ndarray] = field(default=lambda frame_index, mask: mask)
    sessions: list[ColorSession] = field(default_factory=list)

    def open(self, source: Path) -> ColorSession:
        reader = open_video(source)
        frames = [reader.read(i) for i in range(reader.num_frames)]
        self.sessions.append(ColorSession(frames, damage=self.damage))
        return self.sessions[-1]


@pytest.fixture
def color_tracker() -> ColorTracker:
    """A tracker that finds objects by their colour and so is right about the small data sets."""
    return ColorTracker()

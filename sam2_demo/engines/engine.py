"""What a session needs of a model: how to open a clip or a picture with it, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.device_lock import DeviceLock
from sam2_demo.tracking.automatic_masks import GridStep
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.stream import LiveStream
from sam2_demo.video.frame_reader import FrameReader


class Engine(Protocol):
    """A loaded model. Every call into what it opens is made while holding `lock`, one step at a time."""

    name: str
    lock: DeviceLock

    def open_video(self, frames: FrameReader) -> ClipTracker: ...

    def open_stream(self) -> LiveStream: ...

    def open_picture(self) -> ImagePredictor: ...

    def find_everything(
        self, rgb: NDArray[np.uint8], points_per_side: int, crop_layers: int, least_iou: float, least_stability: float
    ) -> Iterator[GridStep]: ...

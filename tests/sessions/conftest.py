"""A workspace over a very small network of the full architecture."""

import numpy as np
import pytest

from sam2_demo.sessions.device_lock import DeviceLock
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.video import VideoWriter


class NanoEngine:
    def __init__(self, network, name="nano"):
        self.name = name
        self.lock = DeviceLock()
        self.network = network

    def open_video(self, frames):
        return VideoPredictor(self.network).open(frames)

    def open_picture(self):
        return ImagePredictor(self.network)


@pytest.fixture
def engine(nano_network):
    return NanoEngine(nano_network)


@pytest.fixture
def clip_path(tmp_path, clip_frames):
    path = tmp_path / "given" / "clip.mp4"
    path.parent.mkdir()
    with VideoWriter(path, 80, 48, frame_rate=24.0) as writer:
        for frame in clip_frames:
            writer.write(np.ascontiguousarray(frame))
    return path

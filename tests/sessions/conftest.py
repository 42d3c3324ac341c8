"""A session over a very small network of the full architecture."""

import numpy as np
import pytest

from sam2_demo.engines.network_engine import NetworkEngine
from sam2_demo.video import VideoWriter


@pytest.fixture
def engine(nano_network):
    return NetworkEngine("nano", nano_network)


@pytest.fixture
def clip_path(tmp_path, clip_frames):
    path = tmp_path / "given" / "clip.mp4"
    path.parent.mkdir()
    with VideoWriter(path, 80, 48, frame_rate=24.0) as writer:
        for frame in clip_frames:
            writer.write(np.ascontiguousarray(frame))
    return path

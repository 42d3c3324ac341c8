"""This project as a contender, with an official model or the embedded one."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import torch

from sam2_demo.network.inference import for_inference
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.frame_step import encode_image
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.weights import load_network
from tools.benchmark.contender import Contender, frame_times, object_point, seconds
from tools.benchmark.material import CONDITIONING_FRAMES, Material

START = """
from sam2_demo import ImagePredictor, load_network
import cv2
predictor = ImagePredictor(load_network({weights!r}, device="cpu"))
predictor.set_image(cv2.imread({picture!r})[..., ::-1].copy())
predictor.predict(points=[(400, 300)])
"""


class ThisProject(Contender):
    """Ours; `dtype` as for `load_network`, `source` instead of the material's weights where it is given."""

    def __init__(self, material: Material, dtype: str = "auto", source: str | None = None) -> None:
        super().__init__(material)
        self.network = load_network(source or str(material.weights), device="cpu", dtype=dtype)
        self.predictor = VideoPredictor(self.network)

    def encode(self) -> float:
        """See `Contender`."""
        side = self.network.config.image_size
        with torch.inference_mode():
            pixels = torch.zeros(1, 3, side, side)
            return seconds(lambda: encode_image(for_inference(self.network), pixels))

    def click(self) -> float:
        """See `Contender`."""
        if self._clicked is None:
            self._clicked = self.predictor.open(self.material.short_clip)
            self._clicked.add_prompt(0, 1, points=[object_point(0)], point_labels=[1])
        session = self._clicked
        return seconds(lambda: session.add_prompt(0, 1, points=[object_point(0)], point_labels=[1]))

    def track(self, num_objects: int, num_frames: int) -> float:
        """See `Contender`."""
        with_prompts = self.predictor.open(self.material.short_clip)
        for frame in range(CONDITIONING_FRAMES):
            for index in range(num_objects):
                with_prompts.add_prompt(frame, index + 1, points=[object_point(index)], point_labels=[1])
        return median(frame_times(with_prompts.propagate(CONDITIONING_FRAMES - 1), num_frames + 1)[1:])

    def frames_per_second(self, num_objects: int, num_frames: int) -> float:
        """Tracked frames a second from one click each, once the memory is full."""
        session = self.predictor.open(self.material.long_clip)
        for index in range(num_objects):
            session.add_prompt(0, index + 1, points=[object_point(index)], point_labels=[1])
        warm_up = min(CONDITIONING_FRAMES, num_frames)
        return 1 / median(frame_times(session.propagate(0), num_frames + warm_up)[warm_up:])

    def open_folder(self, folder: Path) -> ClipTracker:
        """See `Contender`."""
        return self.predictor.open(folder)

    def forget(self) -> None:
        """See `Contender`."""
        for session in (self._clicked, self._opened):
            if session is not None:
                session.close()
        super().forget()

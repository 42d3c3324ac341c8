"""The original implementation (https://github.com/facebookresearch/sam2) as a contender, where it is installed."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import torch

from tools.benchmark.contender import Contender, frame_times, object_point, seconds
from tools.benchmark.material import CONDITIONING_FRAMES, Material

_CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"
START = """
import cv2
from sam2.build_sam import build_sam2
from sam2.sam2_image_predictor import SAM2ImagePredictor
import numpy as np, torch
predictor = SAM2ImagePredictor(build_sam2({config!r}, {weights!r}, device="cpu"))
with torch.inference_mode():
    predictor.set_image(cv2.imread({picture!r})[..., ::-1].copy())
    predictor.predict(point_coords=np.array([[400.0, 300.0]]), point_labels=np.array([1]))
""".replace("{config!r}", repr(_CONFIG))


class Original(Contender):
    """The released video predictor, tiny 2.1, eager, float32, its defaults."""

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        from sam2.build_sam import build_sam2_video_predictor

        checkpoint = str(material.weights.with_suffix(".pt"))
        self.predictor = build_sam2_video_predictor(_CONFIG, checkpoint, device="cpu")

    @torch.inference_mode()
    def encode(self) -> float:
        """See `Contender`."""
        pixels = torch.zeros(1, 3, 1024, 1024)
        return seconds(lambda: self.predictor.forward_image(pixels))

    @torch.inference_mode()
    def click(self) -> float:
        """See `Contender`."""
        if self._clicked is None:
            self._clicked = self.predictor.init_state(str(self.material.short_clip))
            self._prompt(self._clicked, 0, 0)
        state = self._clicked
        return seconds(lambda: self._prompt(state, 0, 0))

    @torch.inference_mode()
    def track(self, num_objects: int, num_frames: int) -> float:
        """See `Contender`."""
        state = self.predictor.init_state(str(self.material.short_clip))
        for frame in range(CONDITIONING_FRAMES):
            for index in range(num_objects):
                self._prompt(state, frame, index)
        frames = self.predictor.propagate_in_video(state, start_frame_idx=CONDITIONING_FRAMES - 1)
        return median(frame_times(frames, num_frames + 1)[1:])

    def open_folder(self, folder: Path) -> dict[str, object]:
        """See `Contender`."""
        return self.predictor.init_state(str(folder))

    def _prompt(self, state: dict[str, object], frame: int, index: int) -> None:
        self.predictor.add_new_points_or_box(
            state, frame, index + 1, points=[object_point(index)], labels=[1], clear_old_points=True
        )

"""Transformers' SAM 2 video model as a contender, fed with tensors: its processors need torchvision."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from sam2_demo.tracking.pixels import frame_pixels
from tools.benchmark.contender import Contender, frame_times, object_point, seconds
from tools.benchmark.material import CONDITIONING_FRAMES, Material, read_rgb

START = """
import cv2, torch
from transformers import Sam2Model
model = Sam2Model.from_pretrained({folder!r}).eval()
picture = torch.from_numpy(cv2.resize(cv2.imread({picture!r}), (1024, 1024))).permute(2, 0, 1)[None].float() / 255
with torch.inference_mode():
    model(pixel_values=picture, input_points=torch.tensor([[[[400.0, 300.0]]]]), input_labels=torch.tensor([[[1]]]))
"""


class TransformersModel(Contender):
    """Sam2VideoModel in float32, as it is loaded by default."""

    def __init__(self, material: Material) -> None:
        super().__init__(material)
        from transformers import Sam2VideoModel

        if material.transformers_folder is None:
            raise ValueError("transformers' weights were not made")
        self.model = Sam2VideoModel.from_pretrained(material.transformers_folder).eval()

    @torch.inference_mode()
    def encode(self) -> float:
        """See `Contender`."""
        pixels = torch.zeros(1, 3, 1024, 1024)
        return seconds(lambda: self.model.get_image_features(pixels))

    @torch.inference_mode()
    def click(self) -> float:
        """See `Contender`."""
        if self._clicked is None:
            self._clicked = self._session(1)
            self._prompt(self._clicked, 0, 1)
        session = self._clicked
        return seconds(lambda: self._prompt(session, 0, 1))

    @torch.inference_mode()
    def track(self, num_objects: int, num_frames: int) -> float:
        """See `Contender`."""
        session = self._session(num_objects)
        for frame in range(CONDITIONING_FRAMES):
            self._prompt(session, frame, num_objects)
        frames = self.model.propagate_in_video_iterator(session, start_frame_idx=CONDITIONING_FRAMES - 1)
        return median(frame_times(frames, num_frames + 1)[1:])

    def open_folder(self, folder: Path) -> Tensor:
        """(frames, 3, 1024, 1024) of all frames, read and prepared as its sessions need them beforehand."""
        return torch.cat([_pixels(path) for path in sorted(folder.glob("*.jpg"))])

    def _session(self, num_objects: int) -> object:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        height, width = read_rgb(next(self.material.short_clip.glob("*.jpg"))).shape[:2]
        session = Sam2VideoInferenceSession(
            video=self.open_folder(self.material.short_clip),
            video_height=height,
            video_width=width,
            dtype=torch.float32,
        )
        for index in range(num_objects):
            session.obj_id_to_idx(index + 1)
        return session

    def _prompt(self, session: object, frame: int, num_objects: int) -> None:
        for index in range(num_objects):
            points = torch.tensor([[[object_point(index)]]])
            labels = torch.ones(1, 1, 1, dtype=torch.int32)
            session.add_point_inputs(index, frame, {"point_coords": points, "point_labels": labels})  # type: ignore[attr-defined]
        session.obj_with_new_inputs = list(range(1, num_objects + 1))  # type: ignore[attr-defined]
        self.model(session, frame_idx=frame)


def _pixels(path: Path) -> Tensor:
    return frame_pixels(read_rgb(path), 1024, torch.device("cpu")).contiguous()

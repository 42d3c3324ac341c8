"""Segment a still picture from clicks, a box, a mask or earlier logits (SAM 2 section 4, the memoryless case)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.errors import PromptError
from sam2_demo.masks.edges import cell_size, follow_edges
from sam2_demo.network.inference import for_inference
from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.answer_prompts import answer_prompts
from sam2_demo.tracking.closer_look import CloserLook, Look
from sam2_demo.tracking.frame_step import LOGIT_LIMIT, FramePrompts, encode_image, encode_mirrored, frame_step
from sam2_demo.tracking.mask_postprocessing import clean_logits
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.pixels import Rgb, picture_pixels
from sam2_demo.tracking.prompts import Points, Prompts, as_frame_prompts, read_prompts


@dataclass(frozen=True, eq=False)
class ImageResult:
    """Masks of one picture, the best first, the others by predicted IoU.

    masks: (M, H, W) bool; mask_logits: (M, H, W) float32 before thresholding and before hole filling;
    iou_predictions: (M,) float32 in [0, 1]; low_res_logits: (M, h, w) float32 in [-32, 32], h = w = S / 4, to be
    refined by further clicks. `masks` and `mask_logits` of small things may come from a closer look; the outlines of
    `masks` alone may have been moved onto edges of the picture (`TrackingOptions.follow_edges`).
    """

    masks: NDArray[np.bool_]
    mask_logits: NDArray[np.float32]
    iou_predictions: NDArray[np.float32]
    low_res_logits: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Answer:
    """The decoder's candidates, in its order: low_res_logits (M, h, w), mask_logits (M, H, W), iou_predictions (M,),
    and which of them answers."""

    low_res_logits: NDArray[np.float32]
    mask_logits: NDArray[np.float32]
    iou_predictions: NDArray[np.float32]
    best: int


class ImagePredictor:
    """Encodes a picture once and answers any number of prompts on it."""

    def __init__(self, network: Sam2Network, options: TrackingOptions | None = None) -> None:
        self.network = for_inference(network)
        self.options = options or TrackingOptions()
        self._answers = self.options.answers_with(self.network)
        self._embedding: ImageEmbedding | None = None
        self._mirrored: ImageEmbedding | None = None
        self._pixels: Tensor | None = None  # of the picture, for the mirrored one if it is asked
        self._size = (0, 0)
        self._picture: tuple[int, Rgb] = (0, np.zeros((0, 0, 3), np.uint8))  # its number, and pixels where needed
        is_closer = self.options.looks_closer(self.network)
        self._closer = CloserLook(self.network, picture_pixels, self._answers) if is_closer else None
        self._follows_edges = self.options.follows_edges(self.network)

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the picture that is set, or None."""
        return self._size if self._embedding is not None else None

    @torch.inference_mode()
    def set_image(self, rgb: Rgb) -> None:
        """Encode a picture (H, W, 3) uint8 RGB; InputError when it is something else."""
        pixels = picture_pixels(rgb, self.network.config.image_size, self.network.device)
        self._embedding = encode_image(self.network, pixels)
        self._pixels, self._mirrored = pixels if self._answers.mirrored else None, None
        self._size = (rgb.shape[0], rgb.shape[1])
        if self._closer is not None or self._follows_edges:
            self._picture = (self._picture[0] + 1, rgb.copy())  # its owner may draw on it
        if self._closer is not None:
            self._closer.forget()

    @torch.inference_mode()
    def predict(
        self,
        points: Points | None = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        low_res_logits: NDArray[np.float32] | None = None,
        multimask: bool = True,
        mask: NDArray[np.generic] | None = None,
    ) -> ImageResult:
        """Masks for clicks (N, 2) xy with labels (N,) (1 positive, 0 negative; all positive if left out), a box
        (x0, y0, x1, y1), both in pixels of the picture, and logits (h, w) of an earlier result or a mask (H, W),
        which they refine. A mask alone is the one answer.

        Three candidates with `multimask`, else one. PromptError for anything outside these ranges, for no
        prompt at all, or before `set_image`.
        """
        self._require_picture()
        prompts = read_prompts(points, point_labels, box, mask, self._size)
        previous = None if low_res_logits is None else self._read_logits(low_res_logits)
        if previous is not None and prompts.mask is not None:
            raise PromptError("clicks refine either a mask or low-res logits; give one of the two")
        if not prompts.num_points and previous is None and prompts.mask is None:
            raise PromptError("no prompt was given: click at least one point, draw a box, give a mask or logits")
        image_size = self.network.config.image_size
        tensors = as_frame_prompts(prompts, self._size, image_size, previous, self.network.device)
        if tensors.mask is not None and prompts.mask is not None:
            return replace(self._as_result(self._answer(tensors, False)), masks=prompts.mask.mask[None].copy())
        if tensors.points is None:
            # SAM sees no point token at all here, unlike a tracked frame, which has a padding point.
            empty = torch.zeros(1, 0, 2, device=self.network.device)
            tensors = FramePrompts(empty, torch.zeros(1, 0, dtype=torch.int32), previous)
        return answer_prompts(
            lambda mirrored: self._answer(tensors, multimask, mirrored),
            self._as_result,
            None if self._closer is None else partial(self._look_closer, self._closer, prompts, previous is None),
            self._encode_mirrored if self._answers.mirrored else None,
        )

    def _look_closer(
        self, closer: CloserLook, prompts: Prompts, is_new: bool, answer: _Answer
    ) -> tuple[ImageResult, bool]:
        """The answer with what was seen from closer up, and whether its best mask was."""
        number, picture = self._picture
        anew = is_new and prompts.mask is None and not prompts.points
        looks = closer.refine(number, lambda: picture, prompts, answer.mask_logits, answer.best, anew)
        return self._as_result(answer, looks), any(look.row == answer.best for look in looks)

    def _answer(self, prompts: FramePrompts, multimask: bool, mirrored: ImageEmbedding | None = None) -> _Answer:
        embedding = self._require_picture()
        output = frame_step(self.network, embedding, prompts, None, multimask, self._answers, mirrored)
        low_res = output.candidates.low_res_logits[0].float()
        return _Answer(
            low_res_logits=low_res.cpu().numpy(),
            mask_logits=self.network.upscale_logits(low_res[None], self._size)[0].cpu().numpy(),
            iou_predictions=output.candidates.iou_predictions[0].float().cpu().numpy(),
            best=int(output.chosen),
        )

    def _encode_mirrored(self) -> ImageEmbedding:
        if self._mirrored is None:
            if self._pixels is None:
                raise PromptError("no picture is set: call set_image first")
            self._mirrored = encode_mirrored(self.network, self._pixels)
        return self._mirrored

    def _require_picture(self) -> ImageEmbedding:
        if self._embedding is None:
            raise PromptError("no picture is set: call set_image first")
        return self._embedding

    def _read_logits(self, low_res_logits: NDArray[np.float32]) -> Tensor:
        side = self.network.config.low_res_size
        logits = np.asarray(low_res_logits, dtype=np.float32)
        if logits.shape == (1, side, side):
            logits = logits[0]
        if logits.shape != (side, side) or not np.isfinite(logits).all():
            raise PromptError(f"low_res_logits must be finite and of shape ({side}, {side}), got {logits.shape}")
        return torch.from_numpy(logits.copy()).to(self.network.device)[None, None]

    def _as_result(self, answer: _Answer, looks: Sequence[Look] = ()) -> ImageResult:
        """The candidates, those that were looked at from closer up as they were seen there, with clean masks."""
        seen = {look.row: look for look in looks}
        masks = [
            self._put(seen[row], answer) if row in seen else self._clean(row, answer)
            for row in range(len(answer.low_res_logits))
        ]
        result = ImageResult(
            masks=np.stack([self._at_edges(own) > 0 for own in masks]),
            mask_logits=answer.mask_logits,
            iou_predictions=answer.iou_predictions,
            low_res_logits=answer.low_res_logits.clip(-LOGIT_LIMIT, LOGIT_LIMIT),
        )
        return _best_first(result, answer.best)

    def _clean(self, row: int, answer: _Answer) -> NDArray[np.float32]:
        """A candidate's logits (H, W) to show."""
        own = answer.low_res_logits[row]
        cleaned = clean_logits(own, self.options.max_fill_area)
        if cleaned is own:
            return answer.mask_logits[row]
        return self.network.upscale_logits(torch.from_numpy(cleaned)[None, None], self._size)[0, 0].cpu().numpy()

    def _at_edges(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self._follows_edges:
            return logits
        return follow_edges(self._picture[1], logits, cell_size(self._size, self.network.config.low_res_size))

    def _put(self, look: Look, answer: _Answer) -> NDArray[np.float32]:
        """Put what a closer look says in place of the first answer; returns the logits to show."""
        own = look.low_res_logits
        answer.mask_logits[look.row] = look.paste(own, self._size)
        if look.iou_prediction is not None:
            answer.iou_predictions[look.row] = look.iou_prediction
        finer = own.shape[0] // self.network.config.low_res_size
        cleaned = clean_logits(own, self.options.max_fill_area * finer**2)
        return answer.mask_logits[look.row] if cleaned is own else look.paste(cleaned, self._size)


def _best_first(result: ImageResult, best: int) -> ImageResult:
    order = np.argsort(-result.iou_predictions, kind="stable")
    order = np.concatenate(([best], order[order != best]))
    return ImageResult(*(getattr(result, field.name)[order] for field in fields(ImageResult)))

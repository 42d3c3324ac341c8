"""What a session sees of its clip: frames as embeddings, prompts as answers, logits as masks of the frame's size.

Nothing here knows of objects or of time; what is known of them comes in as memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.errors import ConfigError
from sam2_demo.masks.edges import cell_size, follow_edges
from sam2_demo.network.outputs import ImageEmbedding, MemoryTokens
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.answer_prompts import answer_prompts
from sam2_demo.tracking.closer_look import CloserLook
from sam2_demo.tracking.embedding_cache import ClipEmbeddings, EmbeddingCache
from sam2_demo.tracking.frame_records import FrameRecord
from sam2_demo.tracking.frame_step import (
    LOGIT_LIMIT,
    FrameOutput,
    encode_image,
    encode_memory,
    encode_mirrored,
    frame_step,
)
from sam2_demo.tracking.mask_postprocessing import clean_logits
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.pixels import Rgb, frame_pixels
from sam2_demo.tracking.prompts import Prompts, as_frame_prompts
from sam2_demo.video import FrameReader

_FRAMES_KEPT = 3  # the one that is shown, and those that are prepared ahead of it


class ClipView:
    """One clip through one network."""

    def __init__(
        self, network: Sam2Network, frames: FrameReader, options: TrackingOptions, embeddings: EmbeddingCache
    ) -> None:
        self.network = network
        self.frames = frames
        self.input_size = options.input_size or network.config.image_size  # side of the network's input
        if self.input_size % network.config.input_step:
            raise ConfigError(
                f"input_size is {self.input_size}; with {network.config.name} it must be a multiple of "
                f"{network.config.input_step}"
            )
        self.ahead: Callable[[int], ImageEmbedding] | None = None  # gives the frames of the tracking step in progress
        self._max_fill_area = options.max_fill_area
        self._answers = options.answers_with(network)
        self._embeddings = ClipEmbeddings(embeddings)
        self._follows_edges = options.follows_edges(network)
        self._read: OrderedDict[int, Rgb] = OrderedDict()  # frames that were encoded last and not shown yet
        self._closer = CloserLook(network, frame_pixels, self._answers) if options.looks_closer(network) else None

    def __contains__(self, frame_index: int) -> bool:
        """Whether a frame's embedding is at hand."""
        return frame_index in self._embeddings

    def forget(self) -> None:
        """Forget the embeddings."""
        self._embeddings.clear()
        self._read.clear()
        if self._closer is not None:
            self._closer.forget()

    def read_pixels(self, frame_index: int) -> Tensor:
        """A frame as the network's input (1, 3, S, S)."""
        frame = self.frames.read(frame_index)
        if self._follows_edges:  # a reader that is ahead would have to go back for it
            self._read[frame_index] = frame
            while len(self._read) > _FRAMES_KEPT:
                with suppress(KeyError):  # other threads read too
                    self._read.popitem(last=False)
        return frame_pixels(frame, self.input_size, self.network.device)

    def encode_pixels(self, pixels: Tensor) -> ImageEmbedding:
        """A frame's embedding, from the network's input (1, 3, S, S)."""
        return encode_image(self.network, pixels)

    @torch.inference_mode()
    def encode(self, frame_index: int) -> ImageEmbedding:
        """A frame's embedding, computed anew."""
        return self.encode_pixels(self.read_pixels(frame_index))

    def embed(self, frame_index: int) -> ImageEmbedding:
        """A frame's embedding."""
        compute = self.ahead or self.encode
        return self._embeddings.get(frame_index, lambda: compute(frame_index))

    def _embed_mirrored(self, frame_index: int) -> ImageEmbedding:
        key = frame_index, "mirrored"
        return self._embeddings.get(key, lambda: encode_mirrored(self.network, self.read_pixels(frame_index)))

    def encode_memory(self, frame_index: int, record: FrameRecord) -> Tensor:
        """Memory features (1, memory_dim, h, w) of a frame whose mask is recorded."""
        score = torch.tensor([[record.object_score_logits]], device=self.network.device)
        return encode_memory(
            self.network, self.embed(frame_index), record.low_res_logits, score, binarize=record.is_prompted
        )

    def answer(
        self, frame_index: int, prompts: Prompts, earlier: FrameRecord | None, memory: MemoryTokens | None
    ) -> FrameOutput:
        """One object's answer to prompts on a frame, given the mask it has there and, if any, its memories."""
        previous = None if earlier is None else earlier.low_res_logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        size = (self.frames.height, self.frames.width)
        tensors = as_frame_prompts(prompts, size, self.input_size, previous, self.network.device)
        is_ambiguous = prompts.num_points <= 1
        embedding = self.embed(frame_index)

        def step(mirrored: ImageEmbedding | None = None) -> FrameOutput:
            return frame_step(self.network, embedding, tensors, memory, is_ambiguous, self._answers, mirrored)

        def look(first: FrameOutput) -> tuple[FrameOutput, bool]:
            anew = earlier is None and memory is None and prompts.mask is None and not prompts.points
            seen = None if self._closer is None else self._look_closer(self._closer, frame_index, prompts, first, anew)
            return (first, False) if seen is None else (seen, True)

        has_mirrored = self._answers.mirrored and memory is None and tensors.points is not None
        return answer_prompts(
            step,
            lambda first: first,
            look if self._closer is not None and prompts.num_points else None,
            (lambda: self._embed_mirrored(frame_index)) if has_mirrored else None,
        )

    def _look_closer(
        self, closer: CloserLook, frame_index: int, prompts: Prompts, output: FrameOutput, anew: bool
    ) -> FrameOutput | None:
        """The same answer with the mask from a second look, as fine as low-res logits are; None if it saw nothing."""
        if float(output.object_score_logits) <= 0:
            return None
        logits = self.upscale(output.low_res_logits)
        looks = closer.refine(frame_index, lambda: self.frames.read(frame_index), prompts, logits[None], anew=anew)
        for look in looks:
            small = look.paste_small(logits.shape, output.low_res_logits)
            if (small > 0).any():
                output = replace(output, low_res_logits=small)
            if look.iou_prediction is not None:
                output = replace(output, iou_predictions=torch.full_like(output.iou_predictions, look.iou_prediction))
        return output if looks else None

    def upscale(self, low_res_logits: Tensor) -> NDArray[np.float32]:
        """Logits (1, 1, h, w) at the frame's size, (H, W)."""
        size = (self.frames.height, self.frames.width)
        return self.network.upscale_logits(low_res_logits, size)[0, 0].cpu().numpy()

    def clean(self, low_res_logits: Tensor, upscaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """The upscaled logits without small holes and specks."""
        own = low_res_logits[0, 0].cpu().numpy()
        cleaned = clean_logits(own, self._max_fill_area)
        return upscaled if cleaned is own else self.upscale(torch.from_numpy(cleaned)[None, None])

    def at_edges(self, frame_index: int, logits: Mapping[int, NDArray[np.float32]]) -> dict[int, NDArray[np.float32]]:
        """Objects' logits (H, W) with outlines along the frame's edges, where that is asked for."""
        if not self._follows_edges or not any((own > 0).any() for own in logits.values()):
            return dict(logits)
        frame = self._read.get(frame_index)
        if frame is None:
            frame = self.frames.read(frame_index)
        cell = cell_size((self.frames.height, self.frames.width), self.input_size // 4)
        return {object_id: follow_edges(frame, own, cell) for object_id, own in logits.items()}

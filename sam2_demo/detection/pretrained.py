"""What detectors of transformers share: a picture and chunks of words through a model, boxes in pixels out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.detection.detector import Found, gather
from sam2_demo.detection.words import check_words
from sam2_demo.errors import ConfigError, InputError


class PretrainedDetector(ABC):
    """A model of transformers with its image processor (the one that works with Pillow alone) and its tokenizer.

    Many words go through in chunks that the model's text encoder takes; the picture is prepared once.
    """

    default_threshold: ClassVar[float]  # as published for the model

    def __init__(self, model: Any, image_processor: Any, tokenizer: Any) -> None:
        self.model = model.eval()
        self.image_processor = image_processor
        self.tokenizer = tokenizer

    @torch.inference_mode()
    def find(self, rgb: NDArray[np.uint8], words: Sequence[str], threshold: float | None = None) -> Found:
        """What a picture (H, W, 3) uint8 RGB shows of the words, best score first.

        threshold: scores above it are returned, 0 to 1; None takes the model's published one. InputError for another
        kind of picture or threshold, for no word, for words the model has no letters for, and for too long ones.
        """
        check_picture(rgb)
        least = check_threshold(self.default_threshold if threshold is None else threshold)
        wanted = check_words(words)
        chunks = self._chunks(wanted)
        inputs = self._prepare(rgb)
        size = (rgb.shape[0], rgb.shape[1])
        return gather([self._ask(inputs, chunk, least, size) for chunk in chunks])

    def _prepare(self, rgb: NDArray[np.uint8]) -> dict[str, Tensor]:
        # Said where the channels are: a picture of three rows or columns looks like another layout.
        inputs = self.image_processor(images=[rgb], input_data_format="channels_last", return_tensors="pt")
        return {name: value.to(self.model.device) for name, value in inputs.items()}

    def _tokens(self, texts: Sequence[str], **options: object) -> dict[str, Tensor]:
        encoded = self.tokenizer(list(texts), return_tensors="pt", **options)
        return {name: value.to(self.model.device) for name, value in encoded.items()}

    @abstractmethod
    def _chunks(self, words: list[str]) -> list[list[str]]:
        """The words in the order and the portions in which the model takes them."""

    @abstractmethod
    def _ask(self, inputs: dict[str, Tensor], words: list[str], threshold: float, size: tuple[int, int]) -> Found:
        """What a prepared picture of `size` (H, W) shows of one portion of words."""


def as_found(
    boxes: Tensor, chosen: Sequence[int], scores: Tensor, words: Sequence[str], size: tuple[int, int]
) -> Found:
    """Tensors (N, 4) and (N,) with the index of each box's word as `Found`; boxes cut at the picture's edges."""
    height, width = size
    corners = boxes.float().cpu().numpy().reshape(-1, 4)
    corners = corners.clip(0, np.array([width, height, width, height], np.float32)).astype(np.float32)
    found = Found(corners, [words[index] for index in chosen], scores.float().cpu().numpy())
    return gather([found])


def to_corners(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (N, 4) of centre and size in [0, 1] as x0 y0 x1 y1 in pixels."""
    height, width = size
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    scale = torch.tensor([width, height, width, height], device=boxes.device)
    return torch.cat([centre - half, centre + half], dim=1) * scale


def check_picture(rgb: NDArray[np.uint8]) -> None:
    """InputError unless it is (H, W, 3) uint8 with pixels in it."""
    shape = np.shape(rgb)
    if len(shape) != 3 or shape[2] != 3 or not min(shape) or np.asarray(rgb).dtype != np.uint8:
        raise InputError(f"a picture of shape {shape} and type {np.asarray(rgb).dtype}; accepted: (H, W, 3) uint8")


def check_threshold(threshold: float) -> float:
    """The threshold, or ConfigError."""
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold is {threshold}; accepted: 0 to 1")
    return threshold

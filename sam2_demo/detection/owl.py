"""OWLv2: every patch of the picture is compared with the words, or with what another picture shows.

Source: Minderer et al., Scaling Open-Vocabulary Object Detection (2023).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.detection.detector import Found
from sam2_demo.detection.pretrained import PretrainedDetector, as_found, check_picture, check_threshold
from sam2_demo.errors import InputError

_LIKE_THRESHOLD = 0.6  # of scores relative to the best one's
_LIKE_OVERLAP = 0.3  # as published


class OwlDetector(PretrainedDetector):
    """Words, each on its own; or a picture of one thing in place of words (`find_like`)."""

    default_threshold = 0.1

    @torch.inference_mode()
    def find_like(
        self, rgb: NDArray[np.uint8], example: NDArray[np.uint8], threshold: float | None = None, word: str = "alike"
    ) -> Found:
        """What looks like the main thing of another picture, both (H, W, 3) uint8; `word` names what is found.

        threshold: 0 to 1, of scores that are relative to the best one's, which is 1.
        """
        check_picture(rgb)
        check_picture(example)
        least = check_threshold(_LIKE_THRESHOLD if threshold is None else threshold)
        output = self.model.image_guided_detection(
            pixel_values=self._prepare(rgb)["pixel_values"], query_pixel_values=self._prepare(example)["pixel_values"]
        )
        size = (rgb.shape[0], rgb.shape[1])
        results = self.image_processor.post_process_image_guided_detection(
            output, threshold=0.0, nms_threshold=_LIKE_OVERLAP, target_sizes=torch.tensor([size])
        )
        if not results:
            return as_found(torch.zeros(0, 4), [], torch.zeros(0), [], size)
        kept = results[0]["scores"] > least
        scores = results[0]["scores"][kept]
        return as_found(results[0]["boxes"][kept], [0] * len(scores), scores, [word], size)

    def _chunks(self, words: list[str]) -> list[list[str]]:
        room = self.model.config.text_config.max_position_embeddings
        for word in words:
            if len(self.tokenizer(word)["input_ids"]) > room:
                raise InputError(f"{word[:40]!r} is too long for the model; accepted: {room - 2} word pieces")
        return [words]

    def _ask(self, inputs: dict[str, Tensor], words: list[str], threshold: float, size: tuple[int, int]) -> Found:
        room = self.model.config.text_config.max_position_embeddings
        encoded = self._tokens(words, padding="max_length", max_length=room)
        texts = {name: encoded[name] for name in ("input_ids", "attention_mask")}
        output = self.model(pixel_values=inputs["pixel_values"], **texts)
        result = self.image_processor.post_process_object_detection(
            output, threshold=threshold, target_sizes=torch.tensor([size])
        )[0]
        return as_found(result["boxes"], result["labels"].tolist(), result["scores"], words, size)

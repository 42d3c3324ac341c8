"""OmDet-Turbo: words encoded one by one, so that a video's words are encoded once (Zhao et al. 2024)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sam2_demo.detection.detector import Found
from sam2_demo.detection.pretrained import PretrainedDetector, as_found, to_corners
from sam2_demo.masks.overlaps import box_nms

_OVERLAP = 0.5  # as published: of two boxes of one word that overlap more, the worse goes
_TEXT_LENGTH = 77  # tokens of CLIP's text encoder


class OmDetDetector(PretrainedDetector):
    """All words at once, each with its own embedding, and a task sentence that names them all."""

    default_threshold = 0.3

    def _chunks(self, words: list[str]) -> list[list[str]]:
        return [words]

    def _ask(self, inputs: dict[str, Tensor], words: list[str], threshold: float, size: tuple[int, int]) -> Found:
        classes, tasks = self._encode(words), self._encode([f"Detect {', '.join(words)}."])
        output = self.model(
            pixel_values=inputs["pixel_values"],
            classes_input_ids=classes["input_ids"],
            classes_attention_mask=classes["attention_mask"],
            tasks_input_ids=tasks["input_ids"],
            tasks_attention_mask=tasks["attention_mask"],
            classes_structure=torch.tensor([len(words)], device=self.model.device),
        )
        all_scores = output.decoder_class_logits[0].float().sigmoid()  # (queries, words)
        boxes = to_corners(output.decoder_coord_logits[0].float(), size)
        # One box may stand for two words; as published the best of all pairs, as many as there are boxes.
        scores, pairs = all_scores.flatten().topk(len(boxes))
        pairs = pairs[scores > threshold]
        scores = scores[scores > threshold]
        chosen, corners = pairs % all_scores.shape[1], boxes[pairs // all_scores.shape[1]]
        kept: list[int] = []
        for word in chosen.unique().tolist():
            own = (chosen == word).nonzero()[:, 0].cpu().numpy()
            own_boxes = corners.cpu().numpy()[own].astype(np.float32)
            kept += own[box_nms(own_boxes, scores.cpu().numpy()[own], _OVERLAP)].tolist()
        return as_found(corners[kept], chosen[kept].tolist(), scores[kept], words, size)

    def _encode(self, texts: list[str]) -> dict[str, Tensor]:
        return self._tokens(texts, padding="max_length", truncation=True, max_length=_TEXT_LENGTH)

"""Grounding DINO, MM Grounding DINO, LLMDet: all words in one sentence, every box scored against its tokens.

Sources: Liu et al., Grounding DINO (2023); Zhao et al., MM-Grounding-DINO (2024); Fu et al., LLMDet (2025). A box's
score is the highest of all its tokens, as published. The published code reads a word back from the tokens that pass a
second threshold, which mixes words; here a box belongs to the word of the best token.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sam2_demo.detection.detector import Found
from sam2_demo.detection.pretrained import PretrainedDetector, as_found, to_corners
from sam2_demo.errors import InputError


class GroundingDetector(PretrainedDetector):
    """Words as one sentence, "dog. red ball."."""

    default_threshold = 0.25

    def _chunks(self, words: list[str]) -> list[list[str]]:
        room = int(getattr(self.model.config, "max_text_len", 256)) - 2  # its first and last token
        chunks: list[list[str]] = [[]]
        used = 0
        for word in words:
            ids = self.tokenizer(_spoken(word), add_special_tokens=False)["input_ids"]
            unknown = self.tokenizer.unk_token_id
            if not ids or all(token == unknown for token in ids):
                raise InputError(f"the model has no letters for {word!r}; it was trained on English words")
            if len(ids) + 1 > room:
                raise InputError(f"{word[:40]!r} is too long for the model; accepted: {room - 1} word pieces")
            if used + len(ids) + 1 > room:
                chunks.append([])
                used = 0
            chunks[-1].append(word)
            used += len(ids) + 1
        return chunks

    def _ask(self, inputs: dict[str, Tensor], words: list[str], threshold: float, size: tuple[int, int]) -> Found:
        sentence, spans = _sentence(words)
        encoded = self._tokens([sentence], return_offsets_mapping=True, return_token_type_ids=True)
        offsets = encoded.pop("offset_mapping")[0]
        output = self.model(**inputs, **encoded)
        tokens = output.logits[0].float().sigmoid()  # (queries, max_text_len)
        scores = tokens.max(dim=1).values
        kept = scores > threshold
        of_words = torch.stack(
            [tokens[:, : len(offsets)][:, _within(offsets, span)].max(1).values for span in spans], 1
        )
        boxes = to_corners(output.pred_boxes[0].float(), size)
        return as_found(boxes[kept], of_words[kept].argmax(1).tolist(), scores[kept], words, size)


def _spoken(word: str) -> str:
    """A word as the models were trained with: lower case; full stops end words, so there is none inside."""
    return " ".join(word.replace(".", " ").lower().split())


def _sentence(words: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """The sentence and where each word stands in it."""
    spans, start = [], 0
    spoken = [_spoken(word) for word in words]
    for word in spoken:
        spans.append((start, start + len(word)))
        start += len(word) + 2
    return ". ".join(spoken) + ".", spans


def _within(offsets: Tensor, span: tuple[int, int]) -> Tensor:
    """Which tokens (T,) of offsets (T, 2) lie in a word; special tokens have no letters."""
    return (offsets[:, 0] >= span[0]) & (offsets[:, 1] <= span[1]) & (offsets[:, 1] > offsets[:, 0])

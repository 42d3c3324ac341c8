"""Masks of the original size behind those of display size, which is all that the page sees and sends back.

A mask that comes from the page is laid over the one that was shown there: what a person changed is taken from it, and
elsewhere the mask of the original size stays as it is, to the pixel.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.masks.display import decode_mask, encode_mask
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.sessions.prompt_set import PromptSet

MOST_CHARACTERS = 1 << 22


class FullMasks:
    """What lies behind the masks of one session that the page has been given, or gave, as prompts.

    The oldest are forgotten; prompts keep theirs in the session's folder.
    """

    def __init__(self, display: tuple[int, int], size: tuple[int, int]) -> None:
        self.display = display
        self.size = size
        self._known: OrderedDict[str, str] = OrderedDict()

    def show(self, mask: NDArray[np.bool_]) -> str:
        """Run lengths at display size of an (H, W) mask, which stands behind them from now on.

        A mask that falls between the pixels shown is shown by all that it touches: an object does not vanish.
        """
        counts = encode_mask(mask, self.display)
        if self.display != self.size and mask.any() and not decode_mask(counts, self.display, self.display).any():
            touched = cv2.resize(mask.astype(np.float32), self.display[::-1], interpolation=cv2.INTER_AREA) > 0
            counts = encode_mask(touched, self.display)
        self._remember(counts, encode_rle(mask)["counts"])
        return counts

    def behind(self, prompt: PromptSet, shown: NDArray[np.bool_] | None) -> PromptSet:
        """The prompt with the mask of the original size; `shown` is the (H, W) mask that the page showed, if any."""
        if prompt.mask is None or self.display == self.size:
            return prompt
        full = self._known.get(prompt.mask)
        if full is None:
            painted = decode_mask(prompt.mask, self.display, self.size)
            if shown is not None:
                before = decode_mask(encode_mask(shown, self.display), self.display, self.size)
                painted = np.where(painted == before, shown, painted)
            full = encode_rle(painted)["counts"]
        self._remember(prompt.mask, full)
        return replace(prompt, full_mask=full)

    def _remember(self, counts: str, full: str) -> None:
        self._known[counts] = full
        self._known.move_to_end(counts)
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MOST_CHARACTERS:
            self._known.popitem(last=False)

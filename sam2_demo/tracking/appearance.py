"""What an object looks like, apart from where it is: its colours, and what the image encoder makes of it.

The product of both likenesses tells an object that is seen again from what stands in its place in another scene.
Thresholds were chosen with the embedded model on the clips it was trained on (DAVIS, CDnet), thirty frames apart: what
was tracked back to the object was alike 0.57 to 0.95 (23 clips, one below 0.64), what was tracked into another clip
0.06 to 0.66 (68 pairs, two above); the most alike of a grid of clicks lay on the object, above 0.64, in 22 of 28 clips,
and in other clips it never came above 0.60 (28 pairs).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import cv2
import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.tracking.pixels import Rgb

_BINS = (6, 8, 8)  # of lightness and the two colour axes
_LOW, _HIGH = np.array([0, -80, -80]), np.array([100, 80, 80])


@dataclass(frozen=True, eq=False)
class Appearance:
    """colours: shares of the object's pixels (384,); features: their mean embedding (C,)."""

    colours: NDArray[np.float32]
    features: Tensor

    def likeness(self, other: Appearance) -> float:
        """In [0, 1]: the share of colours in common times the cosine of the features."""
        shared = float(np.minimum(self.colours, other.colours).sum())
        cosine = float(F.cosine_similarity(self.features, other.features, dim=0))
        return shared * max(0.0, cosine)


class Scene:
    """One frame on which objects' appearances are taken, at the size of low-res logits (side)."""

    def __init__(self, rgb: Rgb, embedding: ImageEmbedding, side: int) -> None:
        small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        places = ((lab - _LOW) / (_HIGH - _LOW) * _BINS).clip(0, np.array(_BINS) - 1).astype(np.int64)
        self._bins = np.ravel_multi_index(tuple(np.moveaxis(places, 2, 0)), _BINS)
        self._features = embedding.features[0].float()

    def appearance(self, low_res_logits: Tensor) -> Appearance | None:
        """The appearance of what logits (h, w) show; None for an empty mask."""
        mask = low_res_logits > 0
        inside = self._bins[mask.cpu().numpy()]
        if len(inside) == 0:
            return None
        shares = np.bincount(inside, minlength=prod(_BINS)).reshape(_BINS) / len(inside)
        for axis in range(3):  # neighbouring colours are alike
            last = shares.shape[axis] - 1
            before, after = (
                np.take(shares, np.clip(np.arange(last + 1) + step, 0, last), axis=axis) for step in (-1, 1)
            )
            shares = 0.5 * shares + 0.25 * before + 0.25 * after
        cover = F.adaptive_avg_pool2d(mask[None, None].float(), (self._features.shape[1], self._features.shape[2]))[
            0, 0
        ]
        features = (self._features * cover).flatten(1).sum(dim=1) / cover.sum()
        return Appearance(np.asarray(shares / shares.sum(), np.float32).ravel(), features)

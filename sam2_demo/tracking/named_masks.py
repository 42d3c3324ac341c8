"""Masks for boxes that a detector gave, doubles left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam2_demo.masks.metrics import region_similarity
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.pixels import Rgb

_SAME_MASK = 0.7  # IoU above which two boxes drew one thing


def masks_of_boxes(
    predictor: ImagePredictor, rgb: Rgb, boxes: NDArray[np.float32]
) -> list[tuple[int, NDArray[np.bool_]]]:
    """The masks (H, W) of boxes (N, 4) x0 y0 x1 y1 of a picture (H, W, 3) uint8, with each box's index.

    Boxes come best first: of two that draw the same mask, whatever they are called, the later one is left out, and so
    are boxes of less than a pixel and empty masks. The picture is encoded once, and only if there is a box.
    """
    kept: list[tuple[int, NDArray[np.bool_]]] = []
    if len(boxes):
        predictor.set_image(rgb)
    for index, box in enumerate(boxes):
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        mask = predictor.predict(box=[float(value) for value in box], multimask=False).masks[0]
        if mask.any() and all(region_similarity(mask, other) <= _SAME_MASK for _, other in kept):
            kept.append((index, mask))
    return kept

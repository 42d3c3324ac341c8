"""Masks for boxes that a detector gave, doubles left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sam2_demo.masks.metrics import region_similarity
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.tracking.automatic_masks import MaskRecord
from sam2_demo.tracking.image_predictor import ImagePredictor, ImageResult
from sam2_demo.tracking.mask_selection import mask_stability
from sam2_demo.tracking.pixels import Rgb

_SAME_MASK = 0.7  # IoU above which two boxes drew one thing


class NamedRecord(MaskRecord):
    """A record of everything mode with the word that found it; the mask is in COCO run lengths."""

    label: str


def named_records(
    predictor: ImagePredictor, rgb: Rgb, boxes: NDArray[np.float32], words: Sequence[str]
) -> list[NamedRecord]:
    """Records, as everything mode gives them, of a detector's boxes (N, 4) and their words (N), doubles left out.

    `point_coords` is the middle of the box that found the mask.
    """
    height, width = rgb.shape[:2]
    records: list[NamedRecord] = []
    for index, result in _answers(predictor, rgb, boxes):
        ys, xs = np.nonzero(result.masks[0])
        left, top = float(xs.min()), float(ys.min())
        x0, y0, x1, y1 = (float(value) for value in boxes[index])
        records.append(
            {
                "segmentation": encode_rle(result.masks[0]),
                "area": len(xs),
                "bbox": [left, top, float(xs.max()) - left, float(ys.max()) - top],
                "predicted_iou": float(result.iou_predictions[0]),
                "stability_score": float(mask_stability(result.mask_logits[0])),
                "point_coords": [[(x0 + x1) / 2, (y0 + y1) / 2]],
                "crop_box": [0, 0, width, height],
                "label": words[index],
            }
        )
    return records


def masks_of_boxes(
    predictor: ImagePredictor, rgb: Rgb, boxes: NDArray[np.float32]
) -> list[tuple[int, NDArray[np.bool_]]]:
    """The masks (H, W) of boxes (N, 4) x0 y0 x1 y1 of a picture (H, W, 3) uint8, with each box's index.

    Boxes come best first: of two that draw the same mask, whatever they are called, the later one is left out, and so
    are boxes of less than a pixel and empty masks. The picture is encoded once, and only if there is a box.
    """
    return [(index, result.masks[0]) for index, result in _answers(predictor, rgb, boxes)]


def _answers(predictor: ImagePredictor, rgb: Rgb, boxes: NDArray[np.float32]) -> list[tuple[int, ImageResult]]:
    kept: list[tuple[int, ImageResult]] = []
    if len(boxes):
        predictor.set_image(rgb)
    for index, box in enumerate(boxes):
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        result = predictor.predict(box=[float(value) for value in box], multimask=False)
        mask = result.masks[0]
        if mask.any() and all(region_similarity(mask, other.masks[0]) <= _SAME_MASK for _, other in kept):
            kept.append((index, result))
    return kept

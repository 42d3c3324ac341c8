"""How many masks everything mode keeps at which thresholds: to choose them for a model whose scores are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from sam2_demo.masklets.finding import mask_options
from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.masks.overlaps import box_nms
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator, AutomaticMaskOptions, MaskRecord
from sam2_demo.tracking.pixels import Rgb
from sam2_demo.tracking.video_predictor import VideoPredictor

IOU_STEPS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
STABILITY_STEPS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
_LONG_SIDE = 512
_OVERLAP = AutomaticMaskOptions.box_nms_thresh


def count_masks(predictor: VideoPredictor, frames: Iterable[Rgb], options: MaskletOptions) -> np.ndarray:
    """Mean number of masks per frame (len(IOU_STEPS), len(STABILITY_STEPS)) that both thresholds and overlaps leave.

    Every frame (H, W, 3) uint8 is segmented once, shrunk to a long side of 512 pixels, which changes the scores of
    small things a little and saves most of the time. Masks below `options.min_area` do not count.
    """
    everything = mask_options(replace(options, pred_iou_thresh=0.0, stability_thresh=0.0, min_region_area=0))
    closer = predictor.options.looks_closer(predictor.network)
    generator = AutomaticMaskGenerator(predictor.network, everything, closer_look=closer)
    counts = []
    for frame in frames:
        scale = min(1.0, _LONG_SIDE / max(frame.shape[:2]))
        size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
        shrunk = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        records = [record for step in generator.steps(shrunk) for record in step.records]
        large = [record for record in records if record["area"] >= options.min_area * scale**2]
        counts.append([[_count(large, iou, stability) for stability in STABILITY_STEPS] for iou in IOU_STEPS])
    return np.mean(counts, axis=0)


def _count(records: Sequence[MaskRecord], iou: float, stability: float) -> int:
    kept = [r for r in records if r["predicted_iou"] > iou and r["stability_score"] >= stability]
    boxes = np.array([r["bbox"] for r in kept], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([r["predicted_iou"] for r in kept], np.float32)
    return len(box_nms(boxes, scores, _OVERLAP))


def as_table(counts: np.ndarray) -> str:
    """The counts as text, one row per predicted IoU, one column per stability."""
    head = "predicted IoU \\ stability " + " ".join(f"{step:6.2f}" for step in STABILITY_STEPS)
    rows = [
        f"{step:25.2f} " + " ".join(f"{value:6.1f}" for value in row)
        for step, row in zip(IOU_STEPS, counts, strict=True)
    ]
    return "\n".join([head, *rows])

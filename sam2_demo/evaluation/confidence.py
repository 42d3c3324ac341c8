"""How far a network's own scores can be taken at their word: its predicted IoU and its object score beside the truth.

Of each only the frames and masks that count for the result: never a prompted frame, which is certain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.evaluation.scoring import ObjectScores
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.reliability import reliability

PREDICTED_IOU, VISIBLE = "predicted_iou", "visible"
Pairs = dict[str, list[list[float]]]  # by score: predicted and true, both in [0, 1]


def of_clip(clip: AnnotatedClip, masklets: Mapping[int, Masklet], scores: Mapping[int, ObjectScores]) -> Pairs:
    """The pairs of a tracked clip: predicted IoU and J of frames on which the object is seen and said to be, and the
    probability of being visible on all."""
    pairs: Pairs = {PREDICTED_IOU: [], VISIBLE: []}
    for object_id, own in scores.items():
        truth, given = clip.truth.masklets[object_id], masklets[object_id]
        for frame, region in zip(own.frames, own.region, strict=True):
            said, is_visible = given.frame(frame), truth.area(frame) > 0
            pairs[VISIBLE].append([_probability(said.object_score_logits), float(is_visible)])
            if is_visible and said.object_score_logits > 0:
                pairs[PREDICTED_IOU].append([said.iou_prediction, region])
    return pairs


def summarize(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """{"reliability": {score: {"error", "counts", "predicted", "actual"}}} of all records that hold pairs; without any,
    as of baselines, nothing. Means of empty bins are null."""
    pairs: Pairs = {}
    for record in records:
        for name, own in record.get("confidence", {}).items():
            pairs.setdefault(name, []).extend(own)
    found = {}
    for name, own in pairs.items():
        if own:
            curve = reliability([guess for guess, _ in own], [truth for _, truth in own])
            found[name] = {
                "error": curve.error,
                "counts": curve.counts.tolist(),
                "predicted": [None if math.isnan(value) else value for value in curve.predicted.tolist()],
                "actual": [None if math.isnan(value) else value for value in curve.actual.tolist()],
            }
    return {"reliability": found} if found else {}


def notes(per_model: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a report says of them."""
    lines = []
    for model, result in per_model.items():
        errors = {name: own["error"] for name, own in result.get("reliability", {}).items()}
        if errors:
            told = ", ".join(f"{name.replace('_', ' ')} {error:.3f}" for name, error in errors.items())
            lines.append(f"Expected calibration error of {model}: {told}.")
    return lines


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))

"""J and F of predicted masklets against a clip's ground truth, by the rules of DAVIS or of SA-V.

Both drop the first and the last annotated frame. DAVIS counts every other frame of an object of the first
frame; SA-V (and DAVIS-like sets with objects that come later) counts from the first frame on which ground truth
or prediction shows the object. Scores average over frames, then over the objects of all clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.errors import DatasetError
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.metrics import boundary_accuracy, region_similarity


@dataclass(frozen=True)
class ScoringRules:
    """Which annotated frames of an object count."""

    drop_ends: bool = True
    count_before_appearance: bool = False


DAVIS_RULES = ScoringRules(drop_ends=True, count_before_appearance=True)
SA_V_RULES = ScoringRules(drop_ends=True, count_before_appearance=False)
EVERY_FRAME = ScoringRules(drop_ends=False, count_before_appearance=False)


@dataclass(frozen=True)
class ObjectScores:
    """J and F of one object on each frame that counts."""

    frames: tuple[int, ...]
    region: tuple[float, ...]
    boundary: tuple[float, ...]

    @property
    def summary(self) -> dict[str, float]:
        """{"J&F", "J", "F"}, each in [0, 1]."""
        region, boundary = float(np.mean(self.region)), float(np.mean(self.boundary))
        return {"J&F": (region + boundary) / 2, "J": region, "F": boundary}

    @property
    def both(self) -> list[float]:
        """J&F per frame."""
        return [(j + f) / 2 for j, f in zip(self.region, self.boundary, strict=True)]


def score_clip(clip: AnnotatedClip, predictions: Mapping[int, Masklet], rules: ScoringRules) -> dict[int, ObjectScores]:
    """The scores of every object that ground truth shows on a counted frame, by object id.

    DatasetError for a prediction of an object the clip does not have, or one that lacks a counted frame.
    """
    unknown = sorted(set(predictions) - set(clip.truth.masklets))
    if unknown:
        raise DatasetError(
            f"the prediction of clip {clip.name} has the unknown object ids {unknown}; "
            f"ground truth has {clip.truth.object_ids}"
        )
    scores = {}
    for object_id, truth in clip.truth.masklets.items():
        if object_id not in predictions:
            raise DatasetError(f"the prediction of clip {clip.name} lacks object {object_id}")
        frames = counted_frames(truth, predictions[object_id], rules)
        if frames:
            scores[object_id] = _score_object(clip, predictions[object_id], object_id, frames)
    return scores


def counted_frames(truth: Masklet, prediction: Masklet, rules: ScoringRules) -> list[int]:
    """The annotated frames of one object on which it is scored; none when ground truth never shows it there."""
    annotated = truth.frame_indices
    from_start = bool(annotated) and rules.count_before_appearance and truth.area(annotated[0]) > 0
    frames = annotated[1:-1] if rules.drop_ends else annotated
    if from_start:
        return frames
    seen = [f for f in frames if truth.area(f) or (f in prediction and prediction.area(f))]
    if not any(truth.area(frame) for frame in frames):
        return []
    return [frame for frame in frames if frame >= seen[0]]


def _score_object(clip: AnnotatedClip, prediction: Masklet, object_id: int, frames: Sequence[int]) -> ObjectScores:
    region, boundary = [], []
    for frame in frames:
        if frame not in prediction:
            raise DatasetError(
                f"the prediction of object {object_id} in clip {clip.name} lacks frame {frame} "
                f"({clip.frame_names[frame]}), which is annotated"
            )
        truth, predicted = clip.truth.masklets[object_id].mask(frame), prediction.mask(frame)
        if truth.shape != predicted.shape:
            raise DatasetError(
                f"clip {clip.name}, object {object_id}: predicted masks are {predicted.shape}, "
                f"ground truth is {truth.shape} (height, width)"
            )
        void = clip.void(frame)
        region.append(region_similarity(predicted, truth, void))
        boundary.append(boundary_accuracy(predicted, truth, void))
    return ObjectScores(tuple(frames), tuple(region), tuple(boundary))


def to_record(scores: Mapping[int, ObjectScores]) -> dict[str, dict[str, list[float]]]:
    """JSON form: {object id: {"frames", "J", "F"}}."""
    return {
        str(object_id): {"frames": list(own.frames), "J": list(own.region), "F": list(own.boundary)}
        for object_id, own in scores.items()
    }


def from_record(record: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[int, ObjectScores]:
    """The scores that `to_record` wrote."""
    return {
        int(object_id): ObjectScores(tuple(int(f) for f in own["frames"]), tuple(own["J"]), tuple(own["F"]))
        for object_id, own in record.items()
    }


def summarize(per_clip: Mapping[str, Mapping[int, ObjectScores]]) -> dict[str, Any]:
    """{"J&F", "J", "F", "num_objects", "per_sequence": {clip: {"J&F", "J", "F", "objects": {id: ...}}}}."""
    per_sequence: dict[str, Any] = {}
    everything: list[dict[str, float]] = []
    for name, scores in per_clip.items():
        objects = {str(object_id): own.summary for object_id, own in scores.items()}
        if objects:
            per_sequence[name] = mean_of(list(objects.values())) | {"objects": objects}
            everything.extend(objects.values())
    return mean_of(everything) | {"num_objects": len(everything), "per_sequence": per_sequence}


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of {"J&F", "J", "F"} over rows; 0 where there is none."""
    return {key: float(np.mean([row[key] for row in rows])) if rows else 0.0 for key in ("J&F", "J", "F")}

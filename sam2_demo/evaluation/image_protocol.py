"""Interactive segmentation of still pictures: IoU after 1, 3, 5 clicks and from a box (paper, section 6.2).

The first click is ambiguous, so the best of three masks by predicted IoU counts; each later click goes to the
centre of the remaining error and refines the logits of the mask before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.pictures import AnnotatedPicture, PictureObject
from sam2_demo.datasets.prompt_simulation import Click, box_around, click_on_error
from sam2_demo.evaluation.contestants import BoolMask, PicturePredictor, PictureResult
from sam2_demo.masks.metrics import region_similarity

BOX = "box"


@dataclass(frozen=True)
class ImageProtocol:
    """Which prompts are measured: after how many clicks, and whether from the box."""

    clicks: tuple[int, ...] = (1, 3, 5)
    box: bool = True

    @property
    def settings(self) -> list[str]:
        """The columns of the result: "1", "3", "5", "box"."""
        return [str(count) for count in sorted(self.clicks)] + ([BOX] if self.box else [])


@dataclass
class ObjectAnswers:
    """IoU, the IoU that the model predicted, and mask of one object, by setting, and the clicks that were made."""

    iou: dict[str, float] = field(default_factory=dict)
    predicted: dict[str, float] = field(default_factory=dict)
    masks: dict[str, BoolMask] = field(default_factory=dict)
    clicks: list[Click] = field(default_factory=list)


def evaluate_picture(
    predictor: PicturePredictor, picture: AnnotatedPicture, protocol: ImageProtocol
) -> dict[str, ObjectAnswers]:
    """Every object of a picture under every setting; the picture is encoded once."""
    predictor.set_image(picture.pixels)
    answers: dict[str, ObjectAnswers] = {}
    for target in picture.objects:
        answer = ObjectAnswers()
        if protocol.clicks:
            _click(predictor, target, sorted(protocol.clicks), answer)
        if protocol.box:
            result = predictor.predict(box=box_around(target.mask), multimask=False)
            _record(answer, BOX, target, result)
        answers[target.key] = answer
    return answers


def _click(predictor: PicturePredictor, target: PictureObject, counts: Sequence[int], answer: ObjectAnswers) -> None:
    result: PictureResult | None = None
    logits: NDArray[np.float32] | None = None
    for count in range(1, counts[-1] + 1):
        click = click_on_error(target.mask, None if result is None else result.masks[0], target.void)
        # A perfect mask gets no more clicks and keeps its score.
        if click is not None:
            answer.clicks.append(click)
            result = predictor.predict(
                points=[(made.x, made.y) for made in answer.clicks],
                point_labels=[made.label for made in answer.clicks],
                low_res_logits=logits,
                multimask=len(answer.clicks) == 1,
            )
            logits = result.low_res_logits[0]
        if count in counts and result is not None:
            _record(answer, str(count), target, result)


def _record(answer: ObjectAnswers, setting: str, target: PictureObject, result: PictureResult) -> None:
    answer.iou[setting] = region_similarity(result.masks[0], target.mask, target.void)
    answer.predicted[setting] = float(result.iou_predictions[0])
    answer.masks[setting] = result.masks[0]


def summarize(per_picture: dict[str, dict[str, Any]], settings: Sequence[str]) -> dict[str, Any]:
    """{"mIoU": by setting over all objects, "per_source": the same by source set, "num_objects"}.

    `per_picture`: name -> {"source": str, "objects": {key: {setting: IoU}}}.
    """
    by_source: dict[str, list[dict[str, float]]] = {}
    for entry in per_picture.values():
        by_source.setdefault(entry["source"], []).extend(entry["objects"].values())
    everything = [scores for rows in by_source.values() for scores in rows]
    return {
        "mIoU": _means(everything, settings),
        "per_source": {
            source: {"mIoU": _means(rows, settings), "num_objects": len(rows)}
            for source, rows in sorted(by_source.items())
        },
        "num_pictures": len(per_picture),
        "num_objects": len(everything),
    }


def _means(rows: Sequence[dict[str, float]], settings: Sequence[str]) -> dict[str, float]:
    columns = {setting: [row[setting] for row in rows if setting in row] for setting in settings}
    return {setting: float(np.mean(values)) for setting, values in columns.items() if values}

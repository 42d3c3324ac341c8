"""The click protocol on pictures, with a predictor that answers in a known way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sam2_demo.datasets.pictures import AnnotatedPicture, PictureObject
from sam2_demo.evaluation.image_protocol import ImageProtocol, evaluate_picture, summarize


@dataclass
class Answer:
    masks: np.ndarray
    low_res_logits: np.ndarray
    iou_predictions: np.ndarray


class QuadrantPredictor:
    """Each positive click adds the quadrant it lies in; logits count the answers."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.images = 0

    def set_image(self, rgb):
        self.images += 1
        self.shape = rgb.shape[:2]

    def predict(self, points=None, point_labels=None, box=None, low_res_logits=None, multimask=True):
        self.calls.append(
            {"points": points, "labels": point_labels, "box": box, "logits": low_res_logits, "multimask": multimask}
        )
        mask = np.zeros(self.shape, bool)
        half_y, half_x = self.shape[0] // 2, self.shape[1] // 2
        if box is not None:
            mask[round(box[1]) : round(box[3]) + 1, round(box[0]) : round(box[2]) + 1] = True
        for (x, y), label in zip(points or (), point_labels or (), strict=True):
            rows = slice(half_y, None) if y >= half_y else slice(half_y)
            columns = slice(half_x, None) if x >= half_x else slice(half_x)
            mask[rows, columns] = bool(label)
        logits = np.full((1, 4, 4), len(self.calls), np.float32)
        return Answer(mask[None], logits, np.array([len(self.calls) / 10], np.float32))


@pytest.fixture
def picture() -> AnnotatedPicture:
    upper, three = np.zeros((40, 40), bool), np.ones((40, 40), bool)
    upper[:20] = True
    three[20:, 20:] = False
    objects = (PictureObject("1", upper), PictureObject("2", three))
    return AnnotatedPicture("p", "made", np.zeros((40, 40, 3), np.uint8), objects)


def test_scores_improve_click_by_click_and_the_picture_is_encoded_once(picture):
    predictor = QuadrantPredictor()
    answers = evaluate_picture(predictor, picture, ImageProtocol((1, 2, 3), box=True))
    assert predictor.images == 1
    assert answers["1"].iou == {"1": 0.5, "2": 1.0, "3": 1.0, "box": 1.0}
    assert answers["1"].predicted == pytest.approx({"1": 0.1, "2": 0.2, "3": 0.2, "box": 0.3})
    assert answers["2"].iou == {"1": pytest.approx(1 / 3), "2": pytest.approx(2 / 3), "3": 1.0, "box": 0.75}
    assert [click.positive for click in answers["2"].clicks] == [True, True, True]


def test_the_first_click_is_ambiguous_and_later_ones_refine_its_logits(picture):
    predictor = QuadrantPredictor()
    evaluate_picture(predictor, picture, ImageProtocol((3,), box=True))
    first, second, box = predictor.calls[0], predictor.calls[1], predictor.calls[2]
    assert first["multimask"] and first["logits"] is None and len(first["points"]) == 1
    assert not second["multimask"] and second["logits"].tolist() == np.full((4, 4), 1.0).tolist()
    assert len(second["points"]) == 2 and second["points"][0] == first["points"][0]
    # The upper half is perfect after two clicks: there is no third call before the box.
    assert box["box"] is not None and not box["multimask"] and box["logits"] is None


def test_the_simulation_is_deterministic(picture):
    runs = [evaluate_picture(QuadrantPredictor(), picture, ImageProtocol((1, 3, 5))) for _ in range(2)]
    assert [runs[0][key].clicks for key in "12"] == [runs[1][key].clicks for key in "12"]


def test_void_pixels_do_not_count():
    mask, void = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    mask[:20, :20], void[:20, 20:], void[20:] = True, True, True
    picture = AnnotatedPicture("p", "made", np.zeros((40, 40, 3), np.uint8), (PictureObject("1", mask, void),))
    assert evaluate_picture(QuadrantPredictor(), picture, ImageProtocol((1,)))["1"].iou["1"] == 1.0


def test_the_summary_is_over_objects_and_by_source():
    records = {
        "a": {"source": "x", "objects": {"1": {"1": 0.5, "box": 1.0}, "2": {"1": 1.0, "box": 1.0}}},
        "b": {"source": "y", "objects": {"1": {"1": 0.0, "box": 0.4}}},
    }
    result = summarize(records, ["1", "box"])
    assert result["mIoU"] == {"1": pytest.approx(0.5), "box": pytest.approx(0.8)}
    assert result["per_source"]["x"]["mIoU"]["1"] == 0.75 and result["per_source"]["y"]["num_objects"] == 1
    assert (result["num_pictures"], result["num_objects"]) == (2, 3)

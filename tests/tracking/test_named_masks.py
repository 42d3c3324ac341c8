"""Records of a detector's boxes: labels, doubles, and masklets that follow them."""

from __future__ import annotations

import numpy as np

from sam2_demo import ImagePredictor, VideoPredictor, load_network
from sam2_demo.masklets.finding import find_masklets
from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.tracking.named_masks import named_records

BOXES = np.array([[20, 30, 60, 70], [100, 60, 150, 110], [21, 30, 60, 70], [5, 5, 5.5, 5.5]], np.float32)


def _frame(shift: int = 0) -> np.ndarray:
    rgb = np.full((140, 200, 3), 150, np.uint8)
    rgb += np.random.default_rng(0).integers(0, 12, rgb.shape, dtype=np.uint8)
    rgb[30:70, 20 + shift : 60 + shift] = (210, 40, 40)
    rgb[60:110, 100 + shift : 150 + shift] = (40, 60, 210)
    return rgb


def test_records_have_labels_and_doubles_go() -> None:
    predictor = ImagePredictor(load_network("embedded", device="cpu"))
    records = named_records(predictor, _frame(), BOXES, ["dog", "cat", "dog", "cat"])
    assert [record["label"] for record in records] == ["dog", "cat"]
    for record, (x0, y0, x1, y1) in zip(records, BOXES[:2], strict=True):
        mask, box = decode_rle(record["segmentation"]), np.zeros((140, 200), bool)
        box[int(y0) : int(y1), int(x0) : int(x1)] = True
        assert (mask & box).sum() / (mask | box).sum() > 0.8
        assert record["area"] == mask.sum()
        ys, xs = np.nonzero(mask)
        assert record["bbox"] == [xs.min(), ys.min(), xs.max() - xs.min(), ys.max() - ys.min()]
        assert 0 < record["predicted_iou"] <= 1 and 0 < record["stability_score"] <= 1
    assert named_records(predictor, _frame(), np.zeros((0, 4), np.float32), []) == []


def test_masklets_follow_what_a_detector_found() -> None:
    network = load_network("embedded", device="cpu")
    predictor = ImagePredictor(network)
    options = MaskletOptions(pred_iou_thresh=0.0, stability_thresh=0.0, masklet_stability_thresh=0.0, annotation_step=1)
    value = find_masklets(
        VideoPredictor(network),
        [_frame(4 * index) for index in range(4)],
        options,
        generate=lambda rgb: named_records(predictor, rgb, BOXES[:2], ["dog", "cat"]),
    )
    assert len(value.masklets) == 2
    last = [masklet for masklet in value.masklets.values() if 3 in masklet.frame_indices]
    assert len(last) == 2

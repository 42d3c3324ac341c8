"""Everything mode: selection by the published rules, records as published, the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from sam2_demo.errors import ConfigError
from sam2_demo.masks.overlaps import box_nms
from sam2_demo.masks.regions import without_small_regions
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.tracking import automatic_masks
from sam2_demo.tracking.automatic_masks import AutomaticMaskGenerator
from sam2_demo.tracking.mask_selection import (
    crop_boxes,
    is_cut_by_crop,
    mask_boxes,
    point_grid,
    stability_scores,
)

LOOSE = {"points_per_side": 6, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}


def test_records(nano_network, clip_frames):
    records = AutomaticMaskGenerator(nano_network, **LOOSE).generate(clip_frames[0])
    assert records
    for record in records:
        mask = record["segmentation"]
        assert mask.shape == (48, 80) and mask.dtype == bool and record["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        x, y, width, height = record["bbox"]
        if len(rows):
            assert (x, y) == (columns.min(), rows.min())
            assert (width, height) == (np.ptp(columns), np.ptp(rows))
        assert record["crop_box"] == [0, 0, 80, 48]
    ious = [record["predicted_iou"] for record in records]
    assert ious == sorted(ious, reverse=True)


def test_same_picture_same_records_in_either_form(nano_network, clip_frames):
    masks = AutomaticMaskGenerator(nano_network, **LOOSE).generate(clip_frames[0])
    codes = AutomaticMaskGenerator(nano_network, **LOOSE, output_mode="coco_rle", points_per_batch=5).generate(
        clip_frames[0]
    )
    assert len(masks) == len(codes)
    for a, b in zip(masks, codes, strict=True):
        np.testing.assert_array_equal(a["segmentation"], decode_rle(b["segmentation"]))


def test_thresholds_and_crops_and_cleaning(nano_network, clip_frames):
    everything = AutomaticMaskGenerator(nano_network, **LOOSE, box_nms_thresh=1.0).generate(clip_frames[0])
    middle = float(np.median([r["predicted_iou"] for r in everything]))
    options = {**LOOSE, "box_nms_thresh": 1.0, "pred_iou_thresh": middle}
    some = AutomaticMaskGenerator(nano_network, **options).generate(clip_frames[0])
    assert 0 < len(some) < len(everything)
    assert all(r["predicted_iou"] > middle for r in some)


def test_crops_find_their_own_masks(nano_network, clip_frames, monkeypatch):
    # Masks of a random network fill whole crops, so the rule that drops cut masks is switched off here.
    monkeypatch.setattr(automatic_masks, "is_cut_by_crop", lambda boxes, crop, size: torch.tensor(False))
    options = {**LOOSE, "crop_nms_thresh": 1.0, "box_nms_thresh": 1.0, "min_mask_region_area": 10}
    records = AutomaticMaskGenerator(nano_network, **options, crop_n_layers=1).generate(clip_frames[0])
    assert len({tuple(r["crop_box"]) for r in records}) == 5
    for record in records:
        x, y, width, height = record["crop_box"]
        outside = record["segmentation"].copy()
        outside[y : y + height, x : x + width] = False
        assert not outside.any()
        (point_x, point_y), *_ = record["point_coords"]
        assert x <= point_x <= x + width and y <= point_y <= y + height


def test_refinement_with_own_logits(nano_network, clip_frames):
    assert AutomaticMaskGenerator(nano_network, **LOOSE, use_m2m=True).generate(clip_frames[0])


def test_unknown_and_wrong_options(nano_network):
    with pytest.raises(ConfigError, match="points_per_side"):
        AutomaticMaskGenerator(nano_network, points_per_sid=3)
    with pytest.raises(ConfigError, match="at least 1"):
        AutomaticMaskGenerator(nano_network, points_per_side=0)
    with pytest.raises(ConfigError, match="binary_mask, uncompressed_rle, coco_rle"):
        AutomaticMaskGenerator(nano_network, output_mode="png")
    with pytest.raises(ConfigError, match="points_per_side=None with them"):
        AutomaticMaskGenerator(nano_network, point_grids=[point_grid(2)])
    with pytest.raises(ConfigError, match="points_per_side is None; give at least 1"):
        AutomaticMaskGenerator(nano_network, points_per_side=None)
    with pytest.raises(ConfigError, match="1 grids; give one for each of 2 layers"):
        AutomaticMaskGenerator(nano_network, point_grids=[point_grid(2)], points_per_side=None, crop_n_layers=1)
    with pytest.raises(ConfigError, match=r"shape \(3,\); accepted: \(N, 2\)"):
        AutomaticMaskGenerator(nano_network, point_grids=[np.ones(3)], points_per_side=None)


def test_given_grids_take_the_place_of_even_ones(nano_network, clip_frames):
    even = {**LOOSE, "points_per_side": 3}
    given = {**LOOSE, "points_per_side": None, "point_grids": [point_grid(3)]}
    records = [AutomaticMaskGenerator(nano_network, **options).generate(clip_frames[0]) for options in (even, given)]
    assert [r["point_coords"] for r in records[0]] == [r["point_coords"] for r in records[1]] and records[0]


def test_run_lengths_come_compressed_or_as_a_list(nano_network, clip_frames):
    found = {
        mode: AutomaticMaskGenerator(nano_network, **{**LOOSE, "output_mode": mode}).generate(clip_frames[0])
        for mode in ("binary_mask", "uncompressed_rle", "coco_rle")
    }
    for plain, listed, packed in zip(*found.values(), strict=True):
        assert (
            coco_mask.frPyObjects(listed["segmentation"], *listed["segmentation"]["size"])["counts"].decode()
            == (packed["segmentation"]["counts"])
        )
        assert (decode_rle(listed["segmentation"]) == plain["segmentation"]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 3)])
def test_narrow_pictures_have_fewer_crops(nano_network, size):
    picture = np.full((*size, 3), 128, np.uint8)
    generator = AutomaticMaskGenerator(nano_network, **LOOSE, crop_n_layers=2)
    generator.generate(picture)
    assert [step.done for step in generator.steps(picture)][-1] == list(generator.steps(picture))[-1].total
    assert all(x1 > x0 and y1 > y0 for _, (x0, y0, x1, y1) in crop_boxes(size, 2, 512 / 1500))


def test_grid_lies_in_cell_centres():
    grid = point_grid(4)
    assert grid.shape == (16, 2)
    np.testing.assert_allclose(grid[:2], [[0.125, 0.125], [0.375, 0.125]])


def test_crops_of_the_published_overlap():
    crops = crop_boxes((480, 640), 1, 512 / 1500)
    assert crops[0] == (0, (0, 0, 640, 480)) and len(crops) == 5
    assert crops[1][1] == (0, 0, 402, 322) and crops[4][1] == (239, 159, 640, 480)


def test_stability_is_an_iou_of_two_cuts():
    logits = torch.zeros(1, 2, 4)
    logits[0, 0] = torch.tensor([2.0, 0.5, -0.5, -2.0])
    logits[0, 1] = -5
    assert stability_scores(logits, 0.0, 1.0).item() == pytest.approx(1 / 3)


def test_boxes():
    masks = torch.zeros(2, 10, 12, dtype=torch.bool)
    masks[0, 2:5, 3:9] = True
    assert mask_boxes(masks).tolist() == [[3, 2, 8, 4], [0, 0, 0, 0]]
    inner, touching = torch.tensor([[50.0, 50, 90, 90]]), torch.tensor([[0.0, 50, 90, 90]])
    crop = (100, 0, 300, 200)
    assert not is_cut_by_crop(inner, crop, (200, 400)) and is_cut_by_crop(touching, crop, (200, 400))
    assert not is_cut_by_crop(touching, (0, 0, 200, 200), (200, 400)), "the picture's own edge cuts nothing"


def test_suppression_keeps_the_better():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [5, 5, 5, 5]], np.float32)
    assert box_nms(boxes, np.array([0.5, 0.9, 0.1, 0.2], np.float32), 0.7) == [1, 3, 2]
    assert box_nms(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.7) == []


def test_small_regions():
    mask = np.zeros((20, 20), bool)
    mask[2:12, 2:12] = True
    mask[5, 5] = False
    mask[16:18, 16:18] = True
    cleaned, changed = without_small_regions(mask, 6)
    assert changed and cleaned[5, 5] and not cleaned[16, 16]
    same, changed = without_small_regions(cleaned, 6)
    assert not changed and same is cleaned
    only, _ = without_small_regions(mask & (np.arange(20) > 14), 6)
    assert only.sum() == 4


def test_steps_filtered_later_are_what_stricter_thresholds_find(nano_network, clip_frames):
    picture = clip_frames[0]
    steps = list(AutomaticMaskGenerator(nano_network, **LOOSE, points_per_batch=10).steps(picture))
    assert [(step.done, step.total) for step in steps] == [(10, 36), (20, 36), (30, 36), (36, 36)]
    found = [record for step in steps for record in step.records]
    middle = float(np.median([r["predicted_iou"] for r in found]))
    strict = [r for r in found if r["predicted_iou"] > middle]
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (r["bbox"] for r in strict)], np.float32)
    kept = box_nms(boxes, np.array([r["predicted_iou"] for r in strict], np.float32), 0.7)
    again = AutomaticMaskGenerator(nano_network, **(LOOSE | {"pred_iou_thresh": middle})).generate(picture)
    assert [strict[k]["bbox"] for k in kept] == [r["bbox"] for r in again]


def test_steps_count_the_points_of_crops(nano_network, clip_frames):
    options = {**LOOSE, "points_per_side": 4, "crop_n_layers": 1, "crop_n_points_downscale_factor": 2}
    steps = list(AutomaticMaskGenerator(nano_network, **options).steps(clip_frames[0]))
    assert [(step.done, step.total) for step in steps] == [(16, 32), (20, 32), (24, 32), (28, 32), (32, 32)]


def test_logits_that_are_refined_are_clamped(nano_network, clip_frames, monkeypatch):
    fed = []
    step = automatic_masks.frame_step

    def steep(network, embedding, prompts, memory, multimask):
        if prompts.low_res_logits is not None:
            fed.append(float(prompts.low_res_logits.abs().max()))
        output = step(network, embedding, prompts, memory, multimask)
        candidates = replace(output.candidates, low_res_logits=output.candidates.low_res_logits * 1000)
        return replace(output, candidates=candidates)

    monkeypatch.setattr(automatic_masks, "frame_step", steep)
    AutomaticMaskGenerator(nano_network, **LOOSE, use_m2m=True).generate(clip_frames[0])
    assert fed and max(fed) == 32.0

"""Every rule in a tracker: going on after a restart, corrections in the middle, objects in batches, both directions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from sam2_demo.errors import ConfigError
from sam2_demo.tracking.frame_records import pack_record, unpack_record
from sam2_demo.tracking.frame_step import FramePrompts, frame_step
from sam2_demo.tracking.memory_bank import stack_selections
from sam2_demo.tracking.memory_rules import distractor_aware
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

DISC = {"points": [(15, 24)]}
GROUND = {"box": (40, 2, 70, 20)}
RULES = list(MEMORY_RULES)


@pytest.fixture(autouse=True)
def easy_anchors(monkeypatch):
    """Random networks are sure of nothing; without this no frame would ever become an anchor."""
    monkeypatch.setattr(distractor_aware, "_ANCHOR_IOU", 0.0)
    monkeypatch.setattr(distractor_aware, "_AREA_CHANGE", 10.0)
    monkeypatch.setattr(distractor_aware, "_RIVAL_OVERLAP", 1.0)
    monkeypatch.setattr(distractor_aware, "_FRAMES_BETWEEN_ANCHORS", 3)


def open_clip(network, frames, rule, **options):
    return VideoPredictor(network, TrackingOptions(memory_rule=rule, **options)).open(frames)


def masks_of(tracker, **how):
    return {r.frame_index: r.masks for r in tracker.propagate(**how)}


def iou(a, b):
    union = (a | b).sum()
    return 1.0 if union == 0 else (a & b).sum() / union


def anchors(tracker, object_id=1):
    last = tracker._tracks[object_id].records.frame_indices[-1]
    return tracker._tracks[object_id].records.get(last).note.anchors


@torch.inference_mode()
def test_published_is_the_plain_loop_to_the_last_bit(nano_network, clip_frames):
    tracker = open_clip(nano_network, clip_frames, "published")
    tracker.add_prompt(0, 1, **DISC)
    for result in tracker.propagate():
        t = result.frame_index
        if t > 0:
            bank = tracker._tracks[1].bank
            memory = stack_selections(nano_network, [bank.select(nano_network, t, 24, backward=False)])
            plain = frame_step(nano_network, tracker._view.encode(t), FramePrompts(), memory, multimask=True)
            assert torch.equal(tracker._tracks[1].records.get(t).low_res_logits, plain.low_res_logits)
            assert result.iou_predictions[1] == float(plain.iou_predictions)


def test_rules_differ(nano_network, clip_frames):
    """Or the other tests would hold for rules that are never asked."""
    last = {}
    for rule in RULES:
        tracker = open_clip(nano_network, clip_frames, rule)
        tracker.add_prompt(0, 1, **DISC)
        last[rule] = [result.mask_logits[1] for result in tracker.propagate()][-1]
    for rule in RULES:
        if "distractor_aware" in rule or "tree" in rule:  # the others need doubt or motion, which random weights lack
            assert np.abs(last[rule] - last["published"]).max() > 1e-3, rule


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_going_on_after_a_restart_equals_going_through(nano_network, clip_frames, rule, direction):
    start, stop, end = (0, 13, 23) if direction == "forward" else (23, 10, 0)
    whole = open_clip(nano_network, clip_frames, rule)
    whole.add_prompt(start, 1, **DISC)
    expected = masks_of(whole, direction=direction)
    first = open_clip(nano_network, clip_frames, rule)
    first.add_prompt(start, 1, **DISC)
    masks_of(first, direction=direction, end_frame_index=stop)
    saved = [first.save_frame(1, t) for t in first.masklets[1].frame_indices]
    second = open_clip(nano_network, clip_frames, rule)
    second.restore_object(1, {start: DISC}, saved)
    step = 1 if direction == "forward" else -1
    after = masks_of(second, direction=direction, start_frame_index=stop + step)
    assert len(after) == abs(end - stop)
    for t, masks in after.items():
        assert iou(masks[1], expected[t][1]) >= 0.97, t
    notes = [tracker._tracks[1].records.get(stop).note for tracker in (whole, second)]
    assert notes[0] == notes[1]
    end_notes = [tracker._tracks[1].records.get(end).note for tracker in (whole, second)]
    assert end_notes[0].anchors == end_notes[1].anchors


@pytest.mark.parametrize("rule", RULES)
def test_a_correction_in_the_middle_holds_and_is_tracked_from(nano_network, clip_frames, rule):
    tracker = open_clip(nano_network, clip_frames, rule)
    tracker.add_prompt(0, 1, **DISC)
    before = masks_of(tracker)
    corrected = tracker.add_prompt(9, 1, points=[(60, 10)], point_labels=[1])
    after = {r.frame_index: r for r in tracker.propagate()}
    np.testing.assert_array_equal(after[9].mask_logits[1], corrected.mask_logits[1])
    for t in range(9):  # which attend to the correction too: it lies ahead
        assert after[t].masks[1].shape == before[t][1].shape
    fresh = open_clip(nano_network, clip_frames, rule)
    fresh.add_prompt(0, 1, **DISC)
    fresh.add_prompt(9, 1, mask=corrected.masks[1])
    assert set(masks_of(fresh)) == set(after)
    tracker.clear_prompts(9, 1)
    again = masks_of(tracker)
    assert all(iou(again[t][1], before[t][1]) >= 0.99 for t in before)


@pytest.mark.parametrize("rule", ["distractor_aware", "motion+distractor_aware"])
def test_an_anchor_is_no_prompt(nano_network, clip_frames, rule):
    tracker = open_clip(nano_network, clip_frames, rule)
    tracker.add_prompt(0, 1, **DISC)
    masks_of(tracker)
    promoted = anchors(tracker)
    assert len(promoted) >= 2 and all(later - earlier > 3 for earlier, later in pairwise(promoted))
    assert tracker.prompts(1).keys() == {0}
    assert tracker._tracks[1].bank.conditioning.keys() == {0}
    tracker.add_prompt(promoted[-1], 1, points=[(60, 10)])
    tracker._tracks[1].commit_pending()
    past = tracker._tracks[1].past(23, 24, backward=False)
    assert promoted[-1] not in distractor_aware.anchors_behind(past)
    masks_of(tracker)
    assert promoted[-1] not in anchors(tracker)


@pytest.mark.parametrize("rule", RULES)
def test_objects_in_one_batch_agree_with_objects_alone(nano_network, clip_frames, rule):
    def track(count):
        tracker = open_clip(nano_network, clip_frames, rule, objects_per_batch=count)
        tracker.add_prompt(0, 1, **DISC)
        tracker.add_prompt(0, 2, **GROUND)
        tracker.add_prompt(3, 3, points=[(70, 40)])
        return list(tracker.propagate(end_frame_index=14))

    for one, many in zip(track(1), track(8), strict=True):
        for object_id in one.object_ids:
            np.testing.assert_allclose(one.mask_logits[object_id], many.mask_logits[object_id], atol=2e-3)


@pytest.mark.parametrize("rule", RULES)
def test_every_other_frame_and_both_directions(nano_network, clip_frames, rule):
    tracker = open_clip(nano_network, clip_frames, rule, frame_stride=2)
    tracker.add_prompt(12, 1, **DISC)
    assert set(masks_of(tracker, direction="both")) == set(range(24))


def test_a_record_keeps_note_and_rivals(nano_network, clip_frames):
    tracker = open_clip(nano_network, clip_frames, "tree")
    tracker.add_prompt(0, 1, **DISC)
    masks_of(tracker, end_frame_index=4)
    record = tracker._tracks[1].records.get(4)
    again = unpack_record(pack_record(record), torch.device("cpu"))
    assert again.summary == record.summary and len(again.rivals) == 2
    assert all(a.low_res_logits.shape == b.low_res_logits.shape for a, b in zip(again.paths, record.paths, strict=True))


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="distractor_aware, motion"):
        TrackingOptions(memory_rule="best")

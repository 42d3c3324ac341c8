"""Streams: what clips give to the last bit, corrections carried forward, objects that come and go, constant memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sam2_demo.errors import ConfigError, InputError, PromptError
from sam2_demo.tracking.memory_rules import distractor_aware
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

DISC = {"points": [(15, 24)]}
GROUND = {"box": (40, 2, 70, 20)}


@pytest.fixture(autouse=True)
def easy_anchors(monkeypatch):
    """Random networks are sure of nothing; without this no frame would ever become an anchor."""
    monkeypatch.setattr(distractor_aware, "_ANCHOR_IOU", 0.0)
    monkeypatch.setattr(distractor_aware, "_AREA_CHANGE", 10.0)
    monkeypatch.setattr(distractor_aware, "_RIVAL_OVERLAP", 1.0)
    monkeypatch.setattr(distractor_aware, "_FRAMES_BETWEEN_ANCHORS", 3)


def predictor(network, rule="published", **options):
    return VideoPredictor(network, TrackingOptions(memory_rule=rule, **options))


def assert_same(ours, theirs):
    assert ours.frame_index == theirs.frame_index and ours.object_ids == theirs.object_ids
    for object_id in ours.object_ids:
        np.testing.assert_array_equal(ours.mask_logits[object_id], theirs.mask_logits[object_id])
        np.testing.assert_array_equal(ours.masks[object_id], theirs.masks[object_id])
    assert ours.object_score_logits == theirs.object_score_logits
    assert ours.iou_predictions == theirs.iou_predictions


@pytest.mark.parametrize("rule", MEMORY_RULES)
def test_pushing_is_propagating_to_the_last_bit(nano_network, clip_frames, rule):
    clip, stream = predictor(nano_network, rule).open(clip_frames), predictor(nano_network, rule).open_stream(4)
    expected = []
    clip.add_prompt(0, 1, **DISC)
    expected += clip.propagate(0, end_frame_index=9)
    clip.add_prompt(9, 7, **GROUND)
    clip.add_prompt(9, 1, points=[(34, 25)])
    expected += list(clip.propagate(9))[1:]

    stream.push(clip_frames[0])
    stream.add_prompt(1, **DISC)
    got = [stream.result()]
    for frame in clip_frames[1:10]:
        got.append(stream.push(frame))
    stream.add_prompt(7, **GROUND)
    stream.add_prompt(1, points=[(34, 25)])
    got += [stream.push(frame) for frame in clip_frames[10:]]
    assert len(got) == len(expected) == 24
    for ours, theirs in zip(got, expected, strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("rule", ["gated", "tree", "motion"])
def test_what_a_rule_still_recalls_outlives_the_kept_frames(nano_network, clip_frames, rule, monkeypatch):
    """An object that is hidden for longer than frames are kept is found again with the memories it had."""
    if rule == "motion":  # so that frames pass at all
        monkeypatch.setattr("sam2_demo.tracking.memory_rules.motion._REMEMBERED_IOU", 0.0)
    frames = clip_frames[:12] + [np.zeros_like(clip_frames[0])] * 40 + clip_frames[12:]
    clip, stream = predictor(nano_network, rule).open(frames), predictor(nano_network, rule).open_stream(3)
    stream.push(frames[0])
    stream.add_prompt(1, **DISC)
    clip.add_prompt(0, 1, **DISC)
    for result in list(clip.propagate())[1:]:
        assert_same(stream.push(frames[result.frame_index]), result)


def test_click_on_an_older_frame_is_corrected_there_and_carried_forward(nano_network, clip_frames):
    clip, stream = predictor(nano_network).open(clip_frames), predictor(nano_network).open_stream(8)
    for tracker, add in ((clip, lambda i, **p: clip.add_prompt(0, i, **p)), (stream, stream.add_prompt)):
        if tracker is stream:
            stream.push(clip_frames[0])
        add(1, **DISC)
        add(2, **GROUND)
    for frame in clip_frames[1:13]:
        before = stream.push(frame)
    list(clip.propagate(0, end_frame_index=12))
    corrected = clip.add_prompt(9, 1, points=[(40, 30), (20, 10)], point_labels=[1, 0])
    expected = list(clip.propagate(9, end_frame_index=12, object_ids=[1]))[-1]

    assert_same(stream.add_prompt(1, points=[(40, 30), (20, 10)], point_labels=[1, 0], frame_index=9), corrected)
    after = stream.result()
    assert_same(after, expected)
    assert (after.mask_logits[1] != before.mask_logits[1]).any()
    np.testing.assert_array_equal(after.mask_logits[2], before.mask_logits[2])
    assert_same(stream.push(clip_frames[13]), list(clip.propagate(13, end_frame_index=13))[-1])


def test_objects_join_and_leave_without_touching_others(nano_network, clip_frames):
    alone, stream = (predictor(nano_network, objects_per_batch=1).open_stream() for _ in range(2))
    for one in (alone, stream):
        one.push(clip_frames[0])
        one.add_prompt(3, **DISC)
    for t, frame in enumerate(clip_frames[1:12], start=1):
        expected, got = alone.push(frame), stream.push(frame)
        np.testing.assert_array_equal(got.mask_logits[3], expected.mask_logits[3])
        if t == 4:
            stream.add_prompt(5, **GROUND)
        if t == 8:
            stream.remove_object(5)
        assert stream.object_ids == ([3, 5] if 4 <= t < 8 else [3])
    stream.remove_object(3)
    assert stream.push(clip_frames[12]).object_ids == []
    stream.add_prompt(1, mask=np.ones((48, 80), bool))
    stream.remove_object(1)  # before it was ever tracked
    assert stream.push(clip_frames[13]).frame_index == 13


def test_oldest_prompts_fade_and_the_latest_are_attended_to(nano_network, clip_frames):
    stream = predictor(nano_network).open_stream(kept_frames=4, most_prompted=2)
    for frame in clip_frames[:6]:
        stream.push(frame)
        stream.add_prompt(1, **DISC)
    stream.push(clip_frames[6])
    bank = stream._tracker._tracks[1].bank
    assert list(bank.conditioning) == [4, 5]
    assert {2, 3} <= set(bank.recent)  # their memories go on as those of tracked frames
    clip = predictor(nano_network).open(clip_frames)
    for t in range(6):
        clip.add_prompt(t, 1, **DISC)
    everything = list(clip.propagate(6, end_frame_index=7))[-1]
    assert (stream.push(clip_frames[7]).mask_logits[1] != everything.mask_logits[1]).any()


@pytest.mark.parametrize("rule", ["published", "gated", "motion+distractor_aware", "tree2"])
def test_memory_is_constant_and_so_is_what_is_looked_through(nano_network, clip_frames, rule):
    """Days later nothing has grown, and indices of two days of frames at 30 a second are no burden."""
    stream = predictor(nano_network, rule, embedding_cache_bytes=2**20).open_stream(kept_frames=4, most_prompted=3)
    frames = [frame[::3, ::4] for frame in clip_frames]
    stream.push(frames[0])

    def days_pass():
        stream._frames.newest += 2 * 24 * 3600 * 30
        stream._frames._kept.clear()

    days_pass()
    stream.push(frames[0])

    def most_held(number):
        """The most entries of any table of any object while so many frames pass."""
        most = 0
        for t in range(number):
            stream.push(frames[t % len(frames)])
            if t % 12 == 0:
                stream.add_prompt(1, points=[(4, 8)])
                stream.add_prompt(2 + t // 12 % 2, box=(10, 1, 17, 6))
            for track in stream._tracker._tracks.values():
                bank, records = track.bank, track.records
                tables = (records._held, records._places, records._summaries, bank.recent, bank.conditioning)
                tables += (
                    bank.asked or (),
                    track.prompts,
                    track.tracked,
                    track.unprompted,
                    track.masklet.frame_indices,
                )
                most = max(most, *map(len, tables))
        return most

    most_before = most_held(70)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    if "motion" not in rule:  # which counts on tracking every frame
        days_pass()
    most_after = most_held(70)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert most_after <= most_before <= 60
    assert grown < 2**20
    assert all(track.records._file is None for track in stream._tracker._tracks.values())


def test_frames_must_agree_and_prompts_lie_on_kept_frames(nano_network, clip_frames):
    stream = predictor(nano_network).open_stream(kept_frames=2)
    with pytest.raises(PromptError, match="no frame yet"):
        stream.add_prompt(1, **DISC)
    for frame in clip_frames[:5]:
        stream.push(frame)
    with pytest.raises(PromptError, match="frame 2 is not kept; the latest 2 frames are: 3 to 4"):
        stream.add_prompt(1, **DISC, frame_index=2)
    with pytest.raises(PromptError, match="not kept"):
        stream.add_prompt(1, **DISC, frame_index=5)
    with pytest.raises(PromptError, match="outside the picture"):
        stream.add_prompt(1, points=[(100, 5)])
    with pytest.raises(InputError, match=r"80 x 48 pixels .* this one is 40 x 24"):
        stream.push(clip_frames[5][::2, ::2])
    with pytest.raises(PromptError, match="no object with id 4"):
        stream.remove_object(4)
    assert stream.object_ids == [] and stream.num_frames == 5
    stream.close()
    stream.close()
    with pytest.raises(InputError, match="closed"):
        stream.push(clip_frames[0])
    with pytest.raises(PromptError, match="closed"):
        stream.result()
    with pytest.raises(ConfigError, match="kept_frames is 0"):
        predictor(nano_network).open_stream(0)


def test_frames_are_copied(nano_network, clip_frames):
    """Cameras write the next picture into the same buffer."""
    stream, buffer = predictor(nano_network).open_stream(), clip_frames[0].copy()
    stream.push(buffer)
    buffer[:] = 0
    np.testing.assert_array_equal(stream.read_frame(), clip_frames[0])
    stream.read_frame()[:] = 1
    np.testing.assert_array_equal(stream.read_frame(0), clip_frames[0])

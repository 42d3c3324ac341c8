"""Clips: prompts on any frame, tracking in both directions, corrections that hold, objects that stay apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam2_demo.errors import MediaError, PromptError
from sam2_demo.tracking import followed_objects, frame_records
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.video import ArrayReader

DISC = {"points": [(15, 24)]}
GROUND = {"box": (40, 2, 70, 20)}


@pytest.fixture
def session(nano_network, clip_frames):
    return VideoPredictor(nano_network).open(clip_frames)


def logits_of(session, object_id, **how):
    return {r.frame_index: r.mask_logits[object_id] for r in session.propagate(**how)}


def iou(a, b):
    union = (a | b).sum()
    return 1.0 if union == 0 else (a & b).sum() / union


def test_open_reads_no_frame_and_tracking_reads_each_once(nano_network, clip_frames):
    reads = []

    class Counting(ArrayReader):
        def _read(self, index):
            reads.append(index)
            return super()._read(index)

    session = VideoPredictor(nano_network).open(Counting(clip_frames))
    assert (session.num_frames, session.height, session.width) == (24, 48, 80)
    before = len(reads)
    session.add_prompt(0, 1, **DISC)
    assert len(reads) == before + 1
    list(session.propagate())
    assert sorted(reads[before:]) == list(range(24))


def test_forward_backward_both(session):
    session.add_prompt(10, 1, **DISC)
    order = lambda **how: [r.frame_index for r in session.propagate(**how)]  # noqa: E731
    assert order() == list(range(10, 24))
    assert order(direction="backward") == list(range(10, -1, -1))
    assert order(direction="both") == [*range(10, 24), *range(9, -1, -1)]
    assert order(start_frame_index=12, end_frame_index=15) == [12, 13, 14, 15]
    assert order(start_frame_index=12, direction="backward", end_frame_index=9) == [12, 11, 10, 9]
    assert session.masklets[1].frame_indices == list(range(24))


def test_time_mirrors(nano_network, clip_frames):
    ahead = VideoPredictor(nano_network).open(clip_frames)
    ahead.add_prompt(0, 1, **DISC)
    forward = logits_of(ahead, 1)
    mirrored = VideoPredictor(nano_network).open(clip_frames[::-1])
    mirrored.add_prompt(23, 1, **DISC)
    backward = logits_of(mirrored, 1, direction="backward")
    for t in range(24):
        np.testing.assert_allclose(forward[t], backward[23 - t], atol=1e-5)


def test_memory_matters(session, nano_network, clip_frames):
    session.add_prompt(0, 1, **DISC)
    a = logits_of(session, 1)
    other = VideoPredictor(nano_network).open(clip_frames)
    other.add_prompt(0, 1, **GROUND)
    b = logits_of(other, 1)
    assert np.abs(a[12] - b[12]).max() > 0.05


def test_a_correction_after_tracking_survives_tracking_again(session):
    session.add_prompt(0, 1, **DISC)
    before = logits_of(session, 1)
    corrected = session.add_prompt(6, 1, points=[(60, 10)], point_labels=[1])
    assert np.abs(corrected.mask_logits[1] - before[6]).max() > 1e-3
    after = logits_of(session, 1)
    np.testing.assert_array_equal(after[6], corrected.mask_logits[1])
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[7] - before[7]).max() > 1e-4


def test_clearing_a_correction_brings_the_tracked_mask_back(session):
    session.add_prompt(0, 1, **DISC)
    before = logits_of(session, 1)
    session.add_prompt(6, 1, points=[(60, 10)])
    restored = session.clear_prompts(6, 1)
    np.testing.assert_array_equal(restored.mask_logits[1], before[6])
    again = session.clear_prompts(6, 1)  # nothing is there to be cleared
    np.testing.assert_array_equal(again.mask_logits[1], before[6])
    assert session.prompts(1).keys() == {0}
    after = logits_of(session, 1)
    for t in before:
        np.testing.assert_allclose(after[t], before[t], atol=1e-5)


@pytest.mark.parametrize("objects_per_batch", [1, None])
def test_objects_do_not_touch_each_other(nano_network, clip_frames, objects_per_batch):
    """One by one to the last bit, in a batch to the last bits."""
    session = VideoPredictor(nano_network, TrackingOptions(objects_per_batch=objects_per_batch)).open(clip_frames)
    tolerance = 0.0 if objects_per_batch == 1 else 1e-4
    session.add_prompt(0, 7, **DISC)
    alone = logits_of(session, 7)
    session.add_prompt(4, 2, **GROUND)
    both = logits_of(session, 7, start_frame_index=0)
    session.remove_object(2)
    again = logits_of(session, 7)
    for t in alone:
        np.testing.assert_allclose(both[t], alone[t], rtol=0, atol=tolerance)
        np.testing.assert_array_equal(again[t], alone[t])
    assert session.object_ids == [7]


def test_looking_and_tracking_others_leave_masks_to_the_pixel(nano_network, clip_frames, monkeypatch):
    """Records of old frames come back coarsely, here very much so: masks are not made from them again."""
    coarse = frame_records.unpack_record

    def coarser(packed, device):
        record = coarse(packed, device)
        return replace(record, low_res_logits=-record.low_res_logits)

    monkeypatch.setattr(frame_records, "unpack_record", coarser)
    session = VideoPredictor(nano_network, TrackingOptions(recent_memories=16)).open(clip_frames)
    session.add_prompt(0, 1, **DISC)
    list(session.propagate())
    masklet = session.masklets[1]
    before = [masklet.mask(t) for t in masklet]
    assert (session.result(3).masks[1] != before[3]).any()
    session.add_prompt(0, 2, **GROUND)
    list(session.propagate(object_ids=[2]))
    for t, old in enumerate(before):
        np.testing.assert_array_equal(masklet.mask(t), old)


def test_clicks_go_on_after_a_frame_that_cannot_be_read(nano_network, clip_frames):
    class Damaged(ArrayReader):
        def _read(self, index):
            if index == 3:
                raise MediaError("frame 3 is damaged")
            return super()._read(index)

    session = VideoPredictor(nano_network).open(Damaged(clip_frames))
    session.add_prompt(0, 1, **DISC)
    with pytest.raises(MediaError, match="frame 3"):
        list(session.propagate())
    assert session.add_prompt(10, 1, **DISC).frame_index == 10
    assert sorted(session.masklets[1]) == [0, 1, 2, 10]


def test_objects_in_one_batch_agree_with_objects_alone(nano_network, clip_frames, monkeypatch):
    def track(objects_per_batch):
        options = TrackingOptions(objects_per_batch=objects_per_batch)
        session = VideoPredictor(nano_network, options).open(clip_frames)
        session.add_prompt(0, 1, **DISC)
        session.add_prompt(0, 2, **GROUND)
        session.add_prompt(3, 3, points=[(70, 40)])
        return list(session.propagate())

    rows = []
    whole = followed_objects.frame_step

    def counted(network, embedding, prompts, memory, *more, **how):
        rows.append(0 if memory is None else len(memory.tokens))
        return whole(network, embedding, prompts, memory, *more, **how)

    monkeypatch.setattr(followed_objects, "frame_step", counted)
    ones, manies = track(1), track(8)
    assert max(rows[: len(rows) // 2]) == 1 and rows[-1] == 3  # also objects that were prompted on different frames
    for one, many in zip(ones, manies, strict=True):
        for object_id in one.object_ids:
            np.testing.assert_allclose(one.mask_logits[object_id], many.mask_logits[object_id], atol=1e-4)


def test_a_mask_prompt_becomes_the_mask(session):
    mask = np.zeros((48, 80), bool)
    mask[14:34, 5:25] = True
    result = session.add_prompt(0, 1, mask=mask)
    assert iou(result.masks[1], mask) > 0.9
    assert result.object_score_logits[1] == 10 and result.iou_predictions[1] == 1
    empty = session.add_prompt(0, 2, mask=np.zeros((48, 80), bool))
    assert empty.object_score_logits[2] == -10 and not empty.masks[2].any()


def test_stopping_keeps_what_is_done_and_going_on_equals_going_through(nano_network, clip_frames):
    whole = VideoPredictor(nano_network).open(clip_frames)
    whole.add_prompt(0, 1, **DISC)
    through = logits_of(whole, 1)
    session = VideoPredictor(nano_network).open(clip_frames)
    session.add_prompt(0, 1, **DISC)
    run = session.propagate()
    for _ in range(9):
        next(run)
    run.close()
    assert session.masklets[1].frame_indices == list(range(9))
    rest = logits_of(session, 1, start_frame_index=9)
    for t in rest:
        np.testing.assert_array_equal(rest[t], through[t])


def test_old_memories_are_rebuilt_when_needed(nano_network, clip_frames):
    """With room for 16 frames only, correcting frame 3 after 24 needs memories that are no longer held."""

    def correct(recent_memories, forgetful=False):
        options = TrackingOptions(recent_memories=recent_memories)
        session = VideoPredictor(nano_network, options).open(clip_frames)
        session.add_prompt(0, 1, **DISC)
        list(session.propagate())
        if forgetful:
            session._tracks[1].bank.recall = None
        session.add_prompt(3, 1, points=[(60, 10)])
        return np.stack([r.mask_logits[1] for r in session.propagate(start_frame_index=3)])

    held, rebuilt, forgotten = correct(64), correct(16), correct(16, forgetful=True)
    assert np.abs(rebuilt - held).mean() < 0.3 * np.abs(forgotten - held).mean()
    assert iou(rebuilt > 0, held > 0) > 0.99


def test_exclusive_masks_do_not_overlap(nano_network, clip_frames):
    session = VideoPredictor(nano_network, TrackingOptions(exclusive_masks=True)).open(clip_frames)
    mask = np.zeros((48, 80), bool)
    mask[10:30, 10:40] = True
    session.add_prompt(0, 1, mask=mask)
    result = session.add_prompt(0, 2, mask=np.roll(mask, 10, axis=1))
    assert not (result.masks[1] & result.masks[2]).any()
    assert (result.masks[1] | result.masks[2]).sum() > mask.sum()


def test_messages_leave_the_session_intact(session):
    with pytest.raises(PromptError, match="nothing to track"):
        session.propagate()
    session.add_prompt(0, 1, **DISC)
    for wrong, message in [
        (lambda: session.add_prompt(24, 1, **DISC), "24 frames, accepted: 0 to 23"),
        (lambda: session.add_prompt(-1, 1, **DISC), "0 to 23"),
        (lambda: session.add_prompt(0.5, 1, **DISC), "frame index"),
        (lambda: session.add_prompt(0, -1, **DISC), "object id"),
        (lambda: session.add_prompt(0, "1", **DISC), "object id"),
        (lambda: session.add_prompt(0, 9, points=[(99, 1)]), "outside the picture"),
        (lambda: session.add_prompt(0, 9), "no prompt"),
        (lambda: session.clear_prompts(0, 9), "no object with id 9; known ids: 1"),
        (lambda: session.remove_object(9), "known ids: 1"),
        (lambda: session.propagate(start_frame_index=99), "accepted: 0 to 23"),
        (lambda: session.propagate(direction="up"), "forward, backward, both"),
        (lambda: session.propagate(start_frame_index=5, end_frame_index=2), "cannot end at frame 2"),
    ]:
        with pytest.raises(PromptError, match=message):
            wrong()
    assert session.object_ids == [1]
    assert len(list(session.propagate())) == 24


def test_one_frame_clip(nano_network, clip_frames):
    session = VideoPredictor(nano_network).open(clip_frames[:1])
    session.add_prompt(0, 1, **DISC)
    assert [r.frame_index for r in session.propagate(direction="both")] == [0]


def test_reset_and_reuse(session):
    session.add_prompt(0, 1, **DISC)
    list(session.propagate(end_frame_index=3))
    session.reset()
    assert session.object_ids == [] and session.masklets == {}
    session.add_prompt(2, 1, **GROUND)
    assert session.masklets[1].frame_indices == [2]


def test_chosen_objects_are_tracked_alone(session):
    session.add_prompt(0, 1, **DISC)
    session.add_prompt(0, 2, **GROUND)
    results = list(session.propagate(object_ids=[2]))
    assert session.masklets[1].frame_indices == [0]
    assert session.masklets[2].frame_indices == list(range(24))
    assert all(2 in result.masks for result in results)
    with pytest.raises(PromptError, match="no object with id 7"):
        session.propagate(object_ids=[7])


def test_numpy_ids_come_back_as_plain_ints(nano_network, clip_frames):
    session = VideoPredictor(nano_network).open(clip_frames)
    mask = np.zeros(clip_frames[0].shape[:2], np.uint8)
    mask[10:20, 10:20] = 3
    for label in np.unique(mask)[1:]:
        found = session.add_prompt(np.int64(2), label, mask=mask == label)
    tracked = list(session.propagate(object_ids=np.array([3]), end_frame_index=np.int64(4)))
    for result in (found, *tracked, session.clear_prompts(np.int64(2), np.uint8(3))):
        assert type(result.frame_index) is int
        keys = [*result.object_ids, *result.masks, *result.object_score_logits, *session.masklets]
        assert {type(key) for key in keys} == {int} and set(keys) == {3}
        for masklet in session.masklets.values():
            assert type(masklet.object_id) is int

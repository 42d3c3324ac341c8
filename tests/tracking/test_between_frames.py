"""Frames that are passed over: which they are, what they show, and that they are no memories."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_demo.errors import ConfigError
from sam2_demo.tracking import clip_view
from sam2_demo.tracking.between_frames import in_strides, record_between
from sam2_demo.tracking.followed_objects import ObjectFollower
from sam2_demo.tracking.frame_records import FrameRecord, pack_record, unpack_record
from sam2_demo.tracking.frame_step import HIDDEN_LOGIT
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor

DISC = {"points": [(48, 32)]}


def disc(x: float, y: float, radius: float, score: float = 4.0) -> FrameRecord:
    """A record whose mask is a disc, in cells of 64 x 64."""
    rows, columns = np.mgrid[:64, :64]
    logits = (2 * (radius - np.hypot(columns - x, rows - y))).astype(np.float32)
    return FrameRecord(torch.from_numpy(logits)[None, None], torch.zeros(1, 8), score, 0.9)


def iou(record: FrameRecord, other: FrameRecord) -> float:
    a, b = (r.low_res_logits > 0 for r in (record, other))
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize(("stride", "groups"), [(1, [[0], [1], [2], [3], [4]]), (3, [[0], [1, 2, 3], [4]])])
def test_groups_end_with_the_frame_to_track(stride, groups):
    assert list(in_strides(range(5), stride, lambda frame: False)) == groups


def test_prompted_frames_are_never_passed_over():
    groups = list(in_strides(range(9, -1, -1), 4, lambda frame: frame == 7))
    assert groups == [[9], [8, 7], [6, 5, 4, 3], [2, 1, 0]]
    assert list(in_strides(range(3, 3), 2, lambda frame: False)) == []


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_mask_moves_and_grows_evenly(share):
    before, after = disc(16, 20, 6), disc(40, 30, 9)
    expected = disc(16 + 24 * share, 20 + 10 * share, 6 ** (1 - share) * 9**share)
    found = record_between(before, after, share)
    assert found.is_interpolated and not found.is_prompted
    assert iou(found, expected) > 0.9  # averaging in place would leave nothing: the discs do not touch
    assert ((before.low_res_logits > 0) & (after.low_res_logits > 0)).sum() == 0


def test_hidden_neighbours():
    shown, hidden = disc(16, 20, 6, score=6.0), disc(0, 0, -9, score=-2.0)
    still_there = record_between(shown, hidden, 0.5)
    assert still_there.object_score_logits == 2.0 and torch.equal(still_there.low_res_logits, shown.low_res_logits)
    gone = record_between(shown, hidden, 0.9)
    assert gone.object_score_logits < 0 and (gone.low_res_logits == HIDDEN_LOGIT).all()
    empty = disc(0, 0, -9, score=1.0)
    assert not (record_between(empty, empty, 0.5).low_res_logits > 0).any()


def test_kind_of_record_survives_packing():
    made = record_between(disc(16, 20, 6), disc(20, 20, 6), 0.5)
    assert unpack_record(pack_record(made), torch.device("cpu")).is_interpolated
    tracked = unpack_record(pack_record(disc(1, 1, 1)), torch.device("cpu"))
    assert not tracked.is_interpolated and not tracked.is_prompted


def track(network, frames, **options):
    session = VideoPredictor(network, TrackingOptions(**options)).open(frames)
    session.add_prompt(0, 1, **DISC)
    return session, list(session.propagate())


def test_every_frame_has_a_result_and_few_are_computed(nano_network, clip_frames, monkeypatch):
    computed = []
    whole = clip_view.encode_image
    monkeypatch.setattr(clip_view, "encode_image", lambda *given: computed.append(1) or whole(*given))
    session, results = track(nano_network, clip_frames, frame_stride=3)
    assert [result.frame_index for result in results] == list(range(len(clip_frames)))
    assert all(result.masks.keys() == {1} for result in results)
    assert len(computed) <= 2 + len(clip_frames) // 3
    assert sorted(session.masklets[1]) == list(range(len(clip_frames)))


def test_passed_over_frames_are_no_memories(nano_network, clip_frames):
    session, _ = track(nano_network, clip_frames, frame_stride=3)
    bank = session._tracks[1].bank
    assert bank._features(4) is None and bank._pointer(4) is None
    assert bank._features(6) is not None
    # Nor do memories stay that an earlier run without strides left there.
    session.options = TrackingOptions()
    list(session.propagate())
    assert 4 in bank.recent
    session.options = TrackingOptions(frame_stride=3)
    list(session.propagate())
    assert 4 not in bank.recent


def test_no_frame_attends_to_what_an_earlier_run_left_on_frames_now_passed_over(nano_network, clip_frames, monkeypatch):
    session, _ = track(nano_network, clip_frames, frame_stride=2)  # tracks 0, 2, 4, ...
    corrected = session.add_prompt(5, 1, points=[(60, 10)])
    attended: dict[int, list[int]] = {}
    select = ObjectFollower._select

    def noting(self, followed, path):
        selection = select(self, followed, path)
        attended[followed.past.frame_index] = [slot for slot, _ in selection.memories if slot]
        return selection

    monkeypatch.setattr(ObjectFollower, "_select", noting)
    results = list(session.propagate(start_frame_index=5))  # 5, 7, 9, ...
    assert attended[7] == [5, 3] and attended[9] == [5, 2] and attended[13] == [6, 4, 2]
    assert all(result.is_between == (result.frame_index % 2 == 0) for result in results)
    np.testing.assert_array_equal(results[0].mask_logits[1], corrected.mask_logits[1])


def test_tracked_frames_and_corrections_in_strides(nano_network, clip_frames):
    session, before = track(nano_network, clip_frames, frame_stride=4)
    corrected = session.add_prompt(6, 1, points=[(60, 10)], point_labels=[1])
    after = list(session.propagate())
    np.testing.assert_array_equal(after[6].mask_logits[1], corrected.mask_logits[1])
    assert np.abs(after[7].mask_logits[1] - before[7].mask_logits[1]).max() > 1e-4
    backward = list(session.propagate(start_frame_index=10, direction="backward"))
    assert [result.frame_index for result in backward] == list(range(10, -1, -1))


def test_passed_over_frames_come_back_after_a_restart(nano_network, clip_frames):
    session, _ = track(nano_network, clip_frames, frame_stride=3)
    saved = [frame for t in range(len(clip_frames)) if (frame := session.save_frame(1, t)) is not None]
    later = VideoPredictor(nano_network, TrackingOptions(frame_stride=3)).open(clip_frames)
    later.restore_object(1, {0: DISC}, saved)
    assert later._tracks[1].bank._features(4) is None
    assert later.masklets[1].to_rle() == session.masklets[1].to_rle()


def test_smaller_input_in_clips(nano_network, clip_frames):
    session, results = track(nano_network, clip_frames, input_size=32)
    assert nano_network.config.image_size == 64 and session.input_size == 32
    assert results[5].mask_logits[1].shape == clip_frames[0].shape[:2]
    assert session._tracks[1].records.get(5).low_res_logits.shape[-1] == 8
    # What was saved with one input size is gone on with in another.
    saved = [frame for t in range(6) if (frame := session.save_frame(1, t)) is not None]
    larger = VideoPredictor(nano_network).open(clip_frames)
    larger.restore_object(1, {0: DISC}, saved)
    assert larger._tracks[1].records.get(5).low_res_logits.shape[-1] == 16
    assert len(list(larger.propagate(start_frame_index=3))) == len(clip_frames) - 3
    assert larger.add_prompt(5, 1, points=[(50, 30)], clear_previous=False).masks[1].shape == clip_frames[0].shape[:2]


@pytest.mark.parametrize(
    "wrong", [{"frame_stride": 0}, {"frame_stride": 2.5}, {"frame_stride": 7}, {"input_size": 100}, {"input_size": 0}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrackingOptions(**wrong)

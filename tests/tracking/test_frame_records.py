"""Records: exact while held, within 2.5 % afterwards, bounded in memory."""

from __future__ import annotations

import torch

from sam2_demo.tracking.frame_records import FrameRecord, FrameRecords, pack_record, unpack_record
from sam2_demo.tracking.frame_step import HIDDEN_LOGIT


def record(seed, score=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 1, 16, 16, generator=generator) * 8
    return FrameRecord(logits, torch.randn(1, 32, generator=generator), score, 0.75)


def test_pack_and_unpack():
    original = record(0)
    back = unpack_record(pack_record(original), torch.device("cpu"))
    torch.testing.assert_close(back.low_res_logits, original.low_res_logits.clamp(-32, 32), rtol=0.025, atol=0.006)
    assert (back.object_pointer - original.object_pointer).abs().max() < 2e-3
    assert (back.object_score_logits, back.iou_prediction, back.is_prompted) == (3.0, 0.75, False)


def test_hidden_masks_stay_hidden():
    hidden = FrameRecord(torch.full((1, 1, 16, 16), HIDDEN_LOGIT), torch.zeros(1, 32), -2.0, 0.1)
    back = unpack_record(pack_record(hidden), torch.device("cpu"))
    assert (back.low_res_logits == HIDDEN_LOGIT).all()


def test_old_records_leave_memory_and_come_back():
    records = FrameRecords(capacity=4, device=torch.device("cpu"))
    for t in range(10):
        records.set(t, record(t))
    assert len(records._held) == 4
    assert records.frame_indices == list(range(10))
    for t in range(10):
        expected = record(t).low_res_logits.clamp(-32, 32)
        torch.testing.assert_close(records.get(t).low_res_logits.clamp(-32, 32), expected, rtol=0.025, atol=0.006)
    assert records.get(99) is None and 3 in records and 99 not in records


def test_replacing_and_discarding():
    records = FrameRecords(capacity=2, device=torch.device("cpu"))
    for t in range(4):
        records.set(t, record(t))
    records.set(0, record(7, score=-1.0))
    assert records.get(0).object_score_logits == -1.0
    records.discard(0)
    records.discard(1)
    assert records.frame_indices == [2, 3] and records.get(1) is None

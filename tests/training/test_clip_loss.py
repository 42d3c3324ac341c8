"""Clips are corrected by as many clicks as the stage says, each with those before it."""

from itertools import groupby

import numpy as np
import pytest

from sam2_demo.training import clip_loss as module
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.losses import LossWeights
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker


@pytest.mark.parametrize("corrections", [1, 3])
def test_corrected_frames_have_so_many_clicks(small_network, drawn_pictures, monkeypatch, corrections):
    counts: list[int] = []
    whole = module.frame_step

    def counted(network, embedding, prompts, *more, **how):
        counts.append(0 if prompts.points is None else prompts.points[0].shape[1])
        return whole(network, embedding, prompts, *more, **how)

    monkeypatch.setattr(module, "frame_step", counted)
    batch = ClipBatchMaker(PictureBatchMaker(drawn_pictures, PictureAugmentation())).make(0, 1, 2, 3, 64)
    first, later = set(), set()
    for seed in range(12):
        counts.clear()
        loss = module.clip_loss(small_network, batch, np.random.default_rng(seed), LossWeights(), corrections).loss
        assert loss.isfinite()
        runs = [list(own) for is_prompted, own in groupby(counts, bool) if is_prompted]
        assert all(run == list(range(run[0], run[0] + len(run))) for run in runs)
        if counts[0]:  # a click or the two corners of a box, on the first frame
            first.add(len(runs.pop(0)))
        later.update(map(len, runs))
    assert first == {1, 1 + corrections} and later == {corrections}


def test_up_to_two_later_frames_are_corrected(small_network, drawn_pictures, monkeypatch):
    corrected: list[bool] = []
    whole = module._track_frame

    def noted(run, index, kind, is_corrected):
        corrected.append(is_corrected and index > 0)
        whole(run, index, kind, is_corrected)

    monkeypatch.setattr(module, "_track_frame", noted)
    batch = ClipBatchMaker(PictureBatchMaker(drawn_pictures, PictureAugmentation())).make(0, 1, 1, 5, 64)
    counts = set()
    for seed in range(16):
        corrected.clear()
        module.clip_loss(small_network, batch, np.random.default_rng(seed), LossWeights())
        counts.add(sum(corrected))
    assert counts == {0, 1, 2}

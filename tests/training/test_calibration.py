"""The object score's zero is moved by the lowest scores of visible frames, and by nothing else."""

import numpy as np
import pytest
import torch

from sam2_demo.training.calibration import calibrate_object_score
from sam2_demo.training.clip_batches import ClipBatchMaker
from sam2_demo.training.picture_batches import PictureAugmentation, PictureBatchMaker


@pytest.mark.parametrize("start", [3.0, -3.0])
def test_bias_falls_to_the_lowest_visible_scores(small_network, drawn_pictures, start):
    head = small_network.sam_mask_decoder.pred_obj_score_head.layers[-1]
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, start)
    maker = ClipBatchMaker(PictureBatchMaker(drawn_pictures, PictureAugmentation()))
    shift = calibrate_object_score(small_network, [maker.make(number, 1, 2, 3, 64) for number in range(2)])
    assert shift == pytest.approx(max(0.0, start), abs=1e-5)
    assert head.bias.item() == pytest.approx(min(0.0, start), abs=1e-5)


def test_nothing_shown_changes_nothing(small_network):
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    assert calibrate_object_score(small_network, []) == 0.0
    assert all(np.array_equal(value, before[name]) for name, value in small_network.state_dict().items())

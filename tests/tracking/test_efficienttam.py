"""Following an object with EfficientTAM gives the logits that the released code gave with the same random weights.

Recorded with https://github.com/yformer/EfficientTAM at abcd061: its video predictor on pictures of 128 x 128, memories
in float32, without hole filling. That code is no dependency, so its figures stand here; all eight releases were
compared with it in full on a click, five tracked frames, a correction and tracking again: logits differed by 4e-6 at
most.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_demo import TrackingOptions, VideoPredictor
from sam2_demo.network.config import EFFICIENTTAM_CONFIGS
from sam2_demo.network.sam2_network import Sam2Network
from tests.reference import LOGIT_TOLERANCE, SIDE, moving_frames
from tests.relatives import fill_official

# Of frames 0 to 4: every third of the logits 32 pixels apart. From frame 2 on there are several memories to average.
RECORDED = {
    "efficienttam-ti": (
        (0.22719, 0.30669, 0.21293, 0.16852, 0.32812, 0.22761),
        (0.07773, 0.03805, 0.17353, 0.16125, 0.31562, 0.11368),
        (0.50033, 0.44363, 0.44360, 0.53240, 0.56536, 0.68637),
        (0.66227, 0.60699, 0.66457, 0.76989, 0.64086, 0.62104),
        (0.49587, 0.46768, 0.55499, 0.63173, 0.41769, 0.48182),
    ),
    "efficienttam-ti-1": (
        (0.22719, 0.30669, 0.21293, 0.16852, 0.32812, 0.22761),
        (0.07773, 0.03805, 0.17353, 0.16125, 0.31562, 0.11368),
        (0.22399, 0.22196, 0.19068, 0.12369, 0.16710, 0.23512),
        (0.32980, 0.30591, 0.28269, 0.27250, 0.29907, 0.30302),
        (0.24448, 0.28037, 0.21278, 0.18873, 0.23986, 0.28476),
    ),
    "efficienttam-ti-2": (
        (0.22719, 0.30669, 0.21293, 0.16852, 0.32812, 0.22761),
        (0.07773, 0.03805, 0.17353, 0.16125, 0.31562, 0.11368),
        (0.19093, 0.17241, 0.16840, 0.09959, 0.14147, 0.18439),
        (0.29487, 0.25987, 0.28041, 0.26323, 0.26721, 0.26069),
        (0.18431, 0.23980, 0.18929, 0.16895, 0.18787, 0.23767),
    ),
    "efficienttam-s": (
        (0.13441, 0.47182, -0.02163, 0.20559, 0.38361, 0.47486),
        (0.02835, 0.14963, 0.16834, 0.10269, 0.27034, 0.05869),
        (-0.54839, -0.58070, -0.59590, -0.53820, -0.49195, -0.54664),
        (0.25813, 0.24044, 0.15415, 0.28562, 0.25001, 0.20466),
        (0.36764, 0.24329, 0.12381, 0.23106, 0.37757, 0.15271),
    ),
}


def track(config_name: str, side: int = SIDE) -> np.ndarray:
    """Mask logits (5, S, S) of an object that is clicked in frame 0."""
    torch.set_num_threads(1)
    network = Sam2Network(EFFICIENTTAM_CONFIGS[config_name]).eval().requires_grad_(False)
    fill_official(network, seed=5)
    network.config = replace(network.config, image_size=side)
    session = VideoPredictor(network, TrackingOptions(max_fill_area=0)).open(list(moving_frames(5, side=side)))
    session.add_prompt(0, 1, points=[(50, 60)], point_labels=[1])
    return np.stack([result.mask_logits[1] for result in session.propagate(0)])


@pytest.mark.parametrize("name", RECORDED)
def test_logits_are_the_released_codes(name: str) -> None:
    sampled = track(name)[:, 16::32, 16::32].reshape(5, -1)[:, ::3]
    assert np.abs(sampled - np.array(RECORDED[name])).max() <= LOGIT_TOLERANCE


def test_releases_of_one_width_share_their_tensors() -> None:
    with torch.device("meta"):
        shapes = [
            {name: tensor.shape for name, tensor in Sam2Network(config).state_dict().items()}
            for config in EFFICIENTTAM_CONFIGS.values()
        ]
    assert shapes[0] == shapes[1] == shapes[2] == shapes[3] != shapes[4] == shapes[5] == shapes[6] == shapes[7]


def test_the_decoder_has_no_skip_connections() -> None:
    with torch.device("meta"):
        network = Sam2Network(EFFICIENTTAM_CONFIGS["efficienttam-ti"])
    assert network.sam_mask_decoder.skip_projections == ()
    assert not any("conv_s" in name for name in network.state_dict())

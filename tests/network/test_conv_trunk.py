"""The convolutional trunk gives the same four maps as Hiera does."""

import torch

from sam2_demo.network.config import SCRATCH_CONFIG, ConvTrunkConfig
from sam2_demo.network.conv_trunk import ConvTrunk


def test_maps_have_strides_4_to_32():
    config = ConvTrunkConfig(channels=(8, 16, 24, 32), blocks=(1, 1, 2, 1))
    maps = ConvTrunk(config)(torch.zeros(2, 3, 64, 64))
    assert [tuple(m.shape) for m in maps] == [(2, 8, 16, 16), (2, 16, 8, 8), (2, 24, 4, 4), (2, 32, 2, 2)]


def test_blocks_start_as_the_identity():
    trunk = ConvTrunk(ConvTrunkConfig(channels=(8, 16, 24, 32), blocks=(1, 1, 1, 1))).eval()
    block = trunk.stages[0].blocks[0]
    features = torch.rand(1, 8, 5, 5)
    assert torch.equal(block(features), features)


def test_trunk_fits_the_size_limit():
    parameters = sum(p.numel() for p in ConvTrunk(SCRATCH_CONFIG.trunk).parameters())
    assert 2 * parameters < 11e6

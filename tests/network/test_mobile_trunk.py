"""The embedded network's trunk: the maps it gives, and its folded form against the plain one."""

import torch

from sam2_demo.network.config import EMBEDDED_CONFIG, MobileTrunkConfig
from sam2_demo.network.mobile_trunk import ConvNorm, MobileTrunk
from sam2_demo.network.sam2_network import Sam2Network


def test_maps_have_strides_4_to_32():
    trunk = MobileTrunk().eval()
    maps = trunk(torch.zeros(1, 3, 64, 96))
    channels = MobileTrunkConfig().channels
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels[0], 16, 24),
        (channels[1], 8, 12),
        (channels[2], 4, 6),
        (channels[3], 2, 3),
    ]


def test_still_statistics_are_folded_into_the_convolution():
    torch.manual_seed(0)
    layer = ConvNorm(4, 6, kernel=5, stride=2, groups=2)
    layer(torch.randn(8, 4, 16, 16) * 3 + 1)  # moves the running statistics
    torch.nn.init.normal_(layer.norm.weight)
    torch.nn.init.normal_(layer.norm.bias)
    layer.eval()
    features = torch.randn(2, 4, 16, 16)
    torch.testing.assert_close(layer(features), layer.norm(layer.conv(features)), rtol=1e-4, atol=1e-5)


def test_embedded_network_fits_16_megabytes_in_half_precision():
    assert 2 * sum(tensor.numel() for tensor in Sam2Network(EMBEDDED_CONFIG).state_dict().values()) < 16e6

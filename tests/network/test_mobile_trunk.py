"""The embedded network's trunk: the maps it gives, and its folded form against the plain one."""

import pytest
import torch

from sam2_demo.network.config import EMBEDDED_CONFIG, MobileTrunkConfig
from sam2_demo.network.fine_path import FinePath
from sam2_demo.network.mobile_trunk import ConvNorm, MobileTrunk
from sam2_demo.network.sam2_network import Sam2Network


@pytest.mark.parametrize("fine_width", [0, 32])
def test_maps_have_strides_4_to_32(fine_width):
    trunk = MobileTrunk(MobileTrunkConfig(fine_width)).eval()
    maps = trunk(torch.zeros(1, 3, 64, 96))
    channels = MobileTrunkConfig().channels
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels[0], 16, 24),
        (channels[1], 8, 12),
        (channels[2], 4, 6),
        (channels[3], 2, 3),
    ]


def test_fine_path_starts_by_adding_nothing_and_then_refines_the_first_two_maps():
    torch.manual_seed(0)
    trunk = MobileTrunk(MobileTrunkConfig()).eval()
    pixels = torch.randn(1, 3, 64, 96)
    plain = MobileTrunk(MobileTrunkConfig(fine_width=0)).eval()
    plain.load_state_dict({n: t for n, t in trunk.state_dict().items() if not n.startswith("fine_path.")})
    for fine, coarse in zip(trunk(pixels), plain(pixels), strict=True):
        assert torch.equal(fine, coarse)
    for layer in (trunk.fine_path.to_fine, trunk.fine_path.to_middle):
        torch.nn.init.normal_(layer.weight)
    changed = [not torch.equal(a, b) for a, b in zip(trunk(pixels), plain(pixels), strict=True)]
    assert changed == [True, True, False, False]


def test_fine_path_carries_the_coarsest_map_up():
    """What stride 32 knows reaches stride 4, where SAM 2's pyramid does not bring it."""
    torch.manual_seed(0)
    path = FinePath((4, 6, 8, 10), 8)
    torch.nn.init.normal_(path.to_fine.weight)
    maps = [torch.zeros(1, width, 32 // 2**i, 32 // 2**i) for i, width in enumerate((4, 6, 8, 10))]
    pixels = torch.zeros(1, 3, 128, 128)
    before = path(pixels, maps)[0]
    maps[3][:, :, 1, 1] = 5.0
    assert (path(pixels, maps)[0] - before).abs().amax(dim=1).flatten().count_nonzero() > 64


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

"""Starting points: the published trunk's file and the modules of an older network."""

import pytest
import torch

from sam2_demo.errors import WeightsError
from sam2_demo.network.config import COARSE_EMBEDDED_CONFIG, EMBEDDED_CONFIG, SCRATCH_CONFIG, MobileTrunkConfig
from sam2_demo.network.mobile_trunk import MobileTrunk
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.pixels import PIXEL_DEVIATION, PIXEL_MEAN
from sam2_demo.training.pretrained import adopt_matching, load_imagenet_trunk

_PARTS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def published(trunk):
    """The trunk's values under the names of the published file."""
    numbers = {f"stages.{i}.{j}": None for i, stage in enumerate(trunk.stages) for j in range(len(stage))}
    numbers = {place: number for number, place in enumerate(numbers)}
    renamed = {"_conv_head.weight": torch.zeros(4, 320, 1, 1), "_fc.bias": torch.zeros(10)}
    for name, tensor in trunk.state_dict().items():
        if name.startswith("fine_path."):
            continue
        parts = name.split(".")
        if parts[0] == "stem":
            renamed[f"{'_conv_stem' if parts[1] == 'conv' else '_bn0'}.{parts[2]}"] = tensor
        else:
            conv, norm = _PARTS[parts[3]]
            renamed[f"_blocks.{numbers['.'.join(parts[:3])]}.{conv if parts[4] == 'conv' else norm}.{parts[5]}"] = (
                tensor
            )
    return renamed


def test_trunk_sees_the_same_picture_through_either_normalisation(tmp_path):
    torch.manual_seed(0)
    source = MobileTrunk(MobileTrunkConfig()).eval()
    torch.save(published(source), tmp_path / "lite0.pth")
    trunk = MobileTrunk(MobileTrunkConfig()).eval()
    load_imagenet_trunk(trunk, tmp_path / "lite0.pth")
    picture = torch.rand(1, 3, 64, 64) * 255
    mean, deviation = (torch.tensor(v)[:, None, None] for v in (PIXEL_MEAN, PIXEL_DEVIATION))
    expected = source.stem((picture - 127) / 128)
    found = trunk.stem((picture / 255 - mean) / deviation)
    inner = (..., slice(1, None), slice(1, None))  # zero padding means another grey at the border
    torch.testing.assert_close(found[inner], expected[inner], rtol=1e-3, atol=1e-3)


def test_other_file_is_refused(tmp_path):
    torch.save(
        {"_conv_stem.weight": torch.zeros(32, 3, 3, 3), "_bn0.running_mean": torch.zeros(32)}, tmp_path / "x.pth"
    )
    with pytest.raises(WeightsError, match="does not hold EfficientNet-Lite0"):
        load_imagenet_trunk(MobileTrunk(MobileTrunkConfig()), tmp_path / "x.pth")


def test_all_but_trunk_and_pyramid_are_adopted():
    torch.manual_seed(0)
    old, new = Sam2Network(SCRATCH_CONFIG), Sam2Network(EMBEDDED_CONFIG)
    left = adopt_matching(new, old.state_dict())
    assert left == [f"image_encoder.neck.convs.{i}.conv.weight" for i in range(4)]
    for name in ("memory_encoder.out_proj.weight", "sam_mask_decoder.iou_token.weight"):
        assert torch.equal(new.state_dict()[name], old.state_dict()[name])


def test_weights_of_before_the_fine_path_are_taken_up_whole():
    torch.manual_seed(0)
    old, new = Sam2Network(COARSE_EMBEDDED_CONFIG).eval(), Sam2Network(EMBEDDED_CONFIG).eval()
    left = adopt_matching(new, old.state_dict())
    assert left and all(name.startswith("image_encoder.trunk.fine_path.") for name in left)
    pixels = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        found, expected = new.encode_image(pixels), old.encode_image(pixels)
    assert torch.equal(found.features, expected.features)
    assert torch.equal(found.high_res_features[0], expected.high_res_features[0])

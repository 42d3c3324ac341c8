"""All eight official configurations against transformers: every tensor's name and shape, and the image encoder."""

from __future__ import annotations

import pytest
import torch
from transformers import Sam2VideoModel, Sam2VisionModel

from sam2_demo.network.checkpoint import infer_config, to_official_names
from sam2_demo.network.config import OFFICIAL_CONFIGS, HieraConfig
from sam2_demo.network.image_encoder import ImageEncoder
from sam2_demo.network.sam2_network import Sam2Network
from tests.reference import fill_randomly, video_config, vision_config

SIZES = ["tiny", "small", "base-plus", "large"]


@pytest.mark.parametrize("variant", OFFICIAL_CONFIGS)
def test_every_tensor_of_transformers_has_its_place(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Values are not there on the meta device, so the two copies of the position code cannot be compared.
    monkeypatch.setattr(torch, "equal", lambda a, b: True)
    with torch.device("meta"):
        theirs = to_official_names(Sam2VideoModel(video_config(variant)).state_dict())
        ours = Sam2Network(OFFICIAL_CONFIGS[variant]).state_dict()
    assert {name: tensor.shape for name, tensor in theirs.items()} == {n: t.shape for n, t in ours.items()}
    assert infer_config(theirs) == OFFICIAL_CONFIGS[variant]


@pytest.mark.parametrize("size", SIZES)
def test_image_encoder(size: str) -> None:
    config = OFFICIAL_CONFIGS[f"sam2.1-hiera-{size}"]
    assert config.trunk == OFFICIAL_CONFIGS[f"sam2-hiera-{size}"].trunk  # so one comparison stands for both releases
    assert isinstance(config.trunk, HieraConfig)
    torch.set_num_threads(1)
    reference = Sam2VisionModel(vision_config(config.trunk, side=64)).eval()
    fill_randomly(reference, seed=1)
    with torch.device("meta"):
        encoder = ImageEncoder(config).eval()
    prefixed = {f"vision_encoder.{name}": tensor for name, tensor in reference.state_dict().items()}
    named = {n.removeprefix("image_encoder."): t for n, t in to_official_names(prefixed).items()}
    encoder.load_state_dict(named, assign=True)
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    skips = (torch.nn.Conv2d(256, 256, 1), torch.nn.Conv2d(256, 256, 1))
    with torch.inference_mode():
        for skip in skips:  # the decoder's projections are applied with the pyramid: here they change nothing
            skip.weight.copy_(torch.eye(256)[..., None, None])
            skip.bias.zero_()
        embedding = encoder(pixels, skips)
        expected = reference(pixels).fpn_hidden_states
    for own, other in zip((*embedding.high_res_features, embedding.features), expected, strict=True):
        assert own.shape == other.shape
        assert (own - other).abs().max() <= 1e-4 * other.std()

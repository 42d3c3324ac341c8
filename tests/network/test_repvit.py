"""EdgeTAM's trunk gives timm's maps, merges its branches without changing them, and trains."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sam2_demo.network.config import EDGETAM_CONFIG, RepVitConfig
from sam2_demo.network.inference import for_inference
from sam2_demo.network.repvit import RepVit, TokenMixer
from sam2_demo.network.sam2_network import Sam2Network
from tests.relatives import PlainRepVit, fill_trunk

PIXELS = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
# timm 1.0.31, `repvit_m1` with `features_only=True`: of each map five channels at (1, 1), and the deviation of all.
TIMM = [
    (-0.16885, 0.10326, 0.00939, 1.11325, 0.02957, 0.36698),
    (0.08065, -0.55455, -0.10263, 0.82552, -0.43327, 0.39994),
    (0.66318, -0.35848, -0.40616, -0.42301, -0.04463, 0.4076),
    (-0.12747, -0.19906, 0.28232, 0.37812, -0.55082, 0.35539),
]


@pytest.fixture(scope="module")
def plain() -> PlainRepVit:
    """The re-statement with random weights."""
    torch.set_num_threads(1)
    trunk = PlainRepVit().eval().requires_grad_(False)
    fill_trunk(trunk, seed=0)
    return trunk


def ours_like(plain: PlainRepVit) -> RepVit:
    assert isinstance(EDGETAM_CONFIG.trunk, RepVitConfig)
    trunk = RepVit(EDGETAM_CONFIG.trunk).eval()
    trunk.load_state_dict({f"body.{name}": tensor for name, tensor in plain.state_dict().items()})
    return trunk


def test_restatement_gives_timms_figures(plain: PlainRepVit) -> None:
    for features, recorded in zip(plain(PIXELS), TIMM, strict=True):
        figures = torch.cat((features[0, :5, 1, 1], features.std()[None]))
        assert (figures - torch.tensor(recorded)).abs().max() <= 2e-5


def test_maps(plain: PlainRepVit) -> None:
    for own, other in zip(ours_like(plain)(PIXELS), plain(PIXELS), strict=True):
        assert own.shape == other.shape
        assert (own - other).abs().max() <= 1e-5


def test_branches_are_merged_for_inference(plain: PlainRepVit) -> None:
    torch.manual_seed(0)
    network = Sam2Network(EDGETAM_CONFIG).eval().requires_grad_(False)
    network.image_encoder.trunk = ours_like(plain).requires_grad_(False)
    trunk = for_inference(network).image_encoder.trunk
    assert not any(isinstance(module, (nn.BatchNorm2d, TokenMixer)) for module in trunk.modules())
    for own, other in zip(trunk(PIXELS), plain(PIXELS), strict=True):
        assert (own - other).abs().max() <= 1e-5


def test_training_updates_statistics_and_reaches_every_branch(plain: PlainRepVit) -> None:
    trunk, reference = ours_like(plain).train(), ours_like(plain)
    before = trunk.body.stem.conv1.bn.running_mean.clone()
    sum(features.mean() for features in trunk(PIXELS)).backward()
    assert not torch.equal(trunk.body.stem.conv1.bn.running_mean, before)
    assert all(parameter.grad is not None for parameter in trunk.parameters())
    assert torch.equal(reference.body.stem.conv1.bn.running_mean, before)

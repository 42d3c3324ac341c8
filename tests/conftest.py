"""Fixtures that every package's tests share: a very small network and clips made on the spot."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from sam2_demo.network.config import ConvTrunkConfig, NetworkConfig
from sam2_demo.network.sam2_network import Sam2Network

NANO_CONFIG = NetworkConfig(
    name="nano",
    trunk=ConvTrunkConfig(channels=(8, 8, 16, 16), blocks=(1, 1, 1, 1)),
    image_size=64,
    hidden_dim=32,
    memory_dim=16,
    memory_attention_layers=1,
    memory_attention_mlp_dim=32,
    memory_attention_dropout=0.0,
    decoder_mlp_dim=32,
    decoder_heads=2,
)


def lively_network(config: NetworkConfig, seed: int) -> Sam2Network:
    """A random network whose masks vary over the picture and depend on memory; objects are mostly visible."""
    torch.manual_seed(seed)
    network = Sam2Network(config).eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1 and "embed" not in name:
            parameter.mul_(2.0)
    network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(4.0)
    for head in network.sam_mask_decoder.output_hypernetworks_mlps:
        head.layers[-1].weight.mul_(8.0)
    for layer in network.memory_encoder.fuser.layers:
        layer.gamma.fill_(0.5)
    return network


@pytest.fixture(scope="session")
def nano_network() -> Sam2Network:
    """A network of the full architecture that takes a few milliseconds a frame."""
    torch.set_num_threads(1)
    return lively_network(NANO_CONFIG, seed=2)


@pytest.fixture(scope="session")
def clip_frames() -> list[np.ndarray]:
    """24 frames of 48 x 80 with a textured disc moving over a textured ground."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 120, (48, 80, 3), dtype=np.uint8)
    disc = rng.integers(130, 255, (48, 80, 3), dtype=np.uint8)
    y, x = np.mgrid[0:48, 0:80]
    inside = [(x - 15 - 2 * t) ** 2 + (y - 24) ** 2 < 100 for t in range(24)]
    return [np.where(mask[..., None], disc, ground) for mask in inside]

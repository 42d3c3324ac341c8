"""Small pictures and a small network to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_demo.datasets.label_maps import LabelledPicture
from sam2_demo.network.config import EMBEDDED_CONFIG, ConvTrunkConfig, NetworkConfig
from sam2_demo.network.sam2_network import Sam2Network

SMALL = replace(
    EMBEDDED_CONFIG,
    name="small",
    trunk=ConvTrunkConfig(channels=(8, 16, 24, 32), blocks=(1, 1, 1, 1)),
    image_size=64,
    hidden_dim=32,
    memory_dim=16,
    memory_attention_layers=1,
    memory_attention_mlp_dim=32,
    decoder_mlp_dim=32,
    decoder_heads=2,
)


def picture(seed: int) -> LabelledPicture:
    """A bright disc (label 1) and a dark square (label 2) on noise."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, 130, (72, 96, 3)).astype(np.uint8)
    labels = np.zeros((72, 96), np.uint8)
    rows, columns = np.mgrid[:72, :96]
    disc = (rows - rng.integers(20, 50)) ** 2 + (columns - rng.integers(20, 40)) ** 2 < 15**2
    pixels[disc], labels[disc] = (230, 200, 60), 1
    top, left = rng.integers(5, 40), rng.integers(60, 75)
    pixels[top : top + 20, left : left + 18], labels[top : top + 20, left : left + 18] = (20, 30, 60), 2
    return LabelledPicture("drawn", pixels, (labels,))


@pytest.fixture(scope="session")
def drawn_pictures() -> list[LabelledPicture]:
    """Twelve drawn pictures."""
    return [picture(seed) for seed in range(12)]


@pytest.fixture
def small_config() -> NetworkConfig:
    """A network of some ten thousand weights."""
    return SMALL


@pytest.fixture
def small_network(small_config: NetworkConfig) -> Sam2Network:
    """The small network with repeatable weights."""
    torch.manual_seed(0)
    return Sam2Network(small_config)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and far slower beside other programs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

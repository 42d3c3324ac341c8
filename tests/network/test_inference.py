"""The network made ready for inference gives the same numbers, leaves the network alone and follows its changes."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from sam2_demo.network.config import ConvTrunkConfig, HieraConfig, MobileTrunkConfig
from sam2_demo.network.inference import for_inference
from sam2_demo.network.sam2_network import Sam2Network
from tests.conftest import NANO_CONFIG, lively_network

TRUNKS = {
    "convolutional": ConvTrunkConfig(channels=(8, 8, 16, 16), blocks=(1, 1, 1, 1)),
    "mobile": MobileTrunkConfig(),
    "hiera": HieraConfig(16, 1, (1, 1, 1, 1), (2,)),
}


def network_with(trunk: str) -> Sam2Network:
    network = lively_network(replace(NANO_CONFIG, trunk=TRUNKS[trunk]), seed=4)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return network


@torch.inference_mode()
def embed(network: Sam2Network) -> list[torch.Tensor]:
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with network.precision():
        embedding = network.encode_image(pixels)
    return [embedding.features.float(), *(level.float() for level in embedding.high_res_features)]


@pytest.mark.parametrize("trunk", TRUNKS)
def test_the_twin_computes_the_same(trunk):
    network = network_with(trunk)
    for ours, expected in zip(embed(for_inference(network)), embed(network), strict=True):
        assert torch.allclose(ours, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("trunk", TRUNKS)
def test_narrow_matrices_stay_close(trunk):
    network = network_with(trunk)
    exact = embed(network)
    network.compute_dtype = torch.bfloat16
    for ours, expected in zip(embed(for_inference(network)), exact, strict=True):
        assert (ours - expected).norm() < 0.04 * expected.norm()


def test_mobile_trunk_stays_exact_on_cpus():
    network = network_with("mobile")
    pixels = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        exact = network.image_encoder.trunk(pixels)
        network.compute_dtype = torch.bfloat16
        twin = for_inference(network)
        with twin.precision():
            found = twin.image_encoder.trunk(pixels)
    for ours, expected in zip(found, exact, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)
    assert twin.get_parameter("image_encoder.neck.convs.0.conv.weight").dtype == torch.bfloat16


def test_the_network_keeps_its_tensors():
    network = network_with("mobile")
    network.compute_dtype = torch.bfloat16
    before = copy.deepcopy(network.state_dict())
    twin = for_inference(network)
    embed(twin)
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(after[name].dtype == before[name].dtype and torch.equal(after[name], before[name]) for name in before)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in twin.modules())
    assert twin.get_parameter("memory_attention.layers.0.linear1.weight").dtype == torch.bfloat16
    assert twin.get_parameter("sam_mask_decoder.iou_prediction_head.layers.0.weight").dtype == torch.float32


def test_a_twin_is_made_once_and_again_after_a_change():
    network = network_with("convolutional")
    twin = for_inference(network)
    assert twin is not network and for_inference(network) is twin
    network.no_mem_embed.add_(1.0)
    changed = for_inference(network)
    assert changed is not twin and torch.equal(changed.no_mem_embed, network.no_mem_embed)
    network.compute_dtype = torch.bfloat16
    assert for_inference(network) is not changed
    assert for_inference(network.train()) is network

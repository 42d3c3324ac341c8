"""Learning rates, layer-wise decay and averaged weights."""

import pytest
import torch
from torch import nn

from sam2_demo.network.config import EMBEDDED_CONFIG, HieraConfig
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.optimisation import AveragedWeights, learning_rate, make_optimiser, set_learning_rate


def test_cosine_runs_from_start_to_end():
    assert learning_rate(1.0, 0.1, 0.0) == pytest.approx(1.0)
    assert learning_rate(1.0, 0.1, 0.5) == pytest.approx(0.55)
    assert learning_rate(1.0, 0.1, 2.0) == pytest.approx(0.1)


def test_layer_decay_falls_towards_the_trunks_start(small_config):
    from dataclasses import replace

    trunk = HieraConfig(16, 1, (1, 1, 1, 1), ())
    network = Sam2Network(replace(small_config, trunk=trunk))
    optimiser = make_optimiser([network], weight_decay=0.1, layer_decay=0.5)
    set_learning_rate(optimiser, 1.0)
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    named = dict(network.named_parameters())
    assert rate[id(named["image_encoder.trunk.blocks.3.attn.proj.weight"])] == pytest.approx(0.5)
    assert rate[id(named["image_encoder.trunk.blocks.0.attn.proj.weight"])] == pytest.approx(0.5**4)
    assert rate[id(named["image_encoder.trunk.patch_embed.proj.weight"])] == pytest.approx(0.5**5)
    assert rate[id(named["sam_mask_decoder.conv_s0.weight"])] == 1.0


def test_pretrained_trunk_learns_slowly_and_its_fine_path_does_not():
    network = Sam2Network(EMBEDDED_CONFIG)
    optimiser = make_optimiser([network], weight_decay=0.1, trunk_rate=0.25)
    set_learning_rate(optimiser, 1.0)
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    trunk = network.image_encoder.trunk
    assert rate[id(trunk.stages[6][0].project.conv.weight)] == 0.25
    assert rate[id(trunk.fine_path.to_fine.weight)] == 1.0


def test_vectors_are_not_decayed(small_network):
    optimiser = make_optimiser([small_network], weight_decay=0.1)
    for group in optimiser.param_groups:
        if group["weight_decay"] > 0:
            assert all(parameter.ndim >= 2 for parameter in group["params"])


def test_average_forgets_the_start_and_then_lags():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 100.0)
    average = AveragedWeights(layer, decay=0.9)
    nn.init.constant_(layer.weight, 1.0)
    for _ in range(60):
        average.update(layer)
    assert average.tensors["weight"].item() == pytest.approx(1.0, abs=0.5)
    nn.init.constant_(layer.weight, 2.0)
    average.update(layer)
    assert 1.0 < average.tensors["weight"].item() < 1.7
    assert torch.isfinite(average.tensors["weight"]).all()

"""Tensors are matched strictly, and what does not fit is named."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformers import Sam2Config, Sam2Model

from sam2_demo.errors import WeightsError
from sam2_demo.network.checkpoint import build_network, infer_config, to_official_names
from sam2_demo.network.config import COARSE_EMBEDDED_CONFIG, EMBEDDED_CONFIG, OFFICIAL_CONFIGS
from sam2_demo.network.sam2_network import Sam2Network
from tests.reference import random_reference

Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def embedded() -> Tensors:
    """Random tensors of the embedded network."""
    torch.manual_seed(0)
    return Sam2Network(EMBEDDED_CONFIG).state_dict()


@pytest.fixture(scope="module")
def transformers_tiny() -> Tensors:
    """Random tensors of tiny 2.1 in transformers' names."""
    return random_reference("sam2.1-hiera-tiny").state_dict()


def test_network_is_ready_to_predict(embedded: Tensors) -> None:
    network = build_network(embedded)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network.config == EMBEDDED_CONFIG
    assert all(torch.equal(tensor, embedded[name]) for name, tensor in network.state_dict().items())


def test_embedded_weights_of_before_the_fine_path_still_load() -> None:
    torch.manual_seed(0)
    older = Sam2Network(COARSE_EMBEDDED_CONFIG).state_dict()
    assert build_network(older).config == COARSE_EMBEDDED_CONFIG


def test_a_fine_path_that_is_not_whole_is_named(embedded: Tensors) -> None:
    cut = {name: t for name, t in embedded.items() if name != "image_encoder.trunk.fine_path.to_fine.bias"}
    with pytest.raises(WeightsError, match=r"1 of \d+ tensors of embedded are missing, first .*fine_path.to_fine.bias"):
        build_network(cut)


def test_tensors_are_copied(embedded: Tensors) -> None:
    source = {name: tensor.clone() for name, tensor in embedded.items()}
    network = build_network(source)
    source["no_obj_ptr"].fill_(9)
    assert torch.equal(network.no_obj_ptr, embedded["no_obj_ptr"])


def test_half_precision_becomes_float32_and_counters_stay_whole(embedded: Tensors) -> None:
    half = {name: t.half() if t.is_floating_point() else t for name, t in embedded.items()}
    state = build_network(half).state_dict()
    counters = [tensor for name, tensor in state.items() if name.endswith("num_batches_tracked")]
    assert counters and all(tensor.dtype == torch.int64 for tensor in counters)
    assert all(tensor.dtype == torch.float32 for tensor in state.values() if tensor.is_floating_point())


def test_transformers_names_give_the_official_tensors(transformers_tiny: Tensors) -> None:
    network = build_network(transformers_tiny)
    assert network.config.name == "sam2.1-hiera-tiny"
    table = transformers_tiny["prompt_encoder.point_embed.weight"]
    assert torch.equal(network.sam_prompt_encoder.point_embeddings[2].weight[0], table[2])
    middle = transformers_tiny["object_pointer_proj.layers.0.weight"]
    assert torch.equal(network.obj_ptr_proj.layers[1].weight, middle)


def test_either_copy_of_the_position_code_is_enough(transformers_tiny: Tensors) -> None:
    copies = ["shared_image_embedding.positional_embedding", "prompt_encoder.shared_embedding.positional_embedding"]
    whole = to_official_names(transformers_tiny)
    for dropped in copies:
        fewer = to_official_names({name: t for name, t in transformers_tiny.items() if name != dropped})
        assert fewer.keys() == whole.keys()


def test_differing_position_codes_are_refused(transformers_tiny: Tensors) -> None:
    name = "shared_image_embedding.positional_embedding"
    with pytest.raises(WeightsError, match=re.escape(name)):
        build_network({**transformers_tiny, name: transformers_tiny[name] + 1})


def test_buffers_that_are_computed_are_ignored(transformers_tiny: Tensors) -> None:
    extra = {"memory_attention.rotary_emb.rope_embeddings_cos": torch.zeros(4)}
    assert to_official_names({**transformers_tiny, **extra}).keys() == to_official_names(transformers_tiny).keys()


def test_image_only_checkpoint_is_told_apart() -> None:
    with torch.device("meta"):
        names = Sam2Model(Sam2Config()).state_dict()
    tensors = {name: torch.zeros(tensor.shape) for name, tensor in names.items()}
    with pytest.raises(WeightsError, match=r"image-only checkpoint.*maskmem_tpos_enc"):
        build_network(tensors)


def _drop(tensors: Tensors) -> None:
    del tensors["memory_encoder.out_proj.bias"]


def _add(tensors: Tensors) -> None:
    tensors["head.weight"] = torch.zeros(3, 4)


def _reshape(tensors: Tensors) -> None:
    tensors["memory_encoder.out_proj.bias"] = torch.zeros(33)


def _quantize(tensors: Tensors) -> None:
    tensors["memory_encoder.out_proj.bias"] = torch.zeros(32, dtype=torch.int8)


def _damage(tensors: Tensors) -> None:
    tensors["memory_encoder.out_proj.bias"] = torch.full((32,), torch.nan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop, r"1 of \d+ tensors of embedded are missing, first memory_encoder.out_proj.bias of shape \(32,\)"),
        (_add, r"1 tensors do not belong to embedded, first head.weight of shape \(3, 4\)"),
        (_reshape, r"memory_encoder.out_proj.bias of embedded has shape \(33,\), expected \(32,\)"),
        (_quantize, r"memory_encoder.out_proj.bias is of type torch.int8; accepted: floating-point"),
        (_damage, r"memory_encoder.out_proj.bias holds values that are not finite"),
    ],
)
def test_what_does_not_fit_is_named(embedded: Tensors, change: Callable[[Tensors], None], message: str) -> None:
    tensors = dict(embedded)
    change(tensors)
    with pytest.raises(WeightsError, match=message):
        build_network(tensors)


def test_other_models_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"not the tensors of a SAM 2 model \(found 1: conv1.weight\)"):
        build_network({"conv1.weight": torch.zeros(3)})
    trunk = {
        "image_encoder.trunk.patch_embed.proj.weight": torch.zeros(64, 3, 7, 7),
        "image_encoder.trunk.blocks.3.norm1.weight": torch.zeros(64),
    }
    with pytest.raises(WeightsError, match="width 64 and 4 blocks"):
        infer_config(trunk)


def test_missing_last_block_is_named_and_not_taken_for_another_size() -> None:
    with torch.device("meta"):
        state = Sam2Network(OFFICIAL_CONFIGS["sam2-hiera-small"]).state_dict()
    fewer = {name: t for name, t in state.items() if ".blocks.15." not in name}
    assert infer_config(fewer).name == "sam2-hiera-small"
    with pytest.raises(WeightsError, match=r"sam2-hiera-small are missing, first image_encoder.trunk.blocks.15."):
        build_network(fewer)

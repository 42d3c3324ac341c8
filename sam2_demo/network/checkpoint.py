"""Named tensors of a checkpoint -> a verified network.

Two spellings are read: the official one (https://github.com/facebookresearch/sam2), which is also the network's own,
and that of transformers' Sam2VideoModel, which the `model.safetensors` files of the official Hub repositories use.
The variant is inferred from names and shapes; nothing is loaded unless every tensor is there and fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sam2_demo.errors import WeightsError
from sam2_demo.network.config import (
    COARSE_EMBEDDED_CONFIG,
    EMBEDDED_CONFIG,
    OFFICIAL_CONFIGS,
    SCRATCH_CONFIG,
    HieraConfig,
    NetworkConfig,
)
from sam2_demo.network.sam2_network import Sam2Network

ACCEPTED = (
    "all tensors of one SAM 2 model, with its memory modules, in the names of the official checkpoints or of "
    "transformers' Sam2VideoModel; variants: "
    + ", ".join([*OFFICIAL_CONFIGS, EMBEDDED_CONFIG.name, SCRATCH_CONFIG.name])
)

_TRANSFORMERS_MARK = "vision_encoder."
_FOURIER_MATRIX = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
_FOURIER_COPY = "shared_image_embedding.positional_embedding"  # transformers keeps the picture's copy apart
_POINT_TABLE = "sam_prompt_encoder.point_embed.weight"  # one (4, C) table there, four (1, C) tables here
_RECOMPUTED = re.compile(r"rotary_emb|position_ids|rope_")  # buffers that some versions save
TRUNK_PREFIX = "image_encoder.trunk."
_FINE_PATH_PREFIX = TRUNK_PREFIX + "fine_path."
_MEMORY_PREFIXES = ("memory_attention.", "memory_encoder.", "maskmem_tpos_enc", "obj_ptr_proj.")

# Applied to every name, top to bottom. Three-layer MLPs are proj_in, layers.0, proj_out in transformers.
_RENAMES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"^no_memory_embedding$", "no_mem_embed"),
    (r"^no_memory_positional_encoding$", "no_mem_pos_enc"),
    (r"^memory_temporal_positional_encoding$", "maskmem_tpos_enc"),
    (r"^no_object_pointer$", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$", "no_obj_embed_spatial"),
    (r"^object_pointer_proj\.", "obj_ptr_proj."),
    (r"^temporal_positional_encoding_projection_layer\.", "obj_ptr_tpos_proj."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"\.shared_embedding\.positional_embedding$", ".pe_layer.positional_encoding_gaussian_matrix"),
    (r"\.mask_embed\.conv([123])\.", lambda m: f".mask_downscaling.{3 * int(m[1]) - 3}."),
    (r"\.mask_embed\.layer_norm([12])\.", lambda m: f".mask_downscaling.{3 * int(m[1]) - 2}."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (r"\.mask_downsampler\.final_conv\.", ".mask_downsampler.encoder.12."),
    (r"\.mask_downsampler\.layers\.(\d)\.conv\.", lambda m: f".mask_downsampler.encoder.{3 * int(m[1])}."),
    (r"\.mask_downsampler\.layers\.(\d)\.layer_norm\.", lambda m: f".mask_downsampler.encoder.{3 * int(m[1]) + 1}."),
    (r"\.feature_projection\.", ".pix_feat_proj."),
    (r"^memory_encoder\.projection\.", "memory_encoder.out_proj."),
    (r"\.memory_fuser\.", ".fuser."),
    (r"\.depthwise_conv\.", ".dwconv."),
    (r"\.pointwise_conv", ".pwconv"),
    (r"(fuser\.layers\.\d)\.scale$", r"\1.gamma"),
    (r"\.layer_norm", ".norm"),
    (r"\.o_proj\.", ".out_proj."),
    (r"((?:mlps\.\d|_head|obj_ptr_proj)\.layers)\.0\.", r"\1.1."),
    (r"\.proj_in\.", ".layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"\.proj_out\.", ".layers.2."),
)


def to_official_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under their official names, values untouched; official names pass through."""
    if not any(name.startswith(_TRANSFORMERS_MARK) for name in tensors):
        return dict(tensors)
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        official = name
        for pattern, replacement in _RENAMES:
            official = re.sub(pattern, replacement, official)
        if not _RECOMPUTED.search(name):
            renamed[official] = tensor
    _join_fourier_copies(renamed)
    if _POINT_TABLE in renamed:
        for index, row in enumerate(renamed.pop(_POINT_TABLE).split(1)):
            renamed[f"sam_prompt_encoder.point_embeddings.{index}.weight"] = row
    return renamed


def _join_fourier_copies(tensors: dict[str, Tensor]) -> None:
    copy = tensors.pop(_FOURIER_COPY, None)
    if copy is None:
        return
    kept = tensors.setdefault(_FOURIER_MATRIX, copy)
    if kept.shape != copy.shape or not torch.equal(kept, copy):
        raise WeightsError(
            f"{_FOURIER_COPY} and prompt_encoder.shared_embedding.positional_embedding differ; SAM 2 has one "
            "position code for pictures and prompts, so both must hold the same values"
        )


def is_of_trunk_proper(name: str) -> bool:
    """Whether a tensor is one of the trunk's own, which may be pretrained, and not of a fine path behind it."""
    return name.startswith(TRUNK_PREFIX) and not name.startswith(_FINE_PATH_PREFIX)


def infer_config(tensors: Mapping[str, Tensor]) -> NetworkConfig:
    """The variant that a set of officially named tensors belongs to; WeightsError if it is none."""
    if "image_encoder.trunk.stages.0.downsample.0.weight" in tensors:
        return SCRATCH_CONFIG
    if "image_encoder.trunk.stem.conv.weight" in tensors:
        has_fine_path = any(name.startswith(_FINE_PATH_PREFIX) for name in tensors)
        return EMBEDDED_CONFIG if has_fine_path else COARSE_EMBEDDED_CONFIG
    patch = tensors.get("image_encoder.trunk.patch_embed.proj.weight")
    blocks = {int(m[1]) for name in tensors if (m := re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.", name))}
    if patch is None or not blocks:
        some = ", ".join(sorted(tensors)[:3]) or "none at all"
        raise WeightsError(f"not the tensors of a SAM 2 model (found {len(tensors)}: {some}); accepted: {ACCEPTED}")
    version = "2.1" if any(name.startswith(("obj_ptr_tpos_proj.", "no_obj_embed_")) for name in tensors) else "2.0"
    candidates = [
        (sum(config.trunk.stages), config)
        for config in OFFICIAL_CONFIGS.values()
        if isinstance(config.trunk, HieraConfig)
        and config.version == version
        and config.trunk.embed_dim == patch.shape[0]
    ]
    # A file that lacks its last blocks still gets its variant, so that the missing tensor can be named.
    fitting = [pair for pair in candidates if pair[0] > max(blocks)]
    if not fitting:
        raise WeightsError(
            f"the image trunk has width {patch.shape[0]} and {max(blocks) + 1} blocks, which is no SAM 2 variant; "
            "accepted: 96 and 12 (tiny), 96 and 16 (small), 112 and 24 (base-plus), 144 and 48 (large)"
        )
    return min(fitting, key=lambda pair: pair[0])[1]


def build_network(
    tensors: Mapping[str, Tensor], device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Sam2Network:
    """A network in eval mode without gradients, holding copies of the tensors on `device` in `dtype`.

    Raises WeightsError that names the first tensor that is missing, unexpected, of a wrong shape or type, or not
    finite. Modules are built without memory first, so no time goes into random initial values.
    """
    official = to_official_names(tensors)
    config = infer_config(official)
    with torch.device("meta"), _WithoutRandomValues():
        network = Sam2Network(config)
    expected = network.state_dict()
    _verify_names_and_shapes(official, expected, config)
    loaded = {name: _convert(name, official[name], expected[name], dtype) for name in expected}
    network.load_state_dict({name: tensor.to(device) for name, tensor in loaded.items()}, assign=True)
    return network.eval().requires_grad_(False)


class _WithoutRandomValues(TorchFunctionMode):
    """Leaves tensors unfilled that are about to be replaced: random numbers on the meta device import PyTorch's
    compiler, which takes a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Stand in for what draws random numbers; pass everything else on."""
        named = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else named["tensor"]
        return torch.empty(*args, **named) if func is torch.randn else func(*args, **named)


def _verify_names_and_shapes(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], config: NetworkConfig
) -> None:
    missing = [name for name in expected if name not in found]
    if missing and not any(name.startswith(_MEMORY_PREFIXES) for name in found):
        raise WeightsError(
            f"an image-only checkpoint: the memory modules are missing (first {missing[0]}, {len(missing)} tensors in "
            f"all), so it cannot follow objects in videos; accepted: {ACCEPTED}"
        )
    if missing:
        raise WeightsError(
            f"{len(missing)} of {len(expected)} tensors of {config.name} are missing, first {missing[0]} of shape "
            f"{tuple(expected[missing[0]].shape)}; accepted: {ACCEPTED}"
        )
    unexpected = [name for name in found if name not in expected]
    if unexpected:
        raise WeightsError(
            f"{len(unexpected)} tensors do not belong to {config.name}, first {unexpected[0]} of shape "
            f"{tuple(found[unexpected[0]].shape)}; accepted: {ACCEPTED}"
        )
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape:
            raise WeightsError(
                f"tensor {name} of {config.name} has shape {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
            )


def _convert(name: str, tensor: Tensor, expected: Tensor, dtype: torch.dtype) -> Tensor:
    if not expected.is_floating_point():  # counters of batch norms
        return tensor.to(expected.dtype, copy=True)
    if not tensor.is_floating_point():
        raise WeightsError(f"tensor {name} is of type {tensor.dtype}; accepted: floating-point types")
    # A copy: tensors of memory-mapped files would follow later changes of the file.
    converted = tensor.to(dtype, copy=True, memory_format=torch.contiguous_format)
    if not torch.isfinite(converted.sum(dtype=torch.float32)):
        raise WeightsError(f"tensor {name} holds values that are not finite (as {dtype}): the file is damaged")
    return converted

"""Named tensors of a checkpoint -> a verified network.

Two spellings are read: the official one (https://github.com/facebookresearch/sam2, and EdgeTAM's and EfficientTAM's
repositories), which is also the network's own, and that of transformers (`network.transformers_names`). The variant is
inferred from names and shapes; nothing is loaded unless every tensor is there and fits. EfficientTAM's releases of one
width differ in nothing that is saved, so among these the name of the file decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sam2_demo.errors import WeightsError
from sam2_demo.network.config import (
    COARSE_EMBEDDED_CONFIG,
    EDGETAM_CONFIG,
    EFFICIENTTAM_CONFIGS,
    EMBEDDED_CONFIG,
    OFFICIAL_CONFIGS,
    RELATED_CONFIGS,
    SCRATCH_CONFIG,
    HieraConfig,
    NetworkConfig,
)
from sam2_demo.network.plain_vit import PATCH
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.network.transformers_names import to_official_names

__all__ = ["ACCEPTED", "build_network", "infer_config", "is_of_trunk_proper", "sharing_tensors", "to_official_names"]

ACCEPTED = (
    "all tensors of one SAM 2 model, with its memory modules, in the names of the official checkpoints or of "
    "transformers' Sam2VideoModel or EdgeTamVideoModel; variants: "
    + ", ".join([*OFFICIAL_CONFIGS, *RELATED_CONFIGS, EMBEDDED_CONFIG.name, SCRATCH_CONFIG.name])
)

TRUNK_PREFIX = "image_encoder.trunk."
_FINE_PATH_PREFIX = TRUNK_PREFIX + "fine_path."
_EFFICIENTTAM_FILE = re.compile(r"efficienttam[_-](?:ti|s)[_-](1|2|512x512)(?![0-9A-Za-z])")
_MEMORY_PREFIXES = ("memory_attention.", "memory_encoder.", "spatial_perceiver.", "maskmem_tpos_enc", "obj_ptr_proj.")


def is_of_trunk_proper(name: str) -> bool:
    """Whether a tensor is one of the trunk's own, which may be pretrained, and not of a fine path behind it."""
    return name.startswith(TRUNK_PREFIX) and not name.startswith(_FINE_PATH_PREFIX)


def infer_config(tensors: Mapping[str, Tensor], file_name: str = "") -> NetworkConfig:
    """The variant that a set of officially named tensors belongs to; WeightsError if it is none.

    `file_name` decides between variants that share all names and shapes (see `sharing_tensors`).
    """
    if "image_encoder.trunk.stages.0.downsample.0.weight" in tensors:
        return SCRATCH_CONFIG
    if "image_encoder.trunk.stem.conv.weight" in tensors:
        has_fine_path = any(name.startswith(_FINE_PATH_PREFIX) for name in tensors)
        return EMBEDDED_CONFIG if has_fine_path else COARSE_EMBEDDED_CONFIG
    version = "2.1" if any(name.startswith(("obj_ptr_tpos_proj.", "no_obj_embed_")) for name in tensors) else "2.0"
    if any(name.startswith("image_encoder.trunk.body.") for name in tensors):
        return replace(EDGETAM_CONFIG, version=version)
    patch = tensors.get("image_encoder.trunk.patch_embed.proj.weight")
    blocks = {int(m[1]) for name in tensors if (m := re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.", name))}
    if patch is None or not blocks:
        some = ", ".join(sorted(tensors)[:3]) or "none at all"
        raise WeightsError(f"not the tensors of a SAM 2 model (found {len(tensors)}: {some}); accepted: {ACCEPTED}")
    if patch.shape[2:] == (PATCH, PATCH):
        return _efficienttam(patch.shape[0], file_name)
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


def _efficienttam(width: int, file_name: str) -> NetworkConfig:
    fitting = [c for c in EFFICIENTTAM_CONFIGS.values() if c.trunk.channels == (width,)]
    if not fitting:
        raise WeightsError(
            f"the image trunk is a plain ViT of width {width}, which is no EfficientTAM variant; "
            "accepted: 192 (ti), 384 (s)"
        )
    plain = fitting[0]
    told = _EFFICIENTTAM_FILE.search(file_name)
    return plain if told is None else EFFICIENTTAM_CONFIGS[f"{plain.name}-{told[1]}"]


def sharing_tensors(config: NetworkConfig, file_name: str) -> tuple[str, ...]:
    """Names of the variants that a file of that name may as well hold, `config`'s among them; empty if it is clear."""
    if config.name not in EFFICIENTTAM_CONFIGS or "efficienttam" in file_name:
        return ()
    return tuple(c.name for c in EFFICIENTTAM_CONFIGS.values() if c.trunk == config.trunk)


def build_network(
    tensors: Mapping[str, Tensor],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    file_name: str = "",
) -> Sam2Network:
    """A network in eval mode without gradients, holding copies of the tensors on `device` in `dtype`.

    Raises WeightsError that names the first tensor that is missing, unexpected, of a wrong shape or type, or not
    finite. Modules are built without memory first, so no time goes into random initial values.
    """
    official = to_official_names(tensors)
    config = infer_config(official, file_name)
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

"""A network made ready for inference: constants kept, batch norms folded away, matrices in the compute type, parts
compiled where that is asked for.

Autocast converts every float32 matrix on every call; for one frame that is as much memory traffic as the weights
hold. A twin holds them converted. It shares all other tensors with the network, which stays as it is.
"""

from __future__ import annotations

import copy
import threading
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from sam2_demo.network.layers import fold_batch_norm
from sam2_demo.network.sam2_network import Sam2Network

_NARROWED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
# Computed in float32 always: what these give is compared or cut at thresholds.
_WIDE_PARTS = ("iou_prediction_head", "pred_obj_score_head", "output_hypernetworks_mlps", "obj_ptr_tpos_proj")
# Multiplied with each other before they are used: `FeaturePyramid`.
_FACTORS = ("conv_s0", "conv_s1", "neck.convs.2", "neck.convs.3")
# On CPUs only the mask decoder gains: the other parts spend their time in matrix products, compiled or not. CUDA graphs
# are left out: memories outlive the step that made them, which graphs would overwrite.
_COMPILED_PARTS = {"cuda": ("image_encoder", "memory_attention", "memory_encoder", "sam_mask_decoder")}
_COMPILER = "inductor"

_twins: WeakKeyDictionary[Sam2Network, tuple[object, Sam2Network]] = WeakKeyDictionary()
_lock = threading.Lock()


def for_inference(network: Sam2Network) -> Sam2Network:
    """A twin of a network in eval mode that computes the same, faster; the network itself while it is training.

    Twins are kept as long as the network lives and its weights, configuration and compute type do not change;
    memory: the matrices once more in the compute type where that is narrower than the weights.
    """
    if network.training:
        return network
    state = _state(network)
    with _lock:
        known = _twins.get(network)
        if known is not None and known[0] == state:
            return known[1]
        twin = _make_twin(network)
        _twins[network] = (state, twin)
        return twin


def _state(network: Sam2Network) -> object:
    tensors = [*network.parameters(), *network.buffers()]
    versions = tuple((t.data_ptr(), -1 if t.is_inference() else t._version) for t in tensors)
    return versions, network.config, network.compute_dtype, network.dtype, network.compiled


def _make_twin(network: Sam2Network) -> Sam2Network:
    shared: dict[int, object] = {id(t): t for t in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared).eval()
    with torch.no_grad(), torch.inference_mode(False):
        for module in list(twin.modules()):
            if hasattr(module, "constants"):
                setattr(module, "constants", {})  # noqa: B010  not declared on Module
            _fold_batch_norms(module)
        if network.compute_dtype != network.dtype:
            wide = _WIDE_PARTS + _FACTORS + _wide_on_this_device(twin)
            for name, module in twin.named_modules():
                if isinstance(module, _NARROWED) and not any(part in name for part in wide):
                    _convert(module, network.compute_dtype)
    if network.compiled:
        _compile_parts(twin)
    return twin


def _wide_on_this_device(twin: Sam2Network) -> tuple[str, ...]:
    if twin.device.type != "cpu":
        return ()
    return tuple(name for name, module in twin.named_modules() if getattr(module, "wide_on_cpu", False))


def _compile_parts(twin: Sam2Network) -> None:
    """Have PyTorch compile parts on their first call; the number of objects and of memories may vary."""
    for name in _COMPILED_PARTS.get(twin.device.type, ("sam_mask_decoder",)):
        is_fixed = name == "image_encoder"  # one picture at a time, of the network's size or of the one for clips
        twin.get_submodule(name).compile(dynamic=not is_fixed, backend=_COMPILER)


def _convert(module: nn.Module, dtype: torch.dtype) -> None:
    for name, parameter in list(module.named_parameters(recurse=False)):
        _set(module, name, parameter.detach().to(dtype))


def _fold_batch_norms(module: nn.Module) -> None:
    """Replace each child that is a convolution and its batch norm, or that says it is `as_one`, by one convolution."""
    for name, child in list(module.named_children()):
        as_one = getattr(child, "as_one", None)
        if callable(as_one):
            setattr(module, name, as_one())
            continue
        parts = list(child.children())
        if len(parts) != 2:
            continue
        convolution, norm = parts
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, _as_one(convolution, norm))


def _as_one(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    weight, bias = fold_batch_norm(convolution, norm)
    _set(convolution, "weight", weight)
    _set(convolution, "bias", bias)
    return convolution


def _set(module: nn.Module, name: str, value: Tensor) -> None:
    setattr(module, name, nn.Parameter(value, requires_grad=False))

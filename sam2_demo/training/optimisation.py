"""Optimiser with layer-wise decay, learning rate by cosine, averaged weights (appendix D.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sam2_demo.network.checkpoint import TRUNK_PREFIX, is_of_trunk_proper


def make_optimiser(
    modules: Iterable[nn.Module], weight_decay: float, layer_decay: float = 1.0, trunk_rate: float = 1.0
) -> torch.optim.AdamW:
    """AdamW over parameters that require gradients; vectors and embeddings without weight decay.

    Each group keeps `scale`, the factor on its learning rate: for the trunk `trunk_rate`, times `layer_decay` once
    more for every stage or block further from the output.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for module in modules:
        depths = _trunk_depths(name for name, _ in module.named_parameters())
        deepest = max(depths.values(), default=0)
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            scale = trunk_rate * layer_decay ** (deepest + 1 - depths[name]) if name in depths else 1.0
            decay = weight_decay if parameter.ndim >= 2 and "embed" not in name else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": params, "weight_decay": decay, "scale": scale} for (scale, decay), params in groups.items()],
        lr=0.0,
        betas=(0.9, 0.98),
    )


def _trunk_depths(names: Iterable[str]) -> dict[str, int]:
    """Depth of each trunk parameter: 0 for the stem, then one more per block (Hiera) or stage (convolutions).

    A fine path is not pretrained and learns at the full rate.
    """
    depths = {}
    for name in names:
        if is_of_trunk_proper(name):
            found = re.match(r"(?:blocks|stages)\.(\d+)\.", name.removeprefix(TRUNK_PREFIX))
            depths[name] = int(found[1]) + 1 if found else 0
    return depths


def learning_rate(lr_start: float, lr_end: float, progress: float) -> float:
    """Cosine from `lr_start` to `lr_end` as `progress` goes from 0 to 1."""
    progress = min(max(progress, 0.0), 1.0)
    return lr_end + (lr_start - lr_end) * 0.5 * (1 + math.cos(math.pi * progress))


def set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    """Set `value`, times each group's own scale."""
    for group in optimiser.param_groups:
        group["lr"] = value * group.get("scale", 1.0)


class AveragedWeights:
    """Exponential moving average of a module's parameters and running statistics.

    The decay starts low, min(decay, (1 + n) / (10 + n)), so that the average does not remember the random start.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.tensors: dict[str, Tensor] = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average towards the module's present values."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, value in module.state_dict().items():
            average = self.tensors[name]
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)

"""Averaged weights as a half-precision safetensors file that `load_network` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sam2_demo.resuming import replacing


def write_weights(tensors: Mapping[str, Tensor], path: Path, config_name: str, steps: int) -> None:
    """Write tensors under their names in the official checkpoints, floating-point ones in half precision.

    `config_name` goes into the file's metadata as "config", the steps that trained them as "steps".
    Raises OverflowError when a weight does not fit half precision.
    """
    half = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in tensors.items()
    }
    if not all(torch.isfinite(value).all() for value in half.values() if value.is_floating_point()):
        raise OverflowError(f"some weights exceed half precision's range (65504); {path} was not written")
    with replacing(path) as beside:
        save_file(half, beside, metadata={"config": config_name, "format": "pt", "steps": str(steps)})
        beside.chmod(0o644)  # safetensors makes files that only their owner can read


def are_written(path: Path, steps: int) -> bool:
    """Whether the file is there, whole, and holds the weights that so many steps have trained."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("steps") == str(steps)
    except (OSError, SafetensorError):
        return False

"""Which device and weight type to compute with."""

from __future__ import annotations

import torch

from sam2_demo.errors import ConfigError

_DTYPES = {
    "auto": torch.float32,  # autocast chooses the precision of the computation, elsewhere
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device that a name stands for; "auto" is CUDA, else Apple's GPU, else the CPU.

    Raises ConfigError for names that mean nothing and for devices that this machine lacks.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"device is {device!r}; accepted: 'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps'") from error
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device is {device!r}, but this machine has {torch.cuda.device_count()} CUDA devices")
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(f"device is {device!r}, but this machine has no Apple GPU that PyTorch can use")
    return resolved


def resolve_dtype(dtype: str | torch.dtype = "auto") -> torch.dtype:
    """The floating-point type of the weights; "auto" is float32. Raises ConfigError for anything else."""
    resolved = _DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if resolved is None or resolved not in _DTYPES.values():
        raise ConfigError(f"dtype is {dtype!r}; accepted: {', '.join(_DTYPES)} or the torch type of the same name")
    return resolved


def gpu_memory(device: torch.device) -> int | None:
    """Bytes of memory that the GPU offers in total; None for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return None

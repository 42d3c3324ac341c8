"""Which device and weight type to compute with."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

import torch

from sam2_demo.errors import ConfigError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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


def resolve_dtype(dtype: str | torch.dtype = "auto") -> torch.dtype | None:
    """The floating-point type that a name stands for; None for "auto". Raises ConfigError for anything else."""
    if dtype == "auto":
        return None
    resolved = _DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if resolved is None or resolved not in _DTYPES.values():
        raise ConfigError(f"dtype is {dtype!r}; accepted: auto, {', '.join(_DTYPES)} or the torch type of that name")
    return resolved


def gpu_memory(device: torch.device) -> int | None:
    """Bytes of memory that the GPU offers in total; None for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return None


def fast_dtype(device: torch.device) -> torch.dtype:
    """In what type a network computes fastest: bfloat16 where the hardware multiplies it, else float32.

    On CPUs that takes instructions for it: matrix units (AMX) make a tracked frame of an official model three times as
    fast, AVX-512 with bfloat16 twice as fast; without either, bfloat16 takes over twice the time of float32.
    """
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return torch.bfloat16 if has_matrix_units(device) else torch.float32


def has_matrix_units(device: torch.device) -> bool:
    """Whether the hardware has units for bfloat16 matrix products, which also make training faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.cpu._is_amx_tile_supported()


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # from malloc.h
_KEPT = 2**31 - 1  # bytes: as much as mallopt takes
_LARGEST_BLOCK = (1 << 30, 32 * 2**20)  # newer and older glibc accept


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep freed memory and use huge pages for large tensors; whether it could be told.

    Every frame frees and asks for the same hundreds of megabytes. Handing them back to the system each time costs a
    fifth of a tracked frame's time in page faults. Only glibc on Linux is told; elsewhere nothing happens.
    """
    # Read by PyTorch when it first makes a tensor: ask for huge pages from 2 MiB on.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(_glibc(), "mallopt", None)
    if mallopt is None:
        return False
    told = any(mallopt(_M_MMAP_THRESHOLD, size) for size in _LARGEST_BLOCK)
    # One arena for all threads: what one thread frees serves the next, and kept memory stays bounded.
    return bool(told and mallopt(_M_TRIM_THRESHOLD, _KEPT) and mallopt(_M_ARENA_MAX, 1))


def give_back_memory() -> None:
    """Give freed memory back to the system, where the C library has malloc_trim; some 15 ms.

    For now and then: glibc keeps it otherwise, after sessions have closed and, in pieces that nobody asks for, while a
    clip is tracked.
    """
    trim = getattr(_glibc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of most Linux systems, None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:
        return None

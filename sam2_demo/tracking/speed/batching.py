"""How many objects to compute at once: as many as memory bears, where a batch is faster than one after the other."""

from __future__ import annotations

import torch

from sam2_demo.device import gpu_memory
from sam2_demo.network.config import NetworkConfig
from sam2_demo.network.sam2_network import Sam2Network

_CPU_BYTES = 512 * 2**20
_GPU_SHARE = 16  # of its memory, for one batch's keys and values
_COPIES = 4  # keys, values and what is made on the way to them
_MOST = 64
_MANY_KEYS = 2**21  # values of one object's keys; the embedded network has 0.5 million, the official ones 7


def is_small(config: NetworkConfig) -> bool:
    """Whether calling a network's many parts takes a good share of the time that they take on a CPU."""
    return _key_values(config) <= _MANY_KEYS


def objects_at_once(network: Sam2Network) -> int:
    """The default of `TrackingOptions.objects_per_batch` for a network where it is.

    On CPUs in float32 it is 1 for networks as large as the official ones: memory attention is bound by arithmetic
    there, so a batch gains nothing, and one by one every object's numbers are independent of the others to the last
    bit. With a small network a fifth of the time goes into calling its many small parts.
    """
    is_float32 = network.device.type == "cpu" and network.compute_dtype == torch.float32
    if is_float32 and not is_small(network.config):
        return 1
    bytes_per_object = _key_values(network.config) * network.compute_dtype.itemsize * _COPIES
    total = gpu_memory(network.device)
    budget = _CPU_BYTES if total is None else total // _GPU_SHARE
    return max(1, min(_MOST, budget // bytes_per_object))


def _key_values(config: NetworkConfig) -> int:
    return config.num_memories * config.embedding_size**2 * config.hidden_dim

"""Several processes training one network, each on its own share of every batch (torch.distributed).

On CPUs two processes of one thread each are faster than one process of two threads, and far faster when other
programs run beside them: they wait for one another once a step, not after every operation.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sam2_demo.errors import ConfigError, DemoError

_LOOK_SECONDS = 0.5
_ERROR = "error-"  # followed by the rank: what a process has to say to the person


def world() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) outside a group."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def run_in_processes(function: Callable[[], None], count: int, backend: str = "gloo") -> None:
    """Run `function` in `count` forked processes joined in a group; ConfigError when one fails.

    Forking shares what is already in memory, the pictures above all. With one process it is a plain call.
    """
    if count < 1:
        raise ConfigError(f"number of processes is {count}; at least 1 is needed")
    if count == 1:
        function()
        return
    if backend == "gloo":
        # The first optimiser of a process imports this: seconds, and memory, that forked ones share. Not with CUDA,
        # which must not be started before forking.
        import torch._dynamo  # noqa: F401
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        rendezvous = Path(folder) / "rendezvous"
        processes = [
            context.Process(target=_join_and_run, args=(function, rank, count, rendezvous, backend), daemon=True)
            for rank in range(count)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        messages = [path.read_text() for path in sorted(Path(folder).glob(f"{_ERROR}*"))]
    if messages:
        raise ConfigError(messages[0])
    codes = [process.exitcode for process in processes]
    if any(codes):
        raise ConfigError(f"training processes ended with {codes}; the first error is in the log above")


def _join_and_run(function: Callable[[], None], rank: int, count: int, rendezvous: Path, backend: str) -> None:
    # Linux may share time out by session, not by process: all in one session would get one process's share.
    os.setsid()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent", daemon=True).start()
    dist.init_process_group(backend, init_method=f"file://{rendezvous}", rank=rank, world_size=count)
    try:
        function()
    except DemoError as error:
        rendezvous.with_name(f"{_ERROR}{rank}").write_text(str(error))
        sys.exit(2)
    finally:
        dist.destroy_process_group()


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone: in a session of its own, no signal of the parent's reaches it."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def average_over_processes(parameters: Sequence[nn.Parameter], buffers: Sequence[Tensor], number: float) -> float:
    """Average gradients and floating-point buffers in place, and `number`, over the group, in one exchange.

    A parameter without a gradient in every process keeps none.
    """
    _, count = world()
    if count == 1:
        return number
    device = parameters[0].device
    present = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat(
        [t.detach().reshape(-1).float() for t in (*gradients, *buffers)] + [present, present.new_tensor([number])]
    )
    dist.all_reduce(flat)
    flat /= count
    offset = 0
    for tensor in (*gradients, *buffers):
        tensor.copy_(flat[offset : offset + tensor.numel()].view_as(tensor))
        offset += tensor.numel()
    present = flat[offset : offset + len(parameters)]
    for parameter, gradient, share in zip(parameters, gradients, present.tolist(), strict=True):
        parameter.grad = gradient if share > 0 else None
    return float(flat[-1])

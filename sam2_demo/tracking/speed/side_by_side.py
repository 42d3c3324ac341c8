"""Two steps of a small network at a time, each on half of the processor's cores.

Its many small operations gain little from more cores: tracking one object on one core while another encodes the next
frame is faster than doing both in turn on two.
"""

from __future__ import annotations

import functools
from concurrent.futures import Executor, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock

import torch

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.speed.batching import is_small

_LOCK = Lock()


def halves_for(network: Sam2Network) -> Executor | None:
    """Two threads for steps of this network, which all sessions share; None where one thing at a time is best."""
    threads = torch.get_num_threads()
    if network.device.type != "cpu" or network.compiled or threads < 2 or not is_small(network.config):
        return None
    with _LOCK:
        return _halves(threads // 2)


@functools.cache
def _halves(threads_each: int) -> Executor:
    turns: SimpleQueue[None] = SimpleQueue()
    done: SimpleQueue[None] = SimpleQueue()

    def begin() -> None:
        torch.get_num_threads()  # a thread's first call to PyTorch sets it back to what all threads have
        turns.get()
        torch.set_num_threads(threads_each)
        done.put(None)

    threads = torch.get_num_threads()
    executor = ThreadPoolExecutor(2, "half", initializer=begin)
    for _ in range(2):
        executor.submit(int)  # waits for its turn, so that the second one gets a thread of its own
    # The setting is each thread's own, but the last one is also that of all threads to come, and PyTorch offers nothing
    # else: one that first calls PyTorch in between keeps it. So it is taken back at once after each (quiet: 0.05 ms).
    for _ in range(2):
        turns.put(None)
        done.get()
        torch.set_num_threads(threads)
    return executor

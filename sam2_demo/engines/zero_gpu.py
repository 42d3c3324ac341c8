"""Hugging Face ZeroGPU: calls that compute are given a GPU where the `spaces` package is there; nothing else changes.

On ZeroGPU such a call runs in a process of its own, forked from this one: what it changes in memory is gone
afterwards, what it wrote into the session's folder stays. So sessions are read from their folder again after each.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from typing import Any, TypeVar

Work = TypeVar("Work", bound=Callable[..., Any])
SECONDS_PER_CALL = 120


def on_gpu(work: Work) -> Work:
    """`work` with a GPU of its own for each call on ZeroGPU; unchanged where `spaces` is not installed."""
    if importlib.util.find_spec("spaces") is None:
        return work
    decorated: Work = importlib.import_module("spaces").GPU(duration=SECONDS_PER_CALL)(work)
    return decorated


def forgets_memory() -> bool:
    """Whether calls run in processes of their own, so that sessions in this one's memory are out of date."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")

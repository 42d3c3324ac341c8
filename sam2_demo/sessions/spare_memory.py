"""Gives memory that Python has freed back to the system; glibc keeps it otherwise after sessions have closed."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import logging

log = logging.getLogger(__name__)


def give_back_memory() -> bool:
    """Collect garbage and trim the heap; False where the C library has no malloc_trim."""
    gc.collect()
    name = ctypes.util.find_library("c")
    if name is None:
        return False
    try:
        trim = ctypes.CDLL(name).malloc_trim
    except (OSError, AttributeError) as error:
        log.debug("memory stays with the process: %s", error)
        return False
    trim(0)
    return True

"""A first-come-first-served lock for one model on one device.

`threading.Lock` lets a tracking loop that releases and takes it again starve everybody else; with turns,
a click waits for at most the one step that is running.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class DeviceLock:
    """Context manager that serves waiting threads in the order in which they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def __enter__(self) -> None:
        turn = threading.Event()
        with self._guard:
            if not self._held:
                self._held = True
                return
            self._waiting.append(turn)
        turn.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()  # the lock passes on without ever being free
            else:
                self._held = False

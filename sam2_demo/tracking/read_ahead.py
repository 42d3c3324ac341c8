"""Decodes and resizes the next frame in a thread while the current one is tracked; at most one frame ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType

from torch import Tensor


class ReadAhead:
    """Prepares the frames of `order` by `prepare`; results and errors are those of calling it directly.

    Taking a frame begins the one after it, unless `is_known` says that nobody will ask for it. Use as a context;
    leaving it waits for the frame in the making, if any, and ends the thread.
    """

    def __init__(
        self, prepare: Callable[[int], Tensor], order: Sequence[int], is_known: Callable[[int], bool]
    ) -> None:
        self._prepare = prepare
        self._following = dict(pairwise(order))
        self._is_known = is_known
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._waiting: tuple[int, Future[Tensor]] | None = None

    def take(self, frame_index: int) -> Tensor:
        """The prepared frame: what was begun if it is this one, else prepared now."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] == frame_index:
            pixels = waiting[1].result()
        else:
            pixels = self._prepare(frame_index)
        following = self._following.get(frame_index)
        if following is not None and not self._is_known(following):
            self._waiting = following, self._executor.submit(self._prepare, following)
        return pixels

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

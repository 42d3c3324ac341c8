"""Prepares the next frame in a thread while the current one is tracked; at most one frame ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from itertools import pairwise
from types import TracebackType
from typing import Generic, TypeVar

Prepared = TypeVar("Prepared")


class ReadAhead(Generic[Prepared]):
    """Prepares the frames of `order` by `prepare`; results and errors are those of calling it directly.

    Taking a frame begins the one after it, unless `is_known` says that nobody will ask for it; frames that lie before
    the one in the making, or not in the order, leave it alone. Use as a context; leaving it waits for the frame in the
    making, if any. `executor`: whose thread prepares (None: one of its own).
    """

    def __init__(
        self,
        prepare: Callable[[int], Prepared],
        order: Sequence[int],
        is_known: Callable[[int], bool],
        executor: Executor | None = None,
    ) -> None:
        self._prepare = prepare
        self._following = dict(pairwise(order))
        self._places = {frame: place for place, frame in enumerate(order)}
        self._is_known = is_known
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        self._is_own = executor is None
        self._waiting: tuple[int, Future[Prepared]] | None = None

    def take(self, frame_index: int) -> Prepared:
        """The prepared frame: what was begun if it is this one, else prepared now."""
        if self._waiting is not None and self._waiting[0] == frame_index:
            (_, begun), self._waiting = self._waiting, None
            prepared = begun.result()
        elif self._waiting is not None and self._places.get(frame_index, -1) < self._places[self._waiting[0]]:
            return self._prepare(frame_index)
        else:
            self._drop()
            prepared = self._prepare(frame_index)
        following = self._following.get(frame_index)
        if following is not None and not self._is_known(following):
            self._waiting = following, self._executor.submit(self._prepare, following)
        return prepared

    @property
    def is_ahead(self) -> bool:
        """Whether a frame is in the making, or made and not yet taken."""
        return self._waiting is not None

    def wait(self) -> None:
        """Come back when the frame in the making, if any, is made."""
        if self._waiting is not None:
            wait([self._waiting[1]])

    def _drop(self) -> None:
        """Leave what was begun, after its end if it cannot be cancelled."""
        if self._waiting is not None and not self._waiting[1].cancel():
            self.wait()
        self._waiting = None

    def __enter__(self) -> ReadAhead[Prepared]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()
        if self._is_own:
            self._executor.shutdown()

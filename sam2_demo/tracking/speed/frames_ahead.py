"""The frames of a tracking run as embeddings, the next one in preparation while the current one is tracked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from itertools import pairwise
from types import TracebackType
from typing import Generic, TypeVar

from torch import Tensor

from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.tracking.clip_view import ClipView
from sam2_demo.tracking.speed.side_by_side import halves_for

Prepared = TypeVar("Prepared")


class FramesAhead:
    """Decodes one frame ahead; small networks on a CPU also encode it, while half of the processor tracks the current
    one.
    """

    def __init__(self, view: ClipView, order: Sequence[int]) -> None:
        self._view = view
        self._halves = halves_for(view.network)
        prepare: Callable[[int], Tensor | ImageEmbedding] = view.read_pixels if self._halves is None else view.encode
        self._ahead = Prefetch(prepare, order, view.__contains__, self._halves)

    def take(self, frame_index: int) -> ImageEmbedding:
        """The frame's embedding; the one after it is begun."""
        prepared = self._ahead.take(frame_index)
        return self._view.encode_pixels(prepared) if isinstance(prepared, Tensor) else prepared

    def is_encoding(self) -> bool:
        """Whether a following frame is being encoded on one half of the processor, so that the other one is free."""
        return self._halves is not None and self._ahead.is_ahead

    def do_beside(self, work: Callable[[], None]) -> None:
        """Do something on the free half, or here without one; comes back when the following frame is done too."""
        if self._halves is None:
            work()
        else:
            self._halves.submit(work).result()
        self._ahead.wait()

    def __enter__(self) -> FramesAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ahead.__exit__(kind, error, trace)


class Prefetch(Generic[Prepared]):
    """Prepares the frames of `order` by `prepare` in a thread, one frame ahead; results and errors are those of calling
    it directly.

    Taking a frame begins the one that is expected after it, unless `is_known` says that nobody will ask for it.
    Frames that were passed before, or that the order never comes by, are prepared and leave what was begun alone. Use
    as a context; leaving it waits for nothing. `executor`: whose thread prepares (None: one of its own).
    """

    def __init__(
        self,
        prepare: Callable[[int], Prepared],
        order: Sequence[int],
        is_known: Callable[[int], bool],
        executor: Executor | None = None,
    ) -> None:
        self._prepare = prepare
        self._steps = _steps(order)
        self._places = {frame: place for place, frame in enumerate(self._steps)}
        self._reached = -1  # the furthest place taken so far
        self._is_known = is_known
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self._is_own = executor is None
        self._waiting: tuple[int, Future[Prepared]] | None = None
        self._is_ahead = False

    def take(self, frame_index: int) -> Prepared:
        """The prepared frame: what was begun if it is this one, else prepared now."""
        place = self._places.get(frame_index, -1)
        if place <= self._reached:
            return self._prepare(frame_index)
        begun = self._take_begun(frame_index)
        prepared = self._prepare(frame_index) if begun is None else begun.result()
        self._reached = place
        following = self._expected_after(frame_index)
        if following is not None and not self._is_known(following):
            self._waiting = following, self._executor.submit(self._prepare, following)
            self._is_ahead = True
        return prepared

    @property
    def is_ahead(self) -> bool:
        """Whether a frame is in the making, begun by the latest `take` and not waited for since.

        Does not depend on how quick the other thread is, so that what is done meanwhile is the same every time.
        """
        return self._is_ahead

    def wait(self) -> None:
        """Come back when the frame in the making, if any, is made."""
        if self._waiting is not None:
            wait([self._waiting[1]])
        self._is_ahead = False

    def _take_begun(self, frame_index: int) -> Future[Prepared] | None:
        """What was begun if it is this frame; another one is dropped, after its end if it cannot be cancelled."""
        waiting, self._waiting, self._is_ahead = self._waiting, None, False
        if waiting is None:
            return None
        begun_index, begun = waiting
        if begun_index == frame_index:
            return begun
        if not begun.cancel():
            wait([begun])
        return None

    def _expected_after(self, frame_index: int) -> int | None:
        step = self._steps[frame_index]
        if not step:
            return None
        following = frame_index + step
        while following not in self._steps:  # behind the end, which is itself in the order
            following -= 1 if step > 0 else -1
        return following

    def __enter__(self) -> Prefetch[Prepared]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # To wait here would be for ever where the garbage collector ends an abandoned run: it does so in any thread,
        # be it the one that prepares or one that holds the lock of the clip.
        if self._waiting is not None:
            self._waiting[1].cancel()
        self._waiting, self._is_ahead = None, False
        if self._is_own:
            self._executor.shutdown(wait=False)


def _steps(order: Sequence[int]) -> dict[int, int]:
    """Signed distance to the frame expected next, for all frames from the order's first to its last, as they come.

    A frame between two of the order has their distance: a run that a new prompt shifts there goes on in such steps.
    """
    steps: dict[int, int] = {}
    for frame, following in pairwise(order):
        for passed in range(frame, following, 1 if following > frame else -1):
            steps.setdefault(passed, following - frame)
    for last in order[-1:]:
        steps[last] = 0
    return steps

"""The frames of a tracking run as embeddings, the next one in preparation while the current one is tracked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from torch import Tensor

from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.tracking.clip_view import ClipView
from sam2_demo.tracking.speed.read_ahead import ReadAhead
from sam2_demo.tracking.speed.side_by_side import halves_for


class FramesAhead:
    """Decodes one frame ahead; small networks on a CPU also encode it, while half of the processor tracks the current
    one.
    """

    def __init__(self, view: ClipView, order: Sequence[int]) -> None:
        self._view = view
        self._halves = halves_for(view.network)
        prepare: Callable[[int], Tensor | ImageEmbedding] = view.read_pixels if self._halves is None else view.encode
        self._ahead = ReadAhead(prepare, order, view.__contains__, self._halves)

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

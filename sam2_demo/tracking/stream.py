"""Frames that arrive one by one and never end, as a camera's do (SAM 2's streaming memory, without a last frame).

A stream is a clip tracker over a clip of which only the latest frames are kept: the same step, the same memory rules,
the same numbers to the last bit. What it adds is forgetting, so that the thousandth hour takes no more memory than the
first minute:

- The latest `kept_frames` frames can be prompted; a correction on an older one is carried forward to the newest.
- Of each object's prompted frames the latest `most_prompted` are attended to, as all are in a clip; an older one fades:
  its memory goes on as that of a tracked frame, which the memory rule may or may not recall, and goes with it.
- Memories of tracked frames stay as long as the memory rule attends to them, and `kept_frames` frames longer.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import ConfigError, InputError, PromptError
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.embedding_cache import EmbeddingCache
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.pixels import Rgb, check_rgb
from sam2_demo.tracking.prompts import Points
from sam2_demo.video import FrameReader

_ENDLESS = sys.maxsize
_RECALLED = 64  # more frames than any rule attends to at once: pointers, recent memories, anchors, of all pathways


class LiveStream:
    """Made by `VideoPredictor.open_stream`; safe to share between threads.

    Pushing equals `ClipTracker.propagate` on the same frames to the last bit, if both compute with one thread or
    follow one object, the clip has at least as many frames as a frame has object pointers (16), and no prompt has
    faded.
    """

    def __init__(self, network: Sam2Network, options: TrackingOptions, kept_frames: int, most_prompted: int) -> None:
        if kept_frames < 1 or most_prompted < 1:
            raise ConfigError(
                f"kept_frames is {kept_frames} and most_prompted {most_prompted}; accepted: whole numbers from 1"
            )
        self.kept_frames = kept_frames
        self.most_prompted = most_prompted
        self._network = network
        # Nothing may be forgotten on other grounds than this module's: it could not be made again without its frame.
        capacity = max(options.recent_memories, 2 * kept_frames + most_prompted + _RECALLED)
        self._options = replace(options, recent_memories=capacity, frame_stride=1, at_cuts="track_on")
        self._frames: _KeptFrames | None = None
        self._tracker: ClipTracker | None = None
        self._fresh: dict[int, set[int]] = {}  # frame -> objects prompted there since the last push
        self._is_closed = False
        self._lock = threading.RLock()

    @property
    def num_frames(self) -> int:
        """How many frames were pushed."""
        return 0 if self._frames is None else self._frames.newest + 1

    @property
    def object_ids(self) -> list[int]:
        """Ids of the objects, in the order in which they were added."""
        return [] if self._tracker is None else self._tracker.object_ids

    def push(self, rgb: Rgb) -> FrameResult:
        """Track all objects onto the next frame, (H, W, 3) uint8; its index counts from 0.

        The first frame fixes the size; InputError for another one, and once the stream is closed.
        """
        with self._lock:
            frames, tracker = self._open_for(check_rgb(rgb))
            for frame_index, object_ids in self._fresh.items():
                _run(tracker, frame_index, frame_index, object_ids)  # they become conditioning frames
            self._fresh.clear()
            newest = frames.append(rgb)
            ids = tracker.object_ids
            result = _run(tracker, newest, newest, ids) if ids else tracker.result(newest)
            tracker.fade(newest, self.kept_frames, self.most_prompted)
            return result

    def _open_for(self, rgb: Rgb) -> tuple[_KeptFrames, ClipTracker]:
        if self._is_closed:
            raise InputError("the stream is closed; open another one")
        size = rgb.shape[:2]
        if self._frames is None or self._tracker is None:
            self._frames = _KeptFrames(size, self.kept_frames)
            # Its own cache: the frames of a stream would drive those of clips out of a shared one.
            embeddings = EmbeddingCache(self._options.embedding_cache_bytes, 2 * self.kept_frames)
            self._tracker = ClipTracker(self._network, self._frames, self._options, embeddings)
        if size != (self._frames.height, self._frames.width):
            raise InputError(
                f"the stream's frames are {self._frames.width} x {self._frames.height} pixels (width x height), this "
                f"one is {size[1]} x {size[0]}; open another stream for another size"
            )
        return self._frames, self._tracker

    def add_prompt(
        self,
        object_id: int,
        points: Points | None = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        mask: NDArray[np.generic] | None = None,
        frame_index: int | None = None,
        clear_previous: bool = True,
    ) -> FrameResult:
        """Prompt one object on a kept frame (None: the newest) and see its mask there; a new id makes a new object.

        Prompts as in `ClipTracker.add_prompt`. What is said of an older frame is carried forward at once: the object
        is tracked again from there to the newest frame, which `result` then shows; others stay as they are.
        PromptError for a frame that is not kept.
        """
        with self._lock:
            frames, tracker = self._require()
            frame_index = frames.check(frame_index)
            result = tracker.add_prompt(frame_index, object_id, points, point_labels, box, mask, clear_previous)
            if frame_index == frames.newest:
                self._fresh.setdefault(frame_index, set()).add(int(object_id))
            else:
                _run(tracker, frame_index, frames.newest, [object_id])
            return result

    def result(self, frame_index: int | None = None) -> FrameResult:
        """What is known of a kept frame (None: the newest), without computing anything new."""
        with self._lock:
            frames, tracker = self._require()
            return tracker.result(frames.check(frame_index))

    def read_frame(self, frame_index: int | None = None) -> Rgb:
        """A kept frame (None: the newest), (H, W, 3) uint8."""
        frames, _ = self._require()
        return np.asarray(frames.read(frames.check(frame_index)))

    def remove_object(self, object_id: int) -> None:
        """Remove an object; the others stay as they are. PromptError for an unknown one."""
        with self._lock:
            _, tracker = self._require()
            tracker.remove_object(object_id)
            for object_ids in self._fresh.values():
                object_ids.discard(object_id)
            self._fresh = {frame: object_ids for frame, object_ids in self._fresh.items() if object_ids}

    def close(self) -> None:
        """Forget everything; may be called twice."""
        with self._lock:
            self._is_closed = True
            if self._tracker is not None:
                self._tracker.close()
            self._frames = self._tracker = None
            self._fresh.clear()

    def _require(self) -> tuple[_KeptFrames, ClipTracker]:
        if self._frames is None or self._tracker is None:
            raise PromptError(
                "the stream is closed" if self._is_closed else "the stream has no frame yet: push one first"
            )
        return self._frames, self._tracker


def _run(tracker: ClipTracker, first: int, last: int, object_ids: Sequence[int] | set[int]) -> FrameResult:
    """Track some objects from one frame to another; the last one's result."""
    # One result at a time: those of a second of frames would take half a gigabyte.
    return deque(tracker.propagate(first, end_frame_index=last, object_ids=object_ids), maxlen=1)[0]


class _KeptFrames(FrameReader):
    """A clip without an end of which the latest frames are kept."""

    def __init__(self, size: tuple[int, int], capacity: int) -> None:
        super().__init__()
        self.num_frames = _ENDLESS
        self.frame_rate = self.duration = float("nan")
        self.height, self.width = size
        self.times = np.empty(0)
        self.newest = -1
        self._capacity = capacity
        self._kept: OrderedDict[int, Rgb] = OrderedDict()

    def append(self, rgb: Rgb) -> int:
        """Take the next frame, a copy of it; returns its index."""
        with self._lock:
            self.newest += 1
            self._kept[self.newest] = np.array(rgb)
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
            return self.newest

    def check(self, frame_index: int | None) -> int:
        """The index of a kept frame, of the newest for None; PromptError for others."""
        if frame_index is None:
            return self.newest
        oldest = next(iter(self._kept))
        is_index = isinstance(frame_index, (int, np.integer)) and not isinstance(frame_index, bool)
        if not is_index or not oldest <= frame_index <= self.newest:
            raise PromptError(
                f"frame {frame_index!r} is not kept; the latest {len(self._kept)} frames are: {oldest} to {self.newest}"
            )
        return int(frame_index)

    def _read(self, index: int) -> Rgb:
        return self._kept[index].copy()

    def _release(self) -> None:
        self._kept.clear()

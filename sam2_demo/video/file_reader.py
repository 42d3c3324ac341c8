"""Frames of a video file by index: seek to a key frame, decode forward, keep a bounded number of frames."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from sam2_demo.errors import MediaError
from sam2_demo.video.decoding import Decoder, declared_seconds
from sam2_demo.video.frame_index import FrameIndex, build_index
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.video.rgb_conversion import RgbConverter

CACHE_BYTES = 128 * 2**20
"""Default limit of the decoded frames kept per open file."""
_LEAST_CACHED_FRAMES = 4
_NOTICEABLE = 0.5  # seconds; headers are off by a frame or two
_PASSED_IN_VAIN = 2  # key frames from which later frames came and the wanted one did not
log = logging.getLogger(__name__)


class VideoFileReader(FrameReader):
    """Exact random access to a video file.

    Reading forward decodes each frame once. Reading elsewhere seeks to the nearest key frame before and decodes
    up to the frame; the frames passed on the way are kept within `cache_bytes`, which makes stepping backward
    cheap. Memory does not grow with the clip, apart from the index. In place of a damaged frame in the middle of a
    clip the nearest one is shown.

    Attributes:
        codec: name of the decoder. rotation: clockwise degrees already applied.
        pixel_aspect: width to height of one pixel as shown; not 1 for anamorphic video, which is read unscaled.
        seeks: how often reading had to leave the forward order.
    """

    def __init__(self, path: str | os.PathLike[str], cache_bytes: int = CACHE_BYTES) -> None:
        super().__init__()
        self.path = Path(path)
        self.seeks = 0
        self._decoder = Decoder(self.path)
        try:
            self._index: FrameIndex = build_index(self._decoder)
            self._places = {int(number): place for place, number in enumerate(self._index.packets)}
            self._cache: OrderedDict[int, av.VideoFrame] = OrderedDict()
            self._instead: dict[int, int] = {}  # damaged frame -> the one that is shown for it
            self._start(0)
            first = self._decode_until(0, 0)
            if first is None:
                raise MediaError(f"the first frame of {self.path.name} cannot be decoded")
            self._describe(first, cache_bytes)
        except MediaError:
            self._decoder.close()
            raise
        self._cache[0] = first

    def _describe(self, first: av.VideoFrame, cache_bytes: int) -> None:
        """Fill the public attributes from the index and the first frame."""
        self._converter = RgbConverter(first)
        self.height, self.width = self._converter.size
        self.rotation = self._converter.orientation.rotation
        frame_bytes = max(1, sum(plane.buffer_size for plane in first.planes))
        self._capacity = max(_LEAST_CACHED_FRAMES, cache_bytes // frame_bytes)
        stream = self._decoder.stream
        aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
        self.pixel_aspect = 1 / aspect if self._converter.orientation.transpose else aspect
        self.codec = stream.codec_context.name
        self.has_audio = len(self._decoder.container.streams.audio) > 0
        self.times = self._index.times
        self.num_frames = len(self.times)
        self.duration = self._index.end
        self.frame_rate = _frame_rate(self.times, self.duration, stream.guessed_rate)
        declared = declared_seconds(self._decoder.container, stream)
        if declared is not None and declared - self.duration > _NOTICEABLE:
            self.notice = (
                f"The video is cut off or damaged: by its header it lasts {declared:.1f} s, but only the first "
                f"{self.duration:.1f} s ({self.num_frames} frames) can be read."
            )

    def _read(self, index: int) -> np.ndarray:
        frame = self._cache.get(index)
        if frame is None:
            frame = self._fetch(index)
        else:
            self._cache.move_to_end(index)
        return self._converter.convert(frame)

    def _fetch(self, index: int) -> av.VideoFrame:
        """Decode frame `index`, going on from the present position when no key frame lies between."""
        index = self._instead.get(index, index)
        key = int(np.searchsorted(self._index.keyframes, index, side="right")) - 1
        if int(self._index.keyframes[key]) <= self._next <= index:
            frame = self._decode_until(index, self._next)
            if frame is not None:
                return frame
        # A key frame can lead to nothing usable (leading pictures, recovery points): then one further back.
        passed = 0
        for back in dict.fromkeys(max(0, step) for step in (key, key - 1, key - 3, 0)):
            self._start(back)
            frame = self._decode_until(index, int(self._index.keyframes[back]))
            if frame is not None:
                return frame
            passed += self._next < self.num_frames
            if passed == _PASSED_IN_VAIN:
                break
        if passed:  # later frames came: it is this one that is damaged, not the rest of the file that is gone
            self._instead[index] = min(self._cache, key=lambda place: abs(place - index))
            log.warning("frame %d of %s is damaged; frame %d is shown", index, self.path.name, self._instead[index])
            return self._cache[self._instead[index]]
        raise MediaError(
            f"frame {index} of {self.path.name} (at {self.times[index]:.3f} s) cannot be decoded; "
            "the file is damaged there or has changed since it was opened"
        )

    def _start(self, key: int) -> None:
        """Begin decoding at key frame number `key`; 0 is the very start of the file."""
        self.seeks += 1
        if key == 0 or not self._decoder.seek(self._index.timestamps[key]):
            self._decoder.restart()
        numbers = self._index.numbers
        self._frames = self._placed(self._decoder.frames(numbers, self._index.use_dts))
        self._next = 0

    def _placed(self, frames: Iterator[tuple[int, av.VideoFrame]]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Replace packet numbers by frame indices; frames that are not shown are left out."""
        for count, (number, frame) in enumerate(frames):
            place = count if self._index.numbers is None else self._places.get(number)
            if place is not None:
                yield place, frame

    def _decode_until(self, index: int, first_usable: int) -> av.VideoFrame | None:
        """Decode up to frame `index`, keeping what is passed from `first_usable` on; None if it does not come."""
        for place, frame in self._frames:
            if place < first_usable:
                continue
            self._next = place + 1
            self._keep(place, frame)
            if place == index:
                return frame
            if place > index:
                return None
        self._next = self.num_frames
        return None

    def _keep(self, place: int, frame: av.VideoFrame) -> None:
        self._cache[place] = frame
        self._cache.move_to_end(place)
        while len(self._cache) > getattr(self, "_capacity", _LEAST_CACHED_FRAMES):
            self._cache.popitem(last=False)

    def _release(self) -> None:
        self._cache.clear()
        self._frames = iter(())
        self._decoder.close()


def _frame_rate(times: np.ndarray, duration: float, declared: Fraction | None) -> float:
    """The declared rate where the times keep to it, else the mean rate."""
    if len(times) < 2:
        return float(declared) if declared else (1.0 / duration if duration > 0 else 25.0)
    mean = (len(times) - 1) / float(times[-1] - times[0])
    # Time stamps of some containers are whole milliseconds, so single steps are off by up to one.
    steady = declared and abs(mean - float(declared)) < 1e-3 * float(declared) + 2e-3 * mean / len(times)
    return float(declared) if steady and declared else mean

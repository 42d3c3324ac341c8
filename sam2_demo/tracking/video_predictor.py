"""Opens clips as sessions that share one network (SAM 2's video predictor)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.embedding_cache import EmbeddingCache
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.pixels import Rgb
from sam2_demo.tracking.stream import LiveStream
from sam2_demo.video import FrameReader, open_video


class VideoPredictor:
    """A network and the options under which it tracks; sessions share nothing but the cache of embeddings."""

    def __init__(self, network: Sam2Network, options: TrackingOptions | None = None) -> None:
        self.network = network
        self.options = options or TrackingOptions()
        self._embeddings = EmbeddingCache(self.options.embedding_cache_bytes)

    def open(self, source: str | Path | Sequence[Rgb] | FrameReader) -> ClipTracker:
        """Start a session on a video file, a folder of images, a sequence of (H, W, 3) uint8 arrays or a reader.

        Nothing is decoded beyond the index; MediaError when the source cannot be used.
        """
        frames = source if isinstance(source, FrameReader) else open_video(source)
        return ClipTracker(self.network, frames, self.options, self._embeddings)

    def open_stream(self, kept_frames: int = 32, most_prompted: int = 8) -> LiveStream:
        """Start on frames that arrive one by one and never end, as a camera's do.

        kept_frames: so many of the latest can still be prompted; most_prompted: so many prompted frames of each object
        are attended to (see `LiveStream`). `frame_stride` and `at_cuts` of the options do not apply.
        """
        return LiveStream(self.network, self.options, kept_frames, most_prompted)

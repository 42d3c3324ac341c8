"""One way in for every kind of clip: a video file, a folder of pictures, arrays in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from sam2_demo.errors import MediaError
from sam2_demo.video.file_reader import VideoFileReader
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.video.picture_sequences import ArrayReader, FolderReader
from sam2_demo.video.pictures import picture_size

VideoSource = str | os.PathLike[str] | Sequence[np.ndarray] | np.ndarray | FrameReader


@dataclass(frozen=True)
class VideoInfo:
    """What a video file or folder of pictures holds.

    `height` and `width` are as shown, `rotation` is the clockwise turn in degrees already counted in.
    `frame_rate` is the mean where `variable_frame_rate` is set. Times are in seconds. `codec` is "pictures" for
    a folder.
    """

    height: int
    width: int
    num_frames: int
    duration: float
    frame_rate: float
    variable_frame_rate: bool
    codec: str
    has_audio: bool
    rotation: int


def open_video(source: VideoSource, frame_rate: float | None = None) -> FrameReader:
    """Open a clip for reading by frame index.

    `source` is the path of a video file, the path of a folder of pictures, a sequence of (H, W, 3) uint8 RGB
    arrays (or one (T, H, W, 3) array), or a FrameReader, which is returned as it is. `frame_rate` (frames per
    second, 24 if not given) is for folders and arrays, which have no times of their own.
    Raises MediaError saying what was found and what is accepted.
    """
    if isinstance(source, FrameReader):
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return FolderReader(path, frame_rate or 24.0) if path.is_dir() else VideoFileReader(path)
    if isinstance(source, Sequence | np.ndarray) and not isinstance(source, str | bytes | bytearray):
        return ArrayReader(source, frame_rate or 24.0)
    raise MediaError(
        f"a clip cannot be opened from {type(source).__name__}; accepted are the path of a video file, the path "
        "of a folder of pictures and a sequence of (H, W, 3) uint8 arrays"
    )


def declared_size(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """(height, width) of a picture or of a video's frames as the file's header says, before anything is decoded.

    None where no header says it; opening the file then says why.
    """
    with suppress(MediaError):
        return picture_size(path)
    try:
        with av.open(os.fspath(path), options={"probesize": "1000000", "analyzeduration": "0"}) as container:
            sizes = [(stream.codec_context.height, stream.codec_context.width) for stream in container.streams.video]
    except (av.FFmpegError, OSError, ValueError):
        return None
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Describe a video file or a folder of pictures, with the exact number of frames. Raises MediaError."""
    with open_video(path) as reader:
        steps = np.diff(reader.times)
        # Containers that count in milliseconds round every step by up to one.
        varies = len(steps) > 1 and float(steps.max() - steps.min()) > 2.1e-3
        return VideoInfo(
            height=reader.height,
            width=reader.width,
            num_frames=reader.num_frames,
            duration=reader.duration,
            frame_rate=reader.frame_rate,
            variable_frame_rate=varies,
            codec=reader.codec if isinstance(reader, VideoFileReader) else "pictures",
            has_audio=reader.has_audio,
            rotation=reader.rotation if isinstance(reader, VideoFileReader) else 0,
        )

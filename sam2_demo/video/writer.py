"""Frames to MP4 (H.264 4:2:0, fast start), with the times and the sound of the clip they come from."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from sam2_demo.errors import MediaError
from sam2_demo.video.audio_track import AudioTrack
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.video.timing import Timing, exact_rate, timing_from_times

_CONVERSION = Interpolation.AREA | Interpolation.ACCURATE_RND


@dataclass(frozen=True)
class WriterOptions:
    """How a clip is encoded.

    Attributes:
        crf: quality of x264, 0 (lossless, large) to 51; 18 is hard to tell from the source.
        preset: speed of x264, "ultrafast" to "veryslow".
        keyframe_interval: most frames between key frames; short makes stepping in a browser quick.
        duration: seconds at which the last frame ends; None: it lasts as long as the median frame.
        pixel_aspect: width to height of one pixel, for sources whose pixels are not square.
        audio_start, audio_stop: the part of the sound to take, in seconds of its source; stop None: to its end.
    """

    crf: int = 18
    preset: str = "veryfast"
    keyframe_interval: int = 48
    duration: float | None = None
    pixel_aspect: Fraction = Fraction(1)
    audio_start: float = 0.0
    audio_stop: float | None = None


class VideoWriter:
    """Writes RGB frames one by one to an MP4 file that every browser plays.

        with VideoWriter(path, reader.width, reader.height, times=reader.times, audio_from=source) as writer:
            for index in range(len(reader)):
                writer.write(reader.read(index))

    Either `times` (seconds of every frame, rising; exactly so many frames must be written) or `frame_rate` is
    given. `audio_from` is a file whose sound is taken over: copied as it is if AAC or MP3, else encoded as AAC;
    a file without sound gives a silent clip. Colours are converted to and tagged as BT.709, limited range. There
    are no B-frames, so presentation and decoding order agree and the first frame is at its own time in every
    player.

    4:2:0 video has even sizes, and its cropping too counts in steps of two pixels: an odd width or height is
    enlarged by one column or row that repeats the last one.

    The file appears under its name only when it is complete: an error, an exception inside the `with` block or
    `abort()` leaves nothing behind and an existing file of that name untouched. Raises MediaError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        times: Sequence[float] | np.ndarray | None = None,
        frame_rate: float | None = None,
        audio_from: str | os.PathLike[str] | None = None,
        options: WriterOptions | None = None,
    ) -> None:
        if (times is None) == (frame_rate is None):
            raise MediaError("give either the times of the frames or a frame rate")
        if width < 1 or height < 1:
            raise MediaError(f"size is {width} x {height}; at least 1 x 1 pixel is needed")
        self.path = Path(path)
        self.width, self.height = int(width), int(height)
        self.frames_written = 0
        self._options = options or WriterOptions()
        self._timing = None if times is None else timing_from_times(times, self._options.duration)
        self._rate = exact_rate(frame_rate) if frame_rate is not None else self._mean_rate(self._timing)
        self._temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.part")
        self._reformatter = VideoReformatter()
        self._packets_written = 0
        self._container: OutputContainer | None = None
        self._audio: AudioTrack | None = None
        self._open(audio_from)

    @classmethod
    def like(
        cls,
        path: str | os.PathLike[str],
        reader: FrameReader,
        audio_from: str | os.PathLike[str] | None = None,
        options: WriterOptions | None = None,
    ) -> VideoWriter:
        """A writer for a clip with the size, frame times, length and pixel aspect of `reader`."""
        aspect = getattr(reader, "pixel_aspect", Fraction(1))
        given = replace(options or WriterOptions(), duration=reader.duration, pixel_aspect=aspect)
        return cls(path, reader.width, reader.height, times=reader.times, audio_from=audio_from, options=given)

    def write(self, frame: np.ndarray) -> None:
        """Append one (height, width, 3) uint8 RGB frame. Raises MediaError for another shape, type or count."""
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise MediaError(
                f"frame {self.frames_written} has shape {frame.shape} and type {frame.dtype}; "
                f"({self.height}, {self.width}, 3) uint8 is needed"
            )
        if self._timing is not None and self.frames_written >= self._timing.num_frames:
            raise MediaError(f"times were given for {self._timing.num_frames} frames; one more was written")
        if self._container is None:
            raise MediaError(f"{self.path.name} has been closed; no more frames can be written")
        picture = self._to_yuv(frame)
        picture.pts, picture.time_base = self._stamp(self.frames_written), self._unit
        try:
            self._mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"{self.path.name} cannot be written ({error})") from error
        self.frames_written += 1

    def close(self) -> None:
        """Finish the file and put it in its place. Raises MediaError if frames are missing."""
        if self._container is None:
            return
        expected = self.frames_written if self._timing is None else self._timing.num_frames
        try:
            if self.frames_written == 0 or self.frames_written != expected:
                found = f"{self.frames_written} of {max(expected, 1)} frames"
                raise MediaError(f"{self.path.name} was not written: it got {found}")
            self._mux(self._stream.encode(None))
            if self._audio is not None:
                self._audio.mux_until(None)
                self._audio.close()
            self._container.close()
            self._container = None
            os.replace(self._temporary, self.path)
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"{self.path.name} cannot be written ({error})") from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Give up: close everything and remove what has been written so far."""
        if self._audio is not None:
            self._audio.close()
        container, self._container = self._container, None
        try:
            if container is not None:
                container.close()
        except (av.FFmpegError, OSError, ValueError):
            # An unfinished file may refuse its trailer; it is removed all the same.
            return
        finally:
            self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _open(self, audio_from: str | os.PathLike[str] | None) -> None:
        """Create the temporary file with its streams."""
        self._unit = Fraction(1, self._timing.timescale) if self._timing else 1 / self._rate
        options = {"movflags": "+faststart"}
        try:
            self._container = av.open(str(self._temporary.absolute()), "w", format="mp4", options=options)
            self._stream = self._add_stream(self._container)
            if audio_from is not None:
                start, stop = self._options.audio_start, self._options.audio_stop
                self._audio = AudioTrack(Path(audio_from), self._container, start, stop)
            # Opens the file and the encoders now, so that what they refuse is known before any frame is made.
            self._container.start_encoding()
        except MediaError:
            self.abort()
            raise
        except (av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise MediaError(f"{self.path} cannot be written ({error})") from error

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        stream = container.add_stream("libx264", rate=self._rate, options=self._codec_options())
        stream.width, stream.height = self.width + self.width % 2, self.height + self.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._unit
        context = stream.codec_context
        context.sample_aspect_ratio = self._options.pixel_aspect
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return stream

    def _codec_options(self) -> dict[str, str]:
        options = self._options
        return {"crf": str(options.crf), "preset": options.preset, "bf": "0", "g": str(options.keyframe_interval)}

    def _to_yuv(self, frame: np.ndarray) -> av.VideoFrame:
        padding = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        even = np.pad(frame, padding, mode="edge") if self.height % 2 or self.width % 2 else frame
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        yuv = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_CONVERSION,
            threads=1,
        )
        yuv.color_primaries, yuv.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return yuv

    def _stamp(self, index: int) -> int:
        return index if self._timing is None else self._timing.stamps[index]

    def _mux(self, packets: Sequence[av.Packet[Any]]) -> None:
        """Write encoded frames, each with its own duration, and the sound up to the same time."""
        for packet in packets:
            # Without B-frames packets come in the order of the frames.
            start, end = self._stamp(self._packets_written), self._stamp(self._packets_written + 1)
            packet.duration = end - start
            self._packets_written += 1
            if self._container is not None:
                self._container.mux(packet)
            if self._audio is not None:
                self._audio.mux_until(float(end * self._unit))

    @staticmethod
    def _mean_rate(timing: Timing | None) -> Fraction:
        """The rate to declare (and to plan bits for) when every frame has its own time."""
        if timing is None:
            return Fraction(25)
        mean = Fraction(timing.num_frames * timing.timescale, timing.stamps[-1] - timing.stamps[0])
        return min(max(mean.limit_denominator(1001), Fraction(1, 100)), Fraction(1000))

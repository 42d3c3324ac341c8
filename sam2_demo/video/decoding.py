"""The thin layer over FFmpeg (through PyAV): open a file, feed packets, number frames.

Every packet is numbered in file order, and the decoder is made to carry that number (in place of the time
stamp) to the frame it yields. A frame is thus known by its packet, also where time stamps are missing, repeated
or out of order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeVar

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from sam2_demo.errors import MediaError
from sam2_demo.video.pictures import MAX_PIXELS, too_large

# Named, so that playlists and scripts (which make FFmpeg open further files or addresses) and guesses from
# plain text stay out.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,obu,"
    "ivf,mjpeg,flv,asf,ogg,nut,mxf,dv,rm,wtv,swf,vc1,yuv4mpegpipe,avif,jpegxl_anim,mp3,wav,flac,aac,aiff"
)
_ACCEPTED = "accepted are video files such as MP4, MOV, WebM, MKV, AVI and GIF"

# What decoders raise for damaged data or a full queue; the frames concerned are lost, decoding goes on.
_DAMAGE = (
    *(av.InvalidDataError, av.BlockingIOError, av.PatchWelcomeError, av.ArgumentError, av.UnknownError),
    *(av.EOFError, av.MemoryError),
)

# FFmpeg's own decoders of these pass over the alpha plane that WebM keeps beside each packet; libvpx has it.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_ALPHA_DATA: Final = "matroska_block_additional"
_BLOCK_ID_BYTES = 8  # before the coded plane

_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")

_StreamT = TypeVar("_StreamT", bound=Stream)


def open_container(path: Path) -> InputContainer:
    """Open a media file for reading. Raises MediaError naming the file and what is wrong with it."""
    if not path.exists():
        raise MediaError(f"{path} does not exist; {_ACCEPTED}")
    if not path.is_file():
        raise MediaError(f"{path} is not a file; {_ACCEPTED}")
    size = path.stat().st_size
    if size == 0:
        raise MediaError(f"{path.name} is empty (0 bytes); {_ACCEPTED}")
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        return av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"{path.name} ({size} bytes) cannot be opened as a video: it is cut off, damaged or of another "
            f"kind ({getattr(error, 'strerror', None) or error}); {_ACCEPTED}"
        ) from error


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the stream to show: the best one that is no cover picture. Raises MediaError if there is none."""
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        found = f"only {' and '.join(kinds)}" if kinds else "no streams"
        raise MediaError(f"{name} has no video: it holds {found}; {_ACCEPTED}")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise MediaError(f"{name} holds a video whose codec cannot be decoded here; {_ACCEPTED}")
    if stream.width * stream.height > MAX_PIXELS:
        raise too_large(f"a frame of {name}", stream.width * stream.height)
    return stream


def clip_zero(container: InputContainer, first_frame: float) -> float:
    """The time stamp (seconds) at which players start their clock; `first_frame` is that of the first frame.

    It is the start of the earliest stream, but not below zero, where codec delay puts the sound of some files.
    """
    # AVI stores no presentation times: the first frame's lies past zero by the decoder's delay alone.
    if container.start_time is None or container.format.name == "avi":
        return first_frame
    return min(first_frame, max(container.start_time / 1e6, 0.0))


def declared_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the file itself says the video lasts, from the clip's zero; None where it does not say.

    FFmpeg fills in a length for other files, from what can be read or from the file's size.
    """
    kind = container.format.name
    if kind == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if "mp4" in kind and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if "matroska" in kind:
        end = 0.0
        # The header has the length of the longest stream; most writers add that of each.
        told = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
        if told:
            end = int(told[1]) * 3600 + int(told[2]) * 60 + float(told[3])
        elif len(container.streams) == 1:
            end = (container.duration or 0) / 1e6
        return end - max((container.start_time or 0) / 1e6, 0.0) if end else None
    return None


def begins_anew(packet: av.Packet[Any], codec: str, with_alpha: bool) -> bool:
    """Whether decoding can begin at a packet: its picture, and the alpha plane beside it if there is one, are whole."""
    if not packet.is_keyframe or not with_alpha or not packet.has_sidedata(_ALPHA_DATA):
        return packet.is_keyframe
    data: Any = packet.get_sidedata(_ALPHA_DATA)
    plane = bytes(data)[_BLOCK_ID_BYTES:]
    # Set for what builds on earlier frames (VP9 has another bit for frames that only show one of these again).
    return bool(plane) and not plane[0] & (0b0001 if codec == "vp8" else 0b1100)


def packets_of(container: InputContainer, stream: _StreamT) -> Iterator[av.Packet[Any]]:
    """Yield the packets of `stream` that carry data, to the end of what can be read."""
    while True:
        try:
            for packet in container.demux(stream):
                # An empty packet would tell the decoder that the clip has ended.
                if packet.size > 0:
                    yield packet
        except IndexError:
            # A broadcast that gains a stream midway: PyAV did not know of it; a new demuxer passes it over.
            continue
        except (av.FFmpegError, OSError):
            return
        return


class Decoder:
    """Decodes one file from its start or from a key frame; yields (packet number, frame) in shown order.

    `with_alpha`: whether a VP8 or VP9 stream has an alpha plane beside its pictures, which then comes with the frames.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.container = open_container(path)
        self._alpha_decoder: av.CodecContext | None = None
        try:
            self.stream = self._prepared_stream()
        except MediaError:
            self.container.close()
            raise

    def _prepared_stream(self) -> VideoStream:
        stream = video_stream(self.container, self.path.name)
        stream.thread_type = "AUTO"
        for other in self.container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        name = _ALPHA_DECODERS.get(stream.codec_context.name)
        # An element of the header, or, where the file was copied by other programs, a tag in capitals.
        said = {key.lower(): value for key, value in stream.metadata.items()}
        self.with_alpha = name is not None and said.get("alpha_mode") == "1"
        self._alpha_decoder = _fresh_decoder(name, stream) if name is not None and self.with_alpha else None
        return stream

    @property
    def time_unit(self) -> float:
        """Seconds per unit of the stream's time stamps."""
        return float(self.stream.time_base or Fraction(1, 90_000))

    def restart(self) -> None:
        """Go back to the very start by opening the file again: the one seek that never misses."""
        self.container.close()
        self.container = open_container(self.path)
        self.stream = self._prepared_stream()

    def seek(self, timestamp: int) -> bool:
        """Move to the key frame at or before `timestamp` (in the stream's unit); False if the file cannot."""
        try:
            self.container.seek(timestamp, stream=self.stream)
        except (av.FFmpegError, OSError):
            return False
        if self._alpha_decoder is not None:
            self._alpha_decoder = _fresh_decoder(self._alpha_decoder.name, self.stream)
        return True

    def packets(self) -> Iterator[av.Packet[Any]]:
        """Yield the stream's packets that carry data, to the end of what can be read."""
        return packets_of(self.container, self.stream)

    def frames(self, numbers: dict[int, int] | None, use_dts: bool = False) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode from the present position; yields (packet number, frame).

        `numbers` maps a packet's time stamp (decoding time stamp with `use_dts`) to its number, which makes the
        numbers right after a seek; without it packets are counted, which is right from the start only.
        Ends early on a packet that is not in `numbers`.
        """
        for count, packet in enumerate(self.packets()):
            number: int | None = count
            if numbers is not None:
                stamp = packet.dts if use_dts else packet.pts
                number = None if stamp is None else numbers.get(stamp)
                if number is None:
                    return
            packet.pts = packet.dts = number
            yield from self._numbered(packet)
        yield from self._numbered(None)

    def _numbered(self, packet: av.Packet[Any] | None) -> Iterator[tuple[int, av.VideoFrame]]:
        try:
            decoder: Any = self._alpha_decoder or self.stream.codec_context
            frames = decoder.decode(packet)
        except _DAMAGE:
            return
        for frame in frames:
            yield (-1 if frame.pts is None else frame.pts), frame

    def close(self) -> None:
        """Close the file."""
        self.container.close()


def _fresh_decoder(name: str, stream: VideoStream) -> av.CodecContext:
    """A decoder of this name that has seen nothing yet; libvpx has no other way to forget the alpha plane."""
    decoder: Any = av.CodecContext.create(name, "r")
    decoder.thread_count = stream.codec_context.thread_count
    return decoder

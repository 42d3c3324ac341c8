"""The sound of a source file, carried over to a written one: copied where MP4 players take it, else as AAC."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer

from sam2_demo.errors import MediaError
from sam2_demo.video.decoding import clip_zero, open_container, packets_of

_COPIED_CODECS = frozenset({"aac", "mp3", "mp3float"})
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_AAC_BIT_RATE = 160_000
_AAC_FRAME = 1024


class AudioTrack:
    """Feeds the sound of `source` into a container that is being written, in step with its pictures.

    `start` and `stop` (seconds on the source's clock; None: to its end) choose a part; `start` becomes zero.
    """

    def __init__(self, source: Path, output: OutputContainer, start: float = 0.0, stop: float | None = None) -> None:
        self._input: InputContainer = open_container(source)
        self._output = output
        self._begin, self._stop = start, stop
        self._pending: deque[av.Packet[Any]] = deque()
        self._packets: Iterator[av.Packet[Any]] = iter(())
        stream = _best_audio(self._input)
        if stream is None:
            return
        try:
            copied = stream.codec_context.name in _COPIED_CODECS
            self._packets = self._copied(stream) if copied else self._transcoded(stream)
        except (av.FFmpegError, OSError, ValueError, AttributeError) as error:
            # Without a decoder for the sound there is no codec context to ask.
            self._input.close()
            raise MediaError(f"the sound of {source.name} cannot be carried over ({error})") from error

    def mux_until(self, seconds: float | None) -> None:
        """Write the packets that begin before `seconds`; all that are left if None."""
        while True:
            if not self._pending:
                packet = next(self._packets, None)
                if packet is None:
                    return
                self._pending.append(packet)
            first = self._pending[0]
            stamp = first.dts if first.dts is not None else first.pts
            if seconds is not None and stamp is not None and float(stamp * first.time_base) >= seconds:
                return
            self._output.mux(self._pending.popleft())

    def close(self) -> None:
        """Close the source."""
        self._input.close()

    def _zero(self) -> Fraction:
        """The source's time that becomes zero; the same clock as FrameReader.times."""
        starts = [s.start_time * s.time_base for s in self._input.streams.video if s.start_time and s.time_base]
        zero = clip_zero(self._input, float(min(starts, default=0)))
        return Fraction(zero + self._begin).limit_denominator(1_000_000)

    def _source_packets(self, stream: av.AudioStream) -> Iterator[av.Packet[Any]]:
        """Packets of the chosen part, their time stamps shifted to the written file's clock."""
        zero = self._zero()
        length = None if self._stop is None else self._stop - self._begin
        for packet in packets_of(self._input, stream):
            if packet.pts is None:
                continue
            begins = float(packet.pts * packet.time_base - zero)
            ends = begins + float((packet.duration or 0) * packet.time_base)
            if length is not None and begins >= length:
                return
            # The packet before zero of an uncut track primes the decoder and is kept.
            if self._begin > 0 and ends <= 0:
                continue
            packet.pts -= round(zero / packet.time_base)
            packet.dts = packet.pts
            yield packet

    def _copied(self, stream: av.AudioStream) -> Iterator[av.Packet[Any]]:
        target = self._output.add_stream_from_template(stream)
        return self._retargeted(stream, target)

    def _retargeted(self, stream: av.AudioStream, target: av.AudioStream) -> Iterator[av.Packet[Any]]:
        for packet in self._source_packets(stream):
            packet.stream = target
            yield packet

    def _transcoded(self, stream: av.AudioStream) -> Iterator[av.Packet[Any]]:
        context = stream.codec_context
        rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48_000
        layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        target = self._output.add_stream("aac", rate=rate, layout=layout, bit_rate=_AAC_BIT_RATE)
        target.time_base = Fraction(1, rate)
        resampler = AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=_AAC_FRAME)
        return self._encoded(stream, target, resampler)

    def _encoded(
        self, stream: av.AudioStream, target: av.AudioStream, resampler: AudioResampler
    ) -> Iterator[av.Packet[Any]]:
        for packet in self._source_packets(stream):
            try:
                frames = stream.codec_context.decode(packet)
            except av.InvalidDataError:
                # One damaged packet is a short silence, not the end of the sound.
                continue
            for frame in frames:
                for piece in resampler.resample(frame):
                    yield from target.encode(piece)
        for piece in resampler.resample(None):
            yield from target.encode(piece)
        yield from target.encode(None)


def _best_audio(container: InputContainer) -> av.AudioStream | None:
    """The sound stream that players choose, if there is any."""
    streams = container.streams.audio
    best = container.streams.best("audio")
    return next((stream for stream in streams if best is not None and stream.index == best.index), None) or (
        streams[0] if streams else None
    )

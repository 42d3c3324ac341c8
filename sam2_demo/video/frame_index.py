"""The exact list of a video file's frames: which packet each comes from, when it is shown, where to seek.

The file's packets are listed without decoding. That list alone is right for most files, so the first frames and
the last group of pictures are decoded to confirm it; where they disagree (cut-off files, hidden or undecodable
frames, missing time stamps) the whole clip is decoded once and what comes out is the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from sam2_demo.errors import MediaError
from sam2_demo.video.decoding import Decoder, begins_anew, clip_zero

_HEAD_FRAMES = 64
_HIDDEN_FRAME_CODECS = frozenset({"vp8"})
"""Codecs with packets that show nothing and do not say so to the container."""
_FALSE_KEYFRAME_CODECS = frozenset({"gif", "apng", "png", "webp"})
"""Codecs whose frames build on earlier ones although every packet is marked as a key frame."""


@dataclass(frozen=True)
class PacketList:
    """What the container says of each packet of the video stream, in file order."""

    pts: list[int | None]
    dts: list[int | None]
    durations: list[int]
    keyframes: list[bool]
    discarded: list[bool]
    corrupt: bool

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True)
class FrameIndex:
    """Frames in the order shown.

    Attributes:
        packets: (N,) packet number of each frame; empty when frames can only be counted from the start.
        times: (N,) seconds on the clip's clock.
        end: seconds at which the last frame ends.
        keyframes: frame indices to seek to, rising.
        timestamps: what to seek to for each key frame, in the stream's unit.
        numbers: packet number by time stamp, or None when the file does not allow exact seeks.
        use_dts: whether `numbers` and `timestamps` are decoding time stamps.
    """

    packets: np.ndarray
    times: np.ndarray
    end: float
    keyframes: np.ndarray
    timestamps: list[int]
    numbers: dict[int, int] | None
    use_dts: bool

    def __len__(self) -> int:
        return len(self.times)


def list_packets(decoder: Decoder) -> PacketList:
    """List the packets of the video stream, reading the file once without decoding."""
    listed = PacketList([], [], [], [], [], corrupt=False)
    corrupt = False
    codec = decoder.stream.codec_context.name
    for packet in decoder.packets():
        listed.pts.append(packet.pts)
        listed.dts.append(packet.dts)
        listed.durations.append(packet.duration or 0)
        listed.keyframes.append(begins_anew(packet, codec, decoder.with_alpha))
        listed.discarded.append(packet.is_discard)
        corrupt = corrupt or packet.is_corrupt
    return PacketList(listed.pts, listed.dts, listed.durations, listed.keyframes, listed.discarded, corrupt=corrupt)


def build_index(decoder: Decoder) -> FrameIndex:
    """Build the exact index of a freshly opened file. Raises MediaError if no frame can be decoded."""
    packets = list_packets(decoder)
    stamps, use_dts = _unique_stamps(packets)
    order = None if stamps is None else _expected_order(decoder, packets, stamps, use_dts)
    if order is not None and stamps is not None:
        guess = _assemble(decoder, packets, stamps, use_dts, order)
        if _confirmed(decoder, guess):
            return guess
    decoder.restart()
    shown = [number for number, _ in decoder.frames(None)]
    if not shown:
        raise MediaError(
            f"{decoder.path.name} has no frame that can be decoded ({len(packets)} video packets found); "
            "a video with at least one frame is needed"
        )
    if stamps is None or min(shown) < 0 or len(set(shown)) < len(shown):
        return _counted(decoder, packets, shown)
    return _assemble(decoder, packets, stamps, use_dts, shown)


def _unique_stamps(packets: PacketList) -> tuple[list[int] | None, bool]:
    """Choose the time stamps that tell packets apart: (stamps, whether they are decoding ones)."""
    for use_dts, values in ((False, packets.pts), (True, packets.dts)):
        known = [value for value in values if value is not None]
        if known and len(known) == len(values) and len(set(known)) == len(known):
            return known, use_dts
    return None, False


def _expected_order(decoder: Decoder, packets: PacketList, stamps: list[int], use_dts: bool) -> list[int] | None:
    """Packet numbers in the order shown according to the container; None where it cannot be relied on."""
    context = decoder.stream.codec_context
    reordered = use_dts and context.has_b_frames
    if packets.corrupt or reordered or context.name in _HIDDEN_FRAME_CODECS or not packets.keyframes[0]:
        return None
    return sorted((n for n in range(len(packets)) if not packets.discarded[n]), key=stamps.__getitem__) or None


def _confirmed(decoder: Decoder, index: FrameIndex) -> bool:
    """Decode the first frames and those from the last key frame on; True if they are the expected ones."""
    decoder.restart()
    expected = index.packets.tolist()
    head = [number for number, _ in islice(decoder.frames(None), _HEAD_FRAMES)]
    if head != expected[:_HEAD_FRAMES]:
        return False
    if len(head) < _HEAD_FRAMES:
        return True
    first = int(index.keyframes[-1])
    if first == 0 or not decoder.seek(index.timestamps[-1]):
        decoder.restart()
    position = {number: place for place, number in enumerate(expected)}
    tail = [number for number, _ in decoder.frames(index.numbers, index.use_dts)]
    return [number for number in tail if position.get(number, first) >= first] == expected[first:]


def _assemble(decoder: Decoder, packets: PacketList, stamps: list[int], use_dts: bool, order: list[int]) -> FrameIndex:
    """Index frames by packet number; the times shown are the sorted time stamps of the shown packets."""
    unit = decoder.time_unit
    raw = np.sort(np.array([stamps[number] for number in order], dtype=np.int64))
    last = packets.durations[order[-1]] * unit
    times, end = _on_clip_clock(decoder, raw * unit, last)
    false_keys = decoder.stream.codec_context.name in _FALSE_KEYFRAME_CODECS
    keys = [] if false_keys else [i for i, n in enumerate(order) if packets.keyframes[n]]
    keys = [0, *(index for index in keys if index > 0)]
    return FrameIndex(
        packets=np.array(order, dtype=np.int64),
        times=times,
        end=end,
        keyframes=np.array(keys, dtype=np.int64),
        timestamps=[stamps[order[index]] for index in keys],
        numbers={stamp: number for number, stamp in enumerate(stamps)},
        use_dts=use_dts,
    )


def _counted(decoder: Decoder, packets: PacketList, shown: list[int]) -> FrameIndex:
    """Index a file whose frames can only be told apart by counting from the start."""
    rate = float(decoder.stream.guessed_rate or decoder.stream.average_rate or 25)
    known = [packets.pts[number] for number in shown] if min(shown) >= 0 else []
    stamps = np.array([value for value in known if value is not None], dtype=np.float64)
    times, end = np.arange(len(shown)) / rate, len(shown) / rate
    if len(stamps) == len(shown) and bool(np.all(np.diff(stamps) > 0)):
        times, end = _on_clip_clock(decoder, stamps * decoder.time_unit, 0.0)
    nothing = np.zeros(0, dtype=np.int64)
    return FrameIndex(nothing, times, end, np.zeros(1, dtype=np.int64), [0], numbers=None, use_dts=False)


def _on_clip_clock(decoder: Decoder, seconds: np.ndarray, last: float) -> tuple[np.ndarray, float]:
    """Shift times to the clock of players, which starts with the earliest stream; returns (times, end)."""
    zero = clip_zero(decoder.container, float(seconds[0]))
    times = seconds - zero
    # Streams round their start to microseconds: what differs by less starts together.
    times = times - times[0] if abs(times[0]) < 2e-6 else times
    typical = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    rate = decoder.stream.guessed_rate or decoder.stream.average_rate
    fallback = typical or (1.0 / float(rate) if rate else 1.0 / 25)
    return times, float(times[-1]) + (last if last > 0 else fallback)

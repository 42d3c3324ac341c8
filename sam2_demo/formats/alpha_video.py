"""A clip whose background is transparent: WebM with VP9 and an alpha plane, as browsers and editors take it.

FFmpeg's own VP9 decoder ignores alpha, so reading asks for libvpx. Pixels are written as square ones: the shape of
those of anamorphic clips reaches WebM by a field of FFmpeg's streams that PyAV does not set.

The colours under the transparent parts are written too, and anyone can look at them; so nothing of the original goes
there. Brightness outside the objects is black. Colour is stored for two pixels by two, and players blend neighbouring
ones: the squares that an object's edge crosses, and those next to them, have the colour of the object's own pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError, MediaError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import PathLike
from sam2_demo.resuming import replacing

_CONTAINER = "webm"  # named when opened too: FFmpeg would follow the addresses in a playlist that is called .webm
_UNIT = Fraction(1, 1000)  # of the container's times, in seconds
_OPTIONS = {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "6", "auto-alt-ref": "0", "row-mt": "1"}
_BLACK, _GREY = 16, 128  # of limited range


def write(
    value: ClipAnnotation,
    path: PathLike,
    frames: Iterable[NDArray[np.uint8]] | None = None,
    object_ids: Sequence[int] | None = None,
) -> None:
    """Write the objects cut out of their clip; `frames` are its (H, W, 3) RGB pictures, white without them.

    The file depends on no pixel outside the objects.
    Frames appear at the clip's own times, to the millisecond, so that it lies over its source without sliding.
    `object_ids` chooses the objects, all of them if left out. The file appears whole or not at all.
    """
    value.check()
    chosen = value.object_ids if object_ids is None else list(object_ids)
    unknown = sorted(set(chosen) - set(value.masklets))
    if unknown or not chosen:
        raise DatasetError(f"objects {unknown or 'none'} were asked for; the clip has {value.object_ids}")
    target = Path(path)
    try:
        with replacing(target) as beside, av.open(str(beside), "w", format=_CONTAINER) as container:
            rate = Fraction(value.frame_rate).limit_denominator(1001)
            stream = container.add_stream("libvpx-vp9", rate=rate, options=dict(_OPTIONS))
            stream.width, stream.height, stream.pix_fmt = value.width, value.height, "yuva420p"
            context = stream.codec_context
            context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
            context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
            stream.time_base = stream.codec_context.time_base = _UNIT
            stamps = _stamps(value)
            ends = iter(stamps[1:])
            for picture in chain(_pictures(value, frames, chosen, stamps), [None]):
                for packet in stream.encode(picture):
                    # Without hidden frames packets come in the order of the frames; the last gives the file its length.
                    packet.duration = next(ends) - (packet.pts or 0)
                    container.mux(packet)
    except av.FFmpegError as error:
        raise MediaError(f"{target} cannot be written: {error}") from error


def extent(path: PathLike) -> tuple[int, int, int]:
    """Height, width and number of frames of a WebM with VP9, by its header and packets; DatasetError where it is none.

    Frames may have other sizes nevertheless: `read` refuses the first one that does.
    """
    source = Path(path)
    try:
        with av.open(str(source), format=_CONTAINER) as container:
            stream = _vp9_stream(container, source)
            return stream.height, stream.width, sum(packet.size > 0 for packet in container.demux(stream))
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(source, error) from error


def read(path: PathLike) -> ClipAnnotation:
    """Read a WebM with alpha: one object, id 1, where the picture is at least half opaque."""
    source = Path(path)
    clip: ClipAnnotation | None = None
    times: list[float | None] = []
    try:
        for index, (alpha, time) in enumerate(_alphas(source)):
            if clip is None:
                clip = ClipAnnotation(alpha.shape[0], alpha.shape[1], 0, name=source.stem)
            clip.masklet(1).set(index, alpha >= 128)
            clip.num_frames = index + 1
            times.append(time)
        if clip is None:
            raise DatasetError(f"{source} holds no frame")
        _take_timing(clip, times, source)
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(source, error) from error
    return clip.check()


def _take_timing(clip: ClipAnnotation, times: Sequence[float | None], source: Path) -> None:
    """Rate and pixel aspect by the header; times and end where the rate does not say them to the millisecond."""
    with av.open(str(source), format=_CONTAINER) as container:
        stream = _vp9_stream(container, source)
        clip.frame_rate = float(stream.average_rate or 24)
        clip.pixel_aspect = float(stream.sample_aspect_ratio or 1)
        end = (container.duration or 0) / av.time_base
    known = [time for time in times if time is not None]
    if len(known) < len(times) or any(later <= earlier for earlier, later in pairwise(known)) or known[0] < 0:
        return
    rounding = 1.1 * float(_UNIT)
    if any(abs(time - frame / clip.frame_rate) > rounding for frame, time in enumerate(known)):
        clip.times = known
    if end > known[-1] and abs(end - clip.end_time) > rounding:
        clip.duration = end


def _stamps(value: ClipAnnotation) -> list[int]:
    """When each frame appears, and when the last one ends, in the container's unit; each after the one before."""
    stamps: list[int] = []
    for time in [*value.frame_times, value.end_time]:
        stamps.append(max(round(time / _UNIT), stamps[-1] + 1 if stamps else 0))
    return stamps


def _pictures(
    value: ClipAnnotation, frames: Iterable[NDArray[np.uint8]] | None, chosen: Sequence[int], stamps: list[int]
) -> Iterator[av.VideoFrame]:
    white = np.full((value.height, value.width, 3), 255, np.uint8)
    source = iter(frames) if frames is not None else iter([white] * value.num_frames)
    for index in range(value.num_frames):
        rgb = next(source, None)
        if rgb is None:
            raise DatasetError(f"{index} frames were given for a clip of {value.num_frames}")
        if rgb.shape != (value.height, value.width, 3):
            raise DatasetError(f"frame {index} has shape {rgb.shape}, expected {(value.height, value.width, 3)}")
        alpha = np.zeros((value.height, value.width), np.bool_)
        for object_id in chosen:
            if index in value.masklets[object_id]:
                alpha |= value.masklets[object_id].mask(index)
        picture = _cut_out(rgb, alpha)
        picture.pts, picture.time_base = stamps[index], _UNIT
        yield picture


def _cut_out(rgb: NDArray[np.uint8], inside: NDArray[np.bool_]) -> av.VideoFrame:
    """An (H, W, 3) picture in BT.709, opaque inside the (H, W) mask; nothing else of it goes into the result."""
    height, width = inside.shape
    alone = av.VideoFrame.from_ndarray(np.where(inside[..., None], rgb, 0).astype(np.uint8), "rgb24").reformat(
        format="yuv444p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
    )
    planes = [_plane_of(alone, number) for number in range(3)]
    luma = np.where(inside, planes[0], _BLACK)
    picture = av.VideoFrame(width, height, "yuva420p")
    picture.colorspace, picture.color_range = Colorspace.ITU709, ColorRange.MPEG
    coded = [luma, *(_halved(plane, inside) for plane in planes[1:]), inside * 255]
    for plane, values in zip(picture.planes, coded, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return picture


def _halved(colour: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A plane of colour at half the size, from the pixels inside alone; grey where none is near."""
    padding = [(0, side % 2) for side in inside.shape]
    weights = np.pad(inside, padding).astype(np.float32)
    sums = np.pad(colour, padding) * weights
    height, width = (side // 2 for side in weights.shape)
    total, count = (part.reshape(height, 2, width, 2).sum(axis=(1, 3)) for part in (sums, weights))
    around, neighbours = (cv2.boxFilter(part, -1, (3, 3), normalize=False) for part in (total, count))
    mean = np.where(count > 0, total / np.maximum(count, 1), around / np.maximum(neighbours, 1))
    return np.where(neighbours > 0.5, np.rint(mean), _GREY).astype(np.uint8)


def _alphas(source: Path) -> Iterator[tuple[NDArray[np.uint8], float | None]]:
    """The (H, W) alpha plane of every frame, and the seconds at which it appears."""
    with av.open(str(source), format=_CONTAINER) as container:
        stream = _vp9_stream(container, source)
        unit = stream.time_base or _UNIT
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                if frame.format.name != "yuva420p":
                    raise DatasetError(f"{source} has no alpha plane (its pixels are {frame.format.name})")
                yield _plane_of(frame, 3), None if frame.pts is None else float(frame.pts * unit)


def _plane_of(frame: av.VideoFrame, number: int) -> NDArray[np.uint8]:
    """A plane of full size of a decoded frame, (H, W)."""
    plane = frame.planes[number]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _vp9_stream(container: av.container.InputContainer, source: Path) -> av.VideoStream:
    if not container.streams.video:
        raise DatasetError(f"{source} holds no video")
    stream = container.streams.video[0]
    if stream.codec_context.name != "vp9":
        raise DatasetError(f"{source} is coded as {stream.codec_context.name}; a WebM with VP9 and alpha is needed")
    return stream


def _unreadable(source: Path, error: Exception) -> DatasetError:
    # The text of FFmpeg's errors names the file once more.
    reason = getattr(error, "strerror", None) or str(error)
    return DatasetError(f"{source} cannot be read as a WebM with alpha: {reason}")

"""A clip whose background is transparent: WebM with VP9 and an alpha plane, as browsers and editors take it.

FFmpeg's own VP9 decoder ignores alpha, so reading asks for libvpx.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import DatasetError, MediaError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.files import PathLike

_CONTAINER = "webm"  # named when opened too: FFmpeg would follow the addresses in a playlist that is called .webm
_OPTIONS = {"crf": "18", "b": "0", "deadline": "realtime", "cpu-used": "6", "auto-alt-ref": "0", "row-mt": "1"}


def write(
    value: ClipAnnotation,
    path: PathLike,
    frames: Iterable[NDArray[np.uint8]] | None = None,
    object_ids: Sequence[int] | None = None,
) -> None:
    """Write the objects cut out of their clip; `frames` are its (H, W, 3) RGB pictures, white without them.

    `object_ids` chooses the objects, all of them if left out. The file appears whole or not at all.
    """
    value.check()
    chosen = value.object_ids if object_ids is None else list(object_ids)
    unknown = sorted(set(chosen) - set(value.masklets))
    if unknown or not chosen:
        raise DatasetError(f"objects {unknown or 'none'} were asked for; the clip has {value.object_ids}")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".part")
    try:
        with av.open(str(beside), "w", format=_CONTAINER) as container:
            stream = container.add_stream(
                "libvpx-vp9", rate=Fraction(value.frame_rate).limit_denominator(1001), options=dict(_OPTIONS)
            )
            stream.width, stream.height, stream.pix_fmt = value.width, value.height, "yuva420p"
            for picture in _pictures(value, frames, chosen):
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise MediaError(f"{target} cannot be written: {error}") from error
    else:
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


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
    try:
        for index, (alpha, rate) in enumerate(_alphas(source)):
            if clip is None:
                clip = ClipAnnotation(alpha.shape[0], alpha.shape[1], 0, rate, name=source.stem)
            clip.masklet(1).set(index, alpha >= 128)
            clip.num_frames = index + 1
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(source, error) from error
    if clip is None:
        raise DatasetError(f"{source} holds no frame")
    return clip


def _pictures(
    value: ClipAnnotation, frames: Iterable[NDArray[np.uint8]] | None, chosen: Sequence[int]
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
        rgba = np.dstack([rgb, alpha.astype(np.uint8) * 255])
        picture = av.VideoFrame.from_ndarray(rgba, "rgba").reformat(format="yuva420p")
        picture.pts = index
        picture.time_base = 1 / Fraction(value.frame_rate).limit_denominator(1001)
        yield picture


def _alphas(source: Path) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """The (H, W) alpha plane of every frame, and the frame rate."""
    with av.open(str(source), format=_CONTAINER) as container:
        stream = _vp9_stream(container, source)
        rate = float(stream.average_rate or 24)
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                if frame.format.name != "yuva420p":
                    raise DatasetError(f"{source} has no alpha plane (its pixels are {frame.format.name})")
                plane = frame.planes[3]
                rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                yield rows[: frame.height, : frame.width], rate


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

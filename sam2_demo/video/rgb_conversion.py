"""Decoded frames to upright RGB: pixel formats, colour matrices, transparency, display rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from sam2_demo.video.pictures import over_white

_UNSPECIFIED_MATRICES = (0, 2, 3)
_SD_HEIGHT = 576
_CONVERSION = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a stored frame upright: transpose, then flip left-right, then top-bottom."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Clockwise degrees from the stored to the shown frame (0, 90, 180, 270), mirroring aside."""
        if self.transpose:
            return 270 if self.flip_y and not self.flip_x else 90
        return 180 if self.flip_x and self.flip_y else 0

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Turn an (H, W, 3) array; returns a contiguous one."""
        turned = frame.transpose(1, 0, 2) if self.transpose else frame
        turned = turned[:, ::-1] if self.flip_x else turned
        turned = turned[::-1] if self.flip_y else turned
        return np.ascontiguousarray(turned)


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """Read the display matrix of a decoded frame, rounded to the nearest quarter turn."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    matrix = np.frombuffer(data, dtype=np.int32, count=9)
    # Rows (a, b, u), (c, d, v): shown x = a x + c y, shown y = b x + d y.
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, flip_x=c < 0, flip_y=b < 0)
    return Orientation(False, flip_x=a < 0, flip_y=d < 0)


class RgbConverter:
    """Turns decoded frames of any pixel format into upright RGB of one size."""

    def __init__(self, first: av.VideoFrame) -> None:
        self.orientation = orientation_of(first)
        self._stored = (first.width, first.height)
        self._reformatter = VideoReformatter()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) as shown."""
        width, height = self._stored
        return (width, height) if self.orientation.transpose else (height, width)

    def convert(self, frame: av.VideoFrame) -> np.ndarray:
        """Return (H, W, 3) uint8 RGB. Transparency is laid over white; a frame of another size is scaled."""
        has_alpha = any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"
        converted = self._reformatter.reformat(
            frame,
            width=self._stored[0],
            height=self._stored[1],
            format="rgba" if has_alpha else "rgb24",
            src_colorspace=_matrix_of(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=_CONVERSION,
            threads=1,
        )
        pixels = converted.to_ndarray()
        return self.orientation.apply(over_white(pixels) if has_alpha else pixels)


def _matrix_of(frame: av.VideoFrame) -> Colorspace | None:
    """The YUV matrix to assume: the frame's own, else BT.601 for small and BT.709 for large frames, as players do."""
    if frame.format.is_rgb or int(frame.colorspace) not in _UNSPECIFIED_MATRICES:
        return None
    return Colorspace.ITU601 if frame.height <= _SD_HEIGHT else Colorspace.ITU709

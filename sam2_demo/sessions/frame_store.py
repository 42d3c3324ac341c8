"""Frames of a clip as JPEG pictures at display size, made when asked for and kept in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import MediaError
from sam2_demo.video.frame_reader import FrameReader

JPEG_QUALITY = 85
THUMBNAIL_HEIGHT = 72
CACHE_BYTES = 24 * 1024 * 1024


class FrameStore:
    """Encoded frames by index; safe to use from several threads."""

    def __init__(self, reader: FrameReader, display: tuple[int, int]) -> None:
        self._reader = reader
        self._display = display
        self._guard = threading.Lock()
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._held_bytes = 0

    def jpeg(self, index: int) -> bytes:
        """The JPEG of a frame; MediaError for an index that the clip does not have."""
        with self._guard:
            if index in self._cache:
                self._cache.move_to_end(index)
                return self._cache[index]
            encoded = encode_jpeg(self._reader.read(index), self._display)
            self._cache[index] = encoded
            self._held_bytes += len(encoded)
            while self._held_bytes > CACHE_BYTES and len(self._cache) > 1:
                self._held_bytes -= len(self._cache.popitem(last=False)[1])
            return encoded

    def thumbnail(self, index: int) -> bytes:
        """A JPEG of a frame, THUMBNAIL_HEIGHT pixels high; MediaError for an index that the clip does not have."""
        height = min(THUMBNAIL_HEIGHT, self._display[0])
        width = max(1, round(self._display[1] * height / self._display[0]))
        return encode_jpeg(self._reader.read(index), (height, width))

    def close(self) -> None:
        """Let the pictures go."""
        with self._guard:
            self._cache.clear()
            self._held_bytes = 0
        self._reader.close()


def encode_jpeg(rgb: NDArray[np.uint8], display: tuple[int, int]) -> bytes:
    """The JPEG of an (H, W, 3) RGB picture at (height, width) = `display`."""
    if rgb.shape[:2] != display:
        rgb = np.asarray(cv2.resize(rgb, display[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    done, encoded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise MediaError(f"a picture of {display[1]} x {display[0]} pixels could not be encoded")
    return encoded.tobytes()

"""A camera on the server: pictures come one by one, masks go back; the last seconds can be kept as a clip."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import InputError, PromptError
from sam2_demo.masks.display import DISPLAY_LIMIT_VIDEO, decode_mask, display_size, encode_mask
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.stream import LiveStream
from sam2_demo.video.writer import VideoWriter

MAX_SIDE = 1920
KEPT_SECONDS = 30.0
KEPT_BYTES = 48 * 2**20


@dataclass(frozen=True)
class _Seen:
    """A frame of the last seconds: as it came, when it was taken, and the run lengths of masks by object id, empty ones
    left out."""

    index: int
    jpeg: bytes
    seconds: float
    masks: dict[int, str]


class LiveSession:
    """One camera and its stream. Frames are numbered by the stream; prompts say which frame they belong to."""

    def __init__(self, engine: Engine, max_objects: int) -> None:
        self.engine = engine
        self.max_objects = max_objects
        self.size = (0, 0)
        self.display = (0, 0)
        self._stream: LiveStream = engine.open_stream()
        self._seen: deque[_Seen] = deque()
        self._bytes = 0
        self._prompts: dict[tuple[int, int], PromptSet] = {}  # of the frames that are still kept, by frame and object
        self._lock = threading.Lock()

    def push(self, jpeg: bytes, seconds: float) -> dict[str, Any]:
        """Track all objects onto a picture taken at `seconds`; another size than before starts the stream anew.

        InputError for what is no JPEG, or is too large.
        """
        rgb = read_jpeg(jpeg)
        started = time.perf_counter()
        with self._lock:
            is_new = rgb.shape[:2] != self.size
            if is_new:
                self._start_anew(rgb.shape[:2])
            with self.engine.lock:
                result = self._stream.push(rgb)
            masks = self._wire(result)
            codes = {int(object_id): mask["counts"] for object_id, mask in masks.items() if mask["area"] > 0}
            self._keep(_Seen(result.frame_index, jpeg, seconds, codes))
        spent = time.perf_counter() - started
        return {"frame": result.frame_index, "size": list(self.size), "anew": is_new, "masks": masks, "spent": spent}

    def _start_anew(self, size: tuple[int, ...]) -> None:
        self._stream.close()
        self._stream = self.engine.open_stream()
        self._seen.clear()
        self._prompts.clear()
        self._bytes = 0
        self.size = (size[0], size[1])
        self.display = display_size(self.size, DISPLAY_LIMIT_VIDEO)

    def _keep(self, seen: _Seen) -> None:
        self._seen.append(seen)
        self._bytes += len(seen.jpeg)
        while self._bytes > KEPT_BYTES or seen.seconds - self._seen[0].seconds > KEPT_SECONDS:
            gone = self._seen.popleft()
            self._bytes -= len(gone.jpeg)
            for key in [key for key in self._prompts if key[0] == gone.index]:
                del self._prompts[key]

    def prompt(self, frame: int, object_id: int, prompt: PromptSet) -> dict[str, Any]:
        """Replace what was said about an object on a frame that a person saw; answers with the newest frame's masks.

        PromptError where the stream no longer has the frame, and for too many objects.
        """
        with self._lock:
            if prompt.is_empty():
                raise PromptError("nothing was said about the object: click on it or draw a box")
            ids = self._stream.object_ids
            if object_id not in ids and len(ids) >= self.max_objects:
                raise PromptError(f"there are {len(ids)} objects already, as many as this server follows at once")
            mask = None if prompt.mask is None else decode_mask(prompt.mask, self.display, self.size)
            points, labels = list(prompt.points) or None, list(prompt.labels) or None
            with self.engine.lock:
                self._stream.add_prompt(object_id, points, labels, prompt.box, mask, frame_index=frame)
                result = self._stream.result()
            self._prompts[frame, object_id] = prompt
            return {"frame": result.frame_index, "masks": self._wire(result)}

    def remove_object(self, object_id: int) -> None:
        """Remove an object; unknown ones are gone already."""
        with self._lock:
            if object_id in self._stream.object_ids:
                self._stream.remove_object(object_id)
            for key in [key for key in self._prompts if key[1] == object_id]:
                del self._prompts[key]

    def _wire(self, result: FrameResult) -> dict[str, dict[str, Any]]:
        return {
            str(object_id): {
                "counts": encode_mask(mask, self.display),
                "area": float(mask.mean()),
                "score": result.object_score_logits[object_id],
                "iou": result.iou_predictions[object_id],
            }
            for object_id, mask in result.masks.items()
        }

    def write_clip(self, path: Path) -> dict[tuple[int, int], PromptSet]:
        """Write the last seconds as a video; returns what was said about objects, by frame of the clip and object.

        What was said earlier than that is told by each object's mask on the clip's first frame that shows it.
        InputError when fewer than two frames have come.
        """
        with self._lock:
            seen, prompts, ids = list(self._seen), dict(self._prompts), self._stream.object_ids
        if len(seen) < 2:
            raise InputError("there is nothing to keep yet: let the camera run for a moment")
        start = seen[0].seconds
        with VideoWriter(path, self.size[1], self.size[0], times=[each.seconds - start for each in seen]) as writer:
            for each in seen:
                writer.write(read_jpeg(each.jpeg))
        said: dict[tuple[int, int], PromptSet] = {}
        places = {each.index: place for place, each in enumerate(seen)}
        for object_id in ids:
            own = {places[frame]: p for (frame, owner), p in prompts.items() if owner == object_id and frame in places}
            first = min(own, default=len(seen))
            shown = _first_shown(seen[:first], object_id)
            if shown is not None:
                said[shown[0], object_id] = PromptSet(mask=shown[1])
            said.update({(place, object_id): prompt for place, prompt in own.items()})
        return said

    def close(self) -> None:
        """Let the stream and the frames go."""
        with self._lock:
            self._stream.close()
            self._seen.clear()
            self._prompts.clear()


def _first_shown(seen: list[_Seen], object_id: int) -> tuple[int, str] | None:
    for place, each in enumerate(seen):
        counts = each.masks.get(object_id)
        if counts is not None:
            return place, counts
    return None


def read_jpeg(jpeg: bytes) -> NDArray[np.uint8]:
    """The (H, W, 3) RGB picture of a JPEG; InputError for anything else, and for pictures beyond MAX_SIDE pixels."""
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise InputError("a camera's picture must be a JPEG")
    height, width = jpeg_size(jpeg)
    if not 0 < max(height, width) <= MAX_SIDE:
        raise InputError(f"the camera's pictures are {width} x {height} pixels; up to {MAX_SIDE} on a side are taken")
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise InputError("a camera's picture is damaged")
    return np.asarray(pixels, np.uint8)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """(height, width) that a JPEG's header tells, read before anything is decoded; InputError where it tells none."""
    place = 2
    while place + 9 <= len(jpeg) and jpeg[place] == 0xFF:
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[place + 5 : place + 7], "big"), int.from_bytes(
                jpeg[place + 7 : place + 9], "big"
            )
        place += 2 + length
    raise InputError("a camera's picture is damaged")


def give_prompts(session: Any, said: Mapping[tuple[int, int], PromptSet], names: Mapping[int, Any]) -> None:
    """Put what was said live into a session on the kept clip; names: the objects' looks by id."""
    for object_id in {object_id for _, object_id in said}:
        session.put_object(names[object_id])
    for (frame, object_id), prompt in sorted(said.items()):
        session.prompt(frame, object_id, prompt)

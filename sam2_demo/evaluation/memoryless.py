"""The reference row without memory: every frame segmented alone, from the box of the mask before it.

What a single-image model such as SAM does on a video; the distance to it is what memory is worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.prompt_simulation import box_around
from sam2_demo.errors import PromptError
from sam2_demo.evaluation.baselines import BaselineFrame, prompted_objects
from sam2_demo.evaluation.contestants import BoolMask
from sam2_demo.network.config import PUBLISHED_ANSWERS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.video import FrameReader, open_video

Box = tuple[float, float, float, float]


class MemorylessPredictor:
    """Opens clips for tracking with an image predictor alone."""

    def __init__(self, network: Sam2Network, options: TrackingOptions | None = None) -> None:
        # The tracker sees a frame once as well; a mask that keeps to its box could never grow from frame to frame.
        options = replace(options or TrackingOptions(), closer_look=False, answers=PUBLISHED_ANSWERS)
        self._predictor = ImagePredictor(network, options)

    def open(self, source: Path) -> MemorylessSession:
        """Start on a folder of pictures or a video file."""
        return MemorylessSession(self._predictor, open_video(source))


class MemorylessSession:
    """Prompts as in a video session; tracking runs forward, each object's last box prompts the next frame."""

    def __init__(self, predictor: ImagePredictor, frames: FrameReader) -> None:
        self._predictor = predictor
        self._frames = frames
        self._current: int | None = None
        self._clicks: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        self._prompted: dict[int, dict[int, BoolMask]] = {}
        self._boxes: dict[int, dict[int, Box]] = {}  # every object's last box after each frame that was tracked

    def add_prompt(
        self,
        frame_index: int,
        object_id: int,
        points: Any = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        mask: NDArray[np.generic] | None = None,
        clear_previous: bool = True,
    ) -> BaselineFrame:
        """Segment one object on one frame from clicks, a box or its mask."""
        masks = self._prompted.setdefault(frame_index, {})
        if mask is not None:
            masks[object_id] = np.asarray(mask).astype(np.bool_)
            return BaselineFrame(frame_index, dict(masks))
        clicks = self._clicks.setdefault((frame_index, object_id), [])
        if clear_previous:
            clicks.clear()
        for (x, y), label in zip(points or (), point_labels or (), strict=True):
            clicks.append((x, y, label))
        self._show(frame_index)
        result = self._predictor.predict(
            points=[(x, y) for x, y, _ in clicks] or None,
            point_labels=[label for _, _, label in clicks] or None,
            box=box,
            multimask=box is None and len(clicks) == 1,
        )
        masks[object_id] = result.masks[0]
        return BaselineFrame(frame_index, dict(masks))

    def propagate(
        self, start_frame_index: int | None = None, direction: Any = "forward", end_frame_index: int | None = None
    ) -> Iterator[BaselineFrame]:
        """Yield each frame from the first prompted one to the clip's end or `end_frame_index`, included.

        A later start goes on from the boxes before it. An object has an empty mask where nothing is known of it yet.
        """
        if direction != "forward":
            raise PromptError(f"the memoryless baseline tracks forward only, not {direction!r}")
        start = min(self._prompted) if start_frame_index is None else start_frame_index
        last = self._frames.num_frames - 1 if end_frame_index is None else end_frame_index
        boxes = self._boxes_before(start)
        for frame_index in range(start, last + 1):
            masks = self._masks(frame_index, boxes)
            # An object whose mask is lost keeps its last box, so that it may be found again there.
            boxes |= _boxes_of(masks)
            self._boxes[frame_index] = dict(boxes)
            yield BaselineFrame(frame_index, masks)

    def close(self) -> None:
        """Close the clip."""
        self._frames.close()

    def _boxes_before(self, frame_index: int) -> dict[int, Box]:
        """Each object's last box on the frames before this one, as tracked or as prompted since."""
        boxes: dict[int, Box] = {}
        for earlier in sorted({*self._boxes, *self._prompted}):
            if earlier < frame_index:
                boxes |= self._boxes.get(earlier, {}) | _boxes_of(self._prompted.get(earlier, {}))
        return boxes

    def _masks(self, frame_index: int, boxes: Mapping[int, Box]) -> dict[int, BoolMask]:
        """{object id: (H, W)} of every object: as prompted on this frame, else from its last box, else empty."""
        masks: dict[int, BoolMask] = {}
        for object_id in prompted_objects(self._prompted):
            if object_id in self._prompted.get(frame_index, {}):
                masks[object_id] = self._prompted[frame_index][object_id]
            elif object_id in boxes:
                masks[object_id] = self._segment(frame_index, boxes[object_id])
            else:
                masks[object_id] = np.zeros((self._frames.height, self._frames.width), np.bool_)
        return masks

    def _segment(self, frame_index: int, box: Box) -> BoolMask:
        self._show(frame_index)
        return self._predictor.predict(box=box, multimask=False).masks[0]

    def _show(self, frame_index: int) -> None:
        if self._current != frame_index:
            self._predictor.set_image(self._frames.read(frame_index))
            self._current = frame_index


def _boxes_of(masks: Mapping[int, BoolMask]) -> dict[int, Box]:
    """The boxes of the masks that show anything."""
    return {object_id: box_around(mask) for object_id, mask in masks.items() if mask.any()}

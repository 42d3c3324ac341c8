"""Methods without a network, measured by the same protocols: GrabCut from a box, and a mask on optical flow.

GrabCut: Rother et al. 2004. Flow: DIS, Kroeger et al. 2016. Both as OpenCV has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.errors import PromptError
from sam2_demo.evaluation.contestants import BoolMask
from sam2_demo.video import FrameReader, open_video

_GRABCUT_ROUNDS = 5


@dataclass(frozen=True)
class BaselineMasks:
    """One mask as a picture result: masks (1, H, W), no logits to refine."""

    masks: BoolMask
    low_res_logits: NDArray[np.float32] = field(default_factory=lambda: np.zeros((1, 1, 1), np.float32))
    iou_predictions: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32))


@dataclass(frozen=True)
class BaselineFrame:
    """One frame of a tracking baseline; logits are +-1, scores say whether the mask is empty."""

    frame_index: int
    masks: dict[int, BoolMask]

    @property
    def mask_logits(self) -> dict[int, NDArray[np.float32]]:
        """{object id: (H, W)} 1 inside, -1 outside."""
        return {i: np.where(mask, np.float32(1), np.float32(-1)) for i, mask in self.masks.items()}

    @property
    def object_score_logits(self) -> dict[int, float]:
        """{object id: 10 when its mask has a pixel, -10 when not}."""
        return {i: 10.0 if mask.any() else -10.0 for i, mask in self.masks.items()}

    @property
    def iou_predictions(self) -> dict[int, float]:
        """{object id: 1}: these methods do not judge themselves."""
        return dict.fromkeys(self.masks, 1.0)


def prompted_objects(prompted: Mapping[int, Mapping[int, BoolMask]]) -> list[int]:
    """The ids of all objects in {frame index: {object id: mask}}, in the order of their first prompts."""
    return list(dict.fromkeys(object_id for masks in prompted.values() for object_id in masks))


class GrabCutPredictor:
    """Segments what is inside a box; takes no clicks."""

    def __init__(self) -> None:
        self._bgr: NDArray[np.uint8] | None = None

    def set_image(self, rgb: NDArray[np.uint8]) -> None:
        """Keep a picture (H, W, 3) uint8 RGB."""
        self._bgr = np.ascontiguousarray(rgb[..., ::-1])

    def predict(
        self,
        points: Any = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        low_res_logits: NDArray[np.float32] | None = None,
        multimask: bool = True,
    ) -> BaselineMasks:
        """The mask inside `box` (x0, y0, x1, y1); PromptError for any other prompt."""
        if box is None or points is not None or self._bgr is None:
            raise PromptError("the GrabCut baseline takes a box and nothing else, after set_image")
        return BaselineMasks(grabcut(self._bgr, box)[None])


def grabcut(bgr: NDArray[np.uint8], box: Sequence[float]) -> BoolMask:
    """(H, W) mask of what differs in colour from everything outside `box` (x0, y0, x1, y1)."""
    labels: NDArray[np.uint8] = np.full(bgr.shape[:2], cv2.GC_BGD, np.uint8)
    x0, y0, x1, y1 = (round(value) for value in box)
    labels[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = cv2.GC_PR_FGD
    if not (labels == cv2.GC_BGD).any():
        return np.ones(bgr.shape[:2], np.bool_)  # nothing is outside the box to learn the background from
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(bgr, labels, (0, 0, 1, 1), background, foreground, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        # Boxes of a few pixels leave too few samples for five Gaussians; the box itself is the answer then.
        return labels == cv2.GC_PR_FGD
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


class FlowPredictor:
    """Carries the first mask along by dense optical flow, frame by frame."""

    def open(self, source: Path) -> FlowSession:
        """Start on a folder of pictures or a video file."""
        return FlowSession(open_video(source))


class FlowSession:
    """Prompts are masks or boxes (GrabCut makes the mask); tracking runs forward only."""

    def __init__(self, frames: FrameReader) -> None:
        self._frames = frames
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._prompted: dict[int, dict[int, BoolMask]] = {}

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
        """Set an object's mask on a frame, from a mask or from a box; PromptError for clicks."""
        if points is not None or (mask is None and box is None):
            raise PromptError("the flow baseline takes a mask or a box on a frame, no clicks")
        if mask is None and box is not None:
            mask = grabcut(np.ascontiguousarray(self._frames.read(frame_index)[..., ::-1]), box)
        self._prompted.setdefault(frame_index, {})[object_id] = np.asarray(mask).astype(np.bool_)
        return BaselineFrame(frame_index, dict(self._prompted[frame_index]))

    def propagate(
        self, start_frame_index: int | None = None, direction: Any = "forward", end_frame_index: int | None = None
    ) -> Iterator[BaselineFrame]:
        """Yield each frame from the first prompted one to the clip's end or `end_frame_index`, included.

        With a later start, what was prompted before is carried up to it first. An object has an empty mask on the
        frames before its first prompt.
        """
        if direction != "forward":
            raise PromptError(f"the flow baseline tracks forward only, not {direction!r}")
        start = min(self._prompted) if start_frame_index is None else start_frame_index
        last = self._frames.num_frames - 1 if end_frame_index is None else end_frame_index
        carried: dict[int, NDArray[np.float32]] = {}
        before: NDArray[np.uint8] | None = None
        for frame_index in range(min([start, *self._prompted]), last + 1):
            now = np.asarray(cv2.cvtColor(self._frames.read(frame_index), cv2.COLOR_RGB2GRAY), np.uint8)
            if before is not None and carried:
                carried = self._carry(before, now, carried)
            for object_id, mask in self._prompted.get(frame_index, {}).items():
                carried[object_id] = mask.astype(np.float32)
            before = now
            if frame_index >= start:
                empty = np.zeros(now.shape, np.float32)
                masks = {i: carried.get(i, empty) > 0.5 for i in prompted_objects(self._prompted)}
                yield BaselineFrame(frame_index, masks)

    def close(self) -> None:
        """Close the clip."""
        self._frames.close()

    def _carry(
        self, before: NDArray[np.uint8], now: NDArray[np.uint8], masks: dict[int, NDArray[np.float32]]
    ) -> dict[int, NDArray[np.float32]]:
        # Flow from the new frame back to the old one says for each new pixel where its mask value was.
        flow = self._flow.calc(now, before, np.zeros((*now.shape, 2), np.float32))
        rows, columns = np.indices(now.shape, np.float32)
        from_x, from_y = columns + flow[..., 0], rows + flow[..., 1]
        return {
            i: np.asarray(cv2.remap(soft, from_x, from_y, cv2.INTER_LINEAR), np.float32) for i, soft in masks.items()
        }

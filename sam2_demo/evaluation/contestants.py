"""What the protocols ask of a model: the image and video predictors' public interface, so baselines fit in too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]


class PictureResult(Protocol):
    """Masks of one picture, best first: masks (M, H, W), low_res_logits (M, h, w), iou_predictions (M,)."""

    @property
    def masks(self) -> BoolMask: ...
    @property
    def low_res_logits(self) -> NDArray[np.float32]: ...
    @property
    def iou_predictions(self) -> NDArray[np.float32]: ...


class PicturePredictor(Protocol):
    """`ImagePredictor`, or a baseline with the same two methods."""

    def set_image(self, rgb: NDArray[np.uint8]) -> None: ...
    def predict(
        self,
        points: Any = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        low_res_logits: NDArray[np.float32] | None = None,
        multimask: bool = True,
    ) -> PictureResult: ...


class TrackedFrame(Protocol):
    """Masks of one frame by object id; logits and scores as `FrameResult` has them."""

    @property
    def frame_index(self) -> int: ...
    @property
    def masks(self) -> Mapping[int, BoolMask]: ...
    @property
    def mask_logits(self) -> Mapping[int, NDArray[np.float32]]: ...
    @property
    def object_score_logits(self) -> Mapping[int, float]: ...
    @property
    def iou_predictions(self) -> Mapping[int, float]: ...


class TrackingSession(Protocol):
    """`ClipTracker`, or a baseline with the same methods."""

    def add_prompt(
        self,
        frame_index: int,
        object_id: int,
        points: Any = None,
        point_labels: Sequence[int] | None = None,
        box: Sequence[float] | None = None,
        mask: NDArray[np.generic] | None = None,
        clear_previous: bool = True,
    ) -> TrackedFrame: ...
    def propagate(
        self, start_frame_index: int | None = None, direction: Any = "forward", end_frame_index: int | None = None
    ) -> Iterator[TrackedFrame]: ...
    def close(self) -> None: ...


class ClipPredictor(Protocol):
    """`VideoPredictor`, or a baseline that opens sessions the same way."""

    def open(self, source: Path) -> TrackingSession: ...

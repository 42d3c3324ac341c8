"""Single frames of a clip seen as pictures: what else an ambiguous click may mean, and previews under the pointer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.engine import Engine
from sam2_demo.tracking.image_predictor import ImagePredictor
from sam2_demo.video.frame_reader import FrameReader


class StillView:
    """The frame that was looked at last, encoded once for any number of questions."""

    def __init__(self, engine: Engine, reader: FrameReader) -> None:
        self._engine = engine
        self._reader = reader
        self._predictor: ImagePredictor | None = None
        self._frame = -1

    def ask(self, frame: int, **prompt: Any) -> list[tuple[NDArray[np.bool_], float]]:
        """Masks (H, W) with their predicted IoU, best first; `prompt` as `ImagePredictor.predict` takes it."""
        with self._engine.lock:
            if self._predictor is None:
                self._predictor = self._engine.open_picture()
            if self._frame != frame:
                self._predictor.set_image(self._reader.read(frame))
                self._frame = frame
            result = self._predictor.predict(**prompt)
        scores = [float(score) for score in result.iou_predictions]
        return [(np.ascontiguousarray(m).astype(bool), s) for m, s in zip(result.masks, scores, strict=True)]

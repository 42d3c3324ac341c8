"""Stand-ins for everything mode and for the tracker, so that only what is made of their answers is tested."""

import numpy as np

from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import encode_rle
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.options import TrackingOptions

HEIGHT, WIDTH = 48, 80


def block(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def record(mask: np.ndarray, predicted_iou: float = 0.9, stability: float = 0.95) -> dict:
    """What everything mode says of a mask, as far as it is read."""
    return {"segmentation": encode_rle(mask), "predicted_iou": predicted_iou, "stability_score": stability}


class StillPredictor:
    """Its sessions keep every object where it was prompted; `soften` turns a mask into logits."""

    network = None

    def __init__(self, network=None, options=None):
        self.options = options or TrackingOptions()

    def open(self, reader):
        return StillSession(reader)


class StillSession:
    """As much of a session as finding masklets uses; `log` has (direction, first, last, ids) of each run."""

    log: list = []  # noqa: RUF012  emptied by the fixture

    def __init__(self, reader):
        self.reader = reader
        self.masks: dict[int, np.ndarray] = {}
        self.masklets: dict[int, Masklet] = {}

    def add_prompt(self, frame_index, object_id, mask):
        self.masks[object_id] = mask
        self.masklets[object_id] = Masklet(object_id, HEIGHT, WIDTH)
        self.masklets[object_id].set(frame_index, mask)

    def propagate(self, start, direction, end):
        self.log.append((direction, start, end, sorted(self.masks)))
        for frame in range(start, end + 1) if direction == "forward" else range(start, end - 1, -1):
            logits = {i: np.where(mask, 5.0, -5.0).astype(np.float32) for i, mask in self.masks.items()}
            for object_id, mask in self.masks.items():
                self.masklets[object_id].set(frame, mask)
            scores = dict.fromkeys(self.masks, 3.0)
            yield FrameResult(frame, list(self.masks), dict(self.masks), logits, scores, scores)

    def reset(self):
        # A session that still holds old frames here would grow with the clip.
        assert all(len(masklet) == 0 for masklet in self.masklets.values())

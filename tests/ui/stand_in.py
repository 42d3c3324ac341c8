"""A model for tests of the page: flat colours around a click, found anew on every frame. Same calls as the real one."""

from __future__ import annotations

import time
from types import SimpleNamespace

import cv2
import gradio as gr
import numpy as np

from sam2_demo.engines.device_lock import DeviceLock
from sam2_demo.engines.model_host import LoadedModel
from sam2_demo.errors import PromptError
from sam2_demo.masks.masklet import Masklet
from sam2_demo.tracking.automatic_masks import GridStep
from sam2_demo.tracking.frame_result import FrameResult
from sam2_demo.tracking.prompts import read_prompts
from sam2_demo.tracking.saved_state import SavedFrame

SIZE = (96, 160)


def scene(index: int) -> np.ndarray:
    """A red square that moves right and a blue disc that moves down, on green."""
    frame = np.full((*SIZE, 3), (30, 120, 40), np.uint8)
    cv2.rectangle(frame, (10 + index * 4, 20), (40 + index * 4, 50), (220, 30, 30), -1)
    cv2.circle(frame, (130, 20 + index * 2), 12, (40, 60, 230), -1)
    return frame


def event(**data) -> gr.EventData:
    return gr.EventData(None, data)


def an_object(number: int, **change) -> dict:
    return {"object_id": number, "name": f"Object {number}", "color": "#3366aa", "visible": True} | change


def masks_like(rgb: np.ndarray, color: np.ndarray, tolerance: float = 60.0) -> np.ndarray:
    return np.abs(rgb.astype(np.int16) - color.astype(np.int16)).sum(axis=2) < tolerance


def exclusive(masklets, frame_index, size) -> dict[int, np.ndarray]:
    """Earlier objects win."""
    taken, found = np.zeros(size, bool), {}
    for object_id, masklet in masklets.items():
        if frame_index in masklet:
            found[object_id] = masklet.mask(frame_index) & ~taken
            taken = taken | found[object_id]
    return found


def found_record(mask, iou, stability) -> dict:
    """What everything mode says of a mask."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    scores = {"predicted_iou": iou, "stability_score": stability}
    return {"segmentation": mask, "bbox": [x, y, width - 1, height - 1], "area": int(mask.sum()), **scores}


class StandInVideo:
    """The calls of a video session that sessions make."""

    def __init__(self, frames, delay: float) -> None:
        self.frames = frames
        self.delay = delay
        self.colors: dict[int, np.ndarray] = {}
        self.prompted: dict[int, set[int]] = {}
        self.masklets: dict[int, Masklet] = {}

    def add_prompt(
        self, frame_index, object_id, points=None, point_labels=None, box=None, mask=None, clear_previous=True
    ):
        rgb = self.frames.read(frame_index)
        read_prompts(points, point_labels, box, mask, rgb.shape[:2])
        if mask is None:
            x, y = points[0] if points else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            self.colors[object_id] = rgb[int(y), int(x)]
            mask = masks_like(rgb, self.colors[object_id])
            for (px, py), label in zip(points or [], point_labels or [], strict=True):
                if not label:
                    cv2.circle(mask.view(np.uint8), (int(px), int(py)), 12, 0, -1)
        elif mask.any():
            self.colors[object_id] = np.median(rgb[mask], axis=0).astype(np.uint8)
        masklet = self.masklets.setdefault(object_id, Masklet(object_id, *rgb.shape[:2]))
        masklet.set(frame_index, mask, 6.0, 0.9)
        self.prompted.setdefault(object_id, set()).add(frame_index)

    def propagate(self, start, direction, end, object_ids=None):
        if not self.prompted:
            raise PromptError("nothing to track")
        return self._propagate(start, direction, end, object_ids or list(self.masklets))

    def _propagate(self, start, direction, end, object_ids):
        last = len(self.frames) - 1
        forward = range(start, (end if end is not None else last) + 1) if direction != "backward" else range(0)
        first_back = start if direction == "backward" else start - 1
        stop = end if direction == "backward" and end is not None else 0
        backward = range(first_back, stop - 1, -1) if direction != "forward" else range(0)
        for index in [*forward, *backward]:
            time.sleep(self.delay)
            rgb = self.frames.read(index)
            for object_id, masklet in self.masklets.items():
                if object_id in object_ids and index not in self.prompted[object_id]:
                    masklet.set(index, masks_like(rgb, self.colors[object_id]), 5.0, 0.8)
            shown = exclusive(self.masklets, index, rgb.shape[:2])
            yield SimpleNamespace(frame_index=index, masks=shown, is_between=False)

    def result(self, frame_index):
        shown = exclusive(self.masklets, frame_index, (self.frames.height, self.frames.width))
        return SimpleNamespace(masks=shown, stability_scores=lambda: dict.fromkeys(shown, 0.75))

    def save_frame(self, object_id, frame_index):
        masklet = self.masklets.get(object_id)
        if masklet is None or frame_index not in masklet:
            return None
        found = masklet.frame(frame_index)
        color = bytes(self.colors.get(object_id, (0, 0, 0)))
        scores = found.object_score_logits, found.iou_prediction
        return SavedFrame(frame_index, found.counts, *scores, frame_index not in self.prompted[object_id], color)

    def restore_object(self, object_id, prompts, frames):
        masklet = self.masklets[object_id] = Masklet(object_id, self.frames.height, self.frames.width)
        self.prompted[object_id] = set(prompts)
        for saved in frames:
            masklet.set_rle(
                saved.frame_index,
                {"size": [masklet.height, masklet.width], "counts": saved.counts},
                saved.object_score_logits,
                saved.iou_prediction,
            )
            self.colors[object_id] = np.frombuffer(saved.record, np.uint8)

    def clear_prompts(self, frame_index, object_id):
        self.prompted[object_id].discard(frame_index)
        self.masklets[object_id].discard(frame_index)

    def remove_object(self, object_id):
        for table in (self.masklets, self.prompted, self.colors):
            table.pop(object_id, None)

    def reset(self):
        for object_id in list(self.masklets):
            self.remove_object(object_id)

    def release(self):
        self.reset()


class StandInPicture:
    """The calls of an image predictor that sessions make."""

    network = SimpleNamespace(config=SimpleNamespace(low_res_size=16))

    def set_image(self, rgb):
        self.rgb = rgb

    def predict(self, points=None, point_labels=None, box=None, low_res_logits=None, multimask=True, mask=None):
        read_prompts(points, point_labels, box, mask, self.rgb.shape[:2])
        x, y = points[0] if points else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        color = self.rgb[int(y), int(x)]
        masks = [masks_like(self.rgb, color, t) for t in ((60, 120, 20) if multimask else (60,))]
        count = len(masks)
        return SimpleNamespace(
            masks=np.stack(masks),
            iou_predictions=np.array([0.9, 0.7, 0.5][:count], np.float32),
            low_res_logits=np.zeros((count, 16, 16), np.float32),
        )


class StandInStream:
    """A camera's frames: an object is what has the colour that was clicked."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.frames: list[np.ndarray] = []
        self.colors: dict[int, np.ndarray] = {}

    @property
    def object_ids(self):
        return list(self.colors)

    def push(self, rgb):
        time.sleep(self.delay)
        self.frames.append(rgb)
        return self.result()

    def add_prompt(self, object_id, points, labels, box, mask, frame_index):
        read_prompts(points, labels, box, mask, self.frames[0].shape[:2])
        if not 0 <= frame_index < len(self.frames):
            raise PromptError(f"frame {frame_index} is not kept")
        x, y = points[0] if points else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        self.colors[object_id] = self.frames[frame_index][int(y), int(x)].astype(np.int16)

    def remove_object(self, object_id):
        del self.colors[object_id]

    def result(self):
        masks = {i: masks_like(self.frames[-1], color, 120) for i, color in self.colors.items()}
        scores = {i: 5.0 if mask.any() else -5.0 for i, mask in masks.items()}
        ious = dict.fromkeys(masks, 0.9)
        return FrameResult(len(self.frames) - 1, list(masks), masks, {}, scores, ious)

    def close(self):
        self.frames.clear()


class StandInEngine:
    """An engine that needs no weights; `delay` is seconds per tracked frame."""

    def __init__(self, name: str = "stand-in", delay: float = 0.0) -> None:
        self.name = name
        self.delay = delay
        self.lock = DeviceLock()
        self.opened = 0

    def open_video(self, frames):
        self.opened += 1
        return StandInVideo(frames, self.delay)

    def open_stream(self):
        return StandInStream(self.delay)

    def open_picture(self):
        return StandInPicture()

    def find_everything(self, rgb, points_per_side, crop_layers, least_iou, least_stability):
        """The square surely, then the disc, then the ground, badly; one step each."""
        colors = ((220, 30, 30), 0.9, 0.97), ((40, 60, 230), 0.7, 0.9), ((30, 120, 40), 0.4, 0.6)
        for done, (color, iou, stability) in enumerate(colors, start=1):
            time.sleep(self.delay)
            mask = masks_like(rgb, np.array(color))
            yield GridStep([found_record(mask, iou, stability)], done, 3)


def load_stand_in(source, progress=None) -> LoadedModel:
    if progress:
        progress("Downloading", 0.5)
    return LoadedModel(StandInEngine("stand-in" if source == "auto" else source, 0.01), f"Stand-in for {source}", "")

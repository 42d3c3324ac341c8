"""A picture on the server: prompts go in, up to three candidate masks per object come out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam2_demo.engines.engine import Engine
from sam2_demo.errors import DemoError, PromptError, StorageError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.masks.display import DISPLAY_LIMIT_PICTURE, display_size, encode_mask
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import decode_rle, encode_rle
from sam2_demo.sessions.frame_store import encode_jpeg
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.session import Session
from sam2_demo.tracking.image_predictor import ImagePredictor

log = logging.getLogger(__name__)


class PackedMasks(Sequence[NDArray[np.bool_]]):
    """(H, W) bool masks kept as one bit for each pixel."""

    def __init__(self, masks: Sequence[NDArray[np.bool_]]) -> None:
        self._packed = [(np.packbits(mask, axis=None), mask.shape) for mask in masks]

    def __getitem__(self, position: Any) -> Any:
        """A mask as it was."""
        if isinstance(position, slice):
            return [self[place] for place in range(*position.indices(len(self)))]
        bits, shape = self._packed[position]
        return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).view(np.bool_)

    def __len__(self) -> int:
        return len(self._packed)


@dataclass
class Candidates:
    """The masks that a prompt may mean, best first, and the one that was chosen."""

    masks: Sequence[NDArray[np.bool_]]
    scores: list[float]
    low_res_logits: NDArray[np.float32] | None
    chosen: int = 0

    def __post_init__(self) -> None:
        """Keep the masks in an eighth of the memory: a picture has up to three for each of many objects."""
        self.masks = PackedMasks(self.masks)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The chosen (H, W) mask."""
        return self.masks[self.chosen]


class PictureSession(Session):
    """One picture, its embedding, and the candidates of each object."""

    kind = "picture"

    def __init__(
        self, token: str, rgb: NDArray[np.uint8], name: str, folder: Path, engine: Engine, max_objects: int
    ) -> None:
        super().__init__(token, name, folder, engine, max_objects)
        self.rgb = rgb
        self.size = (rgb.shape[0], rgb.shape[1])
        self.display = display_size(self.size, DISPLAY_LIMIT_PICTURE)
        self.candidates: dict[int, Candidates] = {}
        self._choices: dict[tuple[int, PromptSet], int] = {}  # made by hand, for when undoing comes back to them
        self._predictor: ImagePredictor | None = None

    num_frames = 1

    def as_picture(self) -> PictureSession:
        """This session."""
        return self

    def pixels(self, frame: int) -> NDArray[np.uint8]:
        """The picture as (H, W, 3) RGB; it is frame 0."""
        self._check_frame(frame)
        return self.rgb

    def jpeg(self, frame: int) -> bytes:
        """The picture as JPEG at display size."""
        return encode_jpeg(self.rgb, self.display)

    def use_engine(self, engine: Engine) -> None:
        """Go on with another model: every prompt is answered again. Where that fails, nothing changes."""
        with self.task():
            if engine is self.engine:
                return
            before = self.engine, self._predictor, self.candidates
            self.engine, self._predictor, self.candidates = engine, None, {}
            try:
                for (_, object_id), prompt in self.prompts.items():
                    self.candidates[object_id] = self._predict(object_id, prompt)
            except BaseException:
                self.engine, self._predictor, self.candidates = before
                raise
            self.note_model()
            for object_id in self.candidates:
                self._store(object_id)

    def prompt(self, frame: int, object_id: int, prompt: PromptSet) -> dict[str, Any]:
        """Replace all that was said about an object; returns its candidates in wire form."""
        self._check_frame(frame)
        self.objects.get(object_id)
        with self.task():
            prompt = self._behind(0, object_id, prompt)
            found = None if prompt.is_empty() else self._predict(object_id, prompt)
            with self.change():
                self.stored.append_prompt(0, object_id, prompt)
                if found is None:
                    self.prompts.pop((0, object_id), None)
                    self.candidates.pop(object_id, None)
                else:
                    self.candidates[object_id] = found
                    self.prompts[(0, object_id)] = prompt
                    self._store(object_id)
        return self.candidates_to_json(object_id)

    def choose(self, object_id: int, position: int) -> None:
        """Take the position-th candidate (0 is the best) as the object's mask."""
        self.objects.get(object_id)
        found = self.candidates.get(object_id)
        if found is None or not 0 <= position < len(found.masks):
            raise PromptError(f"candidate {position} does not exist for object {object_id}")
        before, found.chosen = found.chosen, position
        try:
            self._store(object_id)
        except StorageError:
            found.chosen = before
            raise
        if (0, object_id) in self.prompts:
            self._choices[object_id, self.prompts[0, object_id]] = position

    def preview(self, frame: int, x: float, y: float) -> str:
        """Run lengths at display size of what a click at (x, y) would select; changes nothing."""
        with self.engine.lock:
            result = self._open().predict(points=[(x, y)], point_labels=[1], multimask=True)
        return encode_mask(np.ascontiguousarray(result.masks[0]).astype(bool), self.display)

    def candidates_to_json(self, object_id: int) -> dict[str, Any]:
        """Candidates of an object: run lengths at display size and predicted IoU, and the chosen one."""
        found = self.candidates.get(object_id)
        if found is None:
            return {"chosen": 0, "candidates": []}
        codes = [encode_mask(mask, self.display) for mask in found.masks]
        shares = [float(mask.mean()) for mask in found.masks]
        return {
            "chosen": found.chosen,
            "candidates": [
                {"counts": c, "iou": s, "area": a} for c, s, a in zip(codes, found.scores, shares, strict=True)
            ],
        }

    def masklets(self) -> dict[int, Masklet]:
        """The chosen masks, by object id, as those of a clip of one frame."""
        made = {object_id: Masklet(object_id, *self.size) for object_id in self.candidates}
        for object_id, found in self.candidates.items():
            made[object_id].set(0, found.mask, iou_prediction=found.scores[found.chosen])
        return made

    def empty_annotation(self, name: str) -> ClipAnnotation:
        """An annotation of the picture, as of a clip of one frame, that holds no masks yet."""
        return ClipAnnotation(*self.size, 1, name=name, picture_names=[self.name])

    def details_to_json(self) -> dict[str, Any]:
        """A picture is a clip of one frame; the candidates of every object."""
        clip = {"num_frames": 1, "frame_rate": 1.0, "duration": 0.0, "has_audio": False}
        return {"clip": clip, "candidates": {str(i): self.candidates_to_json(i) for i in self.candidates}}

    def masks(self) -> dict[int, NDArray[np.bool_]]:
        """The chosen (H, W) mask of each visible object that has one."""
        return {i: self.candidates[i].mask for i in self.objects.visible_ids() if i in self.candidates}

    def remove_object(self, object_id: int) -> None:
        """Remove an object with its prompts and mask."""
        self.objects.get(object_id)
        with self.task():
            with self.change():
                self._forget_prompts(object_id)
                self.objects.remove(object_id)
                self.stored.write_objects(self.objects.to_json())
            self.candidates.pop(object_id, None)
            self.stored.drop_masklet(object_id)

    def reset(self) -> None:
        """Forget every object, prompt and mask; the picture stays."""
        with self.task():
            with self.change():
                for info in self.objects:
                    self._forget_prompts(info.object_id)
                    self.objects.remove(info.object_id)
                self.stored.write_objects([])
            self.candidates.clear()
            self.stored.drop_masklets()

    def _store(self, object_id: int) -> None:
        found = self.candidates[object_id]
        codes = [encode_rle(mask) for mask in found.masks]
        prompt = self.prompts.get((0, object_id))
        value = {"masks": codes, "scores": found.scores, "chosen": found.chosen}
        self.stored.write_candidates(object_id, value | {"answers": None if prompt is None else prompt.digest()})

    def _restore_masks(self, earlier: Mapping[tuple[int, int], list[PromptSet]]) -> None:
        for (frame, object_id), prompt in list(self.prompts.items()):
            saved = self.stored.read_candidates(object_id, self._read_candidates)
            if saved is not None and saved[1] in (prompt.digest(), None):
                self.candidates[object_id] = saved[0]
                self._choices[object_id, prompt] = saved[0].chosen  # logits are not stored: clicks are answered again
                continue
            # The prompt was stored and its masks were not, or they are damaged.
            try:
                self.candidates[object_id] = self._predict(object_id, prompt)
                self._store(object_id)
            except StorageError as error:
                log.warning("an answer that was made again is not stored: %s", error)
            except DemoError:
                del self.prompts[frame, object_id]
                self.stored.note_damage("prompts.jsonl")

    def _read_candidates(self, saved: Any) -> tuple[Candidates, str | None]:
        masks = [decode_rle(code) for code in saved["masks"]]
        scores, chosen = [float(score) for score in saved["scores"]], int(saved["chosen"])
        is_whole = 0 <= chosen < len(masks) == len(scores) and all(mask.shape == self.size for mask in masks)
        if not is_whole:
            raise ValueError("no candidates")
        return Candidates(masks, scores, None, chosen), saved.get("answers")

    def _forget(self) -> None:
        self._predictor = None
        self.candidates.clear()
        self.prompts.clear()

    def _predict(self, object_id: int, prompt: PromptSet) -> Candidates:
        """The answer to a prompt; what is not the earlier one with more clicks is answered click by click, because each
        answer starts from the mask before it."""
        painted = prompt.painted(self.display, self.size)
        if painted is not None and not prompt.points and prompt.box is None:
            return Candidates([painted], [1.0], None)
        earlier, found = self.prompts.get((0, object_id)), self.candidates.get(object_id)
        if earlier is None or not prompt.extends(earlier) or found is None or found.low_res_logits is None:
            earlier = found = None
        for step in prompt.steps(earlier):
            extends = earlier is not None and step.extends(earlier)
            found = self._answer(step, found if extends else None)
            found.chosen = min(self._choices.get((object_id, step), 0), len(found.masks) - 1)
            earlier = step
        if found is None:
            raise PromptError("no prompt was given: click at least one point, draw a box or paint a mask")
        return found

    def _answer(self, prompt: PromptSet, before: Candidates | None) -> Candidates:
        with self.engine.lock:
            predictor = self._open()
            low_res = None
            if prompt.mask is None and before is not None and before.low_res_logits is not None:
                low_res = before.low_res_logits[before.chosen]
            result = predictor.predict(
                **prompt.as_arguments(self.display, self.size),
                low_res_logits=low_res,
                multimask=len(prompt.points) == 1 and prompt.box is None,
            )
        masks = [np.ascontiguousarray(mask).astype(bool) for mask in result.masks]
        return Candidates(masks, [float(s) for s in result.iou_predictions], np.asarray(result.low_res_logits))

    def _open(self) -> ImagePredictor:
        if self._predictor is None:
            self._predictor = self.engine.open_picture()
            self._predictor.set_image(self.rgb)
        return self._predictor

    def _release(self) -> None:
        self._predictor = None
        self.candidates.clear()

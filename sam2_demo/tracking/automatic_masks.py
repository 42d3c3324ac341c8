"""Everything mode: masks for all that a grid of points finds (SAM appendix B, SAM 2's released options).

Small regions are cleaned at full size after selection, as the option is documented and as SAM did. SAM 2's released
code turns regions of the low-res logits instead, before any score is computed, and only where its CUDA extension is
built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.errors import ConfigError
from sam2_demo.masks.overlaps import BOX_NMS_THRESHOLD, box_nms, stands_for
from sam2_demo.masks.regions import without_small_regions
from sam2_demo.masks.run_lengths import Rle, RunLengths, decode_rle, encode_rle, run_lengths
from sam2_demo.network.inference import for_inference
from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.closer_look import ONE_WINDOW, CloserLook
from sam2_demo.tracking.frame_step import LOGIT_LIMIT, FrameOutput, FramePrompts, encode_image, frame_step
from sam2_demo.tracking.mask_selection import (
    STABILITY_OFFSET,
    CropBox,
    crop_boxes,
    is_cut_by_crop,
    mask_boxes,
    point_grid,
    stability_scores,
)
from sam2_demo.tracking.pixels import Rgb, check_rgb, picture_pixels
from sam2_demo.tracking.prompts import BoxPrompt, Prompts

# Of first answers that are looked at again: ragged masks of real things score low.
_LEAST_IOU, _LEAST_STABILITY = 0.1, 0.3
OutputMode = Literal["binary_mask", "uncompressed_rle", "coco_rle"]


class MaskRecord(TypedDict):
    """One mask that everything mode found.

    segmentation: (H, W) bool, or COCO run lengths, compressed or as a list; area in pixels;
    bbox (x, y, width, height) in pixels; predicted_iou and stability_score in [0, 1];
    point_coords: the point (x, y) that found it;
    crop_box (x, y, width, height) of the crop in which it was found.
    """

    segmentation: NDArray[np.bool_] | Rle | RunLengths
    area: int
    bbox: list[float]
    predicted_iou: float
    stability_score: float
    point_coords: list[list[float]]
    crop_box: list[int]


@dataclass(frozen=True)
class _Candidate:
    rle: Rle
    box: tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels of the picture
    predicted_iou: float
    stability: float
    point: tuple[float, float]
    crop: CropBox


@dataclass(frozen=True)
class AutomaticMaskOptions:
    """The published options with their published defaults.

    point_grids: points (N, 2) xy in [0, 1] of each layer, in place of points_per_side, which is None then.
    closer_look: not published, for networks with a small input: every mask found is asked for again by its box, in the
        window around it (`tracking.closer_look`): boxes are answered best. Its predicted IoU becomes the geometric
        mean of both answers'. The thresholds are for what is seen there; first answers pass with _LEAST_IOU and
        _LEAST_STABILITY.
    """

    points_per_side: int | None = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = 0.8
    stability_score_thresh: float = 0.95
    stability_score_offset: float = STABILITY_OFFSET
    mask_threshold: float = 0.0
    box_nms_thresh: float = BOX_NMS_THRESHOLD
    crop_n_layers: int = 0
    crop_nms_thresh: float = BOX_NMS_THRESHOLD
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    min_mask_region_area: int = 0
    output_mode: OutputMode = "binary_mask"
    use_m2m: bool = False
    multimask_output: bool = True
    point_grids: Sequence[NDArray[np.floating]] | None = None
    closer_look: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 0 <= self.crop_n_layers <= 4:
            raise ConfigError(f"crop_n_layers is {self.crop_n_layers}; accepted: 0 to 4")
        counts = ["points_per_batch", "crop_n_points_downscale_factor"]
        if self.point_grids is None:
            counts.append("points_per_side")
        elif self.points_per_side is not None:
            raise ConfigError("point_grids take the place of points_per_side; give points_per_side=None with them")
        else:
            self._check_grids(self.point_grids)
        for name in counts:
            if getattr(self, name) is None or getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.output_mode not in get_args(OutputMode):
            raise ConfigError(f"output_mode is {self.output_mode!r}; accepted: {', '.join(get_args(OutputMode))}")

    def _check_grids(self, grids: Sequence[NDArray[np.floating]]) -> None:
        layers = self.crop_n_layers + 1
        if len(grids) < layers:
            raise ConfigError(f"point_grids has {len(grids)} grids; give one for each of {layers} layers")
        for grid in grids:
            shape = np.shape(grid)
            if len(shape) != 2 or shape[1] != 2 or np.min(grid, initial=0) < 0 or np.max(grid, initial=1) > 1:
                raise ConfigError(f"a grid of point_grids has shape {shape}; accepted: (N, 2), xy in [0, 1]")


@dataclass(frozen=True)
class GridStep:
    """What one batch of points gave, before overlaps are suppressed; `done` of `total` points have been asked."""

    records: list[MaskRecord]
    done: int
    total: int


class AutomaticMaskGenerator:
    """Finds masks for everything in a picture; the same picture always gives the same records."""

    def __init__(self, network: Sam2Network, options: AutomaticMaskOptions | None = None, **changes: object) -> None:
        """`changes` are single options by name, for example `points_per_side=16`."""
        self.network = for_inference(network)
        accepted = AutomaticMaskOptions.__dataclass_fields__
        unknown = [name for name in changes if name not in accepted]
        if unknown:
            raise ConfigError(f"unknown option {', '.join(unknown)}; accepted: {', '.join(accepted)}")
        self.options = replace(options or AutomaticMaskOptions(), **changes)  # type: ignore[arg-type]
        self._least = (self.options.pred_iou_thresh, self.options.stability_score_thresh)
        if self.options.closer_look:
            self._least = (_LEAST_IOU, _LEAST_STABILITY)

    @torch.inference_mode()
    def generate(self, rgb: Rgb) -> list[MaskRecord]:
        """Records of all masks found in a picture (H, W, 3) uint8, best predicted IoU first within a crop."""
        check_rgb(rgb)
        options, size = self.options, (rgb.shape[0], rgb.shape[1])
        crops = crop_boxes(size, options.crop_n_layers, options.crop_overlap_ratio)
        candidates = [c for layer, crop in crops for c in self._in_crop(rgb, crop, layer)]
        if len(crops) > 1:
            # Smaller crops see more detail, so between crops they win.
            scores = [1 / ((c.crop[2] - c.crop[0]) * (c.crop[3] - c.crop[1])) for c in candidates]
            candidates = _suppress(candidates, scores, options.crop_nms_thresh)
        if options.closer_look:
            closer = self._closer()
            drawn = (self._look_closer(closer, rgb, candidate) for candidate in candidates)
            candidates = [candidate for candidate in drawn if candidate is not None]
            candidates = _suppress(candidates, [c.predicted_iou for c in candidates], options.box_nms_thresh)
        if options.min_mask_region_area > 0:
            candidates = self._clean(candidates)
        return [self._as_record(candidate) for candidate in candidates]

    @torch.inference_mode()
    def steps(self, rgb: Rgb) -> Iterator[GridStep]:
        """All masks that pass the thresholds, batch by batch, duplicates included.

        For those who watch, or filter later: `generate` with stricter thresholds gives what remains after filtering
        by them and suppressing overlapping boxes, best predicted IoU first. Small regions are left as they are. With
        `closer_look`, a mask is left out if one of nearly the same box and no lower score of either kind came before.
        """
        check_rgb(rgb)
        options = self.options
        crops = crop_boxes((rgb.shape[0], rgb.shape[1]), options.crop_n_layers, options.crop_overlap_ratio)
        total = sum(len(self._grid(layer)) for layer, _ in crops)
        done, closer = 0, self._closer()
        taken: list[_Candidate] = []
        for layer, crop in crops:
            end = done + len(self._grid(layer))
            for batch in self._batches(rgb, crop, layer):
                done = min(done + options.points_per_batch, end)
                if options.closer_look:
                    batch = self._look_at_new(closer, rgb, batch, taken)
                yield GridStep([self._as_record(candidate) for candidate in batch], done, total)

    def _closer(self) -> CloserLook:
        return CloserLook(self.network, picture_pixels, self.network.config.answers, ONE_WINDOW)

    def _look_at_new(
        self, closer: CloserLook, rgb: Rgb, batch: list[_Candidate], taken: list[_Candidate]
    ) -> list[_Candidate]:
        """Candidates drawn again, without those for which one of `taken` stands; what is kept is taken from now on."""
        kept = []
        for candidate in sorted(batch, key=lambda candidate: -candidate.predicted_iou):
            if any(stands_for(other, candidate) for other in taken):
                continue
            drawn = self._look_closer(closer, rgb, candidate)
            if drawn is not None:
                kept.append(drawn)
                taken.append(candidate)
        return kept

    def _look_closer(self, closer: CloserLook, rgb: Rgb, candidate: _Candidate) -> _Candidate | None:
        """A candidate asked for again by its box, in its window; None for one that does not pass there."""
        mask = decode_rle(candidate.rle)
        size = (mask.shape[0], mask.shape[1])
        x0, y0, x1, y1 = candidate.box
        prompts = Prompts(box=BoxPrompt(x0, y0, x1 + 1, y1 + 1))
        looks = closer.refine("picture", lambda: rgb, prompts, mask[None].astype(np.float32), anew=True)
        options = self.options
        if not looks:
            is_good = candidate.stability >= options.stability_score_thresh
            return candidate if is_good and candidate.predicted_iou > options.pred_iou_thresh else None
        logits = torch.from_numpy(looks[0].paste(looks[0].low_res_logits, size))[None]
        iou = math.sqrt(max(0.0, candidate.predicted_iou) * max(0.0, looks[0].iou_prediction or 0.0))
        if iou <= options.pred_iou_thresh or not (logits > options.mask_threshold).any():
            return None
        whole = (0, 0, size[1], size[0])
        drawn = self._judge(logits, iou, candidate.point, whole, size, options.stability_score_thresh)
        return drawn and replace(drawn, crop=candidate.crop)

    def _grid(self, layer: int) -> NDArray[np.float64]:
        """A layer's points (N, 2) xy in [0, 1]."""
        options = self.options
        if options.point_grids is not None:
            return np.asarray(options.point_grids[layer], np.float64)
        return point_grid(max(1, (options.points_per_side or 1) // options.crop_n_points_downscale_factor**layer))

    def _in_crop(self, rgb: Rgb, crop: CropBox, layer: int) -> list[_Candidate]:
        found = [candidate for batch in self._batches(rgb, crop, layer) for candidate in batch]
        return _suppress(found, [c.predicted_iou for c in found], self.options.box_nms_thresh)

    def _batches(self, rgb: Rgb, crop: CropBox, layer: int) -> Iterator[list[_Candidate]]:
        options = self.options
        x0, y0, x1, y1 = crop
        picture = np.ascontiguousarray(rgb[y0:y1, x0:x1])
        pixels = picture_pixels(picture, self.network.config.image_size, self.network.device)
        embedding = encode_image(self.network, pixels)
        points = self._grid(layer) * (x1 - x0, y1 - y0)
        for start in range(0, len(points), options.points_per_batch):
            batch = points[start : start + options.points_per_batch]
            yield list(self._at_points(embedding, batch, crop, (rgb.shape[0], rgb.shape[1])))

    def _at_points(
        self, embedding: ImageEmbedding, points: NDArray[np.float64], crop: CropBox, size: tuple[int, int]
    ) -> Iterator[_Candidate]:
        """Candidates of one batch of points (N, 2), in crop pixels, that pass all thresholds."""
        options = self.options
        output = self._predict(embedding, points, crop, None, options.multimask_output).candidates
        per_point = output.iou_predictions.shape[1]
        ious, low_res = output.iou_predictions.flatten(), output.low_res_logits.flatten(0, 1).float()
        owners = torch.arange(len(points), device=ious.device).repeat_interleave(per_point)
        if options.use_m2m:
            low_res, ious = self._refine(embedding, points[owners.cpu().numpy()], crop, low_res)
        least_iou, least_stability = self._least
        kept = ious > (least_iou if least_iou > 0 else -torch.inf)
        crop_size = crop[3] - crop[1], crop[2] - crop[0]
        for index in kept.nonzero()[:, 0].tolist():
            # One mask at a time at full size: a batch of 64 points would need gigabytes.
            logits = self.network.upscale_logits(low_res[index][None, None], crop_size)[0]
            x, y = points[int(owners[index])]
            candidate = self._judge(logits, float(ious[index]), (float(x), float(y)), crop, size, least_stability)
            if candidate is not None:
                yield candidate

    def _judge(
        self,
        logits: Tensor,
        iou: float,
        point: tuple[float, float],
        crop: CropBox,
        size: tuple[int, int],
        least_stability: float,
    ) -> _Candidate | None:
        """The candidate of full-size logits (1, H, W) if it is stable and not cut by its crop."""
        options = self.options
        stability = float(stability_scores(logits, options.mask_threshold, options.stability_score_offset))
        if least_stability > 0 and not stability >= least_stability:
            return None
        mask = logits > options.mask_threshold
        box = mask_boxes(mask)
        if bool(is_cut_by_crop(box, crop, size)):
            return None
        x0, y0 = crop[:2]
        whole = np.zeros(size, dtype=bool)
        whole[y0 : crop[3], x0 : crop[2]] = mask[0].cpu().numpy()
        left, top, right, bottom = box[0].tolist()
        placed = (left + x0, top + y0, right + x0, bottom + y0)
        return _Candidate(encode_rle(whole), placed, iou, stability, (point[0] + x0, point[1] + y0), crop)

    def _predict(
        self,
        embedding: ImageEmbedding,
        points: NDArray[np.float64],
        crop: CropBox,
        low_res_logits: Tensor | None,
        multimask: bool,
    ) -> FrameOutput:
        size = (crop[2] - crop[0], crop[3] - crop[1])
        device = self.network.device
        scaled = torch.as_tensor(points / size * self.network.config.image_size, dtype=torch.float32, device=device)
        labels = torch.ones(len(points), 1, dtype=torch.int32, device=device)
        prompts = FramePrompts(scaled[:, None], labels, low_res_logits)
        return frame_step(self.network, embedding.expand(len(points)), prompts, None, multimask)

    def _refine(
        self, embedding: ImageEmbedding, points: NDArray[np.float64], crop: CropBox, low_res: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Every candidate once more through the decoder, with its own logits as prompt (published as m2m)."""
        step = self.options.points_per_batch
        low_res = low_res.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        logits, ious = [], []
        for start in range(0, len(points), step):
            part = slice(start, start + step)
            output = self._predict(embedding, points[part], crop, low_res[part][:, None], multimask=False).candidates
            logits.append(output.low_res_logits[:, 0].float())
            ious.append(output.iou_predictions[:, 0])
        return torch.cat(logits), torch.cat(ious)

    def _clean(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """Small regions removed; masks that needed it lose against equal ones that did not."""
        cleaned, scores = [], []
        for candidate in candidates:
            mask, changed = without_small_regions(decode_rle(candidate.rle), self.options.min_mask_region_area)
            x0, y0, x1, y1 = mask_boxes(torch.from_numpy(mask)[None])[0].tolist()
            cleaned.append(replace(candidate, rle=encode_rle(mask), box=(x0, y0, x1, y1)) if changed else candidate)
            scores.append(0.0 if changed else 1.0)
        threshold = max(self.options.box_nms_thresh, self.options.crop_nms_thresh)
        return _suppress(cleaned, scores, threshold)

    def _as_record(self, candidate: _Candidate) -> MaskRecord:
        x0, y0, x1, y1 = candidate.box
        mask = decode_rle(candidate.rle)
        left, top, right, bottom = candidate.crop
        return {
            "segmentation": _FORMS[self.options.output_mode](mask, candidate.rle),
            "area": int(mask.sum()),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "predicted_iou": candidate.predicted_iou,
            "stability_score": candidate.stability,
            "point_coords": [list(candidate.point)],
            "crop_box": [left, top, right - left, bottom - top],
        }


_FORMS: dict[OutputMode, Callable[[NDArray[np.bool_], Rle], NDArray[np.bool_] | Rle | RunLengths]] = {
    "binary_mask": lambda mask, _: mask,
    "uncompressed_rle": lambda mask, _: run_lengths(mask),
    "coco_rle": lambda _, rle: rle,
}


def _suppress(candidates: list[_Candidate], scores: list[float], threshold: float) -> list[_Candidate]:
    boxes = np.array([c.box for c in candidates], dtype=np.float32).reshape(-1, 4)
    kept = box_nms(boxes, np.array(scores, dtype=np.float32), threshold)
    return [candidates[index] for index in kept]

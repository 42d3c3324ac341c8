"""Find alike: from one or more example objects, all others of their kind, in the same picture or another.

The picture is seen through windows in which things of the examples' size are as large as the examples were in theirs.
In each window the image encoder's own features and the colours inside the example say where its likes may be; the
decoder is asked at points there, and what it draws is judged as a whole: features, colours, size and predicted IoU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.errors import ConfigError, PromptError
from sam2_demo.masks.run_lengths import Rle, decode_rle, encode_rle
from sam2_demo.network.inference import for_inference
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.frame_step import FramePrompts, encode_image, frame_step
from sam2_demo.tracking.mask_selection import CropBox, is_cut_by_crop, mask_boxes
from sam2_demo.tracking.pixels import Rgb, check_rgb, picture_pixels

_BINS = (6, 8, 8)  # of lightness and the two colour axes
_LOW, _HIGH = np.array([0, -80, -80], np.float32), np.array([100, 80, 80], np.float32)
_POINTS_PER_BATCH = 64
_OUTSIDE = -1.0  # logit of pixels that are taken out of a mask
_SIZE_SPREAD = 1.2  # of the logarithm of areas: three times as large counts half
_EVENNESS = 0.4  # spreads the product of four shares over 0 to 1, so that 0.5 is the middle of what is kept and dropped


@dataclass(frozen=True)
class AlikeOptions:
    """threshold: how alike, 0 to 1, a thing must be. Others were chosen on training pictures (docs/WORDS.md).

    window: side of a window in sides of the example (the root of its area); points_per_window: at most so many are
    asked, those that look most like an example; spacing: of the points, in sides; overlap: the share of the smaller of
    two masks above which the one less alike goes.
    """

    threshold: float = 0.5
    window: float = 10.0
    points_per_window: int = 192
    spacing: float = 0.5
    overlap: float = 0.4
    max_found: int = 500

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"threshold is {self.threshold}; accepted: 0 to 1")


@dataclass(frozen=True, eq=False)
class AlikeMask:
    """One thing that was found: its mask in COCO run lengths, box (x0, y0, x1, y1) in pixels, likeness in [0, 1]."""

    rle: Rle
    box: tuple[float, float, float, float]
    likeness: float
    point: tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Kind:
    """An example: features (C,), colours (B,), side in pixels."""

    features: Tensor
    colours: Tensor
    side: float


class AlikeFinder:
    """Takes examples once and finds their likes in any number of pictures."""

    def __init__(self, network: Sam2Network, options: AlikeOptions | None = None) -> None:
        self.network = for_inference(network)
        self.options = options or AlikeOptions()
        self._kinds: list[_Kind] = []

    @torch.inference_mode()
    def add_example(self, rgb: Rgb, mask: NDArray[np.bool_]) -> None:
        """An object (H, W) bool of a picture (H, W, 3) uint8; PromptError for an empty mask or another size."""
        check_rgb(rgb)
        if mask.shape != rgb.shape[:2] or not mask.any():
            given = f"{mask.shape} with {int(mask.sum())} pixels"
            raise PromptError(f"an example's mask is {given}; accepted: one of {rgb.shape[:2]} that is not empty")
        side = math.sqrt(float(mask.sum()))
        ys, xs = np.nonzero(mask)
        centre = (float(xs.min() + xs.max() + 1) / 2, float(ys.min() + ys.max() + 1) / 2)
        extent = max(np.ptp(xs) + 1, np.ptp(ys) + 1)
        window = _window_around(centre, max(self.options.window * side, 1.5 * extent), rgb.shape[:2])
        scene = _Scene(self.network, rgb, window)
        x0, y0, x1, y1 = window
        part = mask[y0:y1, x0:x1].astype(np.float32)
        cover = torch.from_numpy(cv2.resize(part, (scene.side, scene.side), interpolation=cv2.INTER_AREA))
        features, colours = scene.describe(cover[None].to(self.network.device))
        self._kinds.append(_Kind(features[0], colours[0], side))

    @torch.inference_mode()
    def find(self, rgb: Rgb) -> list[AlikeMask]:
        """All that is alike in a picture (H, W, 3) uint8, most alike first; the examples too, where they are in it."""
        return self.choose([one for found in self.steps(rgb) for one in found])

    @torch.inference_mode()
    def steps(self, rgb: Rgb) -> Iterator[list[AlikeMask]]:
        """What each window shows, doubles included, for those who share the device; `choose` makes the answer."""
        check_rgb(rgb)
        if not self._kinds:
            raise PromptError("no example was given: add one object first")
        for window in self._windows(rgb.shape[:2]):
            yield self._in_window(rgb, window)

    def choose(self, found: Sequence[AlikeMask]) -> list[AlikeMask]:
        """The most alike first, doubles and what is too much left out."""
        return _without_doubles(found, self.options.overlap)[: self.options.max_found]

    def _windows(self, size: tuple[int, int]) -> Iterator[CropBox]:
        """Windows over the picture that overlap by two sides of an example."""
        side = float(np.median([kind.side for kind in self._kinds]))
        extent = int(min(max(self.options.window * side, 32), max(size)))
        xs, ys = (_starts(length, extent, 2 * side) for length in (size[1], size[0]))
        for y0 in ys:
            for x0 in xs:
                yield (x0, y0, min(x0 + extent, size[1]), min(y0 + extent, size[0]))

    def _in_window(self, rgb: Rgb, window: CropBox) -> list[AlikeMask]:
        scene = _Scene(self.network, rgb, window)
        points = self._points(scene, window)
        found: list[AlikeMask] = []
        for start in range(0, len(points), _POINTS_PER_BATCH):
            found += self._at(scene, points[start : start + _POINTS_PER_BATCH], window, rgb.shape[:2])
        return found

    def _points(self, scene: _Scene, window: CropBox) -> NDArray[np.float32]:
        """Points (N, 2) xy in [0, 1] of the window, the most alike first."""
        height, width = window[3] - window[1], window[2] - window[0]
        side = float(np.median([kind.side for kind in self._kinds]))
        counts = [int(np.clip(round(length / (self.options.spacing * side)), 4, 48)) for length in (width, height)]
        xs, ys = ((np.arange(count, dtype=np.float32) + 0.5) / count for count in counts)
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        maps = torch.stack([scene.map_of(kind) for kind in self._kinds]).amax(0)
        places = torch.from_numpy(grid).to(maps.device) * 2 - 1
        values = F.grid_sample(maps[None, None], places[None, None], align_corners=False)[0, 0, 0]
        order = torch.argsort(-values, stable=True)[: self.options.points_per_window]
        return np.asarray(grid[order.cpu().numpy()], np.float32)

    def _at(
        self, scene: _Scene, points: NDArray[np.float32], window: CropBox, size: tuple[int, int]
    ) -> Iterator[AlikeMask]:
        x0, y0, x1, y1 = window
        config, device = self.network.config, self.network.device
        labels = torch.ones(len(points), 1, dtype=torch.int32, device=device)
        prompts = FramePrompts(torch.from_numpy(points).to(device)[:, None] * config.image_size, labels, None)
        output = frame_step(self.network, scene.embedding.expand(len(points)), prompts, None, True).candidates
        low_res = _largest_parts(output.low_res_logits.float().flatten(0, 1))
        ious = output.iou_predictions.float().flatten()
        masks = (low_res > 0).float()
        areas = masks.sum((1, 2)) * ((x1 - x0) * (y1 - y0) / masks[0].numel())
        likeness = (self._judge(scene, masks, areas) * ious.clamp(0, 1)) ** _EVENNESS
        for index in (likeness > self.options.threshold).nonzero()[:, 0].tolist():
            logits = self.network.upscale_logits(low_res[index][None, None], (y1 - y0, x1 - x0))[0]
            box = mask_boxes(logits > 0)
            if not (logits > 0).any() or bool(is_cut_by_crop(box, window, size)):
                continue
            whole = np.zeros(size, bool)
            whole[y0:y1, x0:x1] = (logits[0] > 0).cpu().numpy()
            left, top, right, bottom = box[0].tolist()
            x, y = points[index // output.iou_predictions.shape[1]]
            yield AlikeMask(
                encode_rle(whole),
                (left + x0, top + y0, right + x0 + 1, bottom + y0 + 1),
                float(likeness[index]),
                (float(x) * (x1 - x0) + x0, float(y) * (y1 - y0) + y0),
            )

    def _judge(self, scene: _Scene, masks: Tensor, areas: Tensor) -> Tensor:
        """How alike masks (N, h, w) of some areas are to the example that each is most like, (N,) in [0, 1]."""
        features, colours = scene.describe(masks)
        best = torch.zeros(len(masks), device=masks.device)
        for kind in self._kinds:
            cosine = F.cosine_similarity(features, kind.features[None], dim=1).clamp(min=0)
            shared = torch.minimum(colours, kind.colours[None]).sum(1)
            ratio = (areas.clamp(min=1) / kind.side**2).log().abs()
            best = torch.maximum(best, combine(cosine, shared, ratio))
        return best


def combine(cosine: Tensor, shared: Tensor, ratio: Tensor) -> Tensor:
    """Likeness of features (cosine), colours (share in common) and areas (absolute logarithm of their ratio)."""
    return cosine * shared**0.5 * torch.exp(-((ratio / _SIZE_SPREAD) ** 2))


class _Scene:
    """A window of a picture: its embedding, and what is at each place of the low-res logits."""

    def __init__(self, network: Sam2Network, rgb: Rgb, window: CropBox) -> None:
        x0, y0, x1, y1 = window
        part = np.ascontiguousarray(rgb[y0:y1, x0:x1])
        self.embedding = encode_image(network, picture_pixels(part, network.config.image_size, network.device))
        self.side = network.config.low_res_size
        self._features = self.embedding.features[0].float()
        small = cv2.resize(part, (self.side, self.side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
        places = ((lab - _LOW) / (_HIGH - _LOW) * _BINS - 0.5).clip(0, np.array(_BINS) - 1.001)
        self._colours = _soft_bins(torch.from_numpy(places.reshape(-1, 3).astype(np.float32))).to(self._features.device)

    def describe(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Mean features (N, C) and shares of colours (N, B) inside masks (N, side, side) with values 0 to 1."""
        height, width = self._features.shape[1:]
        cover = F.adaptive_avg_pool2d(masks[:, None], (height, width))[:, 0].flatten(1)
        features = cover @ self._features.flatten(1).T / cover.sum(1, keepdim=True).clamp(min=1e-6)
        flat = masks.flatten(1)
        colours = flat @ self._colours / flat.sum(1, keepdim=True).clamp(min=1e-6)
        return features, colours

    def map_of(self, kind: _Kind) -> Tensor:
        """How alike each place (side, side) is to an example."""
        cosine = F.cosine_similarity(self._features, kind.features[:, None, None], dim=0)
        cosine = F.interpolate(cosine[None, None], (self.side, self.side), mode="bilinear", align_corners=False)[0, 0]
        shared = (self._colours @ kind.colours).view(self.side, self.side)
        return cosine * (shared / shared.max().clamp(min=1e-6)).sqrt()


def _largest_parts(logits: Tensor) -> Tensor:
    """Logits (N, h, w) whose masks are in one piece, the largest: a point between two things often draws both."""
    masks = (logits > 0).cpu().numpy().astype(np.uint8)
    for row, mask in enumerate(masks):
        count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        if count > 2:
            masks[row] = parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return logits.where(torch.from_numpy(masks).to(logits.device) > 0, logits.clamp(max=_OUTSIDE))


def _soft_bins(places: Tensor) -> Tensor:
    """Places (N, 3) in bins as weights (N, B) of the eight bins around each: neighbouring colours are alike."""
    low = places.floor()
    weights = torch.zeros(len(places), math.prod(_BINS))
    for corner in range(8):
        step = torch.tensor([(corner >> axis) & 1 for axis in range(3)], dtype=torch.float32)
        share = torch.where(step > 0, places - low, 1 - (places - low)).prod(1)
        at = (low + step).clamp(max=torch.tensor(_BINS) - 1.0).long()
        index = (at[:, 0] * _BINS[1] + at[:, 1]) * _BINS[2] + at[:, 2]
        weights.scatter_add_(1, index[:, None], share[:, None])
    return weights


def _window_around(centre: tuple[float, float], extent: float, size: tuple[int, int]) -> CropBox:
    """A square window, cut where the picture is smaller, moved inside where it would reach beyond."""
    width, height = (int(min(max(extent, 32), max(size), length)) for length in (size[1], size[0]))
    x0 = int(np.clip(centre[0] - width / 2, 0, size[1] - width))
    y0 = int(np.clip(centre[1] - height / 2, 0, size[0] - height))
    return (x0, y0, x0 + width, y0 + height)


def _starts(length: int, extent: int, overlap: float) -> list[int]:
    """Where windows of an extent start so that they cover a length and overlap by at least so much."""
    if extent >= length:
        return [0]
    count = max(2, math.ceil((length - overlap) / max(1.0, extent - overlap)))
    return [round(index * (length - extent) / (count - 1)) for index in range(count)]


def _without_doubles(found: Sequence[AlikeMask], overlap: float) -> list[AlikeMask]:
    """The most alike first; one that shares more than so much of the smaller mask with a better one goes."""
    kept: list[tuple[AlikeMask, NDArray[np.bool_], int]] = []
    for one in sorted(found, key=lambda one: -one.likeness):
        x0, y0, x1, y1 = (int(value) for value in one.box)
        own: NDArray[np.bool_] | None = None
        area = 0
        for other, mask, other_area in kept:
            if other.box[0] >= x1 or other.box[2] <= x0 or other.box[1] >= y1 or other.box[3] <= y0:
                continue
            if own is None:
                own = decode_rle(one.rle)
                area = int(own.sum())
            shared = int((own & mask)[y0:y1, x0:x1].sum())
            if shared > overlap * min(area, other_area):
                break
        else:
            own = decode_rle(one.rle) if own is None else own
            kept.append((one, own, int(own.sum())))
    return [one for one, _, _ in kept]

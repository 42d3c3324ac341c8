"""A second look at small things: windows around a first answer, each encoded as a picture of its own.

A network with a small input sees little of a small thing, but what it sees of a window around it is as sharp as the
picture. A narrow and a wide window err in different places: their average is better than either, and than the average
of one with its mirror image, at the same cost. The narrow window is as long as the thing is, up to a limit, and to a
single click or a box the first answer, which costs nothing more, counts half: together 0.5 points of IoU from a box,
0.3 from a click, 1.2 from five clicks (240 and 95 training objects). No part of SAM 2; used with networks whose
configuration asks for it (`NetworkConfig.closer_look`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.network.config import PUBLISHED_ANSWERS, AnswerConfig
from sam2_demo.network.outputs import ImageEmbedding
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.embedding_cache import EmbeddingCache
from sam2_demo.tracking.frame_step import LOGIT_LIMIT, FramePrompts, encode_image, frame_step
from sam2_demo.tracking.mask_selection import mask_boxes
from sam2_demo.tracking.pixels import Rgb
from sam2_demo.tracking.prompts import BoxPrompt, PointPrompt, Prompts, as_frame_prompts

_LEAST_SIDE = 48  # pixels
_SURE = 10.0  # logits are averaged up to here, or one window's certainty would overrule the other's doubt
_LEAST_SHARE = 1e-6  # of a low-res pixel, as a probability: logits stay within +-14
_KEPT_BYTES, _KEPT_WINDOWS = 64 * 2**20, 8
ToInput = Callable[[Rgb, int, torch.device], Tensor]


@dataclass(frozen=True)
class LookOptions:
    """Where to look, and what counts.

    around_clicks, around_boxes: sides of the windows, in sides of the thing, for clicks and for boxes, which are truer;
    largest_aspect: of the windows but the widest, which is a square: a longer thing gets a longer window, in which it
    is seen larger; largest_share of the picture that a window may have: a larger one shows hardly more; first_weight:
    how much the answer to the whole picture counts beside each window, where there is a single click or a box. With
    corrective clicks it does not count: it is blunt where they are precise.
    """

    around_clicks: tuple[float, ...] = (1.3, 1.8)
    around_boxes: tuple[float, ...] = (1.15, 1.8)
    largest_aspect: float = 1.6
    largest_share: float = 0.92
    first_weight: float = 0.5


ONE_WINDOW = LookOptions((1.8,), (1.8,), largest_share=1.0, first_weight=0.0)
"""For many things, where time counts."""


@dataclass(frozen=True)
class Window:
    """Part of a picture, in pixels: columns x0 to x1 and rows y0 to y1, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def shows(self, prompts: Prompts) -> Prompts:
        """Clicks and box as seen in the window; clicks beside it are left out, a box is cut at its edges."""
        height, width = self.size
        moved = (PointPrompt(p.x - self.x0, p.y - self.y0, p.is_positive) for p in prompts.points)
        points = tuple(p for p in moved if 0 <= p.x <= width and 0 <= p.y <= height)
        if prompts.box is None:
            return Prompts(points)
        box = prompts.box
        x0, x1 = (float(np.clip(x - self.x0, 0, width)) for x in (box.x0, box.x1))
        y0, y1 = (float(np.clip(y - self.y0, 0, height)) for y in (box.y0, box.y1))
        return Prompts(points, BoxPrompt(x0, y0, x1, y1))


@dataclass(frozen=True, eq=False)
class Look:
    """What the second look says of the `row`-th mask: low_res_logits over the window, (S/4, S/4) of one window,
    twice as fine of several.

    iou_prediction: None where the mask is the first one with a sharper outline, whose prediction stands.
    """

    row: int
    window: Window
    low_res_logits: NDArray[np.float32]
    iou_prediction: float | None

    def is_cut(self, size: tuple[int, int]) -> bool:
        """Whether the mask runs into an edge of the window that is no edge of the picture (height, width)."""
        inside, window = self.low_res_logits > 0, self.window
        edges = (
            (window.x0 > 0, inside[:, 0]),
            (window.y0 > 0, inside[0]),
            (window.x1 < size[1], inside[:, -1]),
            (window.y1 < size[0], inside[-1]),
        )
        return any(is_inner and edge.any() for is_inner, edge in edges)

    def paste(self, low_res_logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """Logits over the window as logits of a whole picture (height, width), surely outside beyond the window."""
        whole = np.full(size, -LOGIT_LIMIT, np.float32)
        tensor = torch.from_numpy(np.ascontiguousarray(low_res_logits))[None, None]
        own = F.interpolate(tensor, size=self.window.size, mode="bilinear", align_corners=False)
        whole[self.window.slices] = own[0, 0].numpy()
        return whole

    def paste_small(self, size: tuple[int, ...], low_res_logits: Tensor) -> Tensor:
        """The look as logits of a whole picture (height, width), shaped and placed as others (1, 1, h, w)."""
        whole = torch.from_numpy(self.paste(self.low_res_logits, (size[0], size[1])))[None, None].sigmoid()
        # Averaged as probabilities: as logits, the sure outside would swallow whatever is thin.
        sides = (low_res_logits.shape[-2], low_res_logits.shape[-1])
        share = F.interpolate(whole, size=sides, mode="bilinear", align_corners=False, antialias=True)
        return share.logit(eps=_LEAST_SHARE).to(low_res_logits.device)


class CloserLook:
    """Takes second looks at pictures or frames; the windows looked at last stay encoded."""

    def __init__(
        self,
        network: Sam2Network,
        to_input: ToInput,
        answers: AnswerConfig = PUBLISHED_ANSWERS,
        options: LookOptions | None = None,
    ) -> None:
        self._network = network
        self._answers = replace(answers, mirrored=False)  # a further window is worth more
        self._options = options or LookOptions()
        self._to_input = to_input
        self._embeddings = EmbeddingCache(_KEPT_BYTES, _KEPT_WINDOWS)

    def forget(self) -> None:
        """Drop what is encoded: the picture is another one."""
        self._embeddings.remove(lambda _: True)

    def refine(
        self,
        key: Hashable,
        read: Callable[[], Rgb],
        prompts: Prompts,
        mask_logits: NDArray[np.float32],
        best: int = 0,
        anew: bool = False,
    ) -> list[Look]:
        """Second looks at the masks (M, H, W) that `prompts` gave on a picture, all through the same windows.

        `key` names the picture, which `read` gives as (H, W, 3) uint8 RGB if it is needed; `mask_logits` are in the
        decoder's order. The windows lie around the box, or else around the `best` mask, and around the positive
        clicks. Prompts refine the logits seen in a window, or are answered `anew`, which suits a box with nothing
        before it. Masks that a window does not hold, before or after, are not seen by it, and nothing is that is
        large or absent. Refined through the narrower windows is the `best` mask alone: the others are seldom wanted.
        """
        margins = self._options.around_clicks if prompts.box is None else self._options.around_boxes
        aspects = [self._options.largest_aspect] * (len(margins) - 1) + [1.0]
        share = self._options.largest_share
        found = [
            window_for(prompts, mask_logits[best], margin, share, aspect)
            for margin, aspect in zip(margins, aspects, strict=True)
        ]
        by_row: dict[int, list[Look]] = {}
        windows = [window for window in dict.fromkeys(found) if window is not None]
        for window in windows:
            rows = range(len(mask_logits)) if window == windows[-1] else [best]
            for look in self._through(window, key, read, prompts, mask_logits, rows, anew):
                by_row.setdefault(look.row, []).append(look)
        is_single = len(prompts.points) + (prompts.box is not None) == 1
        if not is_single or self._options.first_weight == 0:
            return [_merged(looks) for looks in by_row.values()]
        return [
            _merged([*looks, _first_look(looks, mask_logits[row])], self._options.first_weight)
            for row, looks in by_row.items()
        ]

    def _through(
        self,
        window: Window,
        key: Hashable,
        read: Callable[[], Rgb],
        prompts: Prompts,
        mask_logits: NDArray[np.float32],
        wanted: Sequence[int],
        anew: bool,
    ) -> list[Look]:
        """Looks at the `wanted` masks through one window, at all of them if they are answered anew."""
        seen = window.shows(prompts)
        rows = [row for row in wanted if anew or _holds(window, mask_logits[row])]
        if not seen.num_points or not rows:
            return []
        device = self._network.device
        tensors = as_frame_prompts(seen, window.size, self._network.config.image_size, None, device)
        if anew:
            looks = self._answer(self._look(key, read, window, 1), tensors, window, len(mask_logits))
        else:
            earlier = torch.cat([self._as_prompt(mask_logits[row], window) for row in rows])
            coords, labels = (torch.cat([tensor] * len(rows)) for tensor in tensors.points or ())
            refined = FramePrompts(coords, labels, earlier)
            embedding = self._look(key, read, window, len(rows))
            found = frame_step(self._network, embedding, refined, None, False, self._answers).candidates
            logits = found.low_res_logits[:, 0].float().cpu().numpy()
            looks = [Look(row, window, own, None) for row, own in zip(rows, logits, strict=True)]
        size = (mask_logits.shape[1], mask_logits.shape[2])
        return [look for look in looks if (look.low_res_logits > 0).any() and not look.is_cut(size)]

    def _answer(self, embedding: ImageEmbedding, prompts: FramePrompts, window: Window, count: int) -> list[Look]:
        found = frame_step(self._network, embedding, prompts, None, count > 1, self._answers).candidates
        logits, ious = found.low_res_logits[0].float().cpu().numpy(), found.iou_predictions[0].tolist()
        return [Look(row, window, own, iou) for row, (own, iou) in enumerate(zip(logits, ious, strict=True))]

    def _look(self, key: Hashable, read: Callable[[], Rgb], window: Window, rows: int) -> ImageEmbedding:
        """The window's embedding with `rows` rows."""

        def encode() -> ImageEmbedding:
            part = np.ascontiguousarray(read()[window.slices])
            return encode_image(
                self._network, self._to_input(part, self._network.config.image_size, self._network.device)
            )

        return self._embeddings.get((key, window), encode).expand(rows)

    def _as_prompt(self, mask_logits: NDArray[np.float32], window: Window) -> Tensor:
        logits = _seen_through(window, mask_logits, self._network.config.low_res_size)
        return logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT).to(self._network.device)


def window_for(
    prompts: Prompts, logits: NDArray[np.float32], margin: float, largest_share: float, largest_aspect: float = 1.0
) -> Window | None:
    """The window to look at more closely, `margin` times as long as what it is about and no more than `largest_aspect`
    times as long as wide; None when there is nothing, or more than `largest_share` of the picture, to see."""
    height, width = logits.shape
    if prompts.box is not None:
        corners = [(prompts.box.x0, prompts.box.y0), (prompts.box.x1, prompts.box.y1)]
    else:
        inside = logits > 0
        if not inside.any():
            return None
        x0, y0, x1, y1 = mask_boxes(torch.from_numpy(inside)[None])[0].tolist()
        corners = [(x0, y0), (x1 + 1, y1 + 1)]
    corners += [(point.x, point.y) for point in prompts.points if point.is_positive]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    sides = np.maximum(_LEAST_SIDE, margin * (high - low))
    extent = np.minimum([width, height], np.maximum(sides, sides.max() / largest_aspect))
    if extent.prod() > largest_share * width * height:
        return None
    start = np.clip((low + high) / 2 - extent / 2, 0, [width, height] - extent)
    left, top = (int(value) for value in start)
    right, bottom = (round(value) for value in start + extent)
    return Window(left, top, right, bottom)


def _holds(window: Window, logits: NDArray[np.float32]) -> bool:
    inside = logits > 0
    return int(np.count_nonzero(inside[window.slices])) == int(np.count_nonzero(inside))


def _first_look(looks: list[Look], mask_logits: NDArray[np.float32]) -> Look:
    """What the first answer (H, W) says in the widest window of some looks at the same mask."""
    window = _widest(looks)
    logits = _seen_through(window, mask_logits, 2 * looks[0].low_res_logits.shape[0])
    return Look(looks[0].row, window, logits[0, 0].numpy(), None)


def _seen_through(window: Window, mask_logits: NDArray[np.float32], side: int) -> Tensor:
    """A picture's logits (H, W) in a window, (1, 1, side, side)."""
    part = torch.from_numpy(np.ascontiguousarray(mask_logits[window.slices]))[None, None]
    return F.interpolate(part, size=(side, side), mode="bilinear", align_corners=False, antialias=True)


def _merged(looks: list[Look], last_weight: float = 1.0) -> Look:
    """Looks at one mask through several windows as one through the widest; the last one counts `last_weight`."""
    if len(looks) == 1:
        return looks[0]
    window = _widest(looks)
    side = 2 * looks[0].low_res_logits.shape[0]
    logits = [_resampled(look, window, side).clip(-_SURE, _SURE) for look in looks]
    ious = [look.iou_prediction for look in looks if look.iou_prediction is not None]
    iou = float(np.mean(ious)) if ious else None
    mean = np.average(logits, axis=0, weights=[1.0] * (len(looks) - 1) + [last_weight])
    return Look(looks[0].row, window, mean.astype(np.float32), iou)


def _widest(looks: list[Look]) -> Window:
    return max((look.window for look in looks), key=lambda own: own.size[0] * own.size[1])


def _resampled(look: Look, window: Window, side: int) -> NDArray[np.float32]:
    """A look's logits over another window, (side, side); surely outside where the look saw nothing."""
    own = look.low_res_logits
    scales, offsets = [], []
    for start, end, own_start, own_end, cells in (
        (window.x0, window.x1, look.window.x0, look.window.x1, own.shape[1]),
        (window.y0, window.y1, look.window.y0, look.window.y1, own.shape[0]),
    ):
        per_pixel = cells / (own_end - own_start)
        scales.append((end - start) / side * per_pixel)
        offsets.append((start - own_start) * per_pixel + (scales[-1] - 1) / 2)
    matrix = np.array([[scales[0], 0, offsets[0]], [0, scales[1], offsets[1]]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = np.asarray(cv2.warpAffine(own, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))
    columns, rows = (scale * np.arange(side) + offset for scale, offset in zip(scales, offsets, strict=True))
    is_seen = ((rows > -0.5) & (rows < own.shape[0] - 0.5))[:, None] & (columns > -0.5) & (columns < own.shape[1] - 0.5)
    return np.where(is_seen, found, np.float32(-LOGIT_LIMIT))

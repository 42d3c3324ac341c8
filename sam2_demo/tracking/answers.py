"""How an answer to prompts is made of the decoder's candidates, where a configuration asks for more than SAM 2 does.

A small network is unsure more often: its masks leak beyond the box they were asked for, leave islands far from the
click, and its three readings of a click differ for no reason. All of this is of this project, not of the paper; the
official models answer as published (`AnswerConfig`'s defaults).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.masks.regions import connected_parts
from sam2_demo.network.config import AnswerConfig
from sam2_demo.network.outputs import MaskPrediction
from sam2_demo.network.prompt_encoder import BOX_END_LABEL, BOX_START_LABEL, PADDING_LABEL, POSITIVE_LABEL

_STRIDE = 4  # input pixels per low-res pixel
_TRUST = 4  # power of the predicted IoU with which a candidate has a say


def settle(candidates: MaskPrediction, points: tuple[Tensor, Tensor] | None, answers: AnswerConfig) -> MaskPrediction:
    """The candidates with masks that heed the points (coordinates (B, P, 2), labels (B, P)), as far as asked for."""
    logits = candidates.low_res_logits
    if points is not None and answers.box_slope:
        logits = keep_to_box(logits, points, answers.box_slope)
    if points is not None and answers.island_share:
        logits = without_islands(logits, points, answers.island_share)
    return replace(candidates, low_res_logits=logits)


def with_single_when_clear(three: MaskPrediction, all_four: MaskPrediction, labels: Tensor) -> MaskPrediction:
    """Three candidates of B objects, the first of those with a box or several clicks (labels (B, P)) replaced by the
    single mask."""
    is_clear = _is_clear(labels)
    if not is_clear.any():
        return three

    def with_single(own: Tensor, of_four: Tensor) -> Tensor:
        is_meant = is_clear.view(-1, *[1] * (own.ndim - 1))
        return torch.cat((torch.where(is_meant, of_four[:, :1], own[:, :1]), own[:, 1:]), dim=1)

    return replace(
        three,
        low_res_logits=with_single(three.low_res_logits, all_four.low_res_logits),
        iou_predictions=with_single(three.iou_predictions, all_four.iou_predictions),
        mask_tokens=with_single(three.mask_tokens, all_four.mask_tokens),
    )


def without_mirrored(both: MaskPrediction) -> MaskPrediction:
    """Candidates of B objects averaged with those of the mirrored picture, the latter half; with plain tokens."""
    plain, turned = both.low_res_logits.chunk(2)
    return MaskPrediction(
        low_res_logits=(plain + turned.flip(-1)) / 2,
        iou_predictions=torch.stack(both.iou_predictions.chunk(2)).mean(dim=0),
        mask_tokens=both.mask_tokens.chunk(2)[0],
        object_score_logits=torch.stack(both.object_score_logits.chunk(2)).mean(dim=0),
    )


def keep_to_box(logits: Tensor, points: tuple[Tensor, Tensor], slope: float) -> Tensor:
    """Logits (B, M, h, w) less `slope` times their distance from the box, in its sides; positive clicks widen it.

    points: coordinates (B, P, 2) in input pixels and labels (B, P); objects without a box stay as they are.
    """
    coords, labels = points
    is_start, is_end = (labels == label for label in (BOX_START_LABEL, BOX_END_LABEL))
    has_box = is_start.any(dim=1) & is_end.any(dim=1)
    if not has_box.any():
        return logits
    is_meant = (is_start | is_end | (labels == POSITIVE_LABEL))[..., None]
    low = torch.where(is_meant, coords, torch.inf).amin(dim=1)  # (B, 2) xy
    high = torch.where(is_meant, coords, -torch.inf).amax(dim=1)
    beyond = [
        torch.maximum(low[:, axis, None] - places, places - high[:, axis, None])
        / (high - low)[:, axis, None].clamp(min=_STRIDE)
        for axis, length in ((0, logits.shape[-1]), (1, logits.shape[-2]))
        for places in [_STRIDE * (torch.arange(length, device=logits.device) + 0.5)]
    ]
    distance = torch.maximum(beyond[0][:, None, :], beyond[1][:, :, None]).clamp(min=0)  # (B, h, w)
    distance = torch.where(has_box[:, None, None], distance, 0.0)
    return logits - slope * distance[:, None]


def without_islands(logits: Tensor, points: tuple[Tensor, Tensor], share: float) -> Tensor:
    """Logits (B, M, h, w) without parts that hold no positive click and have less than `share` of the largest one that
    does; masks that no positive click lies in stay as they are."""
    coords, labels = points
    cells = (coords / _STRIDE).long().cpu().numpy()
    is_positive = (labels == POSITIVE_LABEL).cpu().numpy()
    masks = (logits > 0).cpu().numpy()
    islands = np.zeros(masks.shape, np.bool_)
    for row, clicked in enumerate(is_positive):
        for index in range(masks.shape[1] if clicked.any() else 0):
            islands[row, index] = _islands(masks[row, index], cells[row][clicked], share)
    if not islands.any():
        return logits
    return torch.where(torch.from_numpy(islands).to(logits.device), -logits, logits)


def _islands(mask: NDArray[np.bool_], cells: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    parts, areas = connected_parts(mask)
    columns, rows = (cells[:, axis].clip(0, mask.shape[1 - axis] - 1) for axis in (0, 1))
    clicked = np.unique(parts[rows, columns])
    clicked = clicked[clicked > 0]
    if len(areas) <= 2 or len(clicked) == 0:
        return np.zeros(mask.shape, np.bool_)
    is_island = areas < share * areas[clicked].max()
    is_island[clicked] = False
    is_island[0] = False  # the background
    return np.asarray(is_island[parts])


def choose(candidates: MaskPrediction, points: tuple[Tensor, Tensor] | None, answers: AnswerConfig) -> Tensor:
    """Which candidate (B,) answers: the one of highest predicted IoU or, as `answers` asks, of most agreement; among
    several for a click (labels (B, P)) never the first, if that is a part, and for clearer prompts the first, if it is
    the single mask."""
    scores = _agreement(candidates) if answers.by_agreement else candidates.iou_predictions
    if points is None or scores.shape[1] == 1:
        return scores.argmax(dim=1)
    labels = points[1]
    first = scores[:, 0]
    if answers.parts_first:
        is_clicked = (labels == POSITIVE_LABEL).any(dim=1) & ~(labels == BOX_START_LABEL).any(dim=1)
        first = first.where(~is_clicked, -torch.inf)
    if answers.single_when_clear:
        first = first.where(~_is_clear(labels), torch.inf)
    return torch.cat([first[:, None], scores[:, 1:]], dim=1).argmax(dim=1)


def _is_clear(labels: Tensor) -> Tensor:
    """Which objects (B,) have a box or more than one click."""
    return (labels != PADDING_LABEL).sum(dim=1) > 1


def _agreement(candidates: MaskPrediction) -> Tensor:
    """The sum (B, M) of each candidate's IoUs with all, each counting by the IoU predicted for it."""
    masks = (candidates.low_res_logits > 0).flatten(2).float()  # (B, M, h * w)
    shared = masks @ masks.transpose(1, 2)
    areas = masks.sum(dim=2)
    agreement = shared / (areas[:, :, None] + areas[:, None, :] - shared).clamp(min=1)
    return (agreement @ candidates.iou_predictions[..., None] ** _TRUST)[..., 0]

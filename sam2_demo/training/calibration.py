"""Scores that mean what they say: set after training, on pictures and clips whose truth is known.

The network learns which mask is better, and which frame shows its object, sooner than by how much: its IoU predictions
follow their median, and hidden frames are rare. A straight line on a score's logit (Platt 1999) keeps their order. It
goes into the last layer of the head that gives the score, so that thresholds published for SAM 2 keep their meaning,
and nothing is added to the network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.masks.reliability import reliability
from sam2_demo.network.layers import MLP
from sam2_demo.network.mask_decoder import NUM_MASK_TOKENS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.clip_batches import ClipBatch
from sam2_demo.training.clip_loss import clip_loss
from sam2_demo.training.losses import LossWeights
from sam2_demo.training.picture_batches import PictureBatch
from sam2_demo.training.picture_loss import SaliencyHead, picture_loss
from sam2_demo.training.score_record import ScoreRecord, joined

VISIBLE_SHARE_GIVEN_UP = 0.025
_LEAST_SCORES = 30  # fewer say nothing
_SLOPES = (0.2, 5.0)  # a line outside them comes of scores that tell nothing apart, or of too few
_PRIOR = 1.0  # pulls towards leaving scores as they are, as much as one score may say
_ROUNDS = 60
log = logging.getLogger(__name__)


def calibrate_scores(
    network: Sam2Network,
    clips: Iterable[ClipBatch],
    pictures: Iterable[PictureBatch] = (),
    with_ious: bool = True,
) -> dict[str, tuple[float, float]]:
    """Calibrate predicted IoUs, unless they are to stay, and the object score; returns (slope, offset) by score, (1, 0)
    where nothing changed.

    The object score's line keeps all but the lowest 2.5 % of visible, tracked frames above zero at least.
    """
    record = _collect(network, clips, pictures)
    decoder = network.sam_mask_decoder
    lines = {
        "predicted IoU of single masks": _fit(record.single_iou) if with_ious else (1.0, 0.0),
        "predicted IoU of the three": _fit(record.multi_iou) if with_ious else (1.0, 0.0),
        "object score": _fit_object_score(record.object_score),
    }
    rows = (slice(0, 1), slice(1, NUM_MASK_TOKENS))
    heads = [(decoder.iou_prediction_head, own) for own in rows] + [(decoder.pred_obj_score_head, slice(0, 1))]
    for (name, line), pairs, (head, own) in zip(lines.items(), record.parts, heads, strict=True):
        _fold(head, own, line)
        before, after = (calibration_error(pairs, *own_line) for own_line in ((1.0, 0.0), line))
        log.info("%s: logit times %.3f plus %.3f, calibration error %.3f -> %.3f", name, *line, before, after)
    return lines


def calibration_error(pairs: NDArray[np.float32], slope: float = 1.0, offset: float = 0.0) -> float:
    """Expected calibration error of (N, 2) logits and what was true, the logits on a line; NaN of none."""
    logits = slope * pairs[:, 0].astype(np.float64) + offset
    return reliability(1 / (1 + np.exp(-logits)), pairs[:, 1]).error


def _collect(network: Sam2Network, clips: Iterable[ClipBatch], pictures: Iterable[PictureBatch]) -> ScoreRecord:
    was_training = network.training
    network.eval()
    records = []
    unused = SaliencyHead(network.config.hidden_dim)
    with torch.no_grad():
        for number, batch in enumerate(clips):
            records.append(clip_loss(network, batch, np.random.default_rng(number), LossWeights()).scores)
        for number, views in enumerate(pictures):
            rng = np.random.default_rng(number)
            records.append(picture_loss(network, unused, views, rng, LossWeights(), corrections=1).scores)
    network.train(was_training)
    return joined(records)


def _fit(pairs: NDArray[np.float32]) -> tuple[float, float]:
    """The line (slope, offset) of logits (N, 2) by which their truths are likeliest; the mean of what was true at any
    prediction is what makes it so, whether that is an IoU or 0 and 1."""
    if len(pairs) < _LEAST_SCORES:
        return 1.0, 0.0
    logits, truths = (torch.from_numpy(own.astype(np.float64)) for own in pairs.T)
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    start = line.detach().clone()
    optimiser = torch.optim.LBFGS([line], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.binary_cross_entropy_with_logits(line[0] * logits + line[1], truths)
        value = value + _PRIOR / len(pairs) * (line - start).square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    slope, offset = line.tolist()
    return (slope, offset) if _SLOPES[0] <= slope <= _SLOPES[1] else (1.0, 0.0)


def _fit_object_score(pairs: NDArray[np.float32]) -> tuple[float, float]:
    """The likeliest line, moved so that no more than a chosen share of visible frames falls below zero."""
    visible = pairs[pairs[:, 1] > 0.5, 0]
    if len(visible) == 0:
        return 1.0, 0.0
    lowest = float(np.quantile(visible, VISIBLE_SHARE_GIVEN_UP))
    if len(visible) == len(pairs):  # nothing was hidden: no more than zero's place can be told
        return 1.0, min(0.0, -lowest)
    slope, offset = _fit(pairs)
    return slope, max(offset, -slope * lowest)


def _fold(head: MLP, rows: slice, line: tuple[float, float]) -> None:
    """Put some outputs of a head on a line."""
    last = head.layers[-1]
    weight, bias = last.get_parameter("weight"), last.get_parameter("bias")
    with torch.no_grad():
        weight[rows] *= line[0]
        bias[rows] = line[0] * bias[rows] + line[1]

"""Which masks of a frame start a masklet, and which masklets stay: coverage, duplicates, stability.

Works on COCO run lengths, so that hundreds of masks of a large frame need little memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.run_lengths import Rle, decode_rle, encode_rle
from sam2_demo.tracking.automatic_masks import MaskRecord


@dataclass(frozen=True)
class Candidate:
    """A mask that everything mode found; `quality` is predicted IoU times stability."""

    rle: Rle
    quality: float
    stability: float


@dataclass
class TrackedMasklet:
    """A masklet and the stability score of each of its masks, in [0, 1], by frame index."""

    masklet: Masklet
    stability: dict[int, float] = field(default_factory=dict)

    @property
    def visible_frames(self) -> list[int]:
        """The frames whose mask is not empty."""
        return [frame for frame in self.masklet if self.masklet.area(frame) > 0]

    @property
    def mean_stability(self) -> float:
        """Mean score over the frames where the object is visible; 0 when it never is."""
        scores = [self.stability[frame] for frame in self.visible_frames]
        return float(np.mean(scores)) if scores else 0.0


def covered_area(masks: Sequence[Rle]) -> int:
    """How many pixels at least one of the masks has."""
    return int(coco_mask.area(coco_mask.merge(list(masks)))) if masks else 0


def uncovered_share(mask: Rle, masks: Sequence[Rle]) -> float:
    """Which share of a mask's pixels none of the masks has, in [0, 1]."""
    area = int(coco_mask.area(mask))
    if not masks or not area:
        return 1.0
    shared = coco_mask.merge([mask, coco_mask.merge(list(masks))], intersect=True)
    return 1 - int(coco_mask.area(shared)) / area


def mask_ious(mask: Rle, masks: Sequence[Rle]) -> NDArray[np.float64]:
    """IoU (N,) of a mask with each of N."""
    if not masks:
        return np.zeros(0)
    return np.asarray(coco_mask.iou([mask], list(masks), [False] * len(masks)))[0]


def new_candidates(
    records: Iterable[MaskRecord], tracked: Sequence[Rle], options: MaskletOptions, limit: int
) -> list[Candidate]:
    """At most `limit` masks that are large enough, new beside the tracked masks and no duplicates, best first."""
    accepted: list[Candidate] = []
    for candidate in sorted(map(_as_candidate, records), key=lambda c: -c.quality):
        if len(accepted) >= limit:
            break
        if coco_mask.area(candidate.rle) < options.min_area:
            continue
        if tracked and uncovered_share(candidate.rle, tracked) < options.min_uncovered:
            continue
        known = [*tracked, *(other.rle for other in accepted)]
        if (mask_ious(candidate.rle, known) > options.duplicate_iou).any():
            continue
        accepted.append(candidate)
    return accepted


def _as_candidate(record: MaskRecord) -> Candidate:
    mask = record["segmentation"]
    rle = encode_rle(mask if isinstance(mask, np.ndarray) else decode_rle(mask))
    return Candidate(rle, record["predicted_iou"] * record["stability_score"], record["stability_score"])


def keep_good(found: Sequence[TrackedMasklet], options: MaskletOptions) -> list[TrackedMasklet]:
    """Masklets that are seen, stable and no duplicate of a more stable one, in the order given."""
    threshold, least = options.masklet_stability_thresh, options.min_visible_frames
    seen = [one for one in found if len(one.masklet) and len(one.visible_frames) >= min(least, len(one.masklet))]
    stable = [one for one in seen if one.mean_stability >= threshold]
    ious = masklet_ious([one.masklet for one in stable])
    kept: list[int] = []
    for index in sorted(range(len(stable)), key=lambda i: -stable[i].mean_stability):
        if all(ious[index, other] <= options.duplicate_iou for other in kept):
            kept.append(index)
    return [stable[index] for index in sorted(kept)]


def masklet_ious(masklets: Sequence[Masklet]) -> NDArray[np.float64]:
    """IoU (N, N) over clip volumes: shared pixels of all frames over joint pixels of all frames."""
    count = len(masklets)
    shared, areas = np.zeros((count, count)), np.zeros(count)
    for frame in sorted({frame for masklet in masklets for frame in masklet}):
        rows = [index for index, masklet in enumerate(masklets) if frame in masklet]
        codes = [masklets[index].rle(frame) for index in rows]
        own = np.array([float(coco_mask.area(code)) for code in codes])
        ious = np.asarray(coco_mask.iou(codes, codes, [False] * len(codes)))
        # From iou = shared / (a + b - shared).
        shared[np.ix_(rows, rows)] += ious * (own[:, None] + own) / (1 + ious)
        areas[rows] += own
    joint = areas[:, None] + areas - shared
    return np.divide(shared, joint, out=np.zeros_like(shared), where=joint > 0)

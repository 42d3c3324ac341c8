"""Prompts as people give them, checked, and as the network takes them (SAM 2 section 4).

Coordinates are pixels of the original picture, xy; a box is two points with labels 2 and 3 before the clicks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sam2_demo.errors import InputError, PromptError
from sam2_demo.masks.masklet import plain_object_id
from sam2_demo.masks.run_lengths import pixels_inside
from sam2_demo.network.prompt_encoder import BOX_END_LABEL, BOX_START_LABEL, NEGATIVE_LABEL, POSITIVE_LABEL
from sam2_demo.tracking.frame_step import FramePrompts

Points = Sequence[Sequence[float]] | NDArray[np.generic]
MAX_POINTS = 1000
MOST_OUTSIDE = 1.0  # pixels by which places may miss the picture: detectors round, and clip to other sizes
GIVEN_MASK_LOGIT = 10.0  # a mask given along with clicks enters as low-res logits of -10 and 10


@dataclass(frozen=True)
class PointPrompt:
    """One click: xy in pixels of the picture; positive adds, negative removes."""

    x: float
    y: float
    is_positive: bool = True


@dataclass(frozen=True)
class BoxPrompt:
    """A box, corners in pixels of the picture, x0 < x1 and y0 < y1."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, eq=False)
class MaskPrompt:
    """A mask (H, W) bool of the picture's size."""

    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Prompts:
    """All prompts of one object on one frame."""

    points: tuple[PointPrompt, ...] = ()
    box: BoxPrompt | None = None
    mask: MaskPrompt | None = None

    @property
    def num_points(self) -> int:
        """Points as the network counts them: a box is two."""
        return len(self.points) + (2 if self.box else 0)

    def then(self, later: Prompts) -> Prompts:
        """These prompts and later ones on the same frame; a later box or mask replaces the earlier."""
        return Prompts(self.points + later.points, later.box or self.box, later.mask or self.mask)


def read_prompts(
    points: Points | None,
    point_labels: Sequence[int] | NDArray[np.generic] | None,
    box: Sequence[float] | NDArray[np.generic] | None,
    mask: NDArray[np.generic] | None,
    size: tuple[int, int],
) -> Prompts:
    """Check what a person gave for a picture of `size` (height, width); PromptError says what is wrong.

    Points and corners up to a pixel outside, as detectors give them, are moved to the rim. A mask of numbers is inside
    where it is not zero; negative numbers, as logits have, are refused.
    """
    return Prompts(
        points=_read_points(points, point_labels, size),
        box=None if box is None else _read_box(box, size),
        mask=None if mask is None else _read_mask(mask, size),
    )


def read_object_id(object_id: object) -> int:
    """The id as a plain int of 0 or more, from whole numbers of any type; PromptError for others."""
    try:
        plain = plain_object_id(object_id)
    except InputError:
        plain = -1
    if plain < 0:
        raise PromptError(f"an object id is a whole number of 0 or more, got {object_id!r}")
    return plain


def _read_points(
    points: Points | None, labels: Sequence[int] | NDArray[np.generic] | None, size: tuple[int, int]
) -> tuple[PointPrompt, ...]:
    if points is None:
        if labels is not None and len(labels):
            raise PromptError(f"{len(labels)} point labels were given without points")
        return ()
    if not isinstance(points, (Sequence, np.ndarray)):
        raise PromptError(f"points must be a list of (x, y), got {type(points).__name__}")
    pairs = [_numbers(point, "a point") for point in points]
    labels = [POSITIVE_LABEL] * len(pairs) if labels is None else list(labels)
    if len(labels) != len(pairs):
        raise PromptError(f"{len(pairs)} points need as many labels, got {len(labels)}")
    if len(pairs) > MAX_POINTS:
        raise PromptError(f"{len(pairs)} points were given; at most {MAX_POINTS} are accepted")
    points_read = []
    for pair, label in zip(pairs, labels, strict=True):
        if len(pair) != 2:
            raise PromptError(f"a point is (x, y), got {len(pair)} numbers: {pair}")
        if label not in (NEGATIVE_LABEL, POSITIVE_LABEL):
            raise PromptError(f"a point label is 1 (positive) or 0 (negative), got {label!r}")
        x, y = _moved_inside(pair[0], pair[1], size, "a click")
        points_read.append(PointPrompt(x, y, bool(label == POSITIVE_LABEL)))
    return tuple(points_read)


def _read_box(box: Sequence[float] | NDArray[np.generic], size: tuple[int, int]) -> BoxPrompt:
    values = _numbers(box, "a box")
    if len(values) != 4:
        raise PromptError(f"a box is (x0, y0, x1, y1), got {len(values)} numbers")
    x0, y0 = _moved_inside(values[0], values[1], size, "a box corner")
    x1, y1 = _moved_inside(values[2], values[3], size, "a box corner")
    if x1 < x0 or y1 < y0:
        raise PromptError(f"the box {values} is inverted: give x0 < x1 and y0 < y1")
    if x1 == x0 or y1 == y0:
        raise PromptError(f"the box {values} has no area in the picture: give x0 < x1 and y0 < y1")
    return BoxPrompt(x0, y0, x1, y1)


def _numbers(values: Sequence[float] | NDArray[np.generic], what: str) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise PromptError(f"{what} must be a list of numbers, got {values!r}") from error


def _moved_inside(x: float, y: float, size: tuple[int, int], what: str) -> tuple[float, float]:
    """The place itself, or the nearest one on the rim for a place up to a pixel outside; PromptError beyond."""
    height, width = size
    if not (math.isfinite(x) and math.isfinite(y)):
        raise PromptError(f"{what} is at ({x}, {y}); coordinates must be finite numbers")
    if not (-MOST_OUTSIDE <= x <= width + MOST_OUTSIDE and -MOST_OUTSIDE <= y <= height + MOST_OUTSIDE):
        # Unrounded, or the message would contradict itself.
        raise PromptError(
            f"{what} at ({x}, {y}) is outside the picture, which is {width} x {height} pixels (width x height)"
        )
    return min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))


def _read_mask(mask: NDArray[np.generic], size: tuple[int, int]) -> MaskPrompt:
    mask = np.asarray(mask)
    if mask.shape != size:
        advice = ""
        if mask.ndim == 3 and mask.shape[:2] == size:
            advice = "; of a picture give one channel, as mask[..., 3] for its opacity or mask[..., 0]"
        elif mask.ndim > 2 and mask.shape[-2:] == size:
            advice = "; give one of the masks, as masks[0]"
        raise PromptError(f"a mask must have the picture's size (height, width) {size}, got shape {mask.shape}{advice}")
    try:
        return MaskPrompt(pixels_inside(mask))
    except InputError as error:
        raise PromptError(str(error)) from error


def as_frame_prompts(
    prompts: Prompts, size: tuple[int, int], image_size: int, previous_logits: Tensor | None, device: torch.device
) -> FramePrompts:
    """Checked prompts of a picture of `size` (height, width) as tensors of one object (B = 1).

    A mask alone becomes the output; a mask with clicks or a box enters as logits that they refine;
    `previous_logits` (1, 1, S/4, S/4) are refined when there is no mask.
    """
    mask = None if prompts.mask is None else _mask_tensor(prompts.mask.mask, image_size, device)
    if not prompts.num_points:
        return FramePrompts(mask=mask, low_res_logits=previous_logits if mask is None else None)
    if mask is not None:
        previous_logits = _mask_logits(mask)
    coords, labels = _point_tensors(prompts, size, image_size, device)
    return FramePrompts(coords, labels, previous_logits)


def _point_tensors(
    prompts: Prompts, size: tuple[int, int], image_size: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    coords = [(p.x, p.y) for p in prompts.points]
    labels = [POSITIVE_LABEL if p.is_positive else NEGATIVE_LABEL for p in prompts.points]
    if prompts.box is not None:
        box = prompts.box
        coords = [(box.x0, box.y0), (box.x1, box.y1), *coords]
        labels = [BOX_START_LABEL, BOX_END_LABEL, *labels]
    pixels = torch.tensor(coords, dtype=torch.float32, device=device)
    normalized = pixels / torch.tensor([size[1], size[0]], dtype=torch.float32, device=device)
    return (normalized * image_size)[None], torch.tensor([labels], dtype=torch.int32, device=device)


def _mask_tensor(mask: NDArray[np.bool_], image_size: int, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(mask).to(device)[None, None].float()
    if mask.shape != (image_size, image_size):
        tensor = F.interpolate(
            tensor, size=(image_size, image_size), mode="bilinear", align_corners=False, antialias=True
        )
    return tensor >= 0.5


def _mask_logits(mask: Tensor) -> Tensor:
    side = mask.shape[-1] // 4
    small = F.interpolate(mask.float(), size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return (small * 2 - 1) * GIVEN_MASK_LOGIT

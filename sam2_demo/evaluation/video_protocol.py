"""Semi-supervised video segmentation: each object is prompted on the first frame that shows it (section 6.2).

Prompts are 1, 3 or 5 clicks on centres of error, a box or the mask. Objects that appear later are prompted
when they do, and are tracked apart from those before so that no memory of the future reaches earlier frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing

import numpy as np
from numpy.typing import NDArray

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.datasets.prompt_simulation import box_around, click_on_error
from sam2_demo.errors import PromptError
from sam2_demo.evaluation.contestants import BoolMask, ClipPredictor, TrackedFrame, TrackingSession
from sam2_demo.masks.masklet import Masklet

PROMPT_CLICKS = {"click": 1, "clicks3": 3, "clicks5": 5}
PROMPTS = (*PROMPT_CLICKS, "box", "mask")


def track_clip(predictor: ClipPredictor, clip: AnnotatedClip, prompt: str, exclusive: bool) -> dict[int, Masklet]:
    """Masklets of all objects over the whole clip, empty before an object is prompted.

    `exclusive`: a pixel belongs to one object only, the one with the highest logit (sets with indexed masks).
    """
    if prompt not in PROMPTS:
        raise PromptError(f"prompt is {prompt!r}; accepted: {', '.join(PROMPTS)}")
    height, width = clip.truth.height, clip.truth.width
    masklets = {object_id: Masklet(object_id, height, width) for object_id in clip.truth.object_ids}
    with ExitStack() as stack:
        runs = _start_runs(predictor, clip, prompt, stack)
        for frame_index in range(len(clip.frame_paths)):
            results = [next(run) for start, run in runs.items() if start <= frame_index]
            _store(masklets, frame_index, results, exclusive)
    return masklets


def _start_runs(
    predictor: ClipPredictor, clip: AnnotatedClip, prompt: str, stack: ExitStack
) -> dict[int, Iterator[TrackedFrame]]:
    """One prompted session for each frame on which objects are first seen, all ready to run."""
    runs = {}
    for start, object_ids in objects_by_start(clip).items():
        session = stack.enter_context(closing(predictor.open(clip.folder)))
        for object_id in object_ids:
            prompt_object(session, clip, object_id, start, prompt)
        runs[start] = iter(session.propagate(start_frame_index=start, direction="forward"))
    return runs


def objects_by_start(clip: AnnotatedClip) -> dict[int, list[int]]:
    """Object ids by the first frame that shows them, frames rising; objects that no frame shows are left out."""
    starts: dict[int, list[int]] = {}
    for object_id in clip.truth.object_ids:
        first = clip.first_visible(object_id)
        if first is not None:
            starts.setdefault(first, []).append(object_id)
    return dict(sorted(starts.items()))


def prompt_object(session: TrackingSession, clip: AnnotatedClip, object_id: int, frame_index: int, prompt: str) -> None:
    """Give one object its prompt, made from the ground truth of the frame."""
    reference = clip.truth.masklets[object_id].mask(frame_index)
    if prompt == "mask":
        session.add_prompt(frame_index, object_id, mask=reference)
    elif prompt == "box":
        session.add_prompt(frame_index, object_id, box=box_around(reference))
    else:
        click_until(session, clip, object_id, frame_index, PROMPT_CLICKS[prompt])


def click_until(
    session: TrackingSession,
    clip: AnnotatedClip,
    object_id: int,
    frame_index: int,
    count: int,
    prediction: BoolMask | None = None,
) -> int:
    """Up to `count` clicks on one object and frame, each at the centre of the error left; returns how many.

    `prediction` is the mask that the frame already has, if it was tracked.
    """
    reference, void = clip.truth.masklets[object_id].mask(frame_index), clip.void(frame_index)
    for made in range(count):
        click = click_on_error(reference, prediction, void)
        if click is None:
            return made
        result = session.add_prompt(
            frame_index,
            object_id,
            points=[(click.x, click.y)],
            point_labels=[click.label],
            clear_previous=made == 0 and prediction is None,
        )
        prediction = result.masks[object_id]
    return count


def _store(masklets: Mapping[int, Masklet], frame_index: int, results: list[TrackedFrame], exclusive: bool) -> None:
    masks = {i: mask for result in results for i, mask in result.masks.items()}
    if exclusive and len(masks) > 1:
        masks = keep_highest(masks, {i: own for result in results for i, own in result.mask_logits.items()})
    scores = {i: own for result in results for i, own in result.object_score_logits.items()}
    qualities = {i: own for result in results for i, own in result.iou_predictions.items()}
    for object_id, masklet in masklets.items():
        if object_id in masks:
            masklet.set(frame_index, masks[object_id], scores[object_id], qualities[object_id])
        else:
            masklet.set(frame_index, np.zeros((masklet.height, masklet.width), np.bool_), -10.0, 0.0)


def keep_highest(masks: Mapping[int, BoolMask], mask_logits: Mapping[int, NDArray[np.float32]]) -> dict[int, BoolMask]:
    """Give each pixel that several (H, W) masks claim to the one with the highest logit, ties to the first."""
    ids = list(masks)
    claims = np.stack([np.where(masks[i], mask_logits[i], -np.inf) for i in ids])
    winner = claims.argmax(axis=0)
    return {i: masks[i] & (winner == row) for row, i in enumerate(ids)}

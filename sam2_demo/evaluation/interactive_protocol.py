"""Interactive video segmentation with up to 8 clicked frames of 3 clicks each (paper, section 6.1, appendix F.1).

Offline: rounds over the whole clip; after each, the object's worst frame gets the next clicks. Online: one pass;
it stops where the IoU falls below 0.75, takes clicks there, and goes on, so that only later frames profit.
Only frames that show the object are clicked, no frame twice. Every annotated frame from an object's first on counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.evaluation.contestants import BoolMask, ClipPredictor, TrackedFrame, TrackingSession
from sam2_demo.evaluation.video_protocol import click_until, objects_by_start
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.metrics import region_similarity

MODES = ("offline", "online")
PAUSE_BELOW = 0.75


@dataclass(frozen=True)
class InteractiveProtocol:
    """How much a person does: `frames` clicked at most, `clicks` on each; online also the IoU that stops the pass."""

    mode: str = "offline"
    frames: int = 8
    clicks: int = 3
    threshold: float = PAUSE_BELOW


@dataclass
class Rounds:
    """Masklets after each number of clicked frames (index 0: one frame), and which frames were clicked."""

    masklets: list[dict[int, Masklet]] = field(default_factory=list)
    clicked: dict[int, list[int]] = field(default_factory=dict)


def interact(predictor: ClipPredictor, clip: AnnotatedClip, protocol: InteractiveProtocol) -> Rounds:
    """Work on all objects of a clip; they share sessions but each has its own clicks."""
    rounds = Rounds([_blank(clip) for _ in range(protocol.frames)])
    run = _offline if protocol.mode == "offline" else _online
    for start, object_ids in objects_by_start(clip).items():
        run(predictor, clip, protocol, (start, object_ids), rounds)
    return rounds


def _offline(
    predictor: ClipPredictor,
    clip: AnnotatedClip,
    protocol: InteractiveProtocol,
    group: tuple[int, list[int]],
    rounds: Rounds,
) -> None:
    start, object_ids = group
    with closing(predictor.open(clip.folder)) as session:
        for object_id in object_ids:
            click_until(session, clip, object_id, start, protocol.clicks)
            rounds.clicked[object_id] = [start]
        for number, masklets in enumerate(rounds.masklets):
            for result in session.propagate(start_frame_index=start, direction="forward"):
                _keep(masklets, object_ids, result)
            if number + 1 < protocol.frames and not _click_worst(session, clip, protocol, masklets, rounds, object_ids):
                _carry_over(rounds, number, object_ids)
                return


def _click_worst(
    session: TrackingSession,
    clip: AnnotatedClip,
    protocol: InteractiveProtocol,
    masklets: dict[int, Masklet],
    rounds: Rounds,
    object_ids: list[int],
) -> bool:
    """Click each object's worst frame; False when nothing is left to correct."""
    any_made = False
    for object_id in object_ids:
        frame = worst_frame(clip, masklets[object_id], rounds.clicked[object_id])
        if frame is not None:
            mask = masklets[object_id].mask(frame)
            any_made |= click_until(session, clip, object_id, frame, protocol.clicks, mask) > 0
            rounds.clicked[object_id].append(frame)
    return any_made


def worst_frame(clip: AnnotatedClip, prediction: Masklet, clicked: list[int]) -> int | None:
    """The frame of lowest IoU, the first of equals, that shows the object and has no clicks; None if all are right."""
    truth = clip.truth.masklets[prediction.object_id]
    worst, lowest = None, 1.0
    for frame in truth:
        if frame in clicked or not truth.area(frame) or frame not in prediction:
            continue
        overlap = region_similarity(prediction.mask(frame), truth.mask(frame), clip.void(frame))
        if overlap < lowest:
            worst, lowest = frame, overlap
    return worst


def _online(
    predictor: ClipPredictor,
    clip: AnnotatedClip,
    protocol: InteractiveProtocol,
    group: tuple[int, list[int]],
    rounds: Rounds,
) -> None:
    """One pass for each budget of frames; a larger budget than the last pass could use changes nothing."""
    for number, masklets in enumerate(rounds.masklets):
        clicked = _online_pass(predictor, clip, protocol, group, (number + 1, masklets))
        rounds.clicked |= clicked
        if all(len(frames) <= number for frames in clicked.values()):
            _carry_over(rounds, number, group[1])
            return


def _online_pass(
    predictor: ClipPredictor,
    clip: AnnotatedClip,
    protocol: InteractiveProtocol,
    group: tuple[int, list[int]],
    budget: tuple[int, dict[int, Masklet]],
) -> dict[int, list[int]]:
    start, object_ids = group
    frames, masklets = budget
    clicked = {object_id: [start] for object_id in object_ids}
    with closing(predictor.open(clip.folder)) as session:
        for object_id in object_ids:
            click_until(session, clip, object_id, start, protocol.clicks)

        def needs_clicks(object_id: int, frame: int, mask: BoolMask) -> bool:
            if len(clicked[object_id]) >= frames or frame in clicked[object_id]:
                return False
            return _is_poor(clip, object_id, frame, mask, protocol.threshold)

        for result in _pausing(session, clip, protocol, start, needs_clicks, clicked):
            _keep(masklets, object_ids, result)
    return clicked


def _pausing(
    session: TrackingSession,
    clip: AnnotatedClip,
    protocol: InteractiveProtocol,
    start: int,
    needs_clicks: Callable[[int, int, BoolMask], bool],
    clicked: dict[int, list[int]],
) -> Iterator[TrackedFrame]:
    """Track on, and where an object needs clicks give them and take up the pass again at that frame."""
    resume: int | None = start
    while resume is not None:
        run, resume = session.propagate(start_frame_index=resume, direction="forward"), None
        for result in run:
            poor = [i for i, mask in result.masks.items() if needs_clicks(i, result.frame_index, mask)]
            for object_id in poor:
                mask = result.masks[object_id]
                click_until(session, clip, object_id, result.frame_index, protocol.clicks, mask)
                clicked[object_id].append(result.frame_index)
            if poor:
                resume = result.frame_index
                break
            yield result


def _is_poor(clip: AnnotatedClip, object_id: int, frame: int, mask: BoolMask, threshold: float) -> bool:
    truth = clip.truth.masklets[object_id]
    if frame not in truth or not truth.area(frame):
        return False
    return region_similarity(mask, truth.mask(frame), clip.void(frame)) < threshold


def _keep(masklets: dict[int, Masklet], object_ids: list[int], result: TrackedFrame) -> None:
    for object_id in object_ids:
        scores = result.object_score_logits[object_id], result.iou_predictions[object_id]
        masklets[object_id].set(result.frame_index, result.masks[object_id], *scores)


def _carry_over(rounds: Rounds, number: int, object_ids: list[int]) -> None:
    """More frames would have changed nothing: later rounds have the masklets of this one."""
    for later in rounds.masklets[number + 1 :]:
        for object_id in object_ids:
            later[object_id] = rounds.masklets[number][object_id]


def _blank(clip: AnnotatedClip) -> dict[int, Masklet]:
    """Empty masks on every annotated frame, for the time before an object is seen."""
    height, width = clip.truth.height, clip.truth.width
    empty = np.zeros((height, width), np.bool_)
    masklets = {}
    for object_id, truth in clip.truth.masklets.items():
        masklets[object_id] = Masklet(object_id, height, width)
        for frame in truth:
            masklets[object_id].set(frame, empty, -10.0, 0.0)
    return masklets

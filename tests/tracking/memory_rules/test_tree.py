"""The tree against a slow restatement: lists of whole pathways, each decoded alone, no notes and no bank."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.tracking.frame_step import FramePrompts, encode_memory, frame_step, take_candidates
from sam2_demo.tracking.memory_bank import MemorySelection, stack_selections
from sam2_demo.tracking.memory_rules.rule import FrameNote, Past, PathSummary
from sam2_demo.tracking.memory_rules.tree import Tree
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor
from tests.tracking.memory_rules.made_up import LIMITS, MadeUp

LENGTH = 16


@dataclass
class Path:
    """Everything one reading of the clip holds, frame by frame."""

    score: float = 0.0
    frames: list[tuple[float, float, torch.Tensor, torch.Tensor, torch.Tensor]] = field(default_factory=list)


def restated(network, tracker: ClipTracker, num_paths: int) -> list[torch.Tensor]:
    """The low-res logits that are shown on frames 1 to LENGTH - 1 after a prompt on frame 0."""
    prompted = tracker._tracks[1].bank.conditioning[0]
    paths, shown = [Path()], []
    for t in range(1, LENGTH):
        embedding = tracker._view.encode(t)
        grown = []
        for path in paths:
            placed = list(enumerate(path.frames, start=1))  # frame index, what it holds
            useful = [(f, own) for f, own in placed if f == t - 1 or (own[0] > 0.1 and own[1] > 0)][-6:]
            order = sorted(range(len(useful)), key=lambda i: useful[i][1][1])
            weight = dict(zip(order, np.linspace(0.95, 1.05, len(useful)) if len(useful) > 1 else [1.0], strict=False))
            memories = [(0, prompted.features)]
            memories += [(len(useful) - i, own[2] * float(weight[i])) for i, (_, own) in enumerate(useful)]
            pointers = [(t, prompted.object_pointer), *((t - f, own[3]) for f, own in placed[::-1][:15])]
            memory = stack_selections(network, [MemorySelection(memories, pointers, min(24, 16) - 1)])
            output = frame_step(network, embedding, FramePrompts(), memory, multimask=True)
            for index in range(3):
                one = take_candidates(network, output, torch.tensor([0]), torch.tensor([index]))
                iou, score = float(one.iou_predictions), float(one.object_score_logits)
                features = encode_memory(network, embedding, one.low_res_logits, one.object_score_logits, False)
                held = (iou, score, features, one.object_pointers, one.low_res_logits)
                grown.append(Path(path.score + math.log(iou + 1e-5), [*path.frames, held]))
        grown.sort(key=lambda path: -path.score)
        if all(abs(path.frames[-1][1]) <= 2 for path in grown):
            unlike = []
            for path in grown:
                if round(path.frames[-1][0], 2) not in [round(other.frames[-1][0], 2) for other in unlike]:
                    unlike.append(path)
            grown = unlike + [path for path in grown if path not in unlike]
        paths = grown[:num_paths]
        shown.append(paths[0].frames[-1][4])
    return shown


@pytest.mark.parametrize("num_paths", [2, 3])
@torch.inference_mode()
def test_shows_what_the_slow_restatement_shows(nano_network, clip_frames, num_paths):
    rule = {2: "tree2", 3: "tree"}[num_paths]
    options = TrackingOptions(memory_rule=rule, objects_per_batch=8)
    tracker = VideoPredictor(nano_network, options).open(clip_frames)
    tracker.add_prompt(0, 1, points=[(15, 24)])
    list(tracker.propagate(end_frame_index=LENGTH - 1))
    records = [tracker._tracks[1].records.get(t) for t in range(1, LENGTH)]
    expected = restated(nano_network, tracker, num_paths)
    for t, (record, logits) in enumerate(zip(records, expected, strict=True), start=1):
        torch.testing.assert_close(record.low_res_logits, logits, rtol=0, atol=2e-4, msg=f"frame {t}")
    assert all(len(record.rivals) == num_paths - 1 for record in records)
    assert any(record.note.parent > 0 for record in records)  # the shown reading changed, so that paths matter


def of(*ious, score=5.0):
    return MadeUp(ious, score, np.zeros((3, 4, 4), bool))


def past_of(*scores):
    summary = tuple(PathSummary(5.0, 0.9, FrameNote(score=score)) for score in scores)
    return Past(2, False, 10, {0}, {1: summary}.get, lambda _: False, range(10))


def test_the_best_of_nine_go_on():
    made = Tree(3).decide(past_of(-0.1, -0.2, -9.0), [of(0.9, 0.5, 0.2), of(0.95, 0.9, 0.1), of(1.0, 1.0, 1.0)])
    assert [(d.path, d.index) for d in made] == [(0, 0), (1, 0), (1, 1)]
    assert made[0].note.score == pytest.approx(-0.1 + math.log(0.90001)) and made[1].note.parent == 1


def test_unlike_masks_survive_doubt():
    sure = [of(0.901, 0.902, 0.3), of(0.903, 0.2, 0.1)]
    unsure = [of(0.901, 0.902, 0.3, score=1.5), of(0.903, 0.2, 0.1, score=-1.9)]
    best = [(1, 0), (0, 1), (0, 0)]
    assert [(d.path, d.index) for d in Tree(3).decide(past_of(0.0, 0.0), sure)] == best
    assert [(d.path, d.index) for d in Tree(3).decide(past_of(0.0, 0.0), unsure)] == [(1, 0), (0, 2), (1, 1)]


def test_a_pathway_recalls_its_own_ancestors():
    good, bad = PathSummary(3.0, 0.9, FrameNote(parent=1)), PathSummary(-3.0, 0.05, FrameNote(parent=0))
    summaries = {1: (good,), 2: (good, bad), 3: (bad, good)}
    recalled = Tree(2).recall(Past(4, False, 10, {0}, summaries.get, lambda _: False, range(10)), 1, LIMITS)
    # Frame 3's second pathway continues frame 2's second, which is no use, and that continues frame 1's only one.
    assert recalled.recent == [(2, 1), (1, 3)] and recalled.path == {3: 1, 2: 1, 1: 0}
    assert recalled.pointers == [(1, 3), (2, 2), (3, 1)]

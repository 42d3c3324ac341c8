"""Which frames count under which rules, against a restatement of both reference evaluators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.errors import DatasetError
from sam2_demo.evaluation.scoring import (
    DAVIS_RULES,
    EVERY_FRAME,
    SA_V_RULES,
    ObjectScores,
    from_record,
    score_clip,
    summarize,
    to_record,
)
from sam2_demo.formats.annotation import from_masklets
from sam2_demo.masks.masklet import Masklet
from sam2_demo.masks.metrics import boundary_accuracy, region_similarity
from sam2_demo.masks.run_lengths import encode_rle

SIZE = (24, 30)


def masklet(object_id: int, masks: dict[int, np.ndarray]) -> Masklet:
    own = Masklet(object_id, *SIZE)
    for frame, mask in masks.items():
        own.set(frame, mask)
    return own


def clip_of(*masklets: Masklet) -> AnnotatedClip:
    frames = tuple(Path(f"{i:05d}.jpg") for i in range(20))
    return AnnotatedClip("clip", Path("clip"), frames, from_masklets(masklets, 20))


def random_masks(frames: list[int], seed: int, empty: tuple[int, ...] = ()) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f: np.zeros(SIZE, bool) if f in empty else rng.random(SIZE) > 0.5 for f in frames}


def sa_v_reference(truth: dict[int, np.ndarray], prediction: dict[int, np.ndarray]) -> tuple[float, float] | None:
    """Feed frames one by one; an object counts once either side has shown it, and is kept if truth has."""
    seen_truth, seen, region, boundary = False, False, [], []
    for frame in sorted(truth)[1:-1]:
        seen_truth |= bool(truth[frame].any())
        seen |= bool(truth[frame].any() or prediction[frame].any())
        if seen:
            region.append(region_similarity(prediction[frame], truth[frame]))
            boundary.append(boundary_accuracy(prediction[frame], truth[frame]))
    return (float(np.mean(region)), float(np.mean(boundary))) if seen_truth else None


@pytest.mark.parametrize("hidden_truth", [(), (0, 4), (0, 4, 8), (4, 8, 12), (0, 4, 8, 12, 16)])
@pytest.mark.parametrize("hidden_prediction", [(), (0, 4), (0, 4, 8, 12, 16)])
def test_sa_v_rules(hidden_truth, hidden_prediction):
    frames = [0, 4, 8, 12, 16]
    truth, prediction = random_masks(frames, 0, hidden_truth), random_masks(frames, 1, hidden_prediction)
    scores = score_clip(clip_of(masklet(3, truth)), {3: masklet(3, prediction)}, SA_V_RULES)
    expected = sa_v_reference(truth, prediction)
    if expected is None:
        assert scores == {}
    else:
        assert (scores[3].summary["J"], scores[3].summary["F"]) == pytest.approx(expected, abs=1e-9)


def test_davis_rules_count_frames_where_the_object_is_hidden():
    frames = list(range(6))
    truth = random_masks(frames, 0, empty=(1, 2))
    prediction = random_masks(frames, 1, empty=(1,))
    own = score_clip(clip_of(masklet(1, truth)), {1: masklet(1, prediction)}, DAVIS_RULES)[1]
    assert own.frames == (1, 2, 3, 4)
    assert own.region[:2] == (1.0, 0.0) and own.boundary[:2] == (1.0, 0.0)


def test_davis_rules_for_an_object_that_comes_later_count_from_its_appearance():
    frames = list(range(8))
    truth, prediction = random_masks(frames, 0, (0, 1, 2)), random_masks(frames, 1, (0, 1, 2))
    own = score_clip(clip_of(masklet(1, truth)), {1: masklet(1, prediction)}, DAVIS_RULES)[1]
    assert own.frames == (3, 4, 5, 6)


def test_every_frame_counts_the_ends_too():
    truth = random_masks([0, 1, 2], 0)
    own = score_clip(clip_of(masklet(1, truth)), {1: masklet(1, truth)}, EVERY_FRAME)[1]
    assert own.frames == (0, 1, 2) and own.summary == {"J&F": 1.0, "J": 1.0, "F": 1.0}


def test_void_pixels_do_not_count():
    truth = random_masks([0, 1, 2], 0)
    clip = clip_of(masklet(1, truth))
    void = np.zeros(SIZE, bool)
    void[:, 10:] = True
    clip.truth.void[1] = encode_rle(void)
    wrong_in_void = truth[1] ^ void
    prediction = {1: masklet(1, truth | {1: wrong_in_void})}
    assert score_clip(clip, prediction, DAVIS_RULES)[1].region == (1.0,)


def test_unknown_objects_and_missing_frames_are_named():
    truth = random_masks([0, 1, 2, 3], 0)
    clip = clip_of(masklet(1, truth))
    with pytest.raises(DatasetError, match=r"unknown object ids \[9\]; ground truth has \[1\]"):
        score_clip(clip, {1: masklet(1, truth), 9: masklet(9, truth)}, DAVIS_RULES)
    with pytest.raises(DatasetError, match="lacks object 1"):
        score_clip(clip, {}, DAVIS_RULES)
    with pytest.raises(DatasetError, match="lacks frame 2"):
        score_clip(clip, {1: masklet(1, {0: truth[0], 1: truth[1]})}, DAVIS_RULES)


def test_the_mean_is_over_objects_not_over_clips():
    one, half = ObjectScores((1,), (1.0,), (1.0,)), ObjectScores((1, 2), (0.25, 0.75), (0.0, 0.5))
    result = summarize({"a": {1: one}, "b": {1: half, 2: half}, "c": {}})
    assert result["J"] == pytest.approx((1 + 0.5 + 0.5) / 3) and result["F"] == pytest.approx((1 + 0.25 + 0.25) / 3)
    assert result["J&F"] == pytest.approx((result["J"] + result["F"]) / 2)
    assert result["num_objects"] == 3 and set(result["per_sequence"]) == {"a", "b"}
    assert result["per_sequence"]["b"]["objects"]["2"]["J"] == 0.5
    assert from_record(to_record({4: half})) == {4: half}

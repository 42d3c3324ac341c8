"""Losses supervise what the recipe says, and nothing else."""

from dataclasses import replace

import pytest
import torch

from sam2_demo.network.outputs import MaskPrediction
from sam2_demo.training.losses import (
    LossWeights,
    MaskTargets,
    dice_loss,
    focal_loss,
    mask_loss,
    outline_emphasis,
    prediction_loss,
    true_ious,
)

TRUTH = torch.zeros(1, 1, 8, 8)
TRUTH[..., 2:6, 2:6] = 1
PERFECT = TRUTH * 40 - 20


def targets(visible: bool = True, valid: torch.Tensor | None = None) -> MaskTargets:
    return MaskTargets(TRUTH, torch.ones_like(TRUTH) if valid is None else valid, torch.tensor([[visible]]))


def prediction(logits: torch.Tensor, score: float = 5.0) -> MaskPrediction:
    count = logits.shape[1]
    return MaskPrediction(logits, torch.full((1, count), 0.5), torch.zeros(1, count, 4), torch.tensor([[score]]))


def test_perfect_masks_cost_nothing_and_wrong_ones_much():
    assert dice_loss(PERFECT, targets()).item() < 1e-4
    assert focal_loss(PERFECT, targets()).item() < 1e-4
    assert dice_loss(-PERFECT, targets()).item() > 0.9
    assert true_ious(PERFECT, targets()).item() == 1.0


def test_cells_near_outlines_count_more():
    coverage = torch.zeros(1, 1, 24, 24)
    coverage[..., :12] = 1
    emphasis = outline_emphasis(coverage, strength=4.0)[0, 0, 12]
    assert emphasis[0] == emphasis[-1] == 1.0
    assert emphasis[8] == 1.0 and emphasis[9] > 1.0  # a neighbourhood reaches three cells
    assert emphasis.argmax().item() in (11, 12)
    assert emphasis[11] == pytest.approx(1 + 4 * 3 / 7)


@pytest.mark.parametrize("terms", [{"dice": 1.0, "focal": 0.0}, {"dice": 0.0, "focal": 0.0, "cross_entropy": 1.0}])
def test_outline_makes_errors_there_cost_more_than_errors_inside(terms):
    coverage = torch.zeros(1, 1, 24, 24)
    coverage[..., :12] = 1
    known = MaskTargets(coverage, torch.ones_like(coverage), torch.tensor([[True]]))
    at_outline, inside = coverage * 20 - 10, coverage * 20 - 10
    at_outline[..., 11] *= -1
    inside[..., 2] *= -1
    plain, emphasised = LossWeights(**terms), LossWeights(**terms, outline=5.0)
    assert mask_loss(at_outline, known, plain).item() == pytest.approx(mask_loss(inside, known, plain).item(), rel=1e-3)
    assert mask_loss(at_outline, known, emphasised) > 1.5 * mask_loss(inside, known, emphasised)
    # Nothing is better than the truth, however cells are weighed.
    perfect = (coverage * 20 - 10).requires_grad_()
    assert 0 <= mask_loss(perfect, known, emphasised).item() < 1e-3
    for wrong in (at_outline, inside, torch.full_like(coverage, 10.0)):
        assert mask_loss(wrong, known, emphasised) > mask_loss(perfect, known, emphasised)


def test_only_the_best_of_three_is_supervised():
    logits = torch.cat([PERFECT * 0.1, PERFECT * 0.05, -PERFECT * 0.1, -PERFECT * 0.05], dim=1).requires_grad_()
    prediction_loss(prediction(logits), targets(), multimask=True, weights=LossWeights()).backward()
    moved = logits.grad.abs().sum(dim=(0, 2, 3)) > 0
    assert moved.tolist() == [False, True, False, False]


def test_single_mask_is_supervised_after_more_prompts():
    logits = (torch.cat([PERFECT] * 4, dim=1) * 0.1).requires_grad_()
    prediction_loss(prediction(logits), targets(), multimask=False, weights=LossWeights()).backward()
    assert (logits.grad.abs().sum(dim=(0, 2, 3)) > 0).tolist() == [True, False, False, False]


def test_hidden_objects_teach_the_object_score_alone():
    logits = (torch.cat([PERFECT] * 3, dim=1) * 0.1).requires_grad_()
    loss = prediction_loss(prediction(logits, score=5.0), targets(visible=False), True, LossWeights())
    loss.backward()
    assert logits.grad.abs().sum() == 0
    assert loss.item() == pytest.approx(5.0067, abs=1e-3)


def test_unknown_cells_do_not_count():
    valid = torch.ones_like(TRUTH)
    valid[..., 0, :] = 0
    spoiled = PERFECT.clone()
    spoiled[..., 0, :] = 20
    assert true_ious(spoiled, targets(valid=valid)).item() == 1.0
    assert dice_loss(spoiled, targets(valid=valid)).item() < 1e-4
    assert dice_loss(spoiled, targets()).item() > 0.1


PART = torch.zeros(1, 1, 8, 8)
PART[..., 2:4, 2:4] = 1


@pytest.mark.parametrize("count", [3, 4])
def test_first_of_three_learns_the_part_and_the_best_other_the_whole(count):
    three = [PART * 4 - 2, PERFECT * 0.1, -PERFECT * 0.1]
    logits = torch.cat([PERFECT * 0.1] * (count - 3) + three, dim=1).requires_grad_()
    with_part = replace(targets(), parts=PART)
    prediction_loss(prediction(logits), with_part, True, LossWeights(part=1.0)).backward()
    assert (logits.grad.abs().sum(dim=(0, 2, 3)) > 0).tolist()[-3:] == [True, True, False]
    first = logits.grad[:, -3]
    assert (first[PART[:, 0] > 0] < 0).all() and (first[PART[:, 0] == 0] > 0).all()


def test_predicted_iou_of_the_first_is_that_with_the_part():
    logits = torch.cat([PART * 40 - 20, PERFECT, PERFECT], dim=1)
    exact = replace(prediction(logits), iou_predictions=torch.ones(1, 3))
    with_part = replace(targets(), parts=PART)
    assert prediction_loss(exact, with_part, True, LossWeights(part=1.0)).item() < 0.01
    assert prediction_loss(exact, targets(), True, LossWeights(part=1.0)).item() > 0.2


def test_objects_without_a_part_are_supervised_as_ever():
    logits = torch.cat([PERFECT * 0.1, PERFECT * 0.05, -PERFECT * 0.1], dim=1)
    without = replace(targets(), parts=torch.zeros_like(PART))
    usual = prediction_loss(prediction(logits), targets(), True, LossWeights())
    assert prediction_loss(prediction(logits), without, True, LossWeights(part=1.0)).item() == usual.item()

"""Parts are searched for around clicks, and one candidate learns them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2_demo.network.config import PUBLISHED_ANSWERS
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.losses import LossWeights
from sam2_demo.training.picture_batches import PictureBatch
from sam2_demo.training.picture_loss import SaliencyHead, picture_loss, seek_parts
from sam2_demo.training.stages import FROM_SCRATCH

SIZE = 64


@pytest.fixture
def batch() -> PictureBatch:
    """Two pictures of a bright box, labelled as one, with a dark pane that takes a sixth of it."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 160, (2, SIZE, SIZE, 3)).astype(np.uint8)
    labels = np.zeros((2, SIZE, SIZE), np.int32)
    labels[:, 8:56, 8:56] = 1
    pixels[labels > 0] = 220
    pixels[:, 16:40, 16:32] = 20
    return PictureBatch(pixels, labels, np.repeat(labels > 0, 2, axis=0), np.array([0, 0, 1, 1]))


def run(network, batch: PictureBatch, weights: LossWeights) -> dict[str, float]:
    torch.manual_seed(1)
    head = SaliencyHead(network.config.hidden_dim)
    result = picture_loss(network, head, batch, np.random.default_rng(2), weights, corrections=1)
    return {"loss": result.loss.item(), **result.figures}


def test_clicks_without_a_part_are_moved_to_one_sometimes(batch):
    coords = np.full((40, 1, 2), 50, np.float32)  # on the box, whose even colour is most of it
    pixels, masks = batch.pixels[[0] * 40], batch.masks[[0] * 40]
    moved, parts = seek_parts(np.random.default_rng(0), pixels, coords, masks, torch.device("cpu"))
    has_part = parts.flatten(1).amax(dim=1).numpy() > 0
    assert 0 < has_part.sum() < 20
    assert (coords == 50).all()  # the caller's clicks stay
    assert (moved[~has_part] == 50).all()
    x, y = moved[has_part, 0].T
    assert ((x >= 16) & (x < 32) & (y >= 16) & (y < 40)).all()
    assert parts[has_part].flatten(1).sum(dim=1).numpy() == pytest.approx(24 * 16 / 16, rel=0.3)


def test_only_networks_that_read_parts_learn_them(small_config, batch):
    clicked = replace(batch, masks=np.stack([batch.masks[0]] * 8), picture_indices=np.repeat([0, 1], 4))
    plain = replace(small_config, answers=PUBLISHED_ANSWERS)
    assert small_config.answers.parts_first
    assert 0 <= run(Sam2Network(small_config), clicked, FROM_SCRATCH)["iou_click_part"] <= 1
    assert "iou_click_part" not in run(Sam2Network(plain), clicked, FROM_SCRATCH)


def test_first_candidate_learns_the_part_and_the_others_the_whole(small_network, batch):
    network = small_network
    clicked = replace(batch, masks=np.stack([batch.masks[0]] * 8), picture_indices=np.repeat([0, 1], 4))
    head = SaliencyHead(network.config.hidden_dim)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    rng = np.random.default_rng(0)
    figures = []
    for _ in range(120):
        optimiser.zero_grad()
        result = picture_loss(network, head, clicked, rng, replace(FROM_SCRATCH, saliency=0), corrections=0)
        result.loss.backward()
        optimiser.step()
        figures.append(result.figures)
    parts = [own["iou_click_part"] for own in figures[-20:] if "iou_click_part" in own]
    assert np.mean(parts) > 0.5
    assert np.mean([own["iou_click_0"] for own in figures[-20:]]) > 0.7

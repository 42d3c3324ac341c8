"""Prompts on a picture give the same masks and scores as transformers' Sam2Model with the same random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Sam2VideoModel

from sam2_demo import ImagePredictor, TrackingOptions
from tests.reference import (
    LOGIT_TOLERANCE,
    SIDE,
    assert_same_masks,
    load_saved,
    moving_frames,
    normalized,
    random_reference,
)

Pair = tuple[Sam2VideoModel, ImagePredictor]
PICTURE = moving_frames(3, seed=4)[2]
CASES: dict[str, dict[str, Any]] = {
    "one click": {"points": [(50, 60)], "point_labels": [1]},
    "three mixed clicks": {"points": [(50, 60), (20, 20), (100, 50)], "point_labels": [1, 0, 1]},
    "box": {"box": (20, 25, 75, 100)},
    "box and click": {"box": (20, 25, 75, 100), "points": [(40, 45)], "point_labels": [0]},
}


@pytest.fixture(scope="module", params=["sam2.1-hiera-tiny", "sam2-hiera-tiny"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The reference, and our predictor with the same weights and the picture set."""
    torch.set_num_threads(1)
    model = random_reference(request.param, seed=11)
    network = load_saved(model, tmp_path_factory.mktemp("weights"))
    predictor = ImagePredictor(network, TrackingOptions(max_fill_area=0))
    predictor.set_image(PICTURE)
    return model, predictor


@torch.inference_mode()
def expected(
    model: Sam2VideoModel, case: dict[str, Any], logits: np.ndarray | None, multimask: bool
) -> tuple[Tensor, Tensor]:
    """Low-res logits (M, h, w) and predicted IoUs (M,) of the reference, in the decoder's order."""
    coords = [*np.reshape(case.get("box", ()), (-1, 2)).tolist(), *case.get("points", ())]
    labels = [2, 3] * ("box" in case) + case.get("point_labels", [])
    sparse, dense = model.prompt_encoder(
        input_points=torch.tensor(coords, dtype=torch.float32)[None, None],
        input_labels=torch.tensor(labels, dtype=torch.int32)[None, None],
        input_boxes=None,
        input_masks=None if logits is None else torch.from_numpy(logits)[None, None],
    )
    *skips, features = model.get_image_embeddings(normalized(PICTURE[None]))
    masks, ious, _, _ = model.mask_decoder(
        image_embeddings=features,
        image_positional_embeddings=model.get_image_wide_positional_embeddings(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=multimask,
        high_resolution_features=skips,
    )
    return masks[0, 0], ious[0, 0]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("multimask", [True, False])
@pytest.mark.parametrize("with_logits", [False, True])
def test_masks_and_scores(pair: Pair, name: str, multimask: bool, with_logits: bool) -> None:
    model, predictor = pair
    earlier = None
    if with_logits:
        earlier = predictor.predict(points=[(65, 45)], point_labels=[1]).low_res_logits[0]
    low_res, ious = expected(model, CASES[name], earlier, multimask)
    ours = predictor.predict(**CASES[name], low_res_logits=earlier, multimask=multimask)
    order = ious.argsort(descending=True, stable=True)
    assert np.abs(ours.iou_predictions - ious[order].numpy()).max() <= 1e-5
    full = F.interpolate(low_res[order][None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0]
    assert len(ours.mask_logits) == (3 if multimask else 1)
    for index, logits in enumerate(ours.mask_logits):
        assert_same_masks(logits, full[index], f"{name}, candidate {index}")
    assert np.abs(ours.low_res_logits - low_res[order].clamp(-32, 32).numpy()).max() <= LOGIT_TOLERANCE


def test_candidates_differ_and_are_not_trivial(pair: Pair) -> None:
    _, predictor = pair
    result = predictor.predict(points=[(50, 60)], point_labels=[1])
    assert np.abs(result.mask_logits[0] - result.mask_logits[1]).max() > 0.5
    assert 0.02 < result.masks.mean() < 0.98


def test_embedding_maps(pair: Pair) -> None:
    model, predictor = pair
    with torch.inference_mode():
        ours = predictor.network.encode_image(normalized(PICTURE[None]))
        *skips, features = model.get_image_embeddings(normalized(PICTURE[None]))
        features = features - model.no_memory_embedding[0, 0][:, None, None]
    for own, other in zip((*ours.high_res_features, ours.features), (*skips, features), strict=True):
        assert own.shape == other.shape
        assert (own - other).abs().max() <= 1e-4

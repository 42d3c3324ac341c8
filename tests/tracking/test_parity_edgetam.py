"""Following objects and answering prompts gives the same logits as transformers' EdgeTamVideoModel with its weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import EdgeTamVideoModel

from sam2_demo import ImagePredictor, TrackingOptions, VideoPredictor
from sam2_demo.engines.network_engine import EngineOptions
from sam2_demo.errors import ConfigError
from sam2_demo.network.config import EDGETAM_CONFIG
from sam2_demo.network.sam2_network import Sam2Network
from tests.reference import VideoReference, assert_same_masks, load_saved, moving_frames, normalized
from tests.relatives import random_edgetam

SIDE = 512  # a window of the perceiver's grid is then 2 x 2 places
FRAMES = moving_frames(5, side=SIDE)
Pair = tuple[EdgeTamVideoModel, Sam2Network]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The reference and our network with the same weights."""
    torch.set_num_threads(1)
    model = random_edgetam(SIDE, seed=7)
    network = load_saved(model, tmp_path_factory.mktemp("weights"), SIDE)
    assert network.config.name == EDGETAM_CONFIG.name
    return model, network


def open_session(network: Sam2Network):
    return VideoPredictor(network, TrackingOptions(max_fill_area=0)).open(list(FRAMES))


def compare(reference: VideoReference, session, start: int, what: str, backward: bool = False) -> None:
    expected = dict(reference.propagate(start, reverse=backward))
    shown = list(session.propagate(start, direction="backward" if backward else "forward"))
    assert len(shown) == len(expected)
    for result in shown:
        logits = expected[result.frame_index]
        assert_same_masks(result.mask_logits[1], logits, f"{what}, frame {result.frame_index}")


def test_clicks_and_a_correction(pair: Pair) -> None:
    model, network = pair
    reference, session = VideoReference(model, FRAMES), open_session(network)
    expected = reference.click(0, [(200, 240)], [1])
    ours = session.add_prompt(0, 1, points=[(200, 240)], point_labels=[1])
    assert_same_masks(ours.mask_logits[1], expected, "first click")
    compare(reference, session, 0, "forward")
    clicks, labels = [(120.0, 120.0), (400.0, 300.0)], [0, 1]
    expected = reference.correct(3, clicks, labels)
    ours = session.add_prompt(3, 1, points=clicks, point_labels=labels)
    assert_same_masks(ours.mask_logits[1], expected, "correction on a tracked frame")
    compare(reference, session, 0, "tracked again")


def test_mask_then_backward(pair: Pair) -> None:
    model, network = pair
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = (y - 240) ** 2 + (x - 200) ** 2 < 100**2
    reference, session = VideoReference(model, FRAMES), open_session(network)
    assert_same_masks(session.add_prompt(4, 1, mask=mask).mask_logits[1], reference.give_mask(4, mask), "mask")
    compare(reference, session, 4, "backward", backward=True)


def test_objects_together_are_as_if_alone(pair: Pair) -> None:
    _, network = pair
    places = {1: (200, 240), 2: (400, 120)}
    tracked = []
    for chosen in ([1, 2], [1], [2]):
        session = open_session(network)
        for object_id in chosen:
            session.add_prompt(0, object_id, points=[places[object_id]], point_labels=[1])
        tracked.append(list(session.propagate(0, end_frame_index=2))[-1].mask_logits)
    for object_id, alone in ((1, tracked[1]), (2, tracked[2])):
        assert np.abs(tracked[0][object_id] - alone[object_id]).max() <= 2e-4


@pytest.mark.parametrize("labels", [[1], [2, 3], [1, 0, 1]], ids=["click", "box", "clicks"])
def test_prompts_on_a_picture(pair: Pair, labels: list[int]) -> None:
    model, network = pair
    coords = [(120, 100), (380, 400), (200, 240)][: len(labels)]
    predictor = ImagePredictor(network, TrackingOptions(max_fill_area=0))
    predictor.set_image(FRAMES[2])
    with torch.inference_mode():
        sparse, dense = model.prompt_encoder(
            input_points=torch.tensor(coords, dtype=torch.float32)[None, None],
            input_labels=torch.tensor(labels, dtype=torch.int32)[None, None],
            input_boxes=None,
            input_masks=None,
        )
        *skips, features = model.get_image_embeddings(normalized(FRAMES[2:3]))
        low_res, ious, _, _ = model.mask_decoder(
            image_embeddings=features,
            image_positional_embeddings=model.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            high_resolution_features=skips,
        )
    is_box = labels == [2, 3]
    prompt = {"box": (*coords[0], *coords[1])} if is_box else {"points": coords, "point_labels": labels}
    ours = predictor.predict(**prompt, multimask=True)
    order = ious[0, 0].argsort(descending=True, stable=True)
    assert np.abs(ours.iou_predictions - ious[0, 0, order].numpy()).max() <= 1e-5
    full = F.interpolate(low_res[0, 0, order][None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0]
    for index, logits in enumerate(ours.mask_logits):
        assert_same_masks(logits, full[index], f"candidate {index}")


def test_random_weights_make_masks_depend_on_memory(pair: Pair) -> None:
    """Otherwise the comparisons above would pass with a broken memory."""
    _, network = pair
    last = []
    for place in ((200, 240), (400, 60)):
        session = open_session(network)
        session.add_prompt(0, 1, points=[place], point_labels=[1])
        last.append([result.mask_logits[1] for result in session.propagate(0, end_frame_index=2)][-1])
    assert np.abs(last[0] - last[1]).max() > 0.05
    assert 0.02 < (last[0] > 0).mean() < 0.98


def test_inputs_are_multiples_of_the_grids_windows(pair: Pair) -> None:
    _, network = pair
    with pytest.raises(ConfigError, match=r"input_size is 288; with edgetam it must be a multiple of 256"):
        VideoPredictor(network, TrackingOptions(input_size=288)).open(list(FRAMES))
    assert EngineOptions(input_scale=0.6).tracking(network).input_size == 256
    session = VideoPredictor(network, TrackingOptions(input_size=256)).open(list(FRAMES))
    session.add_prompt(0, 1, points=[(200, 240)], point_labels=[1])
    assert [result.frame_index for result in session.propagate(0, end_frame_index=1)] == [0, 1]
    with pytest.raises(ConfigError, match=r"image_size is 1056; it must be a positive multiple of 256"):
        replace(EDGETAM_CONFIG, image_size=1056)

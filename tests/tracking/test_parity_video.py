"""Following objects gives the same logits as transformers' Sam2VideoModel with the same random weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from transformers import Sam2VideoModel

from sam2_demo import TrackingOptions, VideoPredictor
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.tracking.clip_tracker import ClipTracker
from tests.reference import (
    SIDE,
    VideoReference,
    assert_same_masks,
    load_saved,
    moving_frames,
    random_reference,
    unrounded_memories,
)

FRAMES = moving_frames(8)
MIDDLE = 4
Pair = tuple[Sam2VideoModel, Sam2Network]


@pytest.fixture(scope="module", params=["sam2.1-hiera-tiny", "sam2-hiera-tiny"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The reference and our network with the same weights."""
    torch.set_num_threads(1)
    model = random_reference(request.param, seed=7)
    network = load_saved(model, tmp_path_factory.mktemp("weights"))
    assert network.config.name == request.param
    return model, network


@pytest.fixture(autouse=True)
def _unrounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    unrounded_memories(monkeypatch)
    yield


def open_session(network: Sam2Network) -> ClipTracker:
    return VideoPredictor(network, TrackingOptions(max_fill_area=0)).open(list(FRAMES))


def compare_tracks(
    references: dict[int, VideoReference], session: ClipTracker, start: int, what: str, backward: bool = False
) -> None:
    expected = {i: dict(reference.propagate(start, reverse=backward)) for i, reference in references.items()}
    shown = 0
    for result in session.propagate(start, direction="backward" if backward else "forward"):
        assert set(result.object_ids) == set(references)
        for object_id in references:
            logits = expected[object_id][result.frame_index]
            label = f"{what}, object {object_id}, frame {result.frame_index}"
            assert_same_masks(result.mask_logits[object_id], logits, label)
        shown += 1
    assert shown == (start + 1 if backward else len(FRAMES) - start)


def test_one_object_forward_and_corrected(pair: Pair) -> None:
    model, network = pair
    reference, session = VideoReference(model, FRAMES), open_session(network)
    expected = reference.click(0, [(50, 60)], [1])
    ours = session.add_prompt(0, 1, points=[(50, 60)], point_labels=[1])
    assert_same_masks(ours.mask_logits[1], expected, "first click")
    compare_tracks({1: reference}, session, 0, "forward")
    clicks, labels = [(30.0, 30.0), (100.0, 75.0)], [0, 1]
    expected = reference.correct(5, clicks, labels)
    ours = session.add_prompt(5, 1, points=clicks, point_labels=labels)
    assert_same_masks(ours.mask_logits[1], expected, "correction on a tracked frame")
    compare_tracks({1: reference}, session, 0, "tracked again")


def test_three_objects_both_ways_one_added_one_removed(pair: Pair) -> None:
    model, network = pair
    references = {i: VideoReference(model, FRAMES) for i in (1, 2, 3)}
    session = open_session(network)
    references[1].click(MIDDLE, [(50, 60)], [1])
    session.add_prompt(MIDDLE, 1, points=[(50, 60)], point_labels=[1])
    references[2].click(MIDDLE, [(20, 25), (75, 100)], [2, 3])
    session.add_prompt(MIDDLE, 2, box=(20, 25, 75, 100))
    references[3].click(MIDDLE, [(20, 25), (75, 100), (40, 45)], [2, 3, 0])
    session.add_prompt(MIDDLE, 3, box=(20, 25, 75, 100), points=[(40, 45)], point_labels=[0])
    compare_tracks(references, session, MIDDLE, "forward from the middle")
    compare_tracks(references, session, MIDDLE, "backward from the middle", backward=True)
    references[4] = VideoReference(model, FRAMES)
    references[4].click(2, [(60, 40)], [1])
    session.add_prompt(2, 4, points=[(60, 40)], point_labels=[1])
    session.remove_object(2)
    del references[2]
    compare_tracks(references, session, 2, "one added, one removed")


def test_objects_prompted_together_as_transformers_itself_follows_them(pair: Pair) -> None:
    """The reference here is one session with all objects, driven by nothing but transformers' own code."""
    model, network = pair
    places = {1: (50.0, 60.0), 2: (100.0, 30.0), 3: (20.0, 90.0)}
    together, session = VideoReference(model, FRAMES[:4]), open_session(network)
    for row, (object_id, place) in enumerate(places.items()):
        assert together.session.obj_id_to_idx(object_id) == row
        together.session.add_point_inputs(row, 0, VideoReference._points([place], [1]))
        session.add_prompt(0, object_id, points=[place], point_labels=[1])
    together.session.obj_with_new_inputs = list(places)
    model(together.session, frame_idx=0)
    expected = list(model.propagate_in_video_iterator(together.session, start_frame_idx=0))
    # The number of frames bounds the pointers, so ours is told to stop where the shorter clip ends.
    shorter = VideoPredictor(network, TrackingOptions(max_fill_area=0)).open(list(FRAMES[:4]))
    for object_id, place in places.items():
        shorter.add_prompt(0, object_id, points=[place], point_labels=[1])
    for result, output in zip(shorter.propagate(0), expected, strict=True):
        for row, object_id in enumerate(output.object_ids):
            logits = VideoReference._full_size(output.pred_masks[row : row + 1])
            assert_same_masks(result.mask_logits[object_id], logits, f"object {object_id}, frame {output.frame_idx}")


def test_mask_prompt_and_second_conditioning_frame(pair: Pair) -> None:
    model, network = pair
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = (y - 60) ** 2 + (x - 50) ** 2 < 25**2
    reference, session = VideoReference(model, FRAMES), open_session(network)
    assert_same_masks(session.add_prompt(2, 1, mask=mask).mask_logits[1], reference.give_mask(2, mask), "mask")
    expected = reference.click(6, [(70, 30)], [1])
    ours = session.add_prompt(6, 1, points=[(70, 30)], point_labels=[1])
    assert_same_masks(ours.mask_logits[1], expected, "click on another frame")
    # From frame 0, before any conditioning frame: both lie ahead, and no pointer does.
    compare_tracks({1: reference}, session, 0, "forward")
    compare_tracks({1: reference}, session, 7, "backward", backward=True)


def test_random_weights_make_masks_depend_on_memory(pair: Pair) -> None:
    """Otherwise the comparisons above would pass with a broken memory."""
    _, network = pair
    last = []
    for place in ((50, 60), (100, 15)):
        session = open_session(network)
        session.add_prompt(0, 1, points=[place], point_labels=[1])
        last.append([result.mask_logits[1] for result in session.propagate(0, end_frame_index=3)][-1])
    assert np.abs(last[0] - last[1]).max() > 0.05
    assert 0.02 < (last[0] > 0).mean() < 0.98


def test_memories_are_of_the_type_in_which_the_network_computes(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    network = pair[1]
    for dtype in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(network, "compute_dtype", dtype)
        session = open_session(network)
        session.add_prompt(0, 1, points=[(50, 60)], point_labels=[1])
        list(session.propagate(0, end_frame_index=1))
        bank = session._tracks[1].bank
        kept = [*bank.conditioning.values(), *bank.recent.values()]
        assert len(kept) == 2
        assert all(memory.features.dtype == dtype for memory in kept)

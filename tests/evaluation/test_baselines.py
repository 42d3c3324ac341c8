"""GrabCut, optical flow and the memoryless row."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sam2_demo.datasets.davis import DavisClips
from sam2_demo.errors import ConfigError, PromptError
from sam2_demo.evaluation.baselines import BaselineMasks, FlowPredictor, FlowSession, GrabCutPredictor, grabcut
from sam2_demo.evaluation.memoryless import MemorylessPredictor, MemorylessSession
from sam2_demo.evaluation.rows import choose_models
from sam2_demo.evaluation.scoring import DAVIS_RULES, score_clip
from sam2_demo.evaluation.video_protocol import track_clip
from sam2_demo.video import open_video
from sam2_demo.weights import load_network


@pytest.fixture
def clip(davis_root):
    return DavisClips(davis_root).clip("first")


def test_grabcut_finds_a_plain_object_in_its_box(clip):
    predictor = GrabCutPredictor()
    predictor.set_image(clip.frame(0))
    masks = predictor.predict(box=(3, 3, 23, 23)).masks
    truth = clip.truth.masklets[1].mask(0)
    assert (masks[0] & truth).sum() / (masks[0] | truth).sum() > 0.9
    np.testing.assert_array_equal(masks, predictor.predict(box=(3, 3, 23, 23)).masks)
    with pytest.raises(PromptError, match="takes a box"):
        predictor.predict(points=[(1, 1)], point_labels=[1])


def test_grabcut_with_nothing_outside_or_hardly_anything_inside():
    flat = np.zeros((20, 20, 3), np.uint8)
    assert grabcut(flat, (0, 0, 19, 19)).all()
    assert grabcut(flat, (3, 3, 4, 4)).shape == (20, 20)


@pytest.mark.parametrize("prompt", ["mask", "box"])
def test_flow_carries_a_mask_along(clip, prompt):
    scores = score_clip(clip, track_clip(FlowPredictor(), clip, prompt, exclusive=True), DAVIS_RULES)
    assert scores[1].summary["J"] > 0.6


def test_flow_refuses_what_it_cannot_do(clip):
    session = FlowPredictor().open(clip.folder)
    with pytest.raises(PromptError, match="a mask or a box"):
        session.add_prompt(0, 1, points=[(3, 3)], point_labels=[1])
    session.add_prompt(0, 1, mask=clip.truth.masklets[1].mask(0))
    with pytest.raises(PromptError, match="forward only"):
        next(session.propagate(direction="backward"))


@pytest.mark.parametrize("prompt", ["clicks3", "mask"])
def test_the_memoryless_row_prompts_each_frame_with_the_last_box(clip, nano_network, prompt):
    masklets = track_clip(MemorylessPredictor(nano_network), clip, prompt, exclusive=False)
    assert masklets[1].frame_indices == list(range(12))
    if prompt == "mask":
        np.testing.assert_array_equal(masklets[1].mask(0), clip.truth.masklets[1].mask(0))


def test_the_memoryless_row_lets_a_mask_grow(tmp_path):
    rows, columns = np.mgrid[:192, :192]
    for index, radius in enumerate(range(25, 61, 5)):
        frame = np.full((192, 192, 3), (90, 100, 110), np.uint8)
        disc = (rows - 96) ** 2 + (columns - 96) ** 2 < radius**2
        frame[disc] = (220, 60, 40)
        cv2.imwrite(str(tmp_path / f"{index:05d}.png"), frame)
    session = MemorylessPredictor(load_network("embedded", device="cpu", dtype="float32")).open(tmp_path)
    session.add_prompt(0, 1, box=(71, 71, 121, 121))
    last = list(session.propagate())[-1].masks[1]
    assert (last & disc).sum() / (last | disc).sum() > 0.7


class BoxShifter:
    """Stands in for the image predictor: the mask is the box, moved by two pixels to the right."""

    def set_image(self, rgb) -> None:
        self.size = rgb.shape[:2]

    def predict(self, box, multimask):
        mask = np.zeros(self.size, bool)
        x0, y0, x1, y1 = (int(value) for value in box)
        mask[y0 : y1 + 1, x0 + 2 : x1 + 3] = True
        return BaselineMasks(mask[None])


@pytest.fixture(params=["memoryless", "flow"])
def session(request, clip):
    frames = open_video(clip.folder)
    return FlowSession(frames) if request.param == "flow" else MemorylessSession(BoxShifter(), frames)


def square(x: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[5:20, x : x + 15] = True
    return mask


def test_a_pass_that_is_taken_up_again_keeps_the_other_objects(session):
    session.add_prompt(0, 1, mask=square(5))
    session.add_prompt(0, 2, mask=square(30))
    whole = list(session.propagate())
    paused = session.propagate()
    assert [next(paused).frame_index for _ in range(6)] == list(range(6))
    paused.close()
    session.add_prompt(5, 1, mask=square(20))
    again = list(session.propagate(start_frame_index=5))
    assert [result.frame_index for result in again] == list(range(5, 12))
    for before, after in zip(whole[5:], again, strict=True):
        np.testing.assert_array_equal(before.masks[2], after.masks[2])
        assert (before.masks[1] != after.masks[1]).any()


def test_a_pass_may_begin_after_the_prompts(session):
    session.add_prompt(0, 1, mask=square(5))
    (result,) = session.propagate(start_frame_index=3, end_frame_index=3)
    assert result.frame_index == 3 and result.masks[1].any()


def test_an_object_has_an_empty_mask_where_nothing_is_known_of_it(session):
    session.add_prompt(0, 1, mask=square(5))
    session.add_prompt(3, 2, mask=square(30))
    session.add_prompt(0, 4, mask=np.zeros((40, 60), bool))
    results = list(session.propagate())
    assert all(set(result.masks) == {1, 2, 4} for result in results)
    assert [result.masks[2].any() for result in results] == [False] * 3 + [True] * 9
    assert not any(result.masks[4].any() for result in results)


def test_files_of_one_name_take_the_folders_above_that_tell_them_apart():
    def names(*sources: str) -> list[str]:
        return [model.name for model in choose_models(sources, ["memoryless"])][: len(sources)]

    assert names("a/best.pt", "b/best.safetensors", "c.pt") == ["a-best", "b-best", "c"]
    assert names("one/x/best.pt", "two/x/best.pt", "two/y/best.pt") == ["one-x-best", "two-x-best", "y-best"]
    assert names("facebook/sam2", "someone/sam2", "embedded") == ["facebook-sam2", "someone-sam2", "embedded"]
    assert names("best.pt", "b/best.pt")[1] == "b-best"


def test_rows_have_names_of_their_own():
    models = choose_models(["embedded", "facebook/sam2.1-hiera-tiny", "runs/best.pt"], ["flow", "memoryless"])
    assert [model.name for model in models] == [
        "embedded",
        "sam2.1-hiera-tiny",
        "best",
        "flow",
        "embedded-without-memory",
        "sam2.1-hiera-tiny-without-memory",
        "best-without-memory",
    ]
    with pytest.raises(ConfigError, match=r"twice there is \['best'\]"):
        choose_models(["a/best.pt", "a/best.pt"], [])
    with pytest.raises(ConfigError, match="no model was given"):
        choose_models([], [])
    with pytest.raises(ConfigError, match="give --model too"):
        choose_models([], ["memoryless"])
    with pytest.raises(ConfigError, match="segments pictures only"):
        choose_models([], ["grabcut"])[0].clip_predictor()
    with pytest.raises(ConfigError, match="tracks clips only"):
        choose_models([], ["flow"])[0].picture_predictor()

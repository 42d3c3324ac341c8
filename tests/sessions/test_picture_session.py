"""A picture's session: candidates, choice, refinement, removal."""

import cv2
import numpy as np
import pytest

from sam2_demo.engines.network_engine import NetworkEngine
from sam2_demo.errors import MediaError, PromptError
from sam2_demo.masks.display import encode_mask
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_still, reopen
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.tokens import new_token

CLICK = PromptSet(points=((15.0, 24.0),), labels=(1,))


@pytest.fixture
def session(tmp_path, clip_frames, engine):
    path = tmp_path / "source.png"
    cv2.imwrite(str(path), clip_frames[0][..., ::-1])
    session = open_still(new_token(), path, "disc.png", engine, Limits())
    session.put_object(ObjectInfo(1, "Disc", "#336699"))
    return session


def test_one_click_gives_three_candidates_best_first(session):
    answer = session.prompt(0, 1, CLICK)
    scores = [candidate["iou"] for candidate in answer["candidates"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    session.choose(1, 2)
    assert session.candidates_to_json(1)["chosen"] == 2
    assert (session.masks()[1] == session.candidates[1].masks[2]).all()


def test_more_clicks_and_boxes_give_one_mask(session):
    session.prompt(0, 1, CLICK)
    more = PromptSet(points=((15.0, 24.0), (60.0, 10.0)), labels=(1, 0))
    assert len(session.prompt(0, 1, more)["candidates"]) == 1
    assert len(session.prompt(0, 1, PromptSet(box=(4.0, 10.0, 28.0, 40.0)))["candidates"]) == 1


def test_the_same_prompt_gives_the_same_mask_whatever_was_asked_before(session):
    first = session.prompt(0, 1, CLICK)
    session.prompt(0, 1, PromptSet(points=((15.0, 24.0), (60.0, 10.0)), labels=(1, 0)))
    assert session.prompt(0, 1, CLICK) == first


def clicks(count: int, **more) -> PromptSet:
    places = ((15.0, 24.0), (60.0, 10.0), (20.0, 30.0), (40.0, 40.0))
    return PromptSet(points=places[:count], labels=(1, 0, 1, 0)[:count], **more)


def test_undoing_click_by_click_gives_back_what_was_there(session):
    answers = []
    for count in (1, 2, 3, 4):
        answers.append(session.prompt(0, 1, clicks(count)))
        if count == 1:
            session.choose(1, 2)
            answers[0] = session.candidates_to_json(1)
    for count in (3, 2, 1, 2, 3, 4):
        assert session.prompt(0, 1, clicks(count)) == answers[count - 1]


def test_a_choice_survives_removing_the_object_and_taking_that_back(session):
    session.prompt(0, 1, CLICK)
    session.choose(1, 1)
    chosen = session.candidates_to_json(1)
    session.remove_object(1)
    session.put_object(ObjectInfo(1, "Disc", "#336699"))
    assert session.prompt(0, 1, CLICK) == chosen


def test_an_id_that_comes_back_has_nothing_of_the_removed_object(session, engine):
    session.prompt(0, 1, CLICK)
    session.remove_object(1)
    session.put_object(ObjectInfo(1, "Another", "#336699"))
    again = reopen(session.token, session.folder, engine, Limits())
    assert again.prompts == {} and again.masks() == {}


def test_a_painted_mask_is_taken_as_it_is(session):
    painted = np.zeros((48, 80), bool)
    painted[10:20, 30:50] = True
    session.prompt(0, 1, PromptSet(mask=encode_mask(painted, (48, 80))))
    assert (session.masks()[1] == painted).all()


def test_undoing_everything_leaves_no_mask(session):
    session.prompt(0, 1, CLICK)
    assert session.prompt(0, 1, PromptSet())["candidates"] == []
    assert session.masks() == {}


def test_hidden_objects_are_left_out(session):
    session.prompt(0, 1, CLICK)
    session.put_object(ObjectInfo(1, "Disc", "#336699", visible=False))
    assert session.masks() == {}


def test_refusals(session, tmp_path, engine):
    with pytest.raises(PromptError, match="candidate 0 does not exist"):
        session.choose(1, 0)
    with pytest.raises(PromptError, match="object 7 does not exist"):
        session.prompt(0, 7, CLICK)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(MediaError):
        open_still(new_token(), text, "text.png", engine, Limits())


def test_a_choice_counts_for_the_next_click_after_coming_back(session, engine):
    session.prompt(0, 1, CLICK)
    session.choose(1, 2)
    again = reopen(session.token, session.folder, engine, Limits())
    more = PromptSet(points=((15.0, 24.0), (60.0, 10.0)), labels=(1, 0))
    assert again.prompt(0, 1, more) == session.prompt(0, 1, more)
    first = reopen(session.token, session.folder, engine, Limits())
    first.prompt(0, 1, CLICK)
    first.choose(1, 0)
    assert first.prompt(0, 1, more) != again.candidates_to_json(1), "this test can fail"


def test_a_switch_to_a_model_that_fails_changes_nothing(session, nano_network, monkeypatch):
    before, engine = session.prompt(0, 1, CLICK), session.engine
    other = NetworkEngine("other", nano_network)
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(other, "open_picture", out_of_memory)
        session.use_engine(other)
    assert session.engine is engine
    assert session.candidates_to_json(1) == before
    session.use_engine(other)
    assert session.engine is other


def out_of_memory():
    raise MemoryError

"""Sessions come back from their folders: the same prompts and masks, and tracking goes on as if nothing had been."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_demo.engines.network_engine import NetworkEngine
from sam2_demo.errors import SessionError
from sam2_demo.masks.display import encode_mask
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_clip, open_still, reopen, stored_model
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.storage import SessionStorage
from sam2_demo.sessions.tokens import new_token

CLICK = PromptSet(points=((15.0, 24.0),), labels=(1,))
BOX = PromptSet(box=(40.0, 10.0, 70.0, 40.0))
LIMITS = Limits()


@pytest.fixture
def session(tmp_path, clip_path, engine):
    folder = tmp_path / "session"
    folder.mkdir()
    shutil.copyfile(clip_path, folder / "source.mp4")
    session = open_clip(new_token(), folder / "source.mp4", "my clip.mp4", engine, LIMITS)
    for number in (1, 2):
        session.put_object(ObjectInfo(number, f"Thing {number}", "#336699"))
    return session


def come_back(session):
    return reopen(session.token, session.folder, session.engine, LIMITS)


def iou(one, two):
    union = (one | two).sum()
    return (one & two).sum() / union if union else 1.0


def test_everything_is_there_again(session):
    session.prompt(0, 1, CLICK)
    session.prompt(3, 2, BOX)
    session.put_view({"object_effect": "outline"})
    list(session.track(None, "both"))
    again = come_back(session)
    assert again.name == "my clip.mp4"
    assert again.prompts == session.prompts
    assert again.view == {"object_effect": "outline"}
    assert again.objects.to_json() == session.objects.to_json()
    assert again.masklets() == session.masklets()


def test_a_stop_in_the_middle_keeps_the_finished_frames_and_tracking_goes_on_alike(session):
    session.prompt(0, 1, CLICK)
    steps = session.track(0, "forward")
    for _ in range(9):
        next(steps)
    again = come_back(session)
    assert again.masklets()[1].frame_indices == list(range(9))
    list(again.track(8, "forward"))
    steps.close()
    list(session.track(8, "forward"))
    for frame in range(24):
        assert iou(again.masklets()[1].mask(frame), session.masklets()[1].mask(frame)) >= 0.99


def test_a_correction_after_coming_back_gives_the_same_masks(session):
    correction = PromptSet(points=((30.0, 24.0), (70.0, 5.0)), labels=(1, 0))
    session.prompt(0, 1, CLICK)
    list(session.track(None, "forward"))
    again = come_back(session)
    for each in (session, again):
        each.prompt(10, 1, correction)
        list(each.track(None, "both"))
    for frame in range(24):
        assert iou(again.masklets()[1].mask(frame), session.masklets()[1].mask(frame)) >= 0.99


def test_what_was_taken_back_stays_away(session):
    session.prompt(0, 1, CLICK)
    session.prompt(5, 1, CLICK)
    session.prompt(5, 1, PromptSet())
    session.prompt(0, 2, BOX)
    session.remove_object(2)
    again = come_back(session)
    assert again.prompts == {(0, 1): CLICK}
    assert {i: m.frame_indices for i, m in again.masklets().items()} == {1: [0]}


def test_lines_and_records_that_a_kill_cut_short_are_ignored(session):
    session.prompt(0, 1, CLICK)
    list(session.track(None, "forward"))
    index = session.folder / "masklets" / "1" / "frames.jsonl"
    index.write_bytes(index.read_bytes()[:-25])
    records = session.folder / "masklets" / "1" / "records.bin"
    os.truncate(records, records.stat().st_size - 3)
    with (session.folder / "prompts.jsonl").open("a") as file:
        file.write('{"frame": 3, "obj')
    again = come_back(session)
    assert again.prompts == {(0, 1): CLICK}
    assert again.masklets()[1].frame_indices == list(range(23))
    again.prompt(4, 1, CLICK)
    assert set(come_back(again).prompts) == {(0, 1), (4, 1)}


def test_a_picture_comes_back_with_the_chosen_candidate(tmp_path, clip_frames, engine):
    path = tmp_path / "source.png"
    cv2.imwrite(str(path), clip_frames[0][..., ::-1])
    session = open_still(new_token(), path, "disc.png", engine, LIMITS)
    session.put_object(ObjectInfo(1, "Disc", "#336699"))
    session.prompt(0, 1, CLICK)
    session.choose(1, 2)
    again = come_back(session)
    assert again.candidates_to_json(1) == session.candidates_to_json(1)
    assert np.array_equal(again.masks()[1], session.masks()[1])


def test_a_folder_without_a_session_says_so(tmp_path, engine):
    with pytest.raises(SessionError, match="no stored session"):
        reopen(new_token(), tmp_path, engine, LIMITS)
    (tmp_path / "clip.json").write_text("{not json")
    with pytest.raises(SessionError, match="no stored session"):
        reopen(new_token(), tmp_path, engine, LIMITS)


@pytest.mark.parametrize("token", ["", "..", "../x", "a/b", None, "x" * 32])
def test_only_tokens_of_stored_sessions_find_a_folder(tmp_path, token):
    with pytest.raises(SessionError):
        SessionStorage(tmp_path, LIMITS).find(token)


def test_a_folder_that_goes_meanwhile_does_not_stop_the_sweep(tmp_path, monkeypatch):
    storage = SessionStorage(tmp_path, Limits(keep_hours=1))
    old, gone = storage.create()[1], storage.create()[1]
    found = list(tmp_path.glob("*"))
    shutil.rmtree(gone)
    monkeypatch.setattr(Path, "glob", lambda *_: found)
    monkeypatch.setattr(Path, "is_dir", lambda *_: True)
    for path in (old, old / "visitor"):
        os.utime(path, (0, 0))
    assert storage.sweep(set()) >= 1
    assert not old.exists()


def test_taking_a_correction_back_after_coming_back_gives_the_tracked_mask(session):
    session.prompt(0, 1, CLICK)
    list(session.track(None, "forward"))
    tracked = session.masklets()[1].mask(5)
    painted = np.zeros((48, 80), bool)
    painted[30:40, 50:70] = True
    session.prompt(5, 1, PromptSet(mask=encode_mask(painted, session.display)))
    corrected = session.masklets()[1].mask(5)
    again = come_back(session)
    again.prompt(5, 1, PromptSet())
    mask = again.masklets()[1].mask(5)
    assert (tracked != corrected).sum() > 20
    assert (mask != tracked).sum() <= 0.02 * mask.size  # records are stored to about 2 %
    assert (come_back(again).masklets()[1].mask(5) == mask).all()


def test_masks_of_a_model_that_cannot_be_had_wait_for_it(session, nano_network):
    other = NetworkEngine("other", nano_network)
    session.prompt(3, 1, CLICK)
    list(session.track(None, "both"))
    there = reopen(session.token, session.folder, other, LIMITS)
    assert there.masklets()[1].frame_indices == [3]
    assert "nano" in there.notice
    reopen(session.token, session.folder, other, LIMITS)
    again = come_back(session)
    assert again.masklets() == session.masklets()
    assert again.notice == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda there: there.prompt(9, 1, CLICK),
        lambda there: next(there.track(None, "both")),
        lambda there: there.remove_object(2),
    ],
)
def test_once_something_is_changed_the_masks_are_those_of_the_model_at_hand(session, nano_network, change):
    other = NetworkEngine("other", nano_network)
    session.prompt(3, 1, CLICK)
    list(session.track(None, "both"))
    there = reopen(session.token, session.folder, other, LIMITS)
    change(there)
    assert stored_model(session.folder) == "other"
    again = reopen(session.token, session.folder, other, LIMITS)
    assert again.masklets() == there.masklets()
    assert len(again.masklets()[1]) < 24

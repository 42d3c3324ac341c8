"""What was answered is there after a kill, on a full or read-only disk and beside damaged files, to the last bit."""

import errno
import os
import shutil

import cv2
import numpy as np
import pytest

from sam2_demo.errors import StorageError
from sam2_demo.sessions import durable
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_clip, open_still, reopen
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.tokens import new_token

CLICK = PromptSet(points=((15.0, 24.0),), labels=(1,))
MORE = PromptSet(points=((15.0, 24.0), (30.0, 20.0)), labels=(1, 0))
BOX = PromptSet(box=(5.0, 10.0, 70.0, 40.0))
LIMITS = Limits()


@pytest.fixture
def session(tmp_path, clip_path, engine):
    folder = tmp_path / "session"
    folder.mkdir()
    shutil.copyfile(clip_path, folder / "source.mp4")
    session = open_clip(new_token(), folder / "source.mp4", "my clip.mp4", engine, LIMITS)
    for number in (1, 2, 3):
        session.put_object(ObjectInfo(number, f"Thing {number}", "#336699"))
    return session


@pytest.fixture
def picture(tmp_path, clip_frames, engine):
    folder = tmp_path / "picture"
    folder.mkdir()
    cv2.imwrite(str(folder / "source.png"), clip_frames[0][..., ::-1])
    session = open_still(new_token(), folder / "source.png", "disc.png", engine, LIMITS)
    session.put_object(ObjectInfo(1, "Disc", "#336699"))
    return session


def come_back(session):
    return reopen(session.token, session.folder, session.engine, LIMITS)


def seen(session):
    """Everything that the page shows of a clip."""
    masks = {frame: session.masks_at(frame) for frame in range(24)}
    stale = {i: {f for f in frames if (f, i) not in session.prompts} for i, frames in session.stale.items()}
    return masks, dict(session.prompts), session.objects.to_json(), {i: frames for i, frames in stale.items() if frames}


def log_of(session, object_id=1):
    return session.folder / "masklets" / str(object_id) / "frames.jsonl"


def test_masks_are_those_that_were_shown_also_where_objects_overlap(session):
    for object_id, prompt in ((1, CLICK), (2, BOX), (3, PromptSet(box=(10.0, 5.0, 60.0, 45.0)))):
        session.prompt(0, object_id, prompt)
    shown = {step.frame_index: step.masks for step in session.track(None, "both")}
    overlaps = [session.folder / "masklets" / "shown.jsonl"]
    assert overlaps[0].read_text().count("\n") >= 12, "the objects do overlap"
    assert {frame: session.masks_at(frame) for frame in shown} == shown
    again = come_back(session)
    assert {frame: again.masks_at(frame) for frame in shown} == shown
    session.remove_object(3)
    now = seen(session)
    assert seen(come_back(session)) == now


def test_a_cut_last_line_does_not_swallow_the_next_frame(session):
    session.prompt(0, 1, CLICK)
    steps = session.track(0, "forward")
    for _ in range(5):
        next(steps)
    steps.close()
    log = log_of(session)
    log.write_bytes(log.read_bytes()[:-25])
    again = come_back(session)
    assert again.masklets()[1].frame_indices == [0, 1, 2, 3]
    list(again.track(None, "both"))
    assert come_back(again).masklets() == again.masklets()
    assert len(again.masklets()[1]) == 24


@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("second", [MORE, BOX])
def test_a_prompt_whose_frame_was_not_written_is_answered_when_the_session_opens(session, second, tracked):
    session.prompt(0, 1, CLICK)
    if tracked:
        list(session.track(None, "forward"))
    frame = 5 if tracked else 0
    before = log_of(session).read_bytes()
    session.prompt(frame, 1, second)
    wanted = seen(session)
    log_of(session).write_bytes(before)
    again = come_back(session)
    found = seen(again)
    assert found[1:] == wanted[1:]
    assert again.notice == ""
    for object_id, mask in found[0][frame].items():
        own = again.masklets()[int(object_id)].mask(frame)
        assert (own != session.masklets()[int(object_id)].mask(frame)).mean() <= 0.02
        assert mask["area"] > 0
    assert seen(come_back(again)) == found


def test_a_prompt_that_was_being_taken_back_is_still_there(session):
    session.prompt(0, 1, CLICK)
    wanted = seen(session)[:2]
    prompts = (session.folder / "prompts.jsonl").read_bytes()
    session.prompt(0, 1, PromptSet())
    (session.folder / "prompts.jsonl").write_bytes(prompts)
    assert seen(come_back(session))[:2] == wanted


class Failing:
    """Lets the n-th write, fsync or rename fail."""

    def __init__(self, monkeypatch, at, error=errno.ENOSPC):
        self.count, self.at, self.error = 0, at, error
        for name in ("write", "fsync", "replace"):
            monkeypatch.setattr(durable.os, name, self._failing(getattr(os, name)))

    def _failing(self, work):
        def call(*arguments):
            self.count += 1
            if self.count == self.at:
                raise OSError(self.error, "injected")
            return work(*arguments)

        return call


CHANGES = {
    "first": lambda s: s.prompt(3, 2, BOX),
    "another": lambda s: s.prompt(0, 1, MORE),
    "taken back": lambda s: s.prompt(0, 1, PromptSet()),
    "renamed": lambda s: s.put_object(ObjectInfo(1, "New", "#000000")),
    "added": lambda s: s.put_object(ObjectInfo(9, "New", "#000000")),
    "view": lambda s: s.put_view({"object_effect": "outline"}),
    "removed": lambda s: s.remove_object(1),
    "reset": lambda s: s.reset(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_step_of_every_change_may_fail_and_nothing_is_lost(session, name):
    session.prompt(0, 1, CLICK)
    session.prompt(0, 2, BOX)
    before = seen(session), session.view
    for step in range(1, 40):
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, step)
            try:
                CHANGES[name](session)
            except StorageError as error:
                assert "full" in str(error) and str(session.folder) not in str(error)
            else:
                now = seen(session)
                assert seen(come_back(session)) == now, "no step failed, or one that may"
                break
        assert (seen(session), session.view) == before, step
        again = come_back(session)
        assert (seen(again), again.view) == before, step
        assert not list(session.folder.glob("**/*.part"))
    assert step > 1
    now = seen(session)
    assert seen(come_back(session)) == now


def test_a_picture_keeps_its_answers_when_the_disk_is_full(picture):
    picture.prompt(0, 1, CLICK)
    before = picture.candidates_to_json(1)
    for step in range(1, 20):
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, step)
            try:
                picture.prompt(0, 1, MORE)
            except StorageError:
                pass
            else:
                break  # no step failed, or one that may
        assert picture.candidates_to_json(1) == before and picture.prompts == {(0, 1): CLICK}
        assert come_back(picture).candidates_to_json(1) == before
    assert step > 1


def test_a_full_disk_ends_tracking_and_keeps_the_frames_that_were_told(session):
    session.prompt(0, 1, CLICK)
    session.prompt(0, 2, BOX)
    told = {}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(StorageError):
        Failing(patch, 25)
        for step in session.track(None, "both"):
            told[step.frame_index] = step.masks
    assert 2 < len(told) < 20
    for each in (session, come_back(session)):
        assert {frame: each.masks_at(frame) for frame in told} == told


DAMAGES = [b"", b"\0" * 40, b"[1, 2", b"[[1], 2]", b'{"a": 1}', b"7", b"\xff\xfe{}", b"[" * 100_000]


@pytest.mark.parametrize("content", DAMAGES, ids=lambda content: str(content[:8]))
@pytest.mark.parametrize("name", ["clip.json", "objects.json", "view.json", "model.json", "reference.json"])
def test_one_damaged_file_is_named_and_the_rest_opens(session, name, content):
    session.prompt(0, 1, CLICK)
    wanted = seen(session)
    (session.folder / name).write_bytes(content)
    again = come_back(session)
    if name == "objects.json":
        assert again.objects.to_json() == []
    else:
        assert seen(again)[0] == wanted[0]
    if name in ("objects.json", "clip.json"):
        assert name in again.notice and str(session.folder) not in again.notice
    assert seen(come_back(again)) == seen(again)


@pytest.mark.parametrize("seed", range(12))
def test_any_damage_to_what_grows_leaves_a_session_that_opens(session, seed):
    for object_id, prompt in ((1, CLICK), (2, BOX)):
        session.prompt(0, object_id, prompt)
    list(session.track(None, "both", end=8))
    rng = np.random.default_rng(seed)
    path = [log_of(session), log_of(session).with_name("records.bin"), session.folder / "prompts.jsonl"][seed % 3]
    content = bytearray(path.read_bytes())
    for place in rng.integers(0, len(content), 5):
        content[place] = rng.integers(0, 256)
    path.write_bytes(content)
    wanted = session.masklets()[2]
    again = come_back(session)
    assert path.name in again.notice or path.name == "records.bin"
    assert again.notice != ""
    if seed % 3 < 2:
        assert again.masklets()[2] == wanted
    if again.prompts:
        list(again.track(None, "both"))
    now = seen(again)
    assert seen(come_back(again)) == now


def test_a_disk_that_can_only_be_read_shows_everything(session, monkeypatch):
    for object_id, prompt in ((1, CLICK), (2, BOX)):
        session.prompt(0, object_id, prompt)
    list(session.track(None, "both"))
    wanted = seen(session)

    def refuse(*_arguments, **_more):
        raise OSError(errno.EROFS, "injected")

    really_open = os.open
    monkeypatch.setattr(durable.os, "open", lambda path, flags, *m: (refuse if flags & 3 else really_open)(path, flags))
    monkeypatch.setattr(durable.Path, "touch", refuse)
    monkeypatch.setattr(durable.Path, "mkdir", refuse)
    again = come_back(session)
    again.stored.touch()
    assert seen(again) == wanted
    with pytest.raises(StorageError, match="only be read"):
        again.prompt(3, 1, CLICK)
    assert seen(again) == wanted

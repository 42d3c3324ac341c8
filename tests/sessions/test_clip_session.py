"""A clip's session: prompts, tracking, stopping, removal, another model."""

import shutil

import pytest

from sam2_demo.engines.network_engine import EngineOptions, NetworkEngine
from sam2_demo.errors import MediaError, PromptError, SessionError
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_clip, reopen
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.tokens import new_token
from sam2_demo.tracking.clip_tracker import ClipTracker
from sam2_demo.video import FrameReader

CLICK = PromptSet(points=((15.0, 24.0),), labels=(1,))


@pytest.fixture
def session(tmp_path, clip_path, engine):
    folder = tmp_path / "session"
    folder.mkdir()
    shutil.copyfile(clip_path, folder / "source.mp4")
    session = open_clip(new_token(), folder / "source.mp4", "clip.mp4", engine, Limits())
    for number in (1, 2):
        session.put_object(ObjectInfo(number, f"Object {number}", "#336699"))
    return session


def test_a_click_gives_a_mask_and_tracking_fills_every_frame(session):
    masks = session.prompt(3, 1, CLICK)
    assert set(masks) == {"1"}
    steps = list(session.track(None, "both"))
    assert sorted(step.frame_index for step in steps) == list(range(24))
    assert [step.done for step in steps] == list(range(1, 25))
    assert steps[-1].total == 24 and steps[-1].seconds_left == 0
    assert session.masklets()[1].frame_indices == list(range(24))
    assert not session.is_busy()


def test_stop_ends_within_one_frame_and_keeps_what_is_done(session):
    session.prompt(0, 1, CLICK)
    steps = session.track(0, "forward")
    for _ in range(5):
        next(steps)
    session.cancel.set()
    assert next(steps, None) is None
    assert session.masklets()[1].frame_indices == [0, 1, 2, 3, 4]
    assert [step.frame_index for step in session.track(4, "forward")] == list(range(5, 24)), "goes on from there"
    assert list(session.track(None, "both")) == [], "nothing is left to do"
    assert len(list(session.track(None, "both", afresh=True))) == 24


def test_stop_in_fast_mode_leaves_no_tracked_frame_untold(tmp_path, clip_path, nano_network):
    fast = NetworkEngine("nano", nano_network, EngineOptions(fast=True))
    session = open_clip(new_token(), clip_path, "clip.mp4", fast, Limits())
    session.put_object(ObjectInfo(1, "Object 1", "#336699"))
    session.prompt(0, 1, CLICK)
    steps = session.track(0, "forward")
    assert [next(steps).frame_index for _ in range(2)] == [0, 1]  # 2 is tracked, 1 lies between
    session.cancel.set()
    assert [step.frame_index for step in steps] == [2]
    assert session.masklets()[1].frame_indices == [0, 1, 2]
    assert session.stale[1] == set(range(3, 24))


def test_closing_the_generator_frees_the_session(session):
    session.prompt(0, 1, CLICK)
    steps = session.track(0, "forward")
    next(steps)
    with pytest.raises(SessionError, match="busy"):
        next(session.track(0, "forward"))
    steps.close()
    assert not session.is_busy()


def test_an_empty_prompt_takes_the_mask_away(session):
    session.prompt(0, 1, CLICK)
    assert session.prompt(0, 1, PromptSet()) == {}
    with pytest.raises(PromptError, match="nothing to track"):
        next(session.track(None, "both"))


def clicks(count: int) -> PromptSet:
    places = ((15.0, 24.0), (60.0, 10.0), (20.0, 30.0), (40.0, 40.0))
    return PromptSet(points=places[:count], labels=(1, 0, 1, 0)[:count])


@pytest.mark.parametrize("tracked", [False, True])
def test_undoing_click_by_click_gives_back_what_was_there(session, tracked):
    if tracked:
        session.prompt(0, 1, CLICK)
        list(session.track(0, "forward"))
        before = session.masks_at(3)
    answers = [session.prompt(3, 1, clicks(count)) for count in (1, 2, 3, 4)]
    for count in (3, 2, 1, 2, 3, 4):
        assert session.prompt(3, 1, clicks(count)) == answers[count - 1]
    if tracked:
        assert session.prompt(3, 1, PromptSet()) == before


def test_a_refused_change_of_clicks_keeps_the_earlier_ones(session):
    before = session.prompt(0, 1, clicks(2))
    with pytest.raises(PromptError):
        session.prompt(0, 1, PromptSet(points=((15.0, 24.0), (600.0, 10.0)), labels=(1, 1)))
    assert session.masks_at(0) == before
    session.prompt(0, 1, clicks(3))  # goes on from there


def test_an_id_that_comes_back_has_nothing_of_the_removed_object(session, engine):
    session.prompt(0, 1, CLICK)
    session.remove_object(1)
    session.put_object(ObjectInfo(1, "Another", "#336699"))
    session.prompt(12, 1, CLICK)
    again = reopen(session.token, session.folder, engine, Limits())
    assert list(again.prompts) == [(12, 1)]


def test_a_refused_prompt_changes_nothing(session):
    before = session.prompt(0, 1, CLICK)
    for bad in (
        PromptSet(points=((500.0, 3.0),), labels=(1,)),
        PromptSet(box=(30.0, 5.0, 10.0, 20.0)),
        PromptSet(box=(10.0, 5.0, 10.0, 20.0)),
        PromptSet(mask="0"),
    ):
        with pytest.raises(PromptError):
            session.prompt(0, 1, bad)
    assert session.prompts == {(0, 1): CLICK}
    assert session.masks_at(0) == before


@pytest.mark.parametrize(("frame", "object_id"), [(24, 1), (-1, 1), (0, 9)])
def test_unknown_frames_and_objects_are_named(session, frame, object_id):
    with pytest.raises(PromptError, match="does not exist"):
        session.prompt(frame, object_id, CLICK)


def test_removing_an_object_leaves_the_others(session):
    session.prompt(0, 1, CLICK)
    session.prompt(0, 2, PromptSet(box=(40.0, 10.0, 70.0, 40.0)))
    list(session.track(None, "forward"))
    before = session.masklets()[2]
    session.remove_object(1)
    assert set(session.masklets()) == {2}
    assert session.masklets()[2] == before
    assert all(key[1] == 2 for key in session.prompts)


def test_another_model_gets_the_prompts_again(session, nano_network):
    session.prompt(2, 1, CLICK)
    list(session.track(None, "forward"))
    other = NetworkEngine("other", nano_network)
    session.use_engine(other)
    assert session.engine is other
    assert session.masklets()[1].frame_indices == [2]


def test_a_switch_to_a_model_that_fails_changes_nothing_and_may_be_tried_again(session, nano_network, monkeypatch):
    session.prompt(0, 1, CLICK)
    session.prompt(2, 2, PromptSet(box=(40.0, 10.0, 70.0, 40.0)))
    list(session.track(None, "forward"))
    before, engine = told(session), session.engine
    other = NetworkEngine("other", nano_network)
    with monkeypatch.context() as patched:
        patched.setattr(ClipTracker, "add_prompt", failing_at(2, ClipTracker.add_prompt))
        with pytest.raises(MemoryError):
            session.use_engine(other)
    assert session.engine is engine
    assert told(session) == before
    assert told(reopen(session.token, session.folder, engine, Limits())) == before
    session.use_engine(other)
    assert {i: m.frame_indices for i, m in session.masklets().items()} == {1: [0], 2: [2]}


@pytest.mark.parametrize(
    ("killed_after", "keeps_earlier"), [("_store_prompted", True), ("_keep_masks_of_this_model", False)]
)
def test_a_kill_while_the_model_changes_loses_no_masks(
    session, nano_network, monkeypatch, tmp_path, killed_after, keeps_earlier
):
    session.prompt(2, 1, CLICK)
    list(session.track(None, "forward"))
    before, engine, other = told(session), session.engine, NetworkEngine("other", nano_network)
    left, whole = tmp_path / "left", getattr(ClipSession, killed_after)

    def copying(self):
        whole(self)
        shutil.copytree(self.folder, left)  # what a kill at this point leaves on the disk

    monkeypatch.setattr(ClipSession, killed_after, copying)
    session.use_engine(other)
    again = reopen(session.token, left, engine if keeps_earlier else other, Limits())
    assert told(again) == (before if keeps_earlier else told(session))
    assert not (left / "masklets-before").exists()


def failing_at(count, method):
    """The method, out of memory at that call."""
    calls = iter(range(1, 1000))

    def call(*arguments, **options):
        if next(calls) == count:
            raise MemoryError
        return method(*arguments, **options)

    return call


def test_closing_and_changing_the_model_leave_no_embedding_behind(session, nano_network):
    session.prompt(0, 1, CLICK)
    tracker = session.tracker()
    assert 0 in tracker._view
    session.use_engine(NetworkEngine("other", nano_network))
    assert 0 not in tracker._view
    tracker = session.tracker()
    session.close()
    assert 0 not in tracker._view


def test_close_lets_frames_go_but_keeps_the_folder(session):
    session.prompt(0, 1, CLICK)
    session.close()
    assert (session.folder / "clip.json").is_file()
    with pytest.raises(MediaError):
        session.frames.jpeg(0)


def test_a_clip_longer_than_allowed_is_refused(clip_path, engine):
    with pytest.raises(MediaError, match="lasts 1 s"):
        open_clip(new_token(), clip_path, "clip.mp4", engine, Limits(max_clip_seconds=0.5))


def told(session):
    """What is known of each object on each frame."""
    return {i: {k: m.frame(k) for k in m.frame_indices} for i, m in session.masklets().items()}


def frames_of(steps):
    return sorted(step.frame_index for step in steps)


def test_a_correction_tracks_again_only_what_it_touches(session):
    session.prompt(0, 1, CLICK)
    session.prompt(18, 1, CLICK)
    session.prompt(0, 2, PromptSet(box=(40.0, 10.0, 70.0, 40.0)))
    assert frames_of(session.track(None, "both")) == list(range(24))
    before = told(session)
    session.prompt(9, 1, PromptSet(points=((60.0, 30.0),), labels=(1,)))
    assert frames_of(session.track(None, "both")) == list(range(1, 18))
    after = told(session)
    assert after[2] == before[2], "the other object keeps its masks"
    assert {k: v for k, v in after[1].items() if k >= 18} == {k: v for k, v in before[1].items() if k >= 18}
    assert any(after[1][k] != before[1][k] for k in range(1, 18))


def test_an_object_added_later_is_tracked_alone(session):
    session.prompt(0, 1, CLICK)
    list(session.track(None, "both"))
    before = dict(session.masklets()[1].to_rle())
    session.prompt(10, 2, CLICK)
    order = [step.frame_index for step in session.track(None, "both")]
    assert order == [*range(10, 24), *range(9, -1, -1)], "from its prompt outward"
    assert dict(session.masklets()[1].to_rle()) == before


def test_what_is_stale_is_known_after_a_restart(session, engine):
    session.prompt(0, 1, CLICK)
    list(session.track(None, "both"))
    session.prompt(12, 1, CLICK)
    steps = session.track(None, "both")
    for _ in range(4):
        next(steps)
    fresh = reopen(session.token, session.folder, engine, Limits())
    assert frames_of(fresh.track(None, "both")) == [*range(5, 12), *range(13, 24)]


def test_a_clip_that_is_cut_off_says_so(session, nano_network, monkeypatch):
    monkeypatch.setattr(FrameReader, "notice", "The video is cut off.")
    folder = session.folder
    again = reopen(session.token, folder, session.engine, Limits())
    assert again.notice == "The video is cut off."
    assert again.notice in reopen(session.token, folder, NetworkEngine("other", nano_network), Limits()).notice

"""Stored sessions go by time alone; new ones are refused where there is no room, with a reason."""

import os
import shutil
from types import SimpleNamespace

import pytest

from sam2_demo.errors import QuotaError
from sam2_demo.sessions.folder import SessionFolder
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.storage import SessionStorage
from sam2_demo.sessions.visitors import is_mark_of, visitor_mark, visitor_of

HOUR = 3600.0


class Clocks:
    """A wall clock that can be set, and a steady one."""

    def __init__(self):
        self.wall, self.steady = 2e9, 50.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def make(tmp_path, clocks):
    def made(**limits):
        limits = Limits(**({"min_free_gb": 1e-9} | limits))
        return SessionStorage(tmp_path, limits, lambda: clocks.wall, lambda: clocks.steady)

    return made


def store(storage, used, visitor="somebody"):
    token, folder = storage.create(visitor)
    SessionFolder(folder).write_json("clip.json", {})
    os.utime(folder / "clip.json", (used, used))
    return token


def there(storage):
    return {path.name for path in storage.root.iterdir() if path.is_dir()}


def test_strangers_delete_nothing(make, clocks):
    storage = make(max_stored=40, max_stored_per_visitor=30)
    mine = [store(storage, clocks.wall - age, "me") for age in (5.0, 20 * HOUR)]
    refused = 0
    for number in range(230):
        try:
            store(storage, clocks.wall, f"stranger {number % 3}")
        except QuotaError:
            refused += 1
        storage.sweep(set())
    assert set(mine) <= there(storage)
    assert (len(there(storage)), refused) == (40, 230 - 38)


def test_one_visitor_leaves_room_for_others(make, clocks):
    storage = make(max_stored=10, max_stored_per_visitor=4)
    for _ in range(4):
        store(storage, clocks.wall, "one")
    with pytest.raises(QuotaError, match="4 sessions on this server, as many as it keeps for one visitor"):
        storage.create("one")
    storage.create("other")


def test_one_visitors_files_have_a_size(make, clocks):
    storage = make(max_gb_per_visitor=1e-6)
    token = store(storage, clocks.wall, "one")
    (storage.root / token / "source.mp4").write_bytes(bytes(800))
    with pytest.raises(QuotaError, match="for one visitor"):
        storage.create("one", expected_bytes=300)
    storage.create("one", expected_bytes=200)
    storage.create("other", expected_bytes=300)


def test_a_full_disk_refuses_new_sessions_and_keeps_the_old(make, clocks, monkeypatch):
    storage = make(min_free_gb=1.0)
    kept = store(storage, clocks.wall)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1.2e9))
    storage.create("one", expected_bytes=100_000_000)
    with pytest.raises(QuotaError, match="disk of this server is full"):
        storage.create("one", expected_bytes=300_000_000)
    assert kept in there(storage)


def test_a_session_goes_when_it_was_not_used_for_long_unless_it_is_open(make, clocks):
    storage = make(keep_hours=1)
    storage.sweep(set())
    old, opened, fresh = (store(storage, clocks.wall + age) for age in (0, 0, 1800))
    for _ in range(61):
        clocks.pass_by(60)
        storage.sweep({opened})
    assert there(storage) == {opened, fresh}
    assert old not in there(storage)


@pytest.mark.parametrize("jump", [400 * 24 * HOUR, -400 * 24 * HOUR])
def test_a_clock_that_jumps_deletes_nothing_and_keeps_nothing_for_ever(make, clocks, jump):
    storage = make(keep_hours=24)
    storage.sweep(set())
    one, other = store(storage, clocks.wall - 10 * HOUR), store(storage, clocks.wall)
    clocks.pass_by(60)
    storage.sweep(set())
    clocks.wall += jump
    clocks.pass_by(60)
    storage.sweep(set())
    assert there(storage) == {one, other}
    assert storage.expires_at(one) == pytest.approx(clocks.wall + 14 * HOUR, abs=200)
    for _ in range(14 * 60 + 5):
        clocks.pass_by(60)
        storage.sweep(set())
    assert there(storage) == {other}


def test_what_came_due_while_no_server_ran_can_still_be_used_for_a_while(make, clocks):
    storage = make(keep_hours=24)
    storage.sweep(set())
    one = store(storage, clocks.wall)
    clocks.wall += 400 * 24 * HOUR
    again = make(keep_hours=24)
    again.sweep(set())
    assert there(again) == {one}
    for _ in range(6 * 60 + 2):
        clocks.pass_by(60)
        again.sweep(set())
    assert there(again) == set()


def test_never_all_at_once(make, clocks):
    storage = make(keep_hours=24)
    storage.sweep(set())
    for _ in range(30):
        store(storage, clocks.wall)
    for _ in range(24 * 60 + 1):
        clocks.pass_by(60)
        if storage.sweep(set()):
            break
    assert len(there(storage)) == 20


def test_an_upload_that_never_goes_on_expires(make, clocks):
    storage = make(keep_hours=24)
    storage.sweep(set())
    _, stalled = storage.create("one")
    _, going = storage.create("one")
    for folder, age in ((stalled, 0.0), (going, 3000.0)):
        (folder / "source.mp4").write_bytes(b"x")
        for path in (folder, folder / "source.mp4"):
            os.utime(path, (clocks.wall + age, clocks.wall + age))
    for _ in range(65):
        clocks.pass_by(60)
        storage.sweep(set())
    assert there(storage) == {going.name}


def test_marks_tell_visitors_apart_and_do_not_name_them():
    mark = visitor_mark(visitor_of("203.0.113.7"))
    assert "203.0.113.7" not in mark and mark != visitor_mark("203.0.113.7")
    assert is_mark_of(mark, "203.0.113.7") and not is_mark_of(mark, "203.0.113.8")
    assert not is_mark_of("", "203.0.113.7") and not is_mark_of("é:é", "x")


def test_an_ipv6_network_is_one_visitor():
    assert visitor_of("2001:db8:0:1::5") == visitor_of("2001:db8:0:1:ffff::9") != visitor_of("2001:db8:0:2::5")
    assert visitor_of("::ffff:203.0.113.7") == visitor_of("203.0.113.7") == "203.0.113.7"

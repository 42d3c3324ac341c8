"""Sessions are found by token only, bounded in number and closed when unused."""

import pytest

from sam2_demo.errors import SessionError
from sam2_demo.sessions.registry import SessionRegistry
from sam2_demo.sessions.tokens import is_token, new_token


class Session:
    def __init__(self, busy=False):
        self.busy = busy
        self.closed = 0

    def close(self):
        self.closed += 1

    def is_busy(self):
        return self.busy


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(clock):
    return SessionRegistry(max_sessions=2, idle_seconds=100, clock=clock)


def test_tokens_are_long_and_differ():
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(is_token(token) for token in tokens)


NO_TOKENS = ["", "../../etc/passwd", None, 5, "x" * 31, "x" * 33, "a/" * 16, "é" * 32, ["x" * 32]]


@pytest.mark.parametrize("token", NO_TOKENS)
def test_what_is_no_token_finds_nothing(registry, token):
    assert not is_token(token)
    with pytest.raises(SessionError, match="not open"):
        registry.get(token)


def test_each_token_finds_its_own_session(registry):
    one, two = new_token(), new_token()
    first, second = Session(), Session()
    registry.add(one, first)
    registry.add(two, second)
    assert registry.get(one) is first and registry.get(two) is second
    with pytest.raises(SessionError):
        registry.get(new_token())


def test_the_least_recently_used_idle_session_makes_room(registry):
    tokens = [new_token() for _ in range(3)]
    sessions = [Session() for _ in range(3)]
    registry.add(tokens[0], sessions[0])
    registry.add(tokens[1], sessions[1])
    registry.get(tokens[0])
    registry.add(tokens[2], sessions[2])
    assert [s.closed for s in sessions] == [0, 1, 0]
    assert len(registry) == 2


def test_a_full_house_of_busy_sessions_refuses_new_ones(registry):
    registry.add(new_token(), Session(busy=True))
    registry.add(new_token(), Session(busy=True))
    with pytest.raises(SessionError, match="2 places"):
        registry.add(new_token(), Session())


def test_unused_sessions_are_closed_but_not_busy_ones(registry, clock):
    idle, busy = Session(), Session(busy=True)
    idle_token, busy_token = new_token(), new_token()
    registry.add(idle_token, idle)
    registry.add(busy_token, busy)
    clock.now = 101.0
    assert registry.sweep() == 1
    assert (idle.closed, busy.closed) == (1, 0)
    with pytest.raises(SessionError):
        registry.get(idle_token)
    assert registry.get(busy_token) is busy


def test_use_keeps_a_session_open(registry, clock):
    token, session = new_token(), Session()
    registry.add(token, session)
    clock.now = 60.0
    registry.get(token)
    clock.now = 120.0
    assert registry.sweep() == 0


class Stuck(Session):
    def close(self):
        raise SessionError("this session is busy")


def test_a_session_that_does_not_close_keeps_none_of_the_others(registry, clock):
    stuck, other, fresh = new_token(), new_token(), new_token()
    registry.add(stuck, Stuck())
    closed = Session()
    registry.add(other, closed)
    clock.now = 200
    registry.add(fresh, Session())
    assert closed.closed == 1
    assert registry.tokens() == {fresh}

"""All open sessions of a server: found by token, bounded in number, closed after a time without use."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sam2_demo.errors import BusyError, SessionError
from sam2_demo.sessions.tokens import is_token

log = logging.getLogger(__name__)


class Closable(Protocol):
    """What the registry needs of a session."""

    def close(self) -> None: ...

    def is_busy(self) -> bool: ...


S = TypeVar("S", bound=Closable)


class SessionRegistry(Generic[S]):
    """Sessions by token. The least recently used idle one is closed when a new one would exceed the limit."""

    def __init__(self, max_sessions: int, idle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_sessions = max_sessions
        self.idle_seconds = idle_seconds
        self._clock = clock
        self._guard = threading.Lock()
        self._sessions: OrderedDict[str, tuple[S, float]] = OrderedDict()

    def add(self, token: str, session: S) -> None:
        """Keep a session; BusyError if every place is taken by a session that is at work."""
        with self._guard:
            closing = self._take_expired()
            while len(self._sessions) >= self.max_sessions:
                idle = next((t for t, (s, _) in self._sessions.items() if not s.is_busy()), None)
                if idle is None:
                    raise BusyError(
                        f"all {self.max_sessions} places on this server are in use; try again in a few minutes"
                    )
                closing.append(self._sessions.pop(idle)[0])
            self._sessions[token] = (session, self._clock())
        _close_all(closing)

    def get(self, token: object) -> S:
        """The session of a token, marked as used now; SessionError if there is none (any more)."""
        with self._guard:
            if not is_token(token) or token not in self._sessions:
                raise SessionError("this session is not open on the server (any more); open the file again")
            session = self._sessions.pop(str(token))[0]
            self._sessions[str(token)] = (session, self._clock())
            return session

    def remove(self, token: str) -> None:
        """Close a session at once; unknown tokens are ignored."""
        with self._guard:
            entry = self._sessions.pop(token, None)
        if entry is not None:
            _close_all([entry[0]])

    def sweep(self) -> int:
        """Close sessions that were not used for `idle_seconds`; returns how many."""
        with self._guard:
            closing = self._take_expired()
        _close_all(closing)
        return len(closing)

    def open_sessions(self) -> list[S]:
        """All open sessions."""
        with self._guard:
            return [session for session, _ in self._sessions.values()]

    def tokens(self) -> set[str]:
        """Tokens of all open sessions."""
        with self._guard:
            return set(self._sessions)

    def __contains__(self, token: object) -> bool:
        with self._guard:
            return is_token(token) and token in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)

    def _take_expired(self) -> list[S]:
        limit = self._clock() - self.idle_seconds
        old = [t for t, (s, used) in self._sessions.items() if used < limit and not s.is_busy()]
        return [self._sessions.pop(token)[0] for token in old]


def _close_all(sessions: Sequence[Closable]) -> None:
    """Close sessions that nobody finds any more; one that fails, as its task does not end, keeps none of the others."""
    for session in sessions:
        try:
            session.close()
        except Exception:
            log.exception("a session did not close; its memory is free when its task ends")

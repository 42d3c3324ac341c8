"""The folder of all session folders: made within quotas, found by token, deleted when not used for long.

What is stored goes by time alone, never to make room: who comes when there is none is refused. Time is not what one
clock says: a clock that jumps while the server runs moves the sessions' times with it, and what came due while no
server ran gets part of its time again.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from sam2_demo.errors import ConfigError, QuotaError, SessionError
from sam2_demo.sessions.durable import lock_file
from sam2_demo.sessions.folder import SessionFolder, modified_at
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.tokens import is_token, new_token
from sam2_demo.sessions.visitors import LOCAL, is_mark_of, visitor_mark

log = logging.getLogger(__name__)

VISITOR_NAME = "visitor"
WITNESS_NAME = ".last-sweep"
LOCK_NAME = ".lock"
JUMP_SECONDS = 120.0  # between two sweeps, a minute apart: more than a loaded machine delays one
TIME_AGAIN = 0.25  # of its whole time: for what came due while no server ran
UNFINISHED_SECONDS = 3600.0  # an upload that has stopped for as long does not go on
DELETED_AT_ONCE = 0.1


class SessionStorage:
    """Session folders below `root`, named by their tokens. `wall` and `steady` are the two clocks."""

    def __init__(
        self,
        root: Path,
        limits: Limits,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self._adopted: dict[str, Path] = {}
        self.limits = limits
        self._clocks = wall, steady
        self._seen: tuple[float, float] | None = None
        self._creating = threading.Lock()
        self._lock: IO[bytes] | None = None

    def claim(self) -> None:
        """Have the folder for this process alone, until it ends; ConfigError where another server has it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = (self.root / LOCK_NAME).open("ab")
            lock_file(self._lock)
        except BlockingIOError as error:
            raise ConfigError(
                f"another server works on {self.root}; two would spoil each other's sessions: stop it, or give this "
                "one a folder of its own with --data-dir"
            ) from error
        except OSError as error:
            log.warning("the data folder cannot be locked (%s): start no second server on it", error)

    def create(self, visitor: str = LOCAL, expected_bytes: int = 0) -> tuple[str, Path]:
        """A fresh token and the empty folder that belongs to it; QuotaError where there is no room for another one.

        expected_bytes: size of the file that will come, as far as it is known.
        """
        with self._creating:
            self._check_room(visitor, expected_bytes)
            token = new_token()
            folder = self.root / token
            folder.mkdir(parents=True, mode=0o700)
            (folder / VISITOR_NAME).write_text(visitor_mark(visitor))
        return token, folder

    def adopt(self, folder: Path) -> str:
        """A token, for as long as the server runs, of a session's folder that lies elsewhere and never expires."""
        if not SessionFolder(folder).last_use():
            raise SessionError(f"{folder} holds no session; accepted: a folder that `sam2-demo track` wrote")
        token = new_token()
        self._adopted[token] = folder
        return token

    def find(self, token: object) -> Path:
        """The folder of a token; SessionError if there is none (any more)."""
        if isinstance(token, str) and token in self._adopted:
            return self._adopted[token]
        if not is_token(token) or not SessionFolder(self.root / str(token)).last_use():
            raise SessionError("this session is not open on the server (any more); open the file again")
        return self.root / str(token)

    def delete(self, token: str) -> None:
        """Delete a session's folder; unknown ones are ignored."""
        if is_token(token):
            shutil.rmtree(self.root / token, ignore_errors=True)

    def expires_at(self, token: str) -> float:
        """When a session's folder will be deleted unless it is used before, in seconds since 1970."""
        return SessionFolder(self.root / token).last_use() + self._kept_seconds

    def sweep(self, open_tokens: set[str]) -> int:
        """Delete folders that were not used for long, never those in `open_tokens`; returns how many.

        At most a tenth (and ten) go at once, the oldest first: whatever is wrong has time to be seen.
        """
        found = self._folders()
        now = self._follow_clock(found)
        due = sorted(
            (used, path.name)
            for path in found
            if path.name not in open_tokens and (used := self._last_use(path)) < now - self._patience(path)
        )
        doomed = [name for _, name in due[: max(10, int(len(found) * DELETED_AT_ONCE))]]
        for name in doomed:
            self.delete(name)
        if doomed:
            log.info("deleted %d session folder(s) that were not used for long", len(doomed))
        return len(doomed)

    @property
    def _kept_seconds(self) -> float:
        return self.limits.keep_hours * 3600

    def _folders(self) -> list[Path]:
        return [path for path in self.root.glob("*") if path.is_dir() and is_token(path.name)]

    def _patience(self, folder: Path) -> float:
        is_complete = SessionFolder(folder).last_use() > 0
        return self._kept_seconds if is_complete else min(self._kept_seconds, UNFINISHED_SECONDS)

    def _check_room(self, visitor: str, expected_bytes: int) -> None:
        limits = self.limits
        stored = self._folders()
        own = [folder for folder in stored if is_mark_of(_mark_in(folder), visitor)]
        if len(own) >= limits.max_stored_per_visitor:
            raise QuotaError(
                f"you have {len(own)} sessions on this server, as many as it keeps for one visitor; delete one that "
                f"you no longer need, or come back when the oldest has expired ({limits.keep_hours:g} h without use)"
            )
        held = expected_bytes + sum(_source_bytes(folder) for folder in own)
        if held > limits.max_gb_per_visitor * 1e9:
            raise QuotaError(
                f"your files on this server would take {held / 1e9:.1f} GB; it keeps up to "
                f"{limits.max_gb_per_visitor:g} GB for one visitor: delete a session that you no longer need"
            )
        if len(stored) >= limits.max_stored:
            raise QuotaError(
                f"this server keeps {len(stored)} sessions, as many as it can; those of others are not deleted for a "
                "new one: try again later"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.root).free - expected_bytes
        if free < limits.min_free_gb * 1e9:
            raise QuotaError("the disk of this server is full; sessions that are there stay, new ones must wait")

    def _follow_clock(self, found: list[Path]) -> float:
        """The time now; sessions keep their age when the clock was put forward or back since the last sweep."""
        wall, steady = (clock() for clock in self._clocks)
        if self._seen is None:
            self._give_time_again(found, wall)
        else:
            jump = (wall - self._seen[0]) - (steady - self._seen[1])
            if abs(jump) > JUMP_SECONDS:
                log.warning("the clock has jumped by %.0f s; sessions keep their age", jump)
                for path in found:
                    used = self._last_use(path)
                    # What was used since a jump forward has the new clock's time already; after one back, only what
                    # lies in the future surely has the old one's.
                    if used > wall or (jump > 0 and used <= self._seen[0] + JUMP_SECONDS):
                        _set_last_use(path, used + jump)
        self._seen = wall, steady
        self._note_sweep(wall)
        return wall

    def _give_time_again(self, found: list[Path], wall: float) -> None:
        """What came due while no server swept could not be used; or the clock was put forward meanwhile."""
        last = modified_at(self.root / WITNESS_NAME)
        for path in found:
            due = self._last_use(path) + self._patience(path)
            if last < due <= wall and SessionFolder(path).last_use():
                _set_last_use(path, wall - (1 - TIME_AGAIN) * self._kept_seconds)

    def _note_sweep(self, wall: float) -> None:
        witness = self.root / WITNESS_NAME
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            witness.touch()
            os.utime(witness, (wall, wall))
        except OSError as error:  # a read-only disk: nothing can be deleted either
            log.debug("the time of the sweep could not be noted: %s", error)

    @staticmethod
    def _last_use(path: Path) -> float:
        # An upload in progress has no clip.json yet: it is as old as what it has written last.
        if used := SessionFolder(path).last_use():
            return used
        return max([modified_at(path), *(modified_at(part) for part in path.glob("source*"))])


def _mark_in(folder: Path) -> str:
    try:
        return (folder / VISITOR_NAME).read_text()
    except (OSError, ValueError):
        return ""


def _source_bytes(folder: Path) -> int:
    total = 0
    for source in folder.glob("source*"):
        try:
            total += source.stat().st_size
        except OSError:
            continue
    return total


def _set_last_use(folder: Path, moment: float) -> None:
    for target in (folder / "clip.json", folder):
        try:
            os.utime(target, (moment, moment))
            return
        except OSError:
            continue

"""The folder of all session folders: made, found by token, deleted when they have not been used for long."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from sam2_demo.errors import SessionError
from sam2_demo.sessions.folder import SessionFolder, modified_at
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.tokens import is_token, new_token

log = logging.getLogger(__name__)


class SessionStorage:
    """Session folders below `root`, named by their tokens."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root = root
        self.limits = limits

    def create(self) -> tuple[str, Path]:
        """A fresh token and the empty folder that belongs to it."""
        token = new_token()
        folder = self.root / token
        folder.mkdir(parents=True, mode=0o700)
        return token, folder

    def find(self, token: object) -> Path:
        """The folder of a token; SessionError if there is none (any more)."""
        if not is_token(token) or not SessionFolder(self.root / str(token)).last_use():
            raise SessionError("this session is not open on the server (any more); open the file again")
        return self.root / str(token)

    def delete(self, token: str) -> None:
        """Delete a session's folder; unknown ones are ignored."""
        if is_token(token):
            shutil.rmtree(self.root / token, ignore_errors=True)

    def expires_at(self, token: str) -> float:
        """When a session's folder will be deleted unless it is used before, in seconds since 1970."""
        return SessionFolder(self.root / token).last_use() + self.limits.keep_hours * 3600

    def sweep(self, open_tokens: set[str], now: float | None = None) -> int:
        """Delete folders that are too old or too many, never those in `open_tokens`; returns how many."""
        now = time.time() if now is None else now
        found = [path for path in self.root.glob("*") if path.is_dir() and is_token(path.name)]
        ages = sorted((self._last_use(path), path.name) for path in found if path.name not in open_tokens)
        surplus = len(found) - self.limits.max_stored
        doomed = [
            name for place, (used, name) in enumerate(ages)
            if place < surplus or used < now - self.limits.keep_hours * 3600
        ]
        for name in doomed:
            self.delete(name)
        if doomed:
            log.info("deleted %d session folder(s) that were not used for long", len(doomed))
        return len(doomed)

    @staticmethod
    def _last_use(path: Path) -> float:
        # An upload in progress has no clip.json yet: it is as old as its folder.
        return SessionFolder(path).last_use() or modified_at(path)

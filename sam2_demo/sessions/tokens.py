"""Unguessable names of sessions: whoever has the token has the session, nobody else."""

from __future__ import annotations

import re
import secrets

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def new_token() -> str:
    """A fresh token of 192 random bits, safe in addresses and file names."""
    return secrets.token_urlsafe(24)


def is_token(text: object) -> bool:
    """Whether `text` has the form of a token (not whether such a session exists)."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None

"""Whose a session is, as far as fair shares need it: a visitor is an address on the net, of which a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets

LOCAL = "local"
"""The visitor of whoever calls without an address, as programs in the same process do."""


def visitor_of(address: str | None) -> str:
    """The visitor behind an address; of IPv6 the network counts, because one person has 2^64 addresses in it."""
    if not address:
        return LOCAL
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def visitor_mark(visitor: str) -> str:
    """What a session keeps of its visitor: enough to know him again, another text in every session."""
    salt = secrets.token_hex(8)
    return f"{salt}:{_digest(salt, visitor)}"


def is_mark_of(mark: str, visitor: str) -> bool:
    """Whether a mark was made for a visitor."""
    salt, _, digest = mark.partition(":")
    return hmac.compare_digest(digest.encode(), _digest(salt, visitor).encode())


def _digest(salt: str, visitor: str) -> str:
    return hashlib.sha256(f"{salt}:{visitor}".encode()).hexdigest()[:24]

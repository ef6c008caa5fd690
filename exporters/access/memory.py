"""Callers identified lately, so that their next request takes microseconds.

Kept under the SHA-256 of the credential, never under the credential itself, and at most so many.
"""

import hashlib
from datetime import datetime, timedelta
from threading import Lock

from exporters.access.callers import Caller

_MOST = 10_000


class RecentCallers:
    """Callers by credential, each for a while. Safe to share between threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._entries: dict[bytes, tuple[Caller, datetime, datetime]] = {}
        self._lock = Lock()

    def find(self, credential: str, now: datetime) -> Caller | None:
        """Whom the credential stands for, where that was learnt a short while ago."""
        entry = self._entries.get(_key(credential))
        if entry is None:
            return None
        caller, since, until = entry
        return caller if since <= now < until else None

    def keep(self, credential: str, caller: Caller, now: datetime, lasts: timedelta) -> None:
        """Remember whom the credential stands for; the oldest goes where there are too many."""
        key = _key(credential)
        with self._lock:
            self._entries.pop(key, None)
            if len(self._entries) >= self._most:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (caller, now, now + lasts)

    def __len__(self) -> int:
        return len(self._entries)


def _key(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()

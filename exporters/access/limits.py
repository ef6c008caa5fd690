"""How much one caller may ask: requests a minute, and requests at once.

Counted in the memory of the process: with several processes, each grants its own share.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from threading import Lock

from exporters.access.callers import Caller
from exporters.access.errors import LimitExceeded

_MOST_CALLERS = 10_000
_PAUSE = 1
"""Seconds to wait where too many requests are under way: nobody knows when the first of them ends."""


@dataclass(frozen=True)
class Allowance:
    """What is left to a caller, for the headers that tell it."""

    limit: int
    """Requests a minute."""
    remaining: int
    """Requests that may come at once now."""
    reset_seconds: int
    """Seconds until the whole of a minute's share is there again."""


@dataclass
class _Account:
    tokens: float
    at: float
    running: int = 0


class Limits:
    """A bucket of requests for each caller, filled evenly. Safe to share between threads.

    A caller who asks for nothing has a minute's share, `rate_per_minute`, to spend at once.
    """

    def __init__(
        self, rate_per_minute: int, concurrent_requests: int, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate_per_minute
        self._concurrent = concurrent_requests
        self._ticks = ticks
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def entered(self, caller: Caller) -> Iterator[Allowance]:
        """A request of the caller is under way for as long as the block lasts.

        Raises:
            LimitExceeded: it is one too many, and was not let in; it does not count.
        """
        allowance = self._enter(caller.actor)
        try:
            yield allowance
        finally:
            with self._lock:
                self._accounts[caller.actor].running -= 1

    def __len__(self) -> int:
        return len(self._accounts)

    def _enter(self, actor: str) -> Allowance:
        with self._lock:
            account = self._account(actor)
            if account.running >= self._concurrent:
                raise LimitExceeded("concurrency", self._concurrent, _PAUSE)
            if account.tokens < 1:
                raise LimitExceeded("rate", self._rate, ceil((1 - account.tokens) * 60 / self._rate))
            account.tokens -= 1
            account.running += 1
            reset = ceil((self._rate - account.tokens) * 60 / self._rate)
            return Allowance(self._rate, int(account.tokens), reset)

    def _account(self, actor: str) -> _Account:
        """The caller's account as it stands now, and the latest used."""
        now = self._ticks()
        account = self._accounts.get(actor)
        if account is None:
            self._make_room()
            account = self._accounts[actor] = _Account(self._rate, now)
        account.tokens = min(self._rate, account.tokens + (now - account.at) * self._rate / 60)
        account.at = now
        self._accounts.move_to_end(actor)
        return account

    def _make_room(self) -> None:
        # Who has asked for nothing the longest goes first; a request that is under way must still be counted.
        if len(self._accounts) < _MOST_CALLERS:
            return
        for actor, account in self._accounts.items():
            if not account.running:
                del self._accounts[actor]
                return

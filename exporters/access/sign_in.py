"""Signing in: a key's id and the key are exchanged for an access token, and wrong attempts are slowed down.

A right one is let in however many wrong ones came before: those of others keep nobody out.

Failures are counted in the memory of the process: with several processes, each allows its own.
"""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from math import ceil
from threading import Lock

from exporters.access.access_tokens import AccessToken, make_token
from exporters.access.errors import CodeRefused, SignInPaused, Unauthenticated
from exporters.access.keys import KeyStore
from exporters.seal import Seal

_MOST_FAILURES = 10
"""Of one client with one user's name; they are forgiven one by one."""
_SECONDS_EACH = 30.0
"""After which a failure is forgiven."""
_MOST_COUNTED = 10_000
_USER_LENGTH = 64
"""Characters of a user's name that are kept in memory; a key's id has 16."""


class SignIn:
    """Makes access tokens. Safe to share between threads."""

    def __init__(self, keys: KeyStore, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._seal = seal
        self._clock = clock
        self._failures = Failures()

    def exchange(self, client: str, user: str, password: str, code: str | None) -> AccessToken:
        """A token for the API key `password`, whose id is `user`; `client` is where the request comes from.

        Raises:
            Unauthenticated: there is no such key, or it lets nobody in now.
            CodeRefused: the code of the second factor was not sent (None), or is another than the key's; no
                key has one today, so the empty text is right.
            SignInPaused: it is one of the two above, and the client has failed too often with this user.
            SealError: the installation's key cannot be used.
        """
        attempt = (client, user[:_USER_LENGTH])
        key = self._keys.match(password)
        if key is None or not hmac.compare_digest(key.key_id.encode(), user.encode()):
            self._failures.count(attempt)
            raise Unauthenticated
        if code != "":
            self._failures.count(attempt)
            raise CodeRefused
        return make_token(self._seal, key, self._clock())


class Failures:
    """Failed attempts, the oldest forgotten where there are too many. Safe to share between threads."""

    def __init__(self, *, ticks: Callable[[], float] = time.monotonic, most: int = _MOST_COUNTED) -> None:
        self._ticks = ticks
        self._most = most
        self._forgiven: OrderedDict[tuple[str, str], float] = OrderedDict()
        """When the last failure of an attempt is forgiven."""
        self._lock = Lock()

    def count(self, attempt: tuple[str, str]) -> None:
        """An attempt has failed.

        Raises:
            SignInPaused: too many like it have; it is not counted, so that waiting helps.
        """
        with self._lock:
            now = self._ticks()
            wait = self._forgiven.get(attempt, 0.0) - now - (_MOST_FAILURES - 1) * _SECONDS_EACH
            if wait > 0:
                raise SignInPaused(ceil(wait))
            self._forgiven[attempt] = max(now, self._forgiven.pop(attempt, now)) + _SECONDS_EACH
            if len(self._forgiven) > self._most:
                self._forgiven.popitem(last=False)

    def __len__(self) -> int:
        return len(self._forgiven)

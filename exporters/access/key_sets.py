"""The keys that tokens are checked against: a JSON Web Key Set in a file or behind a URL."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from exporters.access.errors import KeySetUnavailable
from exporters.access.json_texts import read_object

_LASTS = 300.0
"""Seconds after which the set is read again, so that a withdrawn key ends."""
_APART = 60.0
"""Seconds between two readings at least, once there is a set."""
_RETRY = 5.0
"""Seconds between two readings while there is none yet."""
_TIMEOUT = 5.0
"""Seconds for the whole of one reading."""
_MOST_BYTES = 1_000_000
_MOST_KEYS = 100
_RSA_BITS = 2_048
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
"""Members of a key that are kept: a private part that a set should not hold is left out."""
_log = logging.getLogger(__name__)

ALGORITHMS = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The signatures that are taken, all asymmetric, each with the one kind of key that can make it."""


@dataclass(frozen=True)
class _Key:
    key_id: str | None
    algorithm: str | None
    kind: tuple[str, str | None]
    public: Any

    def fits(self, key_id: str | None, algorithm: str) -> bool:
        return (
            (key_id is None or self.key_id == key_id)
            and self.algorithm in {None, algorithm}
            and self.kind == ALGORITHMS[algorithm]
        )


class KeySet:
    """The set at a place, read when it is needed and again as keys change. Safe to share between threads.

    A set that cannot be read again stays as it was.
    """

    def __init__(self, place: str, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._ticks = ticks
        self._lock = Lock()
        self._keys: tuple[_Key, ...] | None = None
        self._tried_at: float | None = None
        self._read_at = 0.0

    def find(self, key_id: str | None, algorithm: str) -> Any | None:
        """The public key of that id that makes such signatures; without an id, the only one that does.

        None: there is no such key, or more than one.

        Raises:
            KeySetUnavailable: the set could not be read yet.
        """
        if self._is_old():
            self._refresh(wait=self._keys is None)
        found = self._choose(key_id, algorithm)
        if found is None:  # it may be new
            self._refresh(wait=True)
            found = self._choose(key_id, algorithm)
        return found

    def _choose(self, key_id: str | None, algorithm: str) -> Any | None:
        if self._keys is None:
            raise KeySetUnavailable(
                "the keys that tokens are checked against cannot be read: try again later"
            )
        fitting = [key.public for key in self._keys if key.fits(key_id, algorithm)]
        return fitting[0] if len(fitting) == 1 else None

    def _is_old(self) -> bool:
        return self._keys is None or self._ticks() - self._read_at > _LASTS

    def _refresh(self, *, wait: bool) -> None:
        """Read the set, unless that was just tried, or another thread does and it is not to be waited for."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            now = self._ticks()
            if self._tried_at is not None and now - self._tried_at < (
                _RETRY if self._keys is None else _APART
            ):
                return
            self._tried_at = now
            try:
                self._keys = _parse(_read(self._place))
                self._read_at = now
            except (OSError, ValueError) as error:
                kept = "the one read before stays" if self._keys is not None else "no token can be checked"
                _log.error("key set %s: %s; %s", _shown(self._place), error, kept)
        finally:
            self._lock.release()


def is_url(place: str) -> bool:
    """Whether a key set's place is a URL, not a file."""
    return place.startswith(("https://", "http://"))


def _read(place: str) -> bytes:
    if not is_url(place):
        with Path(place).open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    else:
        data = _fetch(place)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"is larger than {_MOST_BYTES} bytes")
    return data


def _fetch(url: str) -> bytes:
    import httpx  # noqa: PLC0415  it takes long to import, and most have no such URL

    deadline = time.monotonic() + _TIMEOUT
    data = bytearray()
    try:
        # Redirects are not followed, nor proxies of the environment asked: the place is the setting's alone.
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"answered {answer.status_code}")
            for part in answer.iter_bytes():
                data += part
                if len(data) > _MOST_BYTES or time.monotonic() > deadline:
                    raise ValueError(f"sent too much, or took longer than {_TIMEOUT:.0f} s")
    except httpx.HTTPError as error:
        raise ValueError(f"cannot be fetched ({type(error).__name__})") from None
    return bytes(data)


def _parse(data: bytes) -> tuple[_Key, ...]:
    listed = read_object(data).get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError(f"must have a list `keys` of at most {_MOST_KEYS}")
    keys = tuple(key for one in listed if (key := _parse_key(one)))
    if not keys:
        raise ValueError("has no key for signatures of the kinds that are taken")
    return keys


def _parse_key(value: Any) -> _Key | None:
    """One key; None where it is for something else, or too weak."""
    if not isinstance(value, dict) or value.get("use", "sig") != "sig":
        return None
    operations = value.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    kind = (value.get("kty"), value.get("crv"))
    algorithm = next((name for name, its in ALGORITHMS.items() if its == kind), None)
    only = value.get("alg")
    if algorithm is None or not (only is None or (isinstance(only, str) and only in ALGORITHMS)):
        return None
    try:
        public = get_default_algorithms()[algorithm].from_jwk(
            {name: value[name] for name in _PUBLIC if name in value}
        )
    except (PyJWTError, TypeError, ValueError, KeyError):
        return None
    if algorithm == "RS256" and public.key_size < _RSA_BITS:
        return None
    key_id = value.get("kid")
    return _Key(key_id if isinstance(key_id, str) else None, only, ALGORITHMS[algorithm], public)


def _shown(place: str) -> str:
    """The place without what may be a secret."""
    if not is_url(place):
        return place
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

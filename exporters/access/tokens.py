"""Tokens of another service: JSON Web Tokens, checked against its key set."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from exporters.access.callers import SCOPES, Caller, Identified
from exporters.access.errors import Unauthenticated
from exporters.access.json_texts import read_object
from exporters.access.key_sets import ALGORITHMS, KeySet
from exporters.access.options import TokenOptions

_SKEW = timedelta(seconds=30)
"""How far the issuer's clock may be ahead; an expiry is taken at its word."""
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_SUBJECT_LENGTH = 200
_MOST_WORKSHOPS = 10_000


class TokenVerifier:
    """Judges tokens. Safe to share between threads.

    What a token says of its own keys (`jwk`, `jku`, `x5c`, `x5u`) is never looked at.
    """

    def __init__(self, options: TokenOptions, clock: Callable[[], datetime]) -> None:
        self._options = options
        self._clock = clock
        self._keys = KeySet(options.keys)
        self._jws = PyJWS()

    def verify(self, token: str) -> Identified:
        """Whom the token stands for, and until when.

        A token without a workshop stands for a caller without any; one without a known scope likewise.

        Raises:
            Unauthenticated: it is none of the issuer's, not for this service, or not valid now.
            KeySetUnavailable: no token can be judged yet.
        """
        try:
            return self._identify(self._open(token))
        except (ValueError, PyJWTError):
            raise Unauthenticated from None

    def _open(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature is right."""
        segments = token.split(".")
        if len(segments) != 3 or not all(segments):
            raise ValueError("not three segments")
        header = read_object(_decode(segments[0]))
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise ValueError("not a signature that is taken")
        if "crit" in header or str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise ValueError("not a plain token")
        if key_id is not None and not isinstance(key_id, str):
            raise ValueError("the key's id is no text")
        key = self._keys.find(key_id, algorithm)
        if key is None:
            raise ValueError("no such key")
        return read_object(self._jws.decode(token, key, algorithms=[algorithm]))

    def _identify(self, claims: dict[str, Any]) -> Identified:
        now = self._clock()
        expires_at = _instant(claims, "exp")
        if expires_at is None or now >= expires_at:
            raise ValueError("expired, or without an end")
        if any((_instant(claims, name) or now) > now + _SKEW for name in ("nbf", "iat")):
            raise ValueError("not valid yet")
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self._options.issuer or self._options.audience not in named:
            raise ValueError("of another issuer, or for another service")
        subject = claims.get("sub")
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= _SUBJECT_LENGTH
            or not subject.isprintable()
        ):
            raise ValueError("without a subject")
        workshops = _workshops(claims.get(self._options.workshop_claim))
        caller = Caller(f"token:{subject}", workshops, _scopes(claims.get("scope")))
        return Identified(caller, expires_at)


def _decode(segment: str) -> bytes:
    return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)


def _instant(claims: dict[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is no instant")  # noqa: TRY004  the token is wrong, not the program
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{name} is no instant") from None


def _workshops(value: Any) -> frozenset[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if len(listed) > _MOST_WORKSHOPS:
        raise ValueError("too many workshops")
    return frozenset(_workshop(one) for one in listed)


def _workshop(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise ValueError("a workshop is no id")


def _scopes(value: Any) -> frozenset[str]:
    listed = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(one for one in listed if isinstance(one, str)) & SCOPES

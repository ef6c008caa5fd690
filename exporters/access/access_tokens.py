"""Access tokens: what an API key is exchanged for, good for an hour. Signed with the seal, and not on record.

A token names its key, which is looked at whenever the token is: it ends with the key.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from exporters.access.keys import ApiKey
from exporters.seal import Seal

LIFETIME = timedelta(hours=1)
_PURPOSE = "access token"
_FORM = re.compile(r"(rt_([0-9a-f]{16})_([0-9]{1,11}))_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class AccessToken:
    """A token that was just made."""

    key_id: str
    text: str = field(repr=False)
    lasts: timedelta


def make_token(seal: Seal, key: ApiKey, now: datetime) -> AccessToken:
    """A token that speaks for the key for an hour, or to the key's own end.

    Raises:
        SealError: the seal's key cannot be used, as of `read_token`.
    """
    until = now.replace(microsecond=0) + LIFETIME
    if key.expires_at is not None:
        until = min(until, key.expires_at.replace(microsecond=0))
    signed = f"rt_{key.key_id}_{int(until.timestamp())}"
    return AccessToken(key.key_id, f"{signed}_{seal.sign(_PURPOSE, signed)}", until - now)


def read_token(seal: Seal, text: str, now: datetime) -> tuple[str, datetime] | None:
    """The id of the key that the token speaks for, and until when; None: it is no token, or none any more."""
    found = _FORM.fullmatch(text)
    if found is None or not seal.is_signed(_PURPOSE, found[1], found[4]):
        return None
    until = datetime.fromtimestamp(int(found[3]), UTC)
    return (found[2], until) if now < until else None

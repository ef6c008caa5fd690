"""API keys as text: how one is made, recognised and turned into what is kept of it.

A key is `rk_<key id>_<secret>`. The secret is 256 random bits, so its digest needs no slow hash: there is
nothing to guess that a dictionary or a fast machine could.
"""

import hashlib
import re
import secrets

_FORM = re.compile(r"rk_([0-9a-f]{16})_[0-9a-f]{64}")


def new_key() -> tuple[str, str]:
    """A new key's id, and the whole key."""
    key_id = secrets.token_hex(8)
    return key_id, f"rk_{key_id}_{secrets.token_hex(32)}"


def key_id_of(text: str) -> str | None:
    """The id that a key names; None: the text is no key."""
    found = _FORM.fullmatch(text)
    return found and found[1]


def digest_of(text: str) -> str:
    """What is kept of a key: SHA-256, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()

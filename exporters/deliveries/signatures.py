"""Signatures of webhooks by the Standard Webhooks specification (standardwebhooks.com), version 1."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_KEY_BYTES = 32


def make_secret() -> str:
    """A new signing secret: `whsec_` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def sign(webhook_id: str, at: datetime, body: bytes, signing_secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of a call: its id, the time of this try, and a signature by each of the secrets.

    A receiver takes the call if one signature is right, so that a secret can be replaced.
    """
    timestamp = str(int(at.timestamp()))
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    signatures = [_signature(secret, signed) for secret in signing_secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()

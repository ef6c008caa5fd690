"""An issuer of tokens for tests: its keys, its tokens, and a server of its key set."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.loopback_server import LoopbackServer, Recorded, Reply

ISSUER, AUDIENCE = "https://login.example", "workshop-reports"
PATH = "/keys.json"

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

RSA = rsa.generate_private_key(65_537, 2048)
OTHER_RSA = rsa.generate_private_key(65_537, 2048)
WEAK_RSA = rsa.generate_private_key(65_537, 1024)
P256, P384, P521 = (ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1))
ED25519 = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Private, kid: str | None, **more: object) -> dict[str, Any]:
    """The public part of a key, as a key set has it."""
    match key:
        case rsa.RSAPrivateKey():
            told = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            told = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            told = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    plain = {name: value for name, value in told.items() if name != "key_ops"}
    return plain | ({} if kid is None else {"kid": kid}) | more


KEYS = [jwk(RSA, "rsa"), jwk(P256, "p256"), jwk(P384, "p384"), jwk(P521, "p521"), jwk(ED25519, "ed25519")]


def claims(**more: object) -> dict[str, Any]:
    """Claims that are right, with some replaced; None leaves one out."""
    begun = int(datetime.now(UTC).timestamp())
    told = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-7",
        "iat": begun,
        "exp": begun + 86_400,
        "workshop_id": "101",
        "scope": "openid reports",
    }
    return {name: value for name, value in (told | more).items() if value is not None}


def sign(
    told: Mapping[str, Any] | bytes,
    key: Any = RSA,
    algorithm: str = "RS256",
    kid: str | None = "rsa",
    **header: object,
) -> str:
    """A token with those claims, or with that payload, and those members in its header."""
    payload = told if isinstance(told, bytes) else json.dumps(told).encode()
    head = header | ({} if kid is None else {"kid": kid})
    return jwt.api_jws.PyJWS().encode(payload, key, algorithm=algorithm, headers=head)


def encode(part: bytes | Mapping[str, Any]) -> str:
    """A segment of a token."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class KeyServer(LoopbackServer):
    """Serves a key set, which the test changes."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[Any] = list(KEYS)

    def answer(self, request: Recorded) -> Reply:
        """The key set."""
        return self.fault_of(request) or Reply(200, {"keys": self.keys})

    @property
    def place(self) -> str:
        """The URL of the key set."""
        return f"{self.url}{PATH}"

    @property
    def readings(self) -> int:
        """How often the set was asked for."""
        return len(self.calls(PATH))


def after(seconds: float) -> int:
    """An instant in so many seconds, as claims have it."""
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp())

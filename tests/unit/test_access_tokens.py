"""Tokens of another service: which are taken, which are not, and where the keys come from."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exporters.access import AccessOptions, Caller, KeySetUnavailable, TokenOptions, Unauthenticated
from exporters.access.door import TOKEN_MEMORY, Access
from exporters.access.key_sets import ALGORITHMS, KeySet
from exporters.database import Database, open_database
from tests.token_issuer import (
    AUDIENCE,
    ED25519,
    ISSUER,
    KEYS,
    OTHER_RSA,
    P256,
    P384,
    P521,
    RSA,
    WEAK_RSA,
    KeyServer,
    after,
    claims,
    encode,
    jwk,
    sign,
)

DAY = 86_400
"""Longer than a run of the tests: what is made once must not end, or begin, on the way."""
SIGNERS: dict[str, tuple[Any, str]] = {
    **{f"{family}{bits}": (RSA, "rsa") for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": (P256, "p256"),
    "ES384": (P384, "p384"),
    "ES512": (P521, "p521"),
    "EdDSA": (ED25519, "ed25519"),
}


class Moved:
    """A clock of instants and of ticks that the test moves."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.by)

    def ticks(self) -> float:
        return self.by


@pytest.fixture
def database(tmp_path: Path, new_sqlite_url: Callable[[Path], str]) -> Iterator[Database]:
    with closing(open_database(new_sqlite_url(tmp_path))) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as started:
        yield started


@pytest.fixture
def moved() -> Moved:
    return Moved()


@pytest.fixture
def open_access(database: Database, moved: Moved) -> Callable[..., Access]:
    def make(place: str, **more: str) -> Access:
        tokens = replace(TokenOptions(place, ISSUER, AUDIENCE, "workshop_id"), **more)
        options = AccessOptions(tokens, 600, 16, timedelta(days=1))
        return Access(database, options, members=lambda _: frozenset(), clock=moved)

    return make


@pytest.fixture
def access(open_access: Callable[..., Access], server: KeyServer) -> Access:
    return open_access(server.place)


def is_refused(access: Access, token: str) -> bool:
    try:
        access.identify(token)
    except Unauthenticated as error:
        return error.__cause__ is None and str(error) == str(Unauthenticated())
    return False


@pytest.mark.parametrize("algorithm", sorted(SIGNERS))
def test_each_asymmetric_signature_is_taken(access: Access, algorithm: str) -> None:
    assert SIGNERS.keys() == ALGORITHMS.keys()
    key, kid = SIGNERS[algorithm]
    expected = Caller("token:user-7", frozenset({"101"}), frozenset({"reports"}))
    assert access.identify(sign(claims(), key, algorithm, kid)) == expected


@pytest.mark.parametrize(
    ("told", "workshops", "scopes"),
    [
        ({}, {"101"}, {"reports"}),
        ({"workshop_id": ["101", "102"]}, {"101", "102"}, {"reports"}),
        ({"workshop_id": 101}, {"101"}, {"reports"}),
        ({"workshop_id": [101, "x-1"]}, {"101", "x-1"}, {"reports"}),
        ({"workshop_id": None}, set(), {"reports"}),
        ({"workshop_id": []}, set(), {"reports"}),
        ({"scope": ["reports", "more"]}, {"101"}, {"reports"}),
        ({"scope": "reports"}, {"101"}, {"reports"}),
        ({"scope": "openid profile"}, {"101"}, set()),
        ({"scope": "myreports reports.read"}, {"101"}, set()),
        ({"scope": None}, {"101"}, set()),
        ({"scope": 7}, {"101"}, set()),
        ({"aud": ["other", AUDIENCE]}, {"101"}, {"reports"}),
        ({"exp": after(DAY) + 0.5}, {"101"}, {"reports"}),
    ],
)
def test_what_a_token_lets_do(
    access: Access, told: dict[str, object], workshops: set[str], scopes: set[str]
) -> None:
    assert access.identify(sign(claims(**told))) == Caller(
        "token:user-7", frozenset(workshops), frozenset(scopes)
    )


def test_the_issuers_clock_may_be_a_little_ahead(access: Access) -> None:
    assert not is_refused(access, sign(claims(nbf=after(25), iat=after(25))))
    assert is_refused(access, sign(claims(nbf=after(90))))
    assert is_refused(access, sign(claims(iat=after(90))))


def test_the_workshops_claim_is_a_setting(open_access: Callable[..., Access], server: KeyServer) -> None:
    access = open_access(server.place, workshop_claim="https://portal.example/shops")
    token = sign(claims() | {"https://portal.example/shops": ["7"]})
    assert access.identify(token).workshops == {"7"}


PUBLIC_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
GOOD = claims()


def _hmac(algorithm: str, secret: bytes) -> str:
    head = encode({"alg": algorithm, "kid": "rsa", "typ": "JWT"})
    signed = f"{head}.{encode(GOOD)}"
    signature = jwt.algorithms.get_default_algorithms()[algorithm].sign(signed.encode(), secret)
    return f"{signed}.{encode(signature)}"


def _unsigned(alg: object) -> str:
    return f"{encode({'alg': alg, 'kid': 'rsa', 'typ': 'JWT'})}.{encode(GOOD)}."


def _parts(token: str) -> tuple[str, str, str]:
    head, payload, signature = token.split(".")
    return head, payload, signature


def _swap_payload() -> str:
    head, _, signature = _parts(sign(GOOD))
    return f"{head}.{encode(GOOD | {'workshop_id': '102'})}.{signature}"


def _swap_header(**header: object) -> str:
    _, payload, signature = _parts(sign(GOOD))
    return f"{encode({'alg': 'RS256', 'kid': 'rsa', **header})}.{payload}.{signature}"


def _flip_signature() -> str:
    head, payload, signature = _parts(sign(GOOD))
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def _twice(name: str) -> bytes:
    return json.dumps(GOOD)[:-1].encode() + f', "{name}": {json.dumps(GOOD[name])}}}'.encode()


def _header_twice() -> str:
    return _signed_head(b'{"alg": "RS256", "kid": "rsa", "alg": "RS256"}')


def _signed_head(head: bytes | dict[str, object]) -> str:
    whole = head if isinstance(head, bytes) else {"alg": "RS256", "kid": "rsa", **head}
    signed = f"{encode(whole)}.{encode(GOOD)}"
    algorithm = jwt.algorithms.get_default_algorithms()["RS256"]
    return f"{signed}.{encode(algorithm.sign(signed.encode(), RSA))}"


ATTACKS: dict[str, str] = {
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "alg NONE with a signature": _unsigned("NONE") + "AAAA",
    "alg absent": _unsigned(None),
    "alg a list": _unsigned(["RS256"]),
    "HS256 with the public key": _hmac("HS256", PUBLIC_PEM),
    "HS512 with the public key": _hmac("HS512", PUBLIC_PEM),
    "HS256 with nothing": _hmac("HS256", b""),
    "wrong kid": sign(GOOD, kid="nobody"),
    "kid of another kind of key": sign(GOOD, kid="p256"),
    "kid not a text": _swap_header(kid=["rsa"]),
    "kid a path": sign(GOOD, kid="../../etc/passwd"),
    "ES256 under the RSA key's kid": sign(GOOD, P256, "ES256", "rsa"),
    "another's key": sign(GOOD, OTHER_RSA),
    "its own key in the header": sign(GOOD, OTHER_RSA, jwk=jwk(OTHER_RSA, "rsa")),
    "jku": sign(GOOD, OTHER_RSA, kid="evil", jku="https://evil.example/keys.json"),
    "x5u": sign(GOOD, OTHER_RSA, kid="evil", x5u="https://evil.example/cert.pem"),
    "expired": sign(claims(exp=after(-1))),
    "expired at the epoch": sign(claims(exp=0)),
    "no exp": sign(claims(exp=None)),
    "exp a text": sign(claims(exp=str(after(600)))),
    "exp true": sign(claims(exp=True)),
    "exp endless": sign(json.dumps(GOOD | {"exp": 0}).replace('"exp": 0', '"exp": Infinity').encode()),
    "exp of 300 digits": sign(claims(exp=10**300)),
    "not valid yet": sign(claims(nbf=after(DAY / 2), exp=after(DAY))),
    "made in the future": sign(claims(iat=after(DAY / 2), exp=after(DAY))),
    "wrong audience": sign(claims(aud="other")),
    "no audience": sign(claims(aud=None)),
    "audience an object": sign(claims(aud={AUDIENCE: 1})),
    "audience in other letters": sign(claims(aud=AUDIENCE.upper())),
    "wrong issuer": sign(claims(iss="https://evil.example")),
    "no issuer": sign(claims(iss=None)),
    "issuer in a list": sign(claims(iss=[ISSUER])),
    "no subject": sign(claims(sub=None)),
    "subject of two lines": sign(claims(sub="a\nkey:1")),
    "subject endless": sign(claims(sub="x" * 500)),
    "workshop an object": sign(claims(workshop_id={"id": "101"})),
    "workshop true": sign(claims(workshop_id=True)),
    "workshop empty": sign(claims(workshop_id="")),
    "tampered payload": _swap_payload(),
    "tampered header": _swap_header(typ="JWT", extra=1),
    "tampered signature": _flip_signature(),
    "no signature": ".".join([*_parts(sign(GOOD))[:2], ""]),
    "huge": sign(claims(padding="x" * 20_000)),
    "nested": sign(sign(GOOD).encode(), cty="JWT"),
    "nested deeply": sign(b"[" * 3_000 + b"]" * 3_000),
    "an array": sign(b"[]"),
    "not JSON": sign(b"\xff\xfe"),
    "a claim twice": sign(_twice("workshop_id")),
    "exp twice": sign(_twice("exp")),
    "a header twice": _header_twice(),
    "critical": sign(GOOD, crit=["exp"]),
    "critical and known to the library": _signed_head({"crit": ["b64"], "b64": True}),
    "unencoded payload": _swap_header(b64=False, crit=["b64"]),
    "logout token": sign(GOOD, typ="logout+jwt"),
    "encrypted": ".".join(["e30"] * 5),
    "four segments": f"{sign(GOOD)}.e30",
    "padding": sign(GOOD).replace(".", "=.", 1),
    "a space": f" {sign(GOOD)}",
    "empty segments": "..",
}


def test_what_the_attacks_are_made_of_is_right(access: Access) -> None:
    assert not is_refused(access, _signed_head({}))
    assert not is_refused(access, _signed_head({"typ": "AT+JWT"}))


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_attacks_are_refused_alike(access: Access, server: KeyServer, attack: str) -> None:
    access.identify(sign(claims(sub="somebody else")))
    assert is_refused(access, ATTACKS[attack])
    assert access.recall(ATTACKS[attack]) is None
    assert {call.path for call in server.requests} == {"/keys.json"}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_keys_that_are_not_for_this_are_left_out(
    open_access: Callable[..., Access], server: KeyServer
) -> None:
    server.keys = [
        jwk(WEAK_RSA, "weak"),
        jwk(RSA, "encrypting", use="enc"),
        jwk(RSA, "signing only", key_ops=["sign"]),
        jwk(RSA, "bound", alg="PS256"),
        {"kty": "oct", "k": encode(b"0" * 32), "kid": "secret"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": ["RSA"], "kid": "odd", "alg": ["RS256"]},
        "nothing",
        jwk(RSA, "twice"),
        jwk(OTHER_RSA, "twice"),
        jwk(RSA, "rsa"),
    ]
    access = open_access(server.place)
    assert is_refused(access, sign(GOOD, WEAK_RSA, kid="weak"))
    for kid in ("encrypting", "signing only", "bound", "broken", "odd", "twice"):
        assert is_refused(access, sign(GOOD, kid=kid)), kid
    assert is_refused(access, _hmac("HS256", b"0" * 32))
    access.identify(sign(GOOD, RSA, "PS256", "bound"))
    access.identify(sign(GOOD))


def test_a_token_without_kid_is_taken_where_one_key_fits(
    open_access: Callable[..., Access], server: KeyServer
) -> None:
    server.keys = [jwk(P256, None), jwk(RSA, None)]
    assert open_access(server.place).identify(sign(GOOD, kid=None)).workshops == {"101"}
    server.keys.append(jwk(OTHER_RSA, "other"))
    assert is_refused(open_access(server.place), sign(GOOD, kid=None))


def test_a_private_part_in_the_set_is_no_harm(open_access: Callable[..., Access], tmp_path: Path) -> None:
    told: Any = jwt.algorithms.RSAAlgorithm.to_jwk(RSA, as_dict=True)
    del told["key_ops"]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [told | {"kid": "rsa"}]}))
    access = open_access(str(path))
    assert access.identify(sign(GOOD)).actor == "token:user-7"


def test_a_token_seen_lately_is_remembered_but_not_beyond_its_end(access: Access, moved: Moved) -> None:
    token = sign(claims(exp=after(10)))
    caller = access.identify(token)
    assert access.recall(token) == caller
    moved.by = 11
    assert access.recall(token) is None
    assert is_refused(access, token)
    lasting = sign(claims())
    access.identify(lasting)
    moved.by += TOKEN_MEMORY.total_seconds() + 1
    assert access.recall(lasting) is None
    assert access.identify(lasting).workshops == {"101"}


def test_a_key_unknown_so_far_is_looked_for_but_at_most_once_a_minute(server: KeyServer) -> None:
    moved = Moved()
    keys = KeySet(server.place, ticks=moved.ticks)
    assert keys.find("rsa", "RS256") is not None
    server.keys = [jwk(OTHER_RSA, "new")]
    for _ in range(20):
        assert keys.find("new", "RS256") is None
    assert server.readings == 1
    moved.by = 61
    assert keys.find("new", "RS256") is not None
    assert keys.find("rsa", "RS256") is None, "a withdrawn key ends"
    assert server.readings == 2


def test_the_set_is_read_again_so_that_a_withdrawn_key_ends(server: KeyServer) -> None:
    moved = Moved()
    keys = KeySet(server.place, ticks=moved.ticks)
    assert keys.find("rsa", "RS256") is not None
    server.keys = [jwk(OTHER_RSA, "new")]
    moved.by = 299
    assert keys.find("rsa", "RS256") is not None
    moved.by = 301
    assert keys.find("rsa", "RS256") is None


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "value": {"keys": KEYS}},
        {"status": 302, "headers": {"Location": "/elsewhere"}, "value": {"keys": KEYS}},
        {"cut": True},
        {"value": {"keys": []}},
        {"value": {"keys": {}}},
        {"value": []},
        {"value": {"keys": [KEYS[0]], "padding": "x" * 1_100_000}},
        {"value": {"keys": [KEYS[0]] * 101}},
    ],
    ids=["500", "302", "cut", "no keys", "keys an object", "an array", "too large", "too many"],
)
def test_a_set_that_cannot_be_read_again_stays(
    server: KeyServer, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    moved = Moved()
    keys = KeySet(server.place, ticks=moved.ticks)
    server.misbehave("/keys.json", **fault)
    with pytest.raises(KeySetUnavailable, match="try again later"):
        keys.find("rsa", "RS256")
    with pytest.raises(KeySetUnavailable):
        keys.find("rsa", "RS256")
    assert server.readings == 1
    moved.by = 6
    assert keys.find("rsa", "RS256") is not None
    server.misbehave("/keys.json", times=9, **fault)
    moved.by = 400
    assert keys.find("rsa", "RS256") is not None
    assert "the one read before stays" in caplog.text
    assert server.url in caplog.text


def test_a_server_that_drips_is_given_up(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.access.key_sets._TIMEOUT", 0.5)
    server.misbehave("/keys.json", drip=1, value={"keys": KEYS})
    begun = time.monotonic()
    with pytest.raises(KeySetUnavailable):
        KeySet(server.place).find("rsa", "RS256")
    assert time.monotonic() - begun < 30


def test_a_file_of_keys_and_one_that_is_missing(
    open_access: Callable[..., Access], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": KEYS}))
    assert open_access(str(path)).identify(sign(GOOD)).workshops == {"101"}
    missing = open_access(str(tmp_path / "none.json"))
    with pytest.raises(KeySetUnavailable):
        missing.identify(sign(GOOD))
    assert "none.json" in caplog.text
    made = missing.keys.create(["101"])
    assert missing.identify(made.text).workshops == {"101"}, "keys need no key set"


def test_without_a_key_set_no_token_is_taken(database: Database) -> None:
    options = AccessOptions(None, 600, 16, timedelta(days=1))
    assert is_refused(Access(database, options, members=lambda _: frozenset()), sign(GOOD))


def test_nothing_logs_a_token(access: Access, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [sign(claims()), *ATTACKS.values()]
    for token in tokens:
        is_refused(access, token)
    signatures = {token.rpartition(".")[2] for token in tokens}
    assert [one for one in signatures if len(one) > 20 and one in caplog.text] == []

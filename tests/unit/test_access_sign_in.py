"""Signing in: wrong attempts are slowed down, each client's alone, and access tokens last an hour at most."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from exporters.access.access_tokens import LIFETIME, make_token, read_token
from exporters.access.errors import SignInPaused
from exporters.access.keys import ApiKey
from exporters.access.sign_in import Failures
from exporters.seal import Seal

NOW = datetime(2026, 3, 1, 2, 15, 4, 250_000, tzinfo=UTC)
SEAL = Seal("c2VhbHNlYWxzZWFsc2VhbHNlYWxzZWFsc2VhbHNlYWw=")
OTHER = Seal("b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=")


def key_until(expires_at: datetime | None) -> ApiKey:
    return ApiKey(
        key_id="0123456789abcdef",
        label="",
        scopes=frozenset({"reports"}),
        workshops=frozenset({"101"}),
        organisation=None,
        created_at=NOW,
        expires_at=expires_at,
        revoked_at=None,
        plan=None,
    )


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(failures: Failures, attempt: tuple[str, str], times: int = 1) -> int:
    """How many of the failing attempts were counted, not put off."""
    through = 0
    for _ in range(times):
        with suppress(SignInPaused):
            failures.count(attempt)
            through += 1
    return through


def test_ten_failures_are_counted_and_then_one_every_thirty_seconds() -> None:
    clock = Clock()
    failures = Failures(ticks=clock)
    attempt = ("192.0.2.1", "key")
    assert fail(failures, attempt, 50) == 10
    with pytest.raises(SignInPaused) as refused:
        failures.count(attempt)
    assert 1 <= refused.value.retry_after_seconds <= 30
    clock.now += refused.value.retry_after_seconds
    assert fail(failures, attempt, 50) == 1
    clock.now += 3600
    assert fail(failures, attempt, 50) == 10


def test_one_who_fails_keeps_nobody_else_waiting() -> None:
    failures = Failures(ticks=Clock())
    assert fail(failures, ("192.0.2.1", "key"), 50) == 10
    assert fail(failures, ("192.0.2.2", "key"), 50) == 10
    assert fail(failures, ("192.0.2.1", "other"), 50) == 10


def test_failures_take_no_more_memory_than_they_may() -> None:
    failures = Failures(ticks=Clock(), most=100)
    for number in range(1000):
        failures.count((str(number), "key"))
    assert len(failures) == 100
    assert fail(failures, ("999", "key"), 50) == 9


@pytest.mark.parametrize(
    ("ends", "lasts"),
    [
        (None, LIFETIME),
        (NOW + timedelta(days=1), LIFETIME),
        (NOW + timedelta(minutes=5), timedelta(minutes=5)),
    ],
)
def test_a_token_lasts_an_hour_or_to_the_end_of_its_key(ends: datetime | None, lasts: timedelta) -> None:
    token = make_token(SEAL, key_until(ends), NOW)
    assert timedelta() <= lasts - token.lasts < timedelta(seconds=1)
    found = read_token(SEAL, token.text, NOW)
    assert found == (token.key_id, NOW + token.lasts)
    assert read_token(SEAL, token.text, NOW + token.lasts) is None
    assert token.text not in repr(token)


def test_a_token_of_another_installation_is_none() -> None:
    token = make_token(SEAL, key_until(None), NOW)
    assert read_token(OTHER, token.text, NOW) is None


@pytest.mark.parametrize(
    "text", ["", "rt_", "rk_0123456789abcdef_" + "0" * 64, "rt_0123456789abcdef_1_" + "A" * 43]
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_token(SEAL, text, NOW) is None

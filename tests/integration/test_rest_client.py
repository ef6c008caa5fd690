"""Calling a faulty server: what is tried again and what is not, how long it waits, what it tells."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipelines.sources.rest_client import Pace, Patience, RestClient, RestError, StatusError
from tests.loopback_server import LoopbackServer, Recorded, Reply

QUICK = Patience(tries=3, first_wait=0.01, longest_wait=0.02, longest_retry_after=1, timeout=60)
IMPATIENT = replace(QUICK, timeout=0.5)


class Plain(LoopbackServer):
    """Answers every call with one object."""

    def answer(self, request: Recorded) -> Reply:
        return self.fault_of(request) or Reply(200, {"ok": True})


@pytest.fixture
def server() -> Iterator[Plain]:
    with Plain() as running:
        yield running


def call(server: Plain, patience: Patience = QUICK) -> object:
    client = RestClient(server.url, Pace(1000), patience)
    try:
        headers = {"Authorization": "Bearer sesame"}
        return client.call("GET", "/a", headers=headers, secrets=["sesame"]).value
    finally:
        client.close()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: Plain, status: int) -> None:
    server.misbehave("/a", status=status, times=2)
    assert call(server) == {"ok": True}
    assert [request.status for request in server.requests] == [status, status, 200]


def test_tries_are_bounded_and_told(server: Plain) -> None:
    server.misbehave("/a", status=500, times=99)
    with pytest.raises(StatusError, match=r"GET /a: answered 500: as told \(3 tries\)"):
        call(server)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_what_is_refused_is_called_once(server: Plain, status: int) -> None:
    server.misbehave("/a", status=status, times=99)
    with pytest.raises(StatusError) as refused:
        call(server)
    assert refused.value.status == status
    assert len(server.requests) == 1


def test_a_cut_body_is_tried_again(server: Plain) -> None:
    server.misbehave("/a", cut=True, value={"rows": list(range(1000))})
    assert call(server) == {"ok": True}
    server.misbehave("/a", cut=True, times=99)
    with pytest.raises(RestError, match=r"cut .*\(3 tries\)"):
        call(server)


def test_an_answer_that_is_late_or_drips_is_tried_again(server: Plain) -> None:
    server.misbehave("/a", delay=300)
    server.misbehave("/a", drip=5)
    begun = time.monotonic()
    assert call(server, replace(IMPATIENT, tries=50)) == {"ok": True}
    assert 0.9 < time.monotonic() - begun < 30
    assert len(server.calls("/a")) >= 2


def test_headers_that_drip_end_with_the_time_of_a_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(2) as pool:

        def drip() -> int:
            connection, _ = listening.accept()
            sent = 0
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while sent < 10_000:
                    connection.sendall(b"x")
                    sent += 1
                    time.sleep(0.05)
            return sent

        dripping = [pool.submit(drip) for _ in range(2)]
        patience = replace(IMPATIENT, tries=2)
        client = RestClient(f"http://127.0.0.1:{listening.getsockname()[1]}", Pace(1000), patience)
        begun = time.monotonic()
        with pytest.raises(RestError, match=r"timed out .*\(2 tries\)"):
            client.call("GET", "/a")
        assert time.monotonic() - begun < 30
        assert all(0 < one.result() < 10_000 for one in dripping)


def test_a_server_that_is_away_is_told_with_its_reason() -> None:
    client = RestClient("http://127.0.0.1:9", Pace(1000), QUICK)
    with pytest.raises(RestError, match="cannot connect"):
        client.call("GET", "/a")


def test_the_time_that_a_server_names_is_waited(server: Plain) -> None:
    patience = replace(QUICK, longest_retry_after=300)
    server.misbehave("/a", status=429, retry_after="1")
    call(server, patience)
    first, second = (request.at for request in server.requests)
    assert 0.9 <= second - first < 30
    named = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    server.misbehave("/a", status=429, retry_after=format_datetime(named, usegmt=True))
    call(server, patience)
    assert named <= datetime.now(UTC) < named + timedelta(seconds=30)


def test_a_time_too_far_off_is_cut(server: Plain) -> None:
    server.misbehave("/a", status=503, retry_after="86400")
    begun = time.monotonic()
    call(server)
    assert 0.9 <= time.monotonic() - begun < 60


def test_waits_are_random_below_a_doubling_bound() -> None:
    patience = Patience(first_wait=1, longest_wait=4)
    for tried, bound in ((1, 1), (2, 2), (3, 4), (9, 4)):
        waits = [patience.wait(tried, None) for _ in range(200)]
        assert 0 <= min(waits) < bound * 0.2
        assert bound * 0.8 < max(waits) <= bound


def test_calls_keep_their_pace(server: Plain) -> None:
    client = RestClient(server.url, Pace(20), QUICK)
    begun = time.monotonic()
    for number in range(5):
        client.call("GET", "/a")
        assert time.monotonic() - begun >= number * 0.049


def test_a_token_does_not_follow_a_redirect(server: Plain) -> None:
    with Plain() as elsewhere:
        server.misbehave("/a", status=302, headers={"Location": f"{elsewhere.url}/a"})
        with pytest.raises(StatusError, match="sends elsewhere"):
            call(server)
        assert elsewhere.requests == []


def test_a_secret_that_the_server_repeats_is_not_told(server: Plain) -> None:
    server.misbehave("/a", status=401, value={"error": "bad token sesame"})
    with pytest.raises(StatusError) as refused:
        call(server)
    assert "bad token ***" in str(refused.value)
    assert "sesame" not in repr(refused.value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"error": {"code": "X", "message": "inner"}}, "inner"),
        ({"error": "plain"}, "plain"),
        ({"type": "t", "title": "problem", "status": 400}, "problem"),
        (
            {"error": "Validation failed", "errors": {"page": ["must be a number"]}},
            "Validation failed (page)",
        ),
    ],
)
def test_errors_are_understood_in_each_shape(server: Plain, value: object, told: str) -> None:
    server.misbehave("/a", status=400, value=value)
    with pytest.raises(StatusError) as refused:
        call(server)
    assert str(refused.value) == f"GET /a: answered 400: {told}"

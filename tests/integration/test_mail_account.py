"""Tests of the mail server's account: what a server says of it is kept without the password."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporters.deliveries.mail import send
from exporters.deliveries.outcomes import Verdict
from tests.deliveries import delivery, delivery_options, stored

PASSWORD = "a-very-secret-word"


@contextmanager
def repeating(ways: str) -> Iterator[int]:
    """The port of a server that refuses every account, and repeats what it was told."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 ready\r\n")
            for line in lines:
                greeted = line.upper().startswith(b"EHLO")
                is_login = line.strip() == b"AUTH LOGIN " + base64.b64encode(b"reports")
                answer = f"250-me\r\n250 AUTH {ways}".encode() if greeted else b"535 bad: " + line.strip()
                connection.sendall((b"334 UGFzc3dvcmQ6" if is_login else answer) + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join(5)


@pytest.mark.parametrize("ways", ["PLAIN", "LOGIN"])
def test_a_server_that_repeats_the_password_as_it_was_sent_is_not_quoted_with_it(ways: str) -> None:
    with repeating(ways) as port:
        outcome = send(delivery(), stored(), delivery_options(port, user="reports", password=PASSWORD))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "535")
    assert "***" in outcome.message
    for form in (PASSWORD, f"\0reports\0{PASSWORD}"):
        assert base64.b64encode(form.encode()).decode() not in outcome.message


def test_a_password_that_cannot_be_sent_is_told_of_and_not_quoted() -> None:
    with repeating("PLAIN") as port:
        outcome = send(delivery(), stored(), delivery_options(port, user="reports", password="hemmelig-ø"))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "ACCOUNT")
    assert "ASCII" in outcome.message
    assert "hemmelig" not in outcome.message
    assert "ø" not in outcome.message

"""Outcomes: what became of one try to deliver."""

from dataclasses import dataclass
from enum import StrEnum

_LONGEST_MESSAGE = 500


class Verdict(StrEnum):
    """What a try says about the delivery."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """For good: no other try is made."""
    RETRY = "retry"


@dataclass(frozen=True)
class Outcome:
    """The end of one try."""

    verdict: Verdict
    code: str
    """The other side's number, such as `550`, or a word such as TIMEOUT."""
    message: str = ""
    """What the other side said; never a secret."""
    gone: bool = False
    """Whether the other side asks never to be called again."""


def delivered(code: str, message: str = "") -> Outcome:
    """The other side took it."""
    return Outcome(Verdict.DELIVERED, code, bounded(message))


def refused(code: str, message: str = "", *, gone: bool = False) -> Outcome:
    """The other side says no for good."""
    return Outcome(Verdict.REFUSED, code, bounded(message), gone)


def retry(code: str, message: str = "") -> Outcome:
    """Another try may do better."""
    return Outcome(Verdict.RETRY, code, bounded(message))


def bounded(message: str) -> str:
    """The message on one line, of 500 characters at most, printable."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in message).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"

"""Calling an HTTP API: paced, with retries where a retry can help, and without letting a secret out."""

import json
import random
import threading
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx
from pydantic_core import from_json

from pipelines.sources.rest_connections import Connections
from warehouse.errors import WarehouseError

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same call may succeed; 401 and 403 are never among them."""
_BROKEN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpx.DecodingError)
"""What an exchange that failed raises."""
_MESSAGE_LENGTH = 200


class RestError(WarehouseError):
    """An API did not answer as it must; the message tells no secret."""


class StatusError(RestError):
    """An API answered with an error."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Patience:
    """How often and how long a call is tried; times in seconds."""

    tries: int = 6
    first_wait: float = 0.5
    """Upper bound of the first random wait; it doubles with each try."""
    longest_wait: float = 30
    longest_retry_after: float = 300
    """What is waited at most when the API names a time to wait."""
    timeout: float = 20
    """Of one try, from the call to the last byte."""

    def wait(self, tried: int, retry_after: float | None) -> float:
        """How long to wait after that many tries: what the API named, or random up to a doubling bound."""
        if retry_after is not None:
            return min(retry_after, self.longest_retry_after)
        return random.uniform(0, min(self.longest_wait, self.first_wait * 2 ** (tried - 1)))  # noqa: S311


class Pace:
    """Lets calls begin at most so many times a second, whatever the number of threads."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def take_turn(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        if turn > now:
            time.sleep(turn - now)


@dataclass(frozen=True)
class Answer:
    """A successful answer: its JSON value, the UTF-8 text it was read from, and its headers."""

    value: Any
    text: bytes
    headers: httpx.Headers


@dataclass
class RestClient:
    """Calls one API; several threads may use it at once."""

    url: str
    pace: Pace
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._connections = Connections(self.url)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Call until there is an answer, as `patience` allows.

        `secrets` are kept out of messages should the API repeat them.

        Raises:
            StatusError: the API refused, or kept failing.
            RestError: it could not be reached or understood.
        """
        tried = 0
        while True:
            tried += 1
            self.pace.take_turn()
            retry_after = None
            try:
                response = self._connections.exchange(
                    method, path, parameters or {}, headers or {}, self.patience.timeout
                )
                if response.is_success:
                    return _parse(response)
                fault: RestError = _status_error(method, path, response, secrets)
                if response.status_code not in RETRIED:
                    raise fault
                retry_after = _retry_after(response.headers)
            except (*_BROKEN, _UnreadableError) as error:
                fault = RestError(f"{method} {path}: {_describe(error)}")
            if tried >= self.patience.tries:
                raise _after(fault, tried)
            time.sleep(self.patience.wait(tried, retry_after))


class _UnreadableError(Exception):
    """An answer of success whose body is not whole JSON: as if it had been cut."""


def _parse(response: httpx.Response) -> Answer:
    text = response.content.removeprefix(BOM_UTF8)
    try:
        return Answer(_value(text) if text else None, text, response.headers)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError("the answer is not JSON, or was cut") from error


def _value(text: bytes) -> Any:
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        return json.loads(text.decode())  # slower, but takes halves of surrogate pairs


def _describe(error: Exception) -> str:
    reason = str(error).partition("\n")[0][:_MESSAGE_LENGTH]
    name = type(error).__name__
    known: Mapping[type[Exception], Callable[[], str]] = {
        httpcore.TimeoutException: lambda: f"timed out ({reason or name})",
        httpcore.ConnectError: lambda: f"cannot connect ({reason or name})",
        httpcore.RemoteProtocolError: lambda: f"the answer was cut ({reason})",
        _UnreadableError: lambda: reason,
    }
    return next((tell() for kind, tell in known.items() if isinstance(error, kind)), reason or name)


def _after(fault: RestError, tried: int) -> RestError:
    message = f"{fault} ({tried} tries)"
    return StatusError(message, fault.status) if isinstance(fault, StatusError) else RestError(message)


def _status_error(method: str, path: str, response: httpx.Response, secrets: Iterable[str]) -> StatusError:
    status = response.status_code
    told = _told(response)
    for secret in sorted(secrets, key=len, reverse=True):
        told = told.replace(secret, "***")
    told = told[:_MESSAGE_LENGTH]  # after: of a secret that is cut the rest would stay
    if response.is_redirect:
        told = "it sends elsewhere, which is not followed; declare the final address as the url"
    return StatusError(f"{method} {path}: answered {status}{f': {told}' if told else ''}", status)


def _told(response: httpx.Response) -> str:
    """What an error answer says, in any of the shapes that the APIs use."""
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    error = value.get("error", value)
    if isinstance(error, dict):
        error = error.get("message") or error.get("title") or error.get("code") or ""
    fields = value.get("errors")
    names = f" ({', '.join(map(str, fields))})" if isinstance(fields, dict) and fields else ""
    return " ".join(f"{error}{names}".split())


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the header Retry-After names, as a number or a date; None: it does not."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

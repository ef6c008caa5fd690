"""Calls of webhooks: POSTs to addresses that were checked, bounded in time and in what is read of the answer.

Nothing resolves the name again, no redirect is followed, and proxies of the environment are not asked.
"""

import logging
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from exporters.deliveries.addresses import Address, Place

_MOST_BYTES = 4_096
"""Of an answer's body; the rest is not read."""
_MOST_TAKEN = 1_048_576
"""Bytes of a connection; interim answers, as 100 is, may come without end."""

# At its lowest level it logs the headers of answers.
logging.getLogger("httpcore").setLevel(logging.WARNING)


class CallFailed(Exception):  # noqa: N818  the condition reads better without "Error"
    """There was no answer. Its text quotes nothing of what was sent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """TIMEOUT, TLS_FAILED, CONNECTION_FAILED, CUT or NOT_HTTP."""
        self.message = message


@dataclass(frozen=True)
class Bounds:
    """How long a call may take, and whom it trusts."""

    connect: float = 5.0
    """Seconds for a connection to one address."""
    total: float = 30.0
    """Seconds for everything from the first connection to the end of the answer, however slowly it drips."""
    trust: ssl.SSLContext | None = None
    """None: the certificate authorities that come with the program."""


@dataclass(frozen=True)
class Answer:
    """What the receiver said."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """At most its first 4 KiB; less where the rest was cut or came too slowly."""


class Line:
    """A line to one place, at addresses that were checked. Its requests share time limit and connection."""

    def __init__(self, place: Place, addresses: Sequence[Address], bounds: Bounds) -> None:
        self._place = place
        self._deadline = _Deadline(time.monotonic() + bounds.total)
        self._pool = httpcore.ConnectionPool(
            ssl_context=bounds.trust or _public_trust(),
            max_connections=1,
            network_backend=_PinnedBackend(addresses, self._deadline, bounds.connect),
        )

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send the body and take the answer.

        Raises:
            CallFailed: there was none.
        """
        try:
            return self._post(headers, body)
        except httpcore.TimeoutException:
            raise CallFailed("TIMEOUT", "no answer in time") from None
        except httpcore.ConnectError as error:
            if isinstance(cause := next(iter(error.args), None), ssl.SSLError):
                raise CallFailed("TLS_FAILED", _tls_reason(cause)) from None
            raise CallFailed("CONNECTION_FAILED", "no connection could be made") from None
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            cut = isinstance(error, httpcore.NetworkError) or "without sending" in str(error)
            if cut:
                raise CallFailed("CUT", "the connection ended before the answer") from None
            raise CallFailed("NOT_HTTP", "the answer is not HTTP") from None
        except httpcore.ProtocolError:
            raise CallFailed("NOT_HTTP", "the exchange is not HTTP") from None

    def _post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        place = self._place
        url = httpcore.URL(
            scheme=place.scheme.encode(),
            host=place.host.encode(),
            port=place.port,
            target=place.target.encode(),
        )
        sent = [("Host", place.authority), *headers.items(), ("Content-Length", str(len(body)))]
        request = [(name.encode("ascii"), value.encode("ascii")) for name, value in sent]
        with self._pool.stream("POST", url, headers=request, content=body) as answer:
            said: dict[str, str] = {}
            for name, value in answer.headers:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                said[key] = f"{said[key]}, {text}" if key in said else text
            return Answer(answer.status, said, _read(answer))


def _read(answer: httpcore.Response) -> bytes:
    """What came of the body: the status is the receiver's word, which a failing body does not take back."""
    read = bytearray()
    try:
        for part in answer.iter_stream():
            read += part
            if len(read) >= _MOST_BYTES:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return bytes(read[:_MOST_BYTES])


def _tls_reason(error: ssl.SSLError) -> str:
    # Only a certificate that is refused has a message.
    reason = getattr(error, "verify_message", None) or error.reason
    return f"the connection could not be secured: {reason}"


@cache
def _public_trust() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True)
class _Deadline:
    at: float

    def left(self, most: float = float("inf")) -> float:
        left = min(self.at - time.monotonic(), most)
        if left <= 0:
            raise httpcore.ReadTimeout("no whole answer in time")
        return left


class _PinnedBackend(httpcore.SyncBackend):
    """Connects to the addresses that were checked, whatever the name."""

    def __init__(self, addresses: Sequence[Address], deadline: _Deadline, connect: float) -> None:
        self._addresses, self._deadline, self._connect = addresses, deadline, connect

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002  it is not to be resolved again
        port: int,
        timeout: float | None = None,  # noqa: ARG002  see _Deadline
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            left = self._deadline.left(self._connect)
            try:
                stream = super().connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _BoundedStream(stream, self._deadline)
        raise failed


class _BoundedStream(httpcore.NetworkStream):
    """A connection: each wait on it is bounded by what is left until the deadline, and what is read of it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline
        self._left = _MOST_TAKEN

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  see _Deadline
        taken = self._stream.read(max_bytes, self._deadline.left())
        self._left -= len(taken)
        if self._left < 0:
            raise httpcore.RemoteProtocolError("the answer does not end")
        return taken

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  see _Deadline
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  see _Deadline
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _BoundedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

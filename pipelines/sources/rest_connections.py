"""Connections to one API, on which no exchange outlives its deadline, however slowly its bytes drip."""

import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpcore
import httpx

_HEADERS = [
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip, deflate"),
    ("User-Agent", "workshop-reports"),
]
_KEPT_ALIVE = 64


class _Deadline(threading.local):
    """When the exchange of the calling thread has to be over, in monotonic seconds."""

    at = float("inf")

    def left(self) -> float:
        """Seconds until then.

        Raises:
            httpcore.ReadTimeout: there are none.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("no whole answer in time")
        return left


class _BoundedStream(httpcore.NetworkStream):
    """A connection: each wait on it is bounded by what is left until the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see _Deadline
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see _Deadline
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see _Deadline
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _BoundedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _BoundedBackend(httpcore.SyncBackend):
    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - see _Deadline
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, port, self._deadline.left(), local_address, socket_options)
        return _BoundedStream(stream, self._deadline)


class Connections:
    """Connections to one API; several threads may use them at once.

    They keep no cookies, follow no redirect and take nothing from the environment: a cookie set for one
    workshop does not go out with another's call, and no token goes where it was not sent.
    """

    def __init__(self, url: str) -> None:
        self._deadline = _Deadline()
        self._url = httpx.URL(url)
        self._root = self._url.raw_path.rstrip(b"/")
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=_KEPT_ALIVE,
            network_backend=_BoundedBackend(self._deadline),
        )

    def close(self) -> None:
        """Close them."""
        self._pool.close()

    def exchange(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: float,
    ) -> httpx.Response:
        """The whole answer of one call, within that many seconds.

        Raises:
            httpcore.TimeoutException: it took longer.
            httpcore.NetworkError: the server could not be reached, or went away.
            httpcore.ProtocolError: the answer was cut, or is not HTTP.
            httpx.DecodingError: the body is not compressed as it says.
        """
        query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
        url = httpcore.URL(
            scheme=self._url.raw_scheme,
            host=self._url.raw_host,
            port=self._url.port,
            target=self._root + f"{path}{query}".encode("ascii"),
        )
        self._deadline.at = time.monotonic() + timeout
        answer = self._pool.request(
            method, url, headers=[*_HEADERS, *headers.items()], content=b"" if method == "POST" else None
        )
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)

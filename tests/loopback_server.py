"""A small HTTP server on loopback for tests: it records calls, and misbehaves when told to."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass
class Recorded:
    """One call that the server saw."""

    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    at: float
    """Monotonic seconds."""
    workshop: str | None = None
    """Whose token came with it."""
    status: int = 0
    """What was answered."""

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def bearer(self) -> str:
        """The token, or nothing."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @property
    def cookie(self) -> str:
        """The cookies, or nothing."""
        return self.headers.get("Cookie", "")


@dataclass
class Reply:
    """What is answered."""

    status: int
    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Break off in the middle of the body."""
    delay: float = 0
    """Seconds until it is sent."""
    drip: float = 0
    """Seconds between the bytes of the body."""
    body: bytes | None = None
    """The body as it is sent, in place of the value."""

    def encode(self) -> bytes:
        """The body; it is made once."""
        if self.body is None:
            self.body = json.dumps(self.value, ensure_ascii=False).encode()
        return self.body


@dataclass
class Fault:
    """How calls are answered instead of with their rows."""

    path: str
    reply: Reply
    times: float
    workshop: str | None
    after: int


class LoopbackServer:
    """The server; a subclass says what is answered."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None

    def answer(self, request: Recorded) -> Reply:
        """What a call is answered."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._http is not None, "the server is not started"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> Self:
        """Begin to listen on a free port."""
        server: LoopbackServer = self

        class Handler(_Handler):
            loopback = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Listen no more."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def misbehave(
        self,
        path: str,
        *,
        status: int = 200,
        times: float = 1,
        workshop: str | None = None,
        after: int = 0,
        retry_after: str | None = None,
        cut: bool = False,
        delay: float = 0,
        drip: float = 0,
        value: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer calls of a path so, that many times, once `after` calls of it were answered well.

        `workshop`: only those with its token. A fault that only delays answers with the rows after it.
        """
        sent = dict(headers or {}) | ({"Retry-After": retry_after} if retry_after else {})
        told = value if value is not None else {"error": {"code": "FAULT", "message": "as told"}}
        reply = Reply(status, told, sent, cut=cut, delay=delay, drip=drip)
        with self._lock:
            self._faults.append(Fault(path, reply, times, workshop, after))

    def behave(self) -> None:
        """Misbehave no more."""
        with self._lock:
            self._faults.clear()

    def fault_of(self, request: Recorded) -> Reply | None:
        """The fault that is due for a call, if any; one that only delays is waited for here."""
        with self._lock:
            for fault in self._faults:
                if fault.path != request.path or fault.workshop not in {None, request.workshop}:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times <= 0:
                    continue
                fault.times -= 1
                break
            else:
                return None
        if fault.reply.delay:
            time.sleep(fault.reply.delay)
        only_delays = fault.reply.status == 200 and not fault.reply.cut and not fault.reply.drip
        return None if only_delays and fault.reply.delay else fault.reply

    def calls(self, path: str, *, method: str = "GET", workshop: str | None = None) -> list[Recorded]:
        """The calls of a path that were answered, in order."""
        return [
            one
            for one in self.requests
            if one.path == path and one.method == method and workshop in {None, one.workshop}
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    loopback: "LoopbackServer"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def _answer(self) -> None:
        request = Recorded(self.command, self.path, dict(self.headers), time.monotonic())
        reply = self.loopback.answer(request)
        request.status = reply.status
        self.loopback.requests.append(request)
        body = reply.encode()
        lines = [
            f"HTTP/1.1 {reply.status} -",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        try:
            if reply.drip:
                self.wfile.write(head)
                self._drip(body, reply.drip)
            else:
                self.wfile.write(head + (body[: len(body) // 2] if reply.cut else body))
        except OSError:
            self.close_connection = True
        if reply.cut:
            self.close_connection = True

    def _drip(self, sent: bytes, pause: float) -> None:
        for number in range(len(sent)):
            self.wfile.write(sent[number : number + 1])
            time.sleep(pause)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

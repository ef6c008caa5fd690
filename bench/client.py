"""A client of the API, a process of its own: one connection that is kept, one request at a time.

`python -m bench.client <port> <start> <seconds>` reads its work as JSON, a list of items, and goes through it
again and again from the instant `start` on. It prints what became of each item as JSON. It is of the standard
library and raw sockets alone, so that it takes little of the machine from the server.
"""

import hashlib
import json
import re
import socket
import sys
import time
from collections.abc import Mapping
from itertools import cycle
from typing import Any

POLL_SECONDS = 0.05
"""Between two looks at an export."""
_EXPORTS = "/api/ws/v2/reports/exports"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_UNDER_WAY = {"pending", "processing"}


class Connection:
    """A connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a request.

        Raises:
            ConnectionError: the server closed the connection.
        """
        self._socket.sendall(request)
        received = self._receive()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        length = _LENGTH.search(received, 0, end)
        missing = end + 4 + (int(length[1]) if length else 0) - len(received)
        while missing > 0:
            part = self._receive()
            received += part
            missing -= len(part)
        return int(received[9:12]), received[end + 4 :]

    def _receive(self) -> bytes:
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def write_request(method: str, path: str, key: str, workshop_id: str, body: str = "") -> bytes:
    """A request as it goes over the wire."""
    content = body.encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        f"X-Workshop-Id: {workshop_id}",
        *(["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []),
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + content


def read_figures(connection: Connection, item: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for figures: `key`, `workshop` and `path`."""
    request = write_request("GET", item["path"], item["key"], item["workshop"])
    begun = time.perf_counter()
    status, _ = connection.ask(request)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "status": status}


def make_export(connection: Connection, item: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for an export and look at it until it has ended: `key`, `workshop` and `body`.

    With `download` its file is fetched, after the time was taken, and compared with its digest.
    """
    key, workshop = item["key"], item["workshop"]
    asking = write_request("POST", _EXPORTS, key, workshop, json.dumps(item["body"]))
    begun = time.perf_counter()
    code, answer = connection.ask(asking)
    if code != 202:
        return {"seconds": time.perf_counter() - begun, "status": f"refused with {code}", "job_id": ""}
    job_id = json.loads(answer)["data"]["job_id"]
    looking = write_request("GET", f"{_EXPORTS}/{job_id}", key, workshop)
    status = "pending"
    while status in _UNDER_WAY:
        time.sleep(POLL_SECONDS)
        code, answer = connection.ask(looking)
        job = json.loads(answer)["data"] if code == 200 else {"status": f"lost with {code}"}
        status = job["status"]
    seconds = time.perf_counter() - begun
    if item.get("download") and status == "completed":
        code, content = connection.ask(write_request("GET", job["download_url"], key, workshop))
        if code != 200 or hashlib.sha256(content).hexdigest() != job["sha256"]:
            status = f"damaged: {code}, {len(content)} bytes"
    return {"seconds": seconds, "status": status, "job_id": job_id}


def main(port: int, start: float, seconds: float) -> None:
    """Do the work that standard input tells, and print what became of it."""
    work = json.load(sys.stdin)
    do = make_export if "body" in work[0] else read_figures
    connection = Connection(port)
    connection.ask(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    time.sleep(max(0.0, start - time.time()))
    done = []
    for item in cycle(work):
        if time.time() - start >= seconds:
            break
        done.append(do(connection, item))
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))

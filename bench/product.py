"""The product as its users run it, on a folder of the benchmarks: API, worker, API keys, their memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from exporters.access.callers import REPORTS_SCOPE
from exporters.access.keys import KeyStore
from exporters.database import open_database

ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 60
_ANY_RATE = 1_000_000
"""Requests of a key in a minute: the clients have few keys."""


@dataclass(frozen=True)
class Product:
    """A folder with a published warehouse, job records and a store."""

    folder: Path

    @property
    def jobs_url(self) -> str:
        """The database of the records."""
        return f"sqlite:///{self.folder / 'jobs.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the product's processes: the usual settings, but for places and the rate limit."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("REPORTS_", "DAGSTER_"))
        }
        return kept | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "REPORTS_DATA_FOLDER": str(self.folder),
            "REPORTS_SOURCES": "platform",
            "REPORTS_SOURCE_CONFIG": str(Path(__file__).with_name("sources.toml")),
            "REPORTS_RATE_PER_MINUTE": str(_ANY_RATE),
        }

    def new_key(self, workshops: Iterable[str], scopes: Iterable[str] = (REPORTS_SCOPE,)) -> str:
        """The text of a new API key."""
        with closing(open_database(self.jobs_url)) as database:
            return KeyStore(database).create(workshops, label="benchmark", scopes=scopes).text

    @contextmanager
    def serving(self, program: str = "api.cli") -> Iterator["Process"]:
        """The API, `reports serve` or another program of such a command, while the block lasts."""
        port = _free_port()
        command = [program, "serve", "--port", str(port)]
        with self._running(command, "server.log") as process:
            _wait_until_ready(port, process)
            yield Process(process, port)

    @contextmanager
    def working(self, slots: int) -> Iterator["Process"]:
        """`reports worker` with so many slots while the block lasts."""
        with self._running(["api.cli", "worker", "--slots", str(slots)], "worker.log") as process:
            yield Process(process, 0)

    @contextmanager
    def _running(self, command: Sequence[str], log: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *command],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Process:
    """A running part of the product."""

    popen: subprocess.Popen[bytes]
    port: int

    @property
    def memory(self) -> int:
        """Bytes that it and its children hold, shared ones counted once."""
        return sum(_own_memory(number) for number in _family(self.popen.pid))


def _family(process_id: int) -> list[int]:
    children: list[str] = []
    for file in Path(f"/proc/{process_id}/task").glob("*/children"):
        with suppress(OSError):
            children += file.read_text(encoding="ascii").split()
    return [process_id, *(number for child in children for number in _family(int(child)))]


def _own_memory(process_id: int) -> int:
    try:
        lines = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server on port {port} did not start: its log is in the benchmarks' folder")

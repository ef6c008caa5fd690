"""The API for tests: served in a process of its own on loopback, with keys and a worker on its records."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from exporters.access.audit import AuditLog, AuditRow
from exporters.access.key_texts import key_id_of
from exporters.access.keys import KeyStore
from exporters.database import open_database
from exporters.exports import Exports, open_exports
from exporters.jobs import Job, JobStore, open_jobs
from settings import Settings
from tests.built import ROOT, night_environment

EXPORTS = "/api/ws/v2/reports/exports"
_READY_SECONDS = 120


@dataclass
class ApiServer:
    """A running API and what lies behind it."""

    url: str
    folder: Path
    """Where its records and its store are."""
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path

    def settings(self) -> Settings:
        """The settings that the server runs with."""
        given: dict[str, Any] = {
            name.removeprefix("REPORTS_").lower(): value
            for name, value in self.environment.items()
            if name.startswith("REPORTS_")
        }
        return Settings(**given)

    def new_key(self, *workshops: str, **options: Any) -> str:
        """The text of a new API key."""
        with self._keys() as keys:
            return keys.create(workshops, label="test", **options).text

    def revoke(self, key: str) -> None:
        """End a key."""
        with self._keys() as keys:
            keys.revoke(key_id_of(key) or "")

    def audit(self, workshop_id: str) -> list[AuditRow]:
        """What is on record of a workshop, newest first, when reads are commonly written, too."""
        time.sleep(1.5)
        return self._audit(workshop_id)

    def events(self, workshop_id: str) -> list[AuditRow]:
        """What was done to a workshop, newest first: it is on record before it is answered."""
        return [row for row in self._audit(workshop_id) if row.action != "read"]

    def reads(self, *what: str, workshop_id: str | None = None) -> list[AuditRow]:
        """All reads on record, or those of one workshop, newest first, once each of `what` is among them."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            found = [row for row in self._audit(workshop_id) if row.action == "read"]
            if {*what} <= {row.what for row in found}:
                return found
            time.sleep(0.1)
        raise AssertionError(f"not all of {what} are on record as read: {found}")

    def _audit(self, workshop_id: str | None) -> list[AuditRow]:
        database = open_database(self.settings().jobs_database)
        try:
            return list(AuditLog(database).list(workshop_id=workshop_id, limit=1000))
        finally:
            database.close()

    def client(self, *workshops: str, key: str | None = None, **options: Any) -> httpx.Client:
        """A client with a key of these workshops."""
        credential = key or self.new_key(*workshops)
        headers = {"Authorization": f"Bearer {credential}", **options.pop("headers", {})}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, **options)

    @contextmanager
    def exports(self) -> Iterator[Exports]:
        """The exports behind the API, to run jobs as a worker does."""
        with open_exports(self.settings().exports) as exports:
            yield exports

    def records(self) -> closing[JobStore]:
        """The job records."""
        return closing(open_jobs(self.settings().jobs_database))

    def run(self, job_id: str) -> Job:
        """Run a job to its end."""
        with self.exports() as exports:
            exports.run(job_id)
            return exports.jobs.get(job_id)

    @contextmanager
    def _keys(self) -> Iterator[KeyStore]:
        database = open_database(self.settings().jobs_database)
        try:
            yield KeyStore(database)
        finally:
            database.close()


@contextmanager
def run_api(data: Path, folder: Path, *arguments: str, **settings: str) -> Iterator[ApiServer]:
    """Serve the API on the warehouse of the data folder `data`, with records and a store in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"JOBS_URL": f"sqlite:///{folder / 'jobs.db'}", "STORE_URL": f"file://{folder / 'store'}"}
    environment = night_environment(data, places | settings)
    port = _free_port()
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, log)
        yield ApiServer(url, folder, environment, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask_export(client: httpx.Client, **body: Any) -> Any:
    """The payload of a request for an export that is accepted."""
    answer = client.post(EXPORTS, json={"type": "ratings", "format": "csv", **body})
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]


def wait_for(client: httpx.Client, job_id: str, timeout: timedelta = timedelta(seconds=120)) -> Any:
    """The payload of a job once it has ended."""
    deadline = time.monotonic() + timeout.total_seconds()
    while time.monotonic() < deadline:
        shown = client.get(f"{EXPORTS}/{job_id}").json()["data"]
        if shown["status"] not in {"pending", "processing"}:
            return shown
        time.sleep(0.05)
    raise AssertionError(f"job {job_id} has not ended: {shown}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{url}/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the API did not start: {log.read_text()}")

"""A process that makes exports, or publishes what they read, and stops where a test tells it to.

Run as a program, this file carries out one task and prints how far it is.
"""

import gc
import json
import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from exporters.catalogue import load_catalogue
from exporters.exports import Exports, open_exports
from exporters.jobs import Job
from pipelines.project import load_project
from settings import load_settings
from tests.built import night_environment
from tests.exported import export, options_for
from tests.forked import fork
from tests.worker_processes import PATIENCE
from warehouse.publishing import publish

LEASE = timedelta(minutes=10)
"""No worker loses a job because the machine is slow; a test ends a lease with `end_lease`."""
LARGE = """/*
title = "Large"
description = "Each booking many times: some eight batches."
formats = ["csv", "xlsx", "pdf"]
arguments = {}

[columns]
booking_id = { title = "Booking", kind = "text", description = "Identifies the booking." }
copy = { title = "Copy", kind = "integer", description = "Counts its copies." }
service_title = { title = "Service", kind = "text", description = "Title of the booked service." }
*/
select b.workshop_id, b.booking_id, r.range as copy, b.service_title
from bookings as b cross join range(36) as r
where b.workshop_id = $workshop_id
order by b.booking_id, r.range
"""


@contextmanager
def open_large(folder: Path, data: Path, **changes: Any) -> Iterator[Exports]:
    """Exports with the further report type `large`."""
    reports = folder / "sql" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "large.sql").write_text(LARGE, encoding="utf-8")
    with open_exports(options_for(folder, data, **{"lease": LEASE, **changes})) as exports:
        exports.catalogue.update(load_catalogue(folder / "sql"))
        yield exports


def end_lease(folder: Path, job_id: str) -> None:
    """End the lease of a job, as if its worker had not been heard of for as long as that lasts.

    Raises:
        sqlite3.OperationalError: somebody is writing for half a second.
    """
    past = "2000-01-01 00:00:00.000000"
    with closing(sqlite3.connect(folder / "jobs.db", timeout=0.5)) as records, records:
        records.execute("UPDATE jobs SET lease_until = ? WHERE job_id = ?", (past, job_id))


def root_of(exports: Exports) -> Path:
    """The folder of a local store."""
    return Path(exports.store.url_of("x").removeprefix("file://")).parent


class ExportingProcess:
    """A process that carries out one task and says how far it is."""

    def __init__(self, task: str, folder: Path, data: Path, **order: Any) -> None:
        self._folder = folder
        self._heard, told = Pipe()
        self._process = fork(_begin, told, task, folder, data, order)
        told.close()

    def wait_for(self, moment: str) -> None:
        """Return when the process is at `moment`."""
        said = []
        while (line := self.hear()) is not None:
            said.append(line)
            if line == moment:
                return
        pytest.fail(f"the process never came to {moment!r}; it said {said}")

    def go_on(self) -> None:
        """Let the process leave the moment at which it stopped."""
        self._heard.send("")

    def tells(self) -> bool:
        """Whether it has said something that was not heard yet."""
        return self._heard.poll()

    def hear(self) -> str | None:
        """The next line; None: the process has ended."""
        assert self._heard.poll(PATIENCE), "the process says nothing"
        try:
            return str(self._heard.recv())
        except EOFError:
            return None

    def finish(self) -> list[str]:
        """The further lines of the process, which must end well."""
        said = []
        while (line := self.hear()) is not None:
            said.append(line)
        self._process.join(PATIENCE)
        assert self._process.exitcode == 0
        return said

    def stall(self, job_id: str) -> None:
        """Let it stand still, until its lease of a job has ended."""
        while True:
            self._signal(signal.SIGSTOP)
            try:
                end_lease(self._folder, job_id)
            except sqlite3.OperationalError:  # it stands still while it writes
                self._signal(signal.SIGCONT)
                time.sleep(0.01)
            else:
                return

    def wake(self) -> None:
        """End the stall."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self._process.kill()
        self._process.join()
        self._heard.close()

    def _signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


class _Stage:
    """Where a task says how far it is, and waits to be told to go on."""

    def __init__(self, say: Callable[[str], object], wait: Callable[[], object]) -> None:
        self.say = say
        self.wait = wait


def _run(
    stage: _Stage,
    exports: Exports,
    *,
    job_id: str,
    stop_at: list[str] | None = None,
    pause: float = 0,
    following: str | None = None,
) -> None:
    gc.disable()  # what an ended run leaves open must not depend on when garbage is collected
    complete, batches = exports.jobs.complete, iter(range(1, 1_000))

    def reach(moment: str) -> None:
        stage.say(moment)
        if moment in (stop_at or []):
            stage.wait()

    def progress(rows: int, expected: int) -> None:
        reach(f"batch {next(batches)}")
        time.sleep(pause)

    def complete_when_told(*arguments: Any, **values: Any) -> Job:
        reach("stored")
        return complete(*arguments, **values)

    exports.jobs.complete = complete_when_told  # type: ignore[method-assign]
    reach("ready")
    job = exports.run(job_id, progress)
    stage.say(f"ended {job and job.status}")
    if following:
        job = exports.run(following)
        stage.say(f"ended {job and job.status}")


def _fill(stage: _Stage, exports: Exports, file_limit: int | None = None, ballast: int = 0) -> None:
    root, (_, hard) = root_of(exports), resource.getrlimit(resource.RLIMIT_FSIZE)
    weight = root.parent / "store" / "ballast"
    if ballast:
        weight.write_bytes(bytes(ballast))
    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, hard))
    for _ in range(2):
        job = export(exports, "101", "large")
        weight.unlink(missing_ok=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        files = [path.name for path in root.rglob("*") if path.is_file()]
        told = {"status": job.status, "code": job.error_code, "message": job.error_message, "files": files}
        stage.say(json.dumps(told))


def _expire(stage: _Stage, exports: Exports) -> None:
    stage.say("ready")
    stage.wait()
    stage.say(str(exports.expire().jobs))


def _publish(stage: _Stage, generations: int, grace_seconds: float) -> None:
    """Each generation is told, and waits until the one before was heard."""
    project = load_project(load_settings())
    grace = timedelta(seconds=grace_seconds)
    for number in range(1, generations + 1):
        with project.open_build() as build:
            build.connection.execute("update bookings set registration_number = $1", [f"MARK {number}"])
            build.connection.execute(
                "delete from bookings where booking_id ="
                " (select max(booking_id) from bookings where workshop_id = '112')"
            )
            stage.say(publish(build, project.warehouse_folder, keep=1, grace=grace).generation)
            stage.wait()


def _work(stage: _Stage, task: str, folder: Path, data: Path, order: dict[str, Any]) -> None:
    if task == "publish":
        _publish(stage, **order)
        return
    with open_large(folder, data) as exports:
        tasks: dict[str, Callable[..., None]] = {"run": _run, "fill": _fill, "expire": _expire}
        tasks[task](stage, exports, **order)


def _begin(told: Connection, task: str, folder: Path, data: Path, order: dict[str, Any]) -> None:
    environment = night_environment(data, {})
    os.environ.clear()  # of the test for which the first of these processes began
    os.environ.update(environment)
    _work(_Stage(told.send, told.recv), task, folder, data, order)


if __name__ == "__main__":
    _work(
        _Stage(lambda text: print(text, flush=True), sys.stdin.readline),
        sys.argv[1],
        Path(sys.argv[2]),
        Path(sys.argv[3]),
        json.loads(sys.argv[4]),
    )

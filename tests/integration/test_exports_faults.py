"""Exports when things go wrong: killed and stalled workers, cancelling, full disks, many processes at once.

Run as a program, this file is a worker process that stops where the tests tell it to.
"""

import gc
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporters.catalogue import load_catalogue
from exporters.expiry import Expired
from exporters.exports import Exports, open_exports
from exporters.jobs import LEASE_LOST, EventName, Job, Status
from exporters.storage import S3Options
from tests.built import ROOT, night_environment
from tests.exported import (
    check_failed,
    events_of,
    export,
    manifest_of,
    options_for,
    read,
    rows_of,
    stored_keys,
)
from warehouse.generations import current_generation

CREATED, CLAIMED, RECLAIMED, RETRIED, RETURNED, COMPLETED, FAILED, CANCELLED, EXPIRED = EventName
LEASE = timedelta(seconds=1)
PATIENCE = 40
"""Seconds after which a worker process is ended, whatever it does."""
LARGE = """/*
title = "Large"
description = "Each booking many times: some twenty batches."
formats = ["csv", "xlsx", "pdf"]
arguments = {}

[columns]
booking_id = { title = "Booking", kind = "text", description = "Identifies the booking." }
copy = { title = "Copy", kind = "integer", description = "Counts its copies." }
service_title = { title = "Service", kind = "text", description = "Title of the booked service." }
*/
select b.workshop_id, b.booking_id, r.range as copy, b.service_title
from bookings as b cross join range(160) as r
where b.workshop_id = $workshop_id
order by b.booking_id, r.range
"""


@contextmanager
def open_large(folder: Path, data: Path, **changes: Any) -> Iterator[Exports]:
    """Exports with a short lease and the further report type `large`, of twenty batches for workshop 101."""
    reports = folder / "sql" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "large.sql").write_text(LARGE, encoding="utf-8")
    with open_exports(options_for(folder, data, **{"lease": LEASE, **changes})) as exports:
        exports.catalogue.update(load_catalogue(folder / "sql"))
        yield exports


class Worker:
    """A process that carries out one task and says how far it is."""

    def __init__(self, task: str, folder: Path, data: Path, *before: str, **order: Any) -> None:
        program = [sys.executable, "-m", "tests.integration.test_exports_faults"]
        self.process = subprocess.Popen(
            [*before, *program, task, str(folder), str(data), json.dumps(order)],
            cwd=ROOT,
            env=night_environment(data, {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._limit = threading.Timer(PATIENCE, self.process.kill)
        self._limit.start()

    def wait_for(self, moment: str) -> None:
        """Returns when the worker is at `moment`."""
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line.strip())
            if said[-1] == moment:
                return
        pytest.fail(f"the worker never came to {moment!r}; it said {said}")

    def go_on(self) -> None:
        """Let the worker leave the moment at which it stopped."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> list[str]:
        """The further lines of the worker, which must end well."""
        out, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        return out.splitlines()

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self._limit.cancel()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start(tmp_path: Path, sample_data: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a worker on the test's own store and records."""
    workers: list[Worker] = []

    def begin(task: str, *before: str, data: Path = sample_data, **order: Any) -> Worker:
        workers.append(Worker(task, tmp_path, data, *before, **order))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()


def pieces(exports: Exports) -> list[Path]:
    """Unfinished files in a local store."""
    return [path for path in root_of(exports).rglob("*") if path.name.startswith(".part-")]


def root_of(exports: Exports) -> Path:
    return Path(exports.store.url_of("x").removeprefix("file://")).parent


def run_when_free(exports: Exports, job_id: str) -> Job | None:
    """Runs the job as soon as its lease has ended; until then no file must be shown under it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        before = exports.jobs.get(job_id)
        job = exports.run(job_id)
        if job is not None or before.status not in {Status.PENDING, Status.PROCESSING}:
            return job
        assert before.file_key is None
        time.sleep(0.05)
    pytest.fail(f"nobody could take the job: {exports.jobs.get(job_id)}")


def check_whole(exports: Exports, job: Job) -> None:
    """The job is completed once, with the very file that an undisturbed run makes."""
    assert job.status is Status.COMPLETED, job
    assert events_of(exports, job).count(COMPLETED) == 1
    assert len(read(exports, job.file_key)) == job.size_bytes
    manifest = manifest_of(exports, job)
    assert (manifest["sha256"], manifest["attempt"]) == (job.sha256, job.attempt)
    undisturbed = export(exports, job.workshop_id, job.report_type, job.format)
    assert (undisturbed.sha256, undisturbed.attempt) == (job.sha256, 1)
    for key in (undisturbed.file_key, undisturbed.manifest_key):
        exports.store.delete(str(key))


def check_swept(exports: Exports, job: Job) -> None:
    """Expiry removes what other tries left, and nothing of the job's own."""
    for path in pieces(exports):
        os.utime(path, (0, 0))  # written to long ago
    exports.expire()
    assert pieces(exports) == []
    assert stored_keys(exports) == [job.file_key, job.manifest_key]
    assert exports.expire() == Expired(jobs=0, leftovers=0)


@pytest.mark.parametrize("moment", ["batch 1", "batch 12", "stored"])
def test_a_killed_worker_is_followed_by_another(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], moment: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=moment)
        worker.wait_for(moment)
        worker.kill()
        left = stored_keys(exports)
        assert (len(left), len(pieces(exports))) == ((2, 0) if moment == "stored" else (0, 1))
        job = run_when_free(exports, asked.job_id)
        assert job is not None
        assert events_of(exports, job) == [CREATED, CLAIMED, RECLAIMED, COMPLETED]
        assert job.attempt == 2
        assert job.file_key not in left
        check_whole(exports, job)
        check_swept(exports, job)


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_killed_at_any_moment_does_no_harm(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], seed: int
) -> None:
    delay = random.Random(seed).uniform(0, 1.2)
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, pause=0.03)
        worker.wait_for("ready")
        time.sleep(delay)
        worker.kill()
        job = run_when_free(exports, asked.job_id) or exports.jobs.get(asked.job_id)
        assert events_of(exports, job) in (
            [CREATED, CLAIMED, RECLAIMED, COMPLETED],
            [CREATED, CLAIMED, COMPLETED],  # killed before it had the job, or after it had ended it
        )
        check_whole(exports, job)
        check_swept(exports, job)


@pytest.mark.parametrize("found_by", ["the next worker", "expiry"])
def test_a_job_whose_workers_all_die_has_failed(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], found_by: str
) -> None:
    with open_large(tmp_path, sample_data, max_attempts=1) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at="stored")
        worker.wait_for("stored")
        assert exports.expire() == Expired(jobs=0, leftovers=0)
        worker.kill()
        time.sleep(LEASE.total_seconds() + 0.1)
        if found_by == "the next worker":
            assert exports.run() is None
        assert exports.expire() == Expired(jobs=0, leftovers=2)
        job = exports.jobs.get(asked.job_id)
        assert (job.status, job.error_code) == (Status.FAILED, LEASE_LOST)
        assert job.error_message == "the worker stopped reporting in try 1, the last"
        assert events_of(exports, job) == [CREATED, CLAIMED, FAILED]
        assert stored_keys(exports) == []


@pytest.mark.parametrize("moment", ["batch 5", "stored"])
def test_a_stalled_worker_completes_nothing(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], moment: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=moment)
        worker.wait_for(moment)
        worker.process.send_signal(signal.SIGSTOP)
        job = run_when_free(exports, asked.job_id)
        assert job is not None
        worker.process.send_signal(signal.SIGCONT)
        worker.go_on()
        assert worker.finish()[-1] == "ended completed"
        assert exports.jobs.get(asked.job_id) == job
        assert stored_keys(exports) == [job.file_key, job.manifest_key]
        assert pieces(exports) == []
        assert events_of(exports, job) == [CREATED, CLAIMED, RECLAIMED, COMPLETED]
        check_whole(exports, job)


@pytest.mark.parametrize("moment", ["batch 8", "stored"])
def test_expiry_spares_a_running_worker(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], moment: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=moment)
        worker.wait_for(moment)
        assert exports.expire() == Expired(jobs=0, leftovers=0)
        worker.go_on()
        assert worker.finish()[-1] == "ended completed"
        check_whole(exports, exports.jobs.get(asked.job_id))


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_cancelling_is_seen_within_a_second(tmp_path: Path, sample_data: Path, format_: str) -> None:
    with open_large(tmp_path, sample_data, lease=timedelta(seconds=30)) as exports:
        asked = exports.request("101", "large", format_, {})
        begun = threading.Event()

        def work_slowly(rows: int, expected: int) -> None:
            if rows >= expected / 3:
                begun.set()
            time.sleep(0.2)

        worker = threading.Thread(target=exports.run, args=(asked.job_id, work_slowly))
        worker.start()
        assert begun.wait(20)
        exports.jobs.cancel(asked.job_id)
        cancelled_at = time.monotonic()
        worker.join(PATIENCE)
        assert time.monotonic() - cancelled_at < 1.5  # a second to see it, the rest to end
        job = exports.jobs.get(asked.job_id)
        assert (job.status, job.file_key, job.lease_until) == (Status.CANCELLED, None, None)
        assert 0 < job.progress < 100
        assert events_of(exports, job) == [CREATED, CLAIMED, CANCELLED]
        assert [path for path in root_of(exports).rglob("*") if path.is_file()] == []
        assert exports.run(asked.job_id) is None


ENDLESS = """/*
title = "Endless"
description = "A query that takes minutes before its first row."
formats = ["csv"]
arguments = {}

[columns]
n = { title = "Number", kind = "integer", description = "A number." }
*/
select $workshop_id as workshop_id, count(*) as n
from range(1000000) as a cross join range(1000000) as b
where hash(a.range + b.range) % 1000003 = 7
"""


def test_cancelling_ends_a_query_that_gives_no_rows_yet(tmp_path: Path, sample_data: Path) -> None:
    with open_large(tmp_path, sample_data, lease=timedelta(seconds=30)) as exports:
        (tmp_path / "sql" / "reports" / "endless.sql").write_text(ENDLESS, encoding="utf-8")
        exports.catalogue.update(load_catalogue(tmp_path / "sql"))
        asked = exports.request("101", "endless", "csv", {})
        worker = threading.Thread(target=exports.run, args=(asked.job_id,))
        worker.start()
        time.sleep(1)
        assert exports.jobs.get(asked.job_id).status is Status.PROCESSING
        exports.jobs.cancel(asked.job_id)
        cancelled_at = time.monotonic()
        worker.join(PATIENCE)
        assert time.monotonic() - cancelled_at < 1.5
        assert exports.jobs.get(asked.job_id).status is Status.CANCELLED
        assert stored_keys(exports) == []


def test_a_job_cancelled_at_the_last_moment_leaves_no_file(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker]
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at="stored")
        worker.wait_for("stored")
        assert len(stored_keys(exports)) == 2
        exports.jobs.cancel(asked.job_id)
        worker.go_on()
        assert worker.finish()[-1] == "ended cancelled"
        assert stored_keys(exports) == []
        assert exports.jobs.get(asked.job_id).status is Status.CANCELLED


def test_a_worker_goes_on_after_a_cancelled_job(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker]
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        cancelled = exports.request("101", "large", "csv", {})
        following = exports.request("101", "revenue", "csv", {})
        worker = start(
            "run", job_id=cancelled.job_id, stop_at="batch 3", pause=0.1, following=following.job_id
        )
        worker.wait_for("batch 3")
        exports.jobs.cancel(cancelled.job_id)
        worker.go_on()
        worker.wait_for("ended cancelled")
        assert worker.finish()[-1] == "ended completed"
        assert rows_of(exports, exports.jobs.get(following.job_id))


def check_full_and_freed(lines: list[str], reason: str) -> None:
    full, freed = (json.loads(line) for line in lines)
    assert (full["status"], full["code"], full["files"]) == ("failed", "STORE_FAILED", [])
    assert full["message"].endswith(f"minbil-large-all-all.csv: {reason}.")
    assert (freed["status"], len(freed["files"])) == ("completed", 2)


def test_a_file_beyond_the_limit_fails_the_job(start: Callable[..., Worker]) -> None:
    worker = start("fill", file_limit=2_000_000)
    check_full_and_freed(worker.finish(), "File too large")


def test_a_full_disk_fails_the_job_and_a_freed_one_serves(
    tmp_path: Path, start: Callable[..., Worker]
) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no way to mount a small disk here")
    (tmp_path / "store").mkdir()
    mount = 'mount -t tmpfs -o size=64m tmpfs "$0" || exit 77; exec "$@"'
    inside = [unshare, "--map-root-user", "--mount", "sh", "-c", mount, str(tmp_path / "store")]
    worker = start("fill", *inside, ballast=62_000_000)
    out, _ = worker.process.communicate(timeout=PATIENCE)
    if worker.process.returncode in {1, 77} and not out:
        pytest.skip("no permission to mount a small disk here")
    check_full_and_freed(out.splitlines(), "No space left on device")


def test_a_store_that_refuses_fails_the_job(tmp_path: Path, sample_data: Path) -> None:
    (tmp_path / "store").mkdir()
    obstacle = tmp_path / "store" / "exports"
    obstacle.touch()
    with open_large(tmp_path, sample_data) as exports:
        job = export(exports, "101", "revenue")
        obstacle.unlink()
        check_failed(exports, job, "STORE_FAILED")
        assert str(obstacle) in (job.error_message or "")
        assert rows_of(exports, export(exports, "101", "revenue"))


def test_a_store_that_does_not_answer_is_tried_again(tmp_path: Path, sample_data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    s3 = S3Options(f"http://127.0.0.1:{port}", "us-east-1", "key", "secret-of-nobody")
    place = {"store_url": "s3://reports/x", "s3": s3, "max_attempts": 2}
    with open_large(tmp_path, sample_data, **place) as exports:
        job = export(exports, "101", "revenue")
        assert (job.status, job.error_code, job.attempt) == (Status.FAILED, "STORE_FAILED", 2)
        assert "did not answer" in (job.error_message or "")
        assert events_of(exports, job) == [CREATED, CLAIMED, RETRIED, RECLAIMED, FAILED]
        told = repr([event.detail for event in exports.jobs.events(job.job_id)])
        assert "did not answer" in told
        assert "secret-of-nobody" not in told + repr(job)


def test_two_processes_expire_at_once(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker]
) -> None:
    with open_large(tmp_path, sample_data, retention=timedelta(0)) as exports:
        due = [export(exports, "112", "revenue") for _ in range(15)]
        assert len(stored_keys(exports)) == 30
        workers = [start("expire") for _ in range(2)]
        for worker in workers:
            worker.wait_for("ready")
        for worker in workers:
            worker.go_on()
        counts = [int(worker.finish()[-1]) for worker in workers]
        assert sum(counts) == len(due)
        assert stored_keys(exports) == []
        for job in due:
            assert exports.jobs.get(job.job_id).status is Status.EXPIRED
            assert events_of(exports, job) == [CREATED, CLAIMED, COMPLETED, EXPIRED]


@pytest.mark.parametrize("grace_seconds", [3600, 0], ids=["kept", "pruned"])
def test_exports_go_on_while_generations_are_published(
    tmp_path: Path, sample_data: Path, start: Callable[..., Worker], grace_seconds: int
) -> None:
    """Each generation has one booking less and its own mark on every booking."""
    data = tmp_path / "data"
    shutil.copytree(sample_data, data)
    first = current_generation(data / "warehouse").generation
    publisher = start("publish", data=data, generations=12, grace_seconds=grace_seconds)
    publisher.wait_for("ready")
    seen: list[tuple[str, list[dict[str, str]]]] = []
    with open_exports(options_for(tmp_path, data)) as exports:
        publisher.go_on()
        while publisher.process.poll() is None:
            job = export(exports, "112", "bookings")
            seen.append((manifest_of(exports, job)["generation"], rows_of(exports, job)))
            assert grace_seconds == 0 or (data / f"warehouse/generations/{seen[-1][0]}.duckdb").exists()
        published = [first, *publisher.finish()]
    assert len({generation for generation, _ in seen} - {first}) > 3
    for generation, rows in seen:
        number = published.index(generation)
        assert len(rows) == 542 - number
        if number:
            assert {row["Registration"] for row in rows} == {f"MARK {number}"}
    order = [published.index(generation) for generation, _ in seen]
    assert order == sorted(order)


def _run(
    exports: Exports, job_id: str, stop_at: str | None = None, pause: float = 0, following: str | None = None
) -> None:
    gc.disable()  # what an ended run leaves open must not depend on when garbage is collected
    complete, batches = exports.jobs.complete, iter(range(1, 1_000))

    def reach(moment: str) -> None:
        print(moment, flush=True)
        if moment == stop_at:
            sys.stdin.readline()

    def progress(rows: int, expected: int) -> None:
        reach(f"batch {next(batches)}")
        time.sleep(pause)

    def complete_when_told(*arguments: Any, **values: Any) -> Job:
        reach("stored")
        return complete(*arguments, **values)

    exports.jobs.complete = complete_when_told  # type: ignore[method-assign]
    reach("ready")
    job = exports.run(job_id, progress)
    print(f"ended {job and job.status}", flush=True)
    if following:
        job = exports.run(following)
        print(f"ended {job and job.status}", flush=True)


def _fill(exports: Exports, file_limit: int | None = None, ballast: int = 0) -> None:
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
        print(json.dumps(told), flush=True)


def _expire(exports: Exports) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    print(exports.expire().jobs, flush=True)


def _publish(generations: int, grace_seconds: float) -> None:
    from pipelines.project import load_project
    from settings import load_settings
    from warehouse.publishing import publish

    project = load_project(load_settings())
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, generations + 1):
        with project.open_build() as build:
            build.connection.execute("update bookings set registration_number = $1", [f"MARK {number}"])
            build.connection.execute(
                "delete from bookings where booking_id ="
                " (select max(booking_id) from bookings where workshop_id = '112')"
            )
            grace = timedelta(seconds=grace_seconds)
            print(publish(build, project.warehouse_folder, keep=1, grace=grace).generation, flush=True)


def _work(task: str, folder: Path, data: Path, order: dict[str, Any]) -> None:
    if task == "publish":
        _publish(**order)
        return
    with open_large(folder, data) as exports:
        tasks: dict[str, Callable[..., None]] = {"run": _run, "fill": _fill, "expire": _expire}
        tasks[task](exports, **order)


if __name__ == "__main__":
    _work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4]))

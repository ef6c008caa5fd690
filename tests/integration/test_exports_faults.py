"""Exports when things go wrong: killed and stalled workers, cancelling, full disks, two processes at once."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

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
from tests.exporting_process import ExportingProcess, end_lease, open_large, root_of
from tests.worker_processes import PATIENCE, wait_until
from warehouse.generations import current_generation

CREATED, CLAIMED, RECLAIMED, RETRIED, RETURNED, COMPLETED, FAILED, CANCELLED, EXPIRED = EventName
Start = Callable[..., ExportingProcess]


@pytest.fixture
def start(tmp_path: Path, sample_data: Path) -> Iterator[Start]:
    """Starts a worker on the test's own store and records."""
    workers: list[ExportingProcess] = []

    def begin(task: str, data: Path = sample_data, **order: object) -> ExportingProcess:
        workers.append(ExportingProcess(task, tmp_path, data, **order))
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> str | None:
    """The digest of the large file when nothing happens."""
    with open_large(tmp_path_factory.mktemp("undisturbed"), sample_data) as exports:
        job = export(exports, "101", "large")
    assert job.attempt == 1
    return job.sha256


def pieces(exports: Exports) -> list[Path]:
    """Unfinished files in a local store."""
    return [path for path in root_of(exports).rglob("*") if path.name.startswith(".part-")]


def run_when_free(exports: Exports, folder: Path, job_id: str) -> Job:
    """Runs the job when its lease has ended; until then nobody gets it, and no file is shown under it."""
    before = exports.jobs.get(job_id)
    if before.status is Status.PROCESSING:
        assert exports.try_once(job_id) is None
        assert before.file_key is None
        end_lease(folder, job_id)
    return exports.run(job_id) or exports.jobs.get(job_id)


def check_whole(exports: Exports, job: Job, undisturbed: str | None) -> None:
    """The job is completed once, with the very file that an undisturbed run makes."""
    assert job.status is Status.COMPLETED, job
    assert events_of(exports, job).count(COMPLETED) == 1
    assert len(read(exports, job.file_key)) == job.size_bytes
    manifest = manifest_of(exports, job)
    assert (manifest["sha256"], manifest["attempt"]) == (job.sha256, job.attempt)
    assert job.sha256 == undisturbed


def check_swept(exports: Exports, job: Job) -> None:
    """Expiry removes what other tries left, and nothing of the job's own."""
    for path in pieces(exports):
        os.utime(path, (0, 0))  # written to long ago
    exports.expire()
    assert pieces(exports) == []
    assert stored_keys(exports) == [job.file_key, job.manifest_key]
    assert exports.expire() == Expired(jobs=0, leftovers=0)


@pytest.mark.parametrize("moment", ["batch 1", "batch 6", "stored"])
def test_a_killed_worker_is_followed_by_another(
    tmp_path: Path, sample_data: Path, start: Start, undisturbed: str, moment: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=[moment])
        worker.wait_for(moment)
        worker.kill()
        left = stored_keys(exports)
        assert (len(left), len(pieces(exports))) == ((2, 0) if moment == "stored" else (0, 1))
        job = run_when_free(exports, tmp_path, asked.job_id)
        assert events_of(exports, job) == [CREATED, CLAIMED, RECLAIMED, COMPLETED]
        assert job.attempt == 2
        assert job.file_key not in left
        check_whole(exports, job, undisturbed)
        check_swept(exports, job)


@pytest.mark.parametrize("about", ["ready", "batch 3", "stored"])
def test_a_worker_killed_at_any_moment_does_no_harm(
    tmp_path: Path, sample_data: Path, start: Start, undisturbed: str, about: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id)
        worker.wait_for(about)
        time.sleep(random.Random(about).uniform(0, 0.1))
        worker.kill()
        job = run_when_free(exports, tmp_path, asked.job_id)
        assert events_of(exports, job) in (
            [CREATED, CLAIMED, RECLAIMED, COMPLETED],
            [CREATED, CLAIMED, COMPLETED],  # killed before it had the job, or after it had ended it
        )
        check_whole(exports, job, undisturbed)
        check_swept(exports, job)


@pytest.mark.parametrize("found_by", ["the next worker", "expiry"])
def test_a_job_whose_workers_all_die_has_failed(
    tmp_path: Path, sample_data: Path, start: Start, found_by: str
) -> None:
    with open_large(tmp_path, sample_data, max_attempts=1) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=["stored"])
        worker.wait_for("stored")
        assert exports.expire() == Expired(jobs=0, leftovers=0)
        worker.kill()
        end_lease(tmp_path, asked.job_id)
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
    tmp_path: Path, sample_data: Path, start: Start, undisturbed: str, moment: str
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=[moment])
        worker.wait_for(moment)
        worker.stall(asked.job_id)
        job = exports.run(asked.job_id)
        assert job is not None
        worker.wake()
        worker.go_on()
        assert worker.finish()[-1] == "ended completed"
        assert exports.jobs.get(asked.job_id) == job
        assert stored_keys(exports) == [job.file_key, job.manifest_key]
        assert pieces(exports) == []
        assert events_of(exports, job) == [CREATED, CLAIMED, RECLAIMED, COMPLETED]
        check_whole(exports, job, undisturbed)


def test_expiry_spares_a_running_worker(
    tmp_path: Path, sample_data: Path, start: Start, undisturbed: str
) -> None:
    moments = ["batch 4", "stored"]
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=moments)
        for moment in moments:
            worker.wait_for(moment)
            assert exports.expire() == Expired(jobs=0, leftovers=0)
            worker.go_on()
        assert worker.finish()[-1] == "ended completed"
        check_whole(exports, exports.jobs.get(asked.job_id), undisturbed)


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_cancelling_is_seen_while_the_file_is_made(tmp_path: Path, sample_data: Path, format_: str) -> None:
    """Within a second; the file would take several, and the lease lasts for minutes."""
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", format_, {})
        begun = threading.Event()
        left: list[int] = []

        def work_slowly(rows: int, expected: int) -> None:
            left.append(expected - rows)
            if rows >= expected / 3:
                begun.set()
                time.sleep(1)

        worker = threading.Thread(target=exports.run, args=(asked.job_id, work_slowly), daemon=True)
        worker.start()
        assert begun.wait(PATIENCE)
        wait_until(lambda: exports.jobs.get(asked.job_id).progress > 0)
        exports.jobs.cancel(asked.job_id)
        worker.join(PATIENCE)
        assert not worker.is_alive()
        assert left[-1] > 0, "it is not made to its end"
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
    with open_large(tmp_path, sample_data) as exports:
        (tmp_path / "sql" / "reports" / "endless.sql").write_text(ENDLESS, encoding="utf-8")
        exports.catalogue.update(load_catalogue(tmp_path / "sql"))
        asked = exports.request("101", "endless", "csv", {})
        worker = threading.Thread(target=exports.run, args=(asked.job_id,), daemon=True)
        worker.start()
        wait_until(lambda: exports.jobs.get(asked.job_id).status is Status.PROCESSING)
        time.sleep(0.5)  # until the query has begun, as a rule
        exports.jobs.cancel(asked.job_id)
        worker.join(PATIENCE)
        assert not worker.is_alive(), "the query goes on"
        assert exports.jobs.get(asked.job_id).status is Status.CANCELLED
        assert stored_keys(exports) == []


def test_a_job_cancelled_at_the_last_moment_leaves_no_file(
    tmp_path: Path, sample_data: Path, start: Start
) -> None:
    with open_large(tmp_path, sample_data) as exports:
        asked = exports.request("101", "large", "csv", {})
        worker = start("run", job_id=asked.job_id, stop_at=["stored"])
        worker.wait_for("stored")
        assert len(stored_keys(exports)) == 2
        exports.jobs.cancel(asked.job_id)
        worker.go_on()
        assert worker.finish()[-1] == "ended cancelled"
        assert stored_keys(exports) == []
        assert exports.jobs.get(asked.job_id).status is Status.CANCELLED


def test_a_worker_goes_on_after_a_cancelled_job(tmp_path: Path, sample_data: Path, start: Start) -> None:
    with open_large(tmp_path, sample_data) as exports:
        cancelled = exports.request("101", "large", "csv", {})
        following = exports.request("101", "revenue", "csv", {})
        worker = start(
            "run", job_id=cancelled.job_id, stop_at=["batch 3"], pause=0.3, following=following.job_id
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


def test_a_file_beyond_the_limit_fails_the_job(start: Start) -> None:
    check_full_and_freed(start("fill", file_limit=2_000_000).finish(), "File too large")


def test_a_full_disk_fails_the_job_and_a_freed_one_serves(tmp_path: Path, sample_data: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no way to mount a small disk here")
    (tmp_path / "store").mkdir()
    mount = 'mount -t tmpfs -o size=64m tmpfs "$0" || exit 77; exec "$@"'
    inside = [unshare, "--map-root-user", "--mount", "sh", "-c", mount, str(tmp_path / "store")]
    task = ["fill", str(tmp_path), str(sample_data), json.dumps({"ballast": 65_000_000})]
    worker = subprocess.run(
        [*inside, sys.executable, "-m", "tests.exporting_process", *task],
        cwd=ROOT,
        env=night_environment(sample_data, {}),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=PATIENCE * 5,
    )
    if worker.returncode in {1, 77} and not worker.stdout:
        pytest.skip("no permission to mount a small disk here")
    assert worker.returncode == 0
    check_full_and_freed(worker.stdout.splitlines(), "No space left on device")


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


def test_two_processes_expire_at_once(tmp_path: Path, sample_data: Path, start: Start) -> None:
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


GENERATIONS = 9


@pytest.mark.parametrize("grace_seconds", [3600, 0], ids=["kept", "pruned"])
def test_exports_go_on_while_generations_are_published(
    tmp_path: Path, sample_data: Path, start: Start, grace_seconds: int
) -> None:
    """Each generation has one booking less and its own mark on every booking."""
    data = tmp_path / "data"
    shutil.copytree(sample_data, data)
    published = [current_generation(data / "warehouse").generation]
    seen: list[tuple[str, list[dict[str, str]]]] = []
    with open_exports(options_for(tmp_path, data)) as exports:
        publisher = start("publish", data=data, generations=GENERATIONS, grace_seconds=grace_seconds)
        while len(published) <= GENERATIONS:
            job = export(exports, "112", "bookings")
            seen.append((manifest_of(exports, job)["generation"], rows_of(exports, job)))
            assert grace_seconds == 0 or (data / f"warehouse/generations/{seen[-1][0]}.duckdb").exists()
            if publisher.tells():
                published.append(str(publisher.hear()))
                publisher.go_on()  # so at least one export is made from each or the next
        assert publisher.finish() == []
    assert len({generation for generation, _ in seen} - {published[0]}) > 3
    for generation, rows in seen:
        number = published.index(generation)
        assert len(rows) == 542 - number
        if number:
            assert {row["Registration"] for row in rows} == {f"MARK {number}"}
    order = [published.index(generation) for generation, _ in seen]
    assert order == sorted(order)

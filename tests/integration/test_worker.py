"""The worker in operation: it learns of jobs at once, stops gracefully, and does its chores."""

import multiprocessing
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exporters import worker_slot
from exporters.exports import Exports, open_exports
from exporters.jobs import EventName, Job, Status, watching
from exporters.worker import run_worker, worker_beside
from tests.exported import events_of, export, options_for, rows_of, stored_keys
from tests.worker_processes import WorkerProcess, unfinished, wait_until

CREATED, CLAIMED, RECLAIMED, COMPLETED = (
    EventName.CREATED,
    EventName.CLAIMED,
    EventName.RECLAIMED,
    EventName.COMPLETED,
)
RETURNED, EXPIRED = EventName.RETURNED, EventName.EXPIRED


@pytest.fixture(scope="module")
def long_data(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Path:
    """Data of which a PDF of workshop 101 takes many seconds."""
    from pipelines.project import load_project
    from settings import Settings
    from warehouse.publishing import publish

    data = tmp_path_factory.mktemp("long") / "data"
    shutil.copytree(sample_data, data)
    project = load_project(Settings(data_folder=data))
    with project.open_build() as build:
        build.connection.execute(
            "INSERT INTO bookings SELECT b.* REPLACE (booking_id || '-' || r.range AS booking_id)"
            " FROM bookings AS b CROSS JOIN range(25) AS r WHERE workshop_id = '101'"
        )
        publish(build, project.warehouse_folder, keep=1, grace=timedelta(0))
    return data


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts a worker on the exports of a test; it is ended after the test."""
    workers: list[WorkerProcess] = []

    def begin(options: Any, **changes: Any) -> WorkerProcess:
        workers.append(WorkerProcess(options, tmp_path / "worker.log", **changes))
        return workers[-1]

    yield begin
    for worker in workers:
        if worker.process.poll() is None:
            worker.kill()


def under_way(exports: Exports, job: Job) -> bool:
    now = exports.jobs.get(job.job_id)
    return now.status is Status.PROCESSING and now.rows_written > 0


def pieces(folder: Path) -> list[Path]:
    return [path for path in (folder / "store").rglob("*") if path.is_file()]


def wait_for_news_alone() -> None:
    """What a slot does first: without a warm-up it waits at once, and looks unasked in an hour at most."""
    vars(worker_slot)["FORMATS"] = {}
    watching._LONGEST = 3600


def test_a_waiting_worker_is_told_of_a_new_job(tmp_path: Path, sample_data: Path) -> None:
    options, stop = options_for(tmp_path, sample_data), threading.Event()
    worker = threading.Thread(
        target=run_worker, args=(options, 1, stop), kwargs={"prepare": wait_for_news_alone}
    )
    with open_exports(options) as exports:
        worker.start()
        try:
            for _ in range(4):
                asked = exports.request("112", "bookings", "csv", {})
                wait_until(lambda: not unfinished(exports.jobs.list()))
                assert rows_of(exports, exports.jobs.get(asked.job_id))
                time.sleep(0.2)  # it waits again
        finally:
            stop.set()
            worker.join()


def test_a_worker_that_stops_lets_jobs_end_and_claims_no_more(
    tmp_path: Path, long_data: Path, start: Callable[..., WorkerProcess]
) -> None:
    options = options_for(tmp_path, long_data)
    with open_exports(options) as exports:
        long = exports.request("101", "bookings", "pdf", {})
        worker = start(options, slots=1, grace=300)
        wait_until(lambda: under_way(exports, long))
        waiting = exports.request("112", "bookings", "csv", {})
        assert worker.stop(300) == 0
        assert "worker stopped" in worker.said()
        assert events_of(exports, long) == [CREATED, CLAIMED, COMPLETED]
        assert events_of(exports, waiting) == [CREATED]


def test_a_worker_that_may_not_wait_gives_its_jobs_back(
    tmp_path: Path, long_data: Path, start: Callable[..., WorkerProcess]
) -> None:
    options = options_for(tmp_path, long_data, max_attempts=1)
    with open_exports(options) as exports:
        long = exports.request("101", "bookings", "pdf", {})
        worker = start(options, slots=1, grace=0.1)
        wait_until(lambda: under_way(exports, long))
        assert worker.stop() == 0
        assert events_of(exports, long) == [CREATED, CLAIMED, RETURNED]
        assert exports.jobs.get(long.job_id).attempt == 0
        assert pieces(tmp_path) == []
        assert worker.children() == set()
        job = exports.jobs.claim("another", options.lease)
        assert job is not None
        assert (job.job_id, job.attempt) == (long.job_id, 1)
        assert events_of(exports, long) == [CREATED, CLAIMED, RETURNED, RECLAIMED]


def test_a_second_signal_ends_a_worker_at_once(
    tmp_path: Path, long_data: Path, start: Callable[..., WorkerProcess]
) -> None:
    options = options_for(tmp_path, long_data)
    with open_exports(options) as exports:
        long = exports.request("101", "bookings", "pdf", {})
        worker = start(options, slots=1, grace=300)
        wait_until(lambda: under_way(exports, long))
        worker.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping: " in worker.said())
        assert worker.process.poll() is None
        assert worker.stop() == 0
        assert exports.jobs.get(long.job_id).file_key is None
        assert exports.jobs.is_any_free()


def test_slots_end_when_their_worker_is_killed(
    tmp_path: Path, sample_data: Path, start: Callable[..., WorkerProcess]
) -> None:
    options = options_for(tmp_path, sample_data)
    with open_exports(options) as exports:
        asked = [exports.request("101", "bookings", "csv", {}) for _ in range(4)]
        worker = start(options)
        wait_until(lambda: exports.jobs.get(asked[0].job_id).status is Status.COMPLETED)
        worker.kill()  # returns when the slots are gone
        for job in asked:
            assert exports.jobs.get(job.job_id).status in {Status.PENDING, Status.COMPLETED}
    assert pieces(tmp_path)


def test_a_worker_expires_files_by_itself(
    tmp_path: Path, sample_data: Path, start: Callable[..., WorkerProcess]
) -> None:
    with open_exports(options_for(tmp_path, sample_data, retention=timedelta(0))) as exports:
        due = export(exports, "112", "revenue")
        start(options_for(tmp_path, sample_data), slots=1)
        wait_until(lambda: exports.jobs.get(due.job_id).status is Status.EXPIRED)
        wait_until(lambda: stored_keys(exports) == [])
        assert events_of(exports, due)[-1] is EXPIRED


def test_a_worker_beside_another_program_is_kept_up_and_ends_with_it(
    tmp_path: Path, sample_data: Path
) -> None:
    options = options_for(tmp_path, sample_data)
    with open_exports(options) as exports:
        with worker_beside(options, slots=2):
            [worker] = [child for child in multiprocessing.active_children() if child.name == "the worker"]
            worker.kill()  # and is started anew
            for name in ("csv", "xlsx", "html", "pdf", "parquet"):
                exports.request("112", "bookings", name, {})
            wait_until(lambda: not unfinished(exports.jobs.list()))
        assert {job.status for job in exports.jobs.list()} == {Status.COMPLETED}
        late = exports.request("112", "revenue", "csv", {})
        time.sleep(0.5)
        assert exports.jobs.get(late.job_id).status is Status.PENDING

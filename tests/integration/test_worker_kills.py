"""Workers that are killed at random moments under load, and several workers on one set of records."""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exporters.exports import Exports, open_exports
from exporters.jobs import LEASE_LOST, EventName, Job, Status
from exporters.options import ExportOptions
from exporters.storage import NotFoundError
from tests.exported import events_of, manifest_of, options_for, stored_keys
from tests.s3_server import S3Server
from tests.worker_processes import PATIENCE, WorkerProcess, unfinished, wait_until

CREATED, CLAIMED, RECLAIMED = EventName.CREATED, EventName.CLAIMED, EventName.RECLAIMED
COMPLETED, FAILED = EventName.COMPLETED, EventName.FAILED
_ASKED = (
    ("101", "bookings", "csv"),
    ("102", "bookings", "xlsx"),
    ("105", "ratings", "csv"),
    ("112", "revenue", "csv"),
)
_WAITING = 8
"""Jobs that are kept waiting or under way while workers are killed."""
_LEASE = timedelta(seconds=5)


@pytest.fixture(params=["sqlite and a folder", "postgresql and s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, sample_data: Path) -> ExportOptions:
    """Where the exports of a test are."""
    options = options_for(tmp_path, sample_data, max_attempts=4)
    if request.param == "sqlite and a folder":
        return options
    s3: S3Server = request.getfixturevalue("s3_server")
    changes = {
        "store_url": f"s3://{s3.bucket}/{tmp_path.name}",
        "s3": s3.options(),
        "jobs_url": request.getfixturevalue("pg_url"),
    }
    return replace(options, **changes)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts a worker, which is ended after the test."""
    workers: list[WorkerProcess] = []

    def begin(options: ExportOptions, slots: int) -> WorkerProcess:
        workers.append(WorkerProcess(options, tmp_path / "worker.log", slots=slots))
        return workers[-1]

    yield begin
    for worker in workers:
        if worker.process.poll() is None:
            worker.kill()


class Reader:
    """Opens, again and again, every file that the records call completed, and checks that it is whole."""

    def __init__(self, exports: Exports) -> None:
        self.read: Counter[str] = Counter()
        self.faults: list[str] = []
        self._exports = exports
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read_on)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read_on(self) -> None:
        while not self._ended.wait(0.05):
            for job in self._exports.jobs.list(status=Status.COMPLETED, limit=1000):
                if self.read[job.job_id] < 2:
                    self.read[job.job_id] += 1
                    self._check(job)

    def _check(self, job: Job) -> None:
        try:
            with self._exports.store.open(str(job.file_key)) as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        except NotFoundError as error:
            self.faults.append(str(error))
            return
        if digest != job.sha256:
            self.faults.append(f"{job.file_key} is not what the record says")


@contextmanager
def under_load(exports: Exports, seed: int) -> Iterator[None]:
    """Keeps some jobs waiting while the block lasts."""
    ended = threading.Event()
    chance = random.Random(seed)

    def ask() -> None:
        while not ended.wait(0.02):
            if len(unfinished(exports.jobs.list())) < _WAITING:
                exports.request(*chance.choice(_ASKED), {})

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def kill_slots(exports: Exports, workers: list[WorkerProcess], kills: int, seed: int) -> None:
    """Kill the slots of random jobs under way, some moments after they were seen."""
    chance = random.Random(seed)
    deadline = time.monotonic() + PATIENCE
    while kills:
        assert time.monotonic() < deadline, f"{kills} kills were left to do, and no slot is at work"
        held = [job for job in exports.jobs.list(status=Status.PROCESSING) if job.lease_token]
        if not held:
            time.sleep(0.005)
            continue
        owner = chance.choice(held).lease_owner
        time.sleep(chance.uniform(0, 0.4))
        if any(worker.kill_slot(owner) for worker in workers):
            kills -= 1
            deadline = time.monotonic() + PATIENCE


def check_ended_once(exports: Exports) -> Counter[Status]:
    """Every job has ended once, as its history says."""
    jobs = exports.jobs.list(limit=10_000)
    for job in jobs:
        events = events_of(exports, job)
        assert (events[0], events[-1]) == (CREATED, {"completed": COMPLETED, "failed": FAILED}[job.status])
        assert events.count(COMPLETED) + events.count(FAILED) == 1
        assert events[1:-1] == [CLAIMED, *[RECLAIMED] * (job.attempt - 1)]
        if job.status is Status.FAILED:
            assert (job.error_code, job.attempt) == (LEASE_LOST, job.max_attempts)
            assert job.error_message
        else:
            assert manifest_of(exports, job)["sha256"] == job.sha256
    return Counter(job.status for job in jobs)


def test_kills_at_random_moments_do_no_harm(
    place: ExportOptions, start: Callable[..., WorkerProcess]
) -> None:
    """In each place some slots are killed, and one worker as a whole."""
    is_local = place.s3.endpoint_url is None
    kills = 12 if is_local else 8
    place = replace(place, lease=_LEASE)
    with open_exports(place) as exports, Reader(exports) as reader:
        workers = [start(place, 4)] if is_local else [start(place, 2), start(place, 2)]
        with under_load(exports, seed=kills):
            kill_slots(exports, workers, kills // 2, seed=1)
            workers.pop().kill()
            workers.append(start(place, 4 if is_local else 2))
            kill_slots(exports, workers, kills - kills // 2, seed=2)
        wait_until(lambda: not unfinished(exports.jobs.list(limit=10_000)), 2 * PATIENCE)
        assert [worker.stop() for worker in workers] == [0] * len(workers)
        counts = check_ended_once(exports)
        assert counts[Status.COMPLETED] >= 1  # how many depends on how fast the machine is
        wait_until(lambda: len(reader.read) == counts[Status.COMPLETED])
        assert reader.faults == []
        exports.expire()
        kept = exports.jobs.list(status=Status.COMPLETED, limit=10_000)
        assert set(stored_keys(exports)) == {key for job in kept for key in (job.file_key, job.manifest_key)}


def test_two_workers_do_no_job_twice(place: ExportOptions, start: Callable[..., WorkerProcess]) -> None:
    with open_exports(place) as exports:
        workers = [start(place, 2), start(place, 2)]
        owners: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while len(owners) < 3:  # of which two are slots of one worker, and one of the other
            assert time.monotonic() < deadline, f"of four slots {len(owners)} work"
            for number in range(24):
                exports.request(*_ASKED[number % len(_ASKED)], {})
            wait_until(lambda: not unfinished(exports.jobs.list(limit=1000)))
            for job in exports.jobs.list(limit=1000):
                _, claimed, *rest = exports.jobs.events(job.job_id)
                assert (claimed.event, [event.event for event in rest]) == (CLAIMED, [COMPLETED])
                owners.add(claimed.detail["owner"])
        assert [worker.stop() for worker in workers] == [0, 0]

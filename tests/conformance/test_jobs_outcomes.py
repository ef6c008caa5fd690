"""What counters read of the records, on each database: every outcome once, and the queue as it stands."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from exporters.database import Database, open_database
from exporters.jobs import EventName, Job, JobStore
from exporters.jobs.outcomes import Outcome, Outcomes
from exporters.jobs.queue import look_at_queue
from tests.conformance.conftest import Clock

LEASE = timedelta(seconds=30)


@pytest.fixture
def database(jobs_url: str) -> Iterator[Database]:
    with closing(open_database(jobs_url)) as opened:
        yield opened


def claim(store: JobStore, job: Job) -> Job:
    claimed = store.claim("worker", LEASE, job.job_id)
    assert claimed is not None
    return claimed


def complete(store: JobStore, job: Job) -> None:
    store.complete(
        job,
        file_key=f"files/{job.job_id}",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=12,
        sha256="ab" * 32,
        manifest_key=f"files/{job.job_id}.json",
        rows=3,
        generation="g1",
        retention=LEASE,
    )


def read_all(outcomes: Outcomes, cursor: int, page: int) -> list[Outcome]:
    """All outcomes after the cursor, read by pages of this size."""
    found: list[Outcome] = []
    while True:
        some, following = outcomes.read(cursor, page)
        found += some
        if following == cursor:
            return found
        cursor = following


@pytest.mark.parametrize("page", [1, 2, 100])
def test_every_outcome_is_read_once_whatever_the_page(
    database: Database, store: JobStore, clock: Clock, page: int
) -> None:
    store.cancel(store.create("w1", "bookings", "csv", {}, max_attempts=1).job_id, reason="before")
    begin = clock.now
    outcomes = Outcomes(database)
    cursor = outcomes.newest()
    jobs = [store.create("w1", "bookings", "csv;excel-nb", {}, max_attempts=3) for _ in range(3)]
    clock.advance(timedelta(seconds=2))
    store.release(claim(store, jobs[0]), "STORE_FAILED", "away", timedelta(0))
    clock.advance(timedelta(seconds=4))
    complete(store, claim(store, jobs[0]))
    store.hand_back(claim(store, jobs[1]))
    store.fail(claim(store, jobs[1]), "NO_DATA", "nothing")
    store.cancel(jobs[2].job_id, reason="asked")
    found = read_all(outcomes, cursor, page)
    assert [outcome.event for outcome in found] == [
        EventName.RETRIED,
        EventName.RECLAIMED,
        EventName.COMPLETED,
        EventName.RETURNED,
        EventName.RECLAIMED,
        EventName.FAILED,
        EventName.CANCELLED,
    ]
    completed, failed, cancelled = found[2], found[5], found[6]
    assert completed == Outcome(
        EventName.COMPLETED,
        "bookings",
        "csv;excel-nb",
        begin,
        begin + timedelta(seconds=2),
        begin + timedelta(seconds=6),
        3,
        12,
        None,
    )
    assert failed.error_code == "NO_DATA"
    assert cancelled.started_at is None
    assert outcomes.read(outcomes.newest(), 10) == ((), outcomes.newest())


def test_the_queue_is_told_as_it_stands(database: Database, store: JobStore, clock: Clock) -> None:
    begin = clock.now
    empty = look_at_queue(database, clock.now)
    assert (empty.pending, empty.processing, empty.abandoned, empty.oldest_pending) == (0, 0, 0, None)
    jobs = []
    for _ in range(4):
        jobs.append(store.create("w1", "bookings", "csv", {}, max_attempts=3))
        clock.advance(timedelta(seconds=1))
    claim(store, jobs[0])
    complete(store, claim(store, jobs[3]))
    held = look_at_queue(database, clock.now)
    assert (held.pending, held.processing, held.abandoned) == (2, 1, 0)
    assert held.oldest_pending == begin + timedelta(seconds=1)
    clock.advance(timedelta(seconds=31))
    assert look_at_queue(database, clock.now).abandoned == 1

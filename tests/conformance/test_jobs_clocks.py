"""On each database: clocks that differ or go back hold up neither jobs nor chores."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from exporters.jobs import JobStore, open_jobs
from tests.conformance.conftest import Clock

LEASE = timedelta(seconds=30)


@pytest.fixture
def ahead(jobs_url: str, clock: Clock) -> Iterator[JobStore]:
    """The records as a host sees them whose clock is an hour ahead."""
    with closing(open_jobs(jobs_url, clock=lambda: clock.now + timedelta(hours=1))) as opened:
        yield opened


def ask(store: JobStore, workshop_id: str) -> str:
    return store.create(workshop_id, "bookings", "csv", {}, max_attempts=3).job_id


def taken(store: JobStore, claims: int) -> list[str]:
    jobs = [store.claim("worker", LEASE) for _ in range(claims)]
    return [job.job_id for job in jobs if job]


def test_a_workshop_whose_last_job_came_from_a_fast_clock_does_not_wait_for_it(
    store: JobStore, ahead: JobStore
) -> None:
    first = ask(ahead, "a")
    assert taken(store, 1) == [first]
    for _ in range(40):
        ask(store, "b")
    second = ask(store, "a")
    assert second in taken(store, 2)


def test_a_chore_taken_by_a_clock_that_went_wrong_is_done_again(store: JobStore, ahead: JobStore) -> None:
    every = timedelta(minutes=1)
    assert ahead.take_chore("sweep", every)
    assert store.take_chore("sweep", every)
    assert not store.take_chore("sweep", every)


def test_a_chore_is_not_done_twice_by_clocks_that_differ_a_little(
    store: JobStore, ahead: JobStore, clock: Clock
) -> None:
    every = timedelta(hours=2)
    assert ahead.take_chore("sweep twice", every)
    assert not store.take_chore("sweep twice", every)
    clock.advance(timedelta(hours=3))
    assert store.take_chore("sweep twice", every)
    assert not ahead.take_chore("sweep twice", every)

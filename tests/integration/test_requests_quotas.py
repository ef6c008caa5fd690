"""Quotas of a workshop on both databases: what counts, for how long, and that no two requests slip under."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporters.exports import open_exports
from exporters.jobs import Asked, Job, JobStore, QuotaExceeded, Status, open_jobs
from exporters.options import Quotas
from tests.exported import options_for

HOUR = timedelta(hours=1)
ASKED = Asked(
    workshop_id="w1", report_type="bookings", format="csv", filters={}, max_attempts=3, rows_estimated=10
)


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def url(records_url: str) -> str:
    return records_url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(url: str, clock: Clock) -> Iterator[JobStore]:
    with closing(open_jobs(url, clock=clock)) as opened:
        yield opened


def ask(jobs: JobStore, quotas: Quotas, rows: int | None = 10, workshop: str = "w1") -> Job:
    return jobs.admit(replace(ASKED, workshop_id=workshop, rows_estimated=rows), quotas=quotas).job


def refuse(jobs: JobStore, quotas: Quotas, rows: int | None = 10) -> QuotaExceeded:
    """The refusal; it records nothing."""
    before = jobs.list()
    with pytest.raises(QuotaExceeded) as caught:
        ask(jobs, quotas, rows)
    assert jobs.list() == before
    return caught.value


def make(jobs: JobStore, job: Job, *, rows: int, size: int = 1, retention: timedelta = HOUR) -> Job:
    held = jobs.claim("worker", HOUR, job.job_id)
    assert held is not None
    return jobs.complete(
        held,
        file_key=f"exports/{job.job_id}.csv",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=size,
        sha256="ab" * 32,
        manifest_key="m.json",
        rows=rows,
        generation="g1",
        retention=retention,
    )


def test_rows_are_counted_by_what_is_known_of_each_job(jobs: JobStore) -> None:
    quotas = Quotas(rows=100)
    ask(jobs, quotas, 10)  # waits
    begun = ask(jobs, quotas, 20)
    held = jobs.claim("worker", HOUR, begun.job_id)
    assert held is not None
    assert refuse(jobs, quotas, 71).used == 30
    jobs.heartbeat(held, HOUR, rows_written=1, rows_expected=25)
    assert refuse(jobs, quotas, 71).used == 35
    made = make(jobs, ask(jobs, quotas, 30), rows=33)
    jobs.expire(made.job_id)  # its file is gone, its rows were exported
    assert refuse(jobs, quotas, 71).used == 68
    jobs.cancel(ask(jobs, quotas, 32).job_id)
    jobs.fail(held, "EXPORT_FAILED", "no place")
    assert refuse(jobs, quotas, 71).used == 43
    assert ask(jobs, quotas, 57).status is Status.PENDING
    assert refuse(jobs, quotas, 1).used == 100
    assert ask(jobs, quotas, 0).rows_estimated == 0


def test_rows_are_free_again_after_24_hours(jobs: JobStore, clock: Clock) -> None:
    quotas = Quotas(rows=100)
    for rows in (30, 30, 40):
        ask(jobs, quotas, rows)
        clock.now += HOUR
    refused = refuse(jobs, quotas, 50)
    assert (refused.what, refused.limit, refused.used) == ("rows", 100, 100)
    assert refused.retry_after == 22 * HOUR
    assert "in 22 hours" in str(refused)
    clock.now += 22 * HOUR - timedelta(microseconds=1)
    assert refuse(jobs, quotas, 50).retry_after == timedelta(microseconds=1)
    clock.now += timedelta(microseconds=1)
    assert ask(jobs, quotas, 50).rows_estimated == 50


def test_an_export_beyond_the_whole_quota_is_never_right(jobs: JobStore) -> None:
    refused = refuse(jobs, Quotas(rows=100), 101)
    assert (refused.used, refused.retry_after) == (0, None)
    assert "this export has 101 rows" in str(refused)
    assert "shorter period" in str(refused)


def test_an_export_of_unknown_rows_needs_room_for_one(jobs: JobStore) -> None:
    quotas = Quotas(rows=10)
    ask(jobs, quotas, None)
    ask(jobs, quotas, 10)
    refused = refuse(jobs, quotas, None)
    assert (refused.used, refused.retry_after) == (10, 24 * HOUR)
    assert "None" not in str(refused)


def test_stored_bytes_count_until_they_expire(jobs: JobStore, clock: Clock) -> None:
    quotas = Quotas(bytes=100)
    files = [
        make(jobs, ask(jobs, quotas), rows=1, size=size, retention=hours * HOUR)
        for size, hours in ((60, 3), (39, 2))
    ]
    last = ask(jobs, quotas)  # 99 bytes are stored: what this one will have is not known
    make(jobs, last, rows=1, size=50, retention=5 * HOUR)
    refused = refuse(jobs, quotas)
    assert (refused.what, refused.limit, refused.used) == ("bytes", 100, 149)
    assert refused.retry_after == 3 * HOUR
    assert "149 bytes" in str(refused)
    assert "in 3 hours" in str(refused)
    clock.now += 4 * HOUR
    assert refuse(jobs, quotas).retry_after == timedelta(minutes=1)  # they wait for the next expiry
    jobs.expire(files[0].job_id)
    assert ask(jobs, quotas).status is Status.PENDING


def test_so_many_jobs_may_wait(jobs: JobStore) -> None:
    quotas = Quotas(pending=2)
    waiting = [ask(jobs, quotas) for _ in range(2)]
    refused = refuse(jobs, quotas)
    assert (refused.what, refused.limit, refused.used, refused.retry_after) == ("pending", 2, 2, None)
    assert "cancel some" in str(refused)
    jobs.claim("worker", HOUR, waiting[0].job_id)
    ask(jobs, quotas)
    jobs.cancel(waiting[1].job_id)
    ask(jobs, quotas)
    refuse(jobs, quotas)


@pytest.mark.parametrize("quotas", [Quotas(rows=10), Quotas(bytes=1), Quotas(pending=1)], ids=repr)
def test_a_quota_is_of_each_workshop(jobs: JobStore, quotas: Quotas) -> None:
    make(jobs, ask(jobs, quotas), rows=10)
    ask(jobs, Quotas())
    refuse(jobs, quotas)
    assert ask(jobs, quotas, workshop="w2").workshop_id == "w2"


def test_a_replay_costs_no_quota(jobs: JobStore) -> None:
    quotas = Quotas(rows=10, pending=1)
    first = jobs.admit(ASKED, key="k", quotas=quotas).job
    again = jobs.admit(ASKED, key="k", quotas=quotas)
    assert (again.job, again.replayed) == (first, True)
    with pytest.raises(QuotaExceeded):
        jobs.admit(ASKED, key="other", quotas=quotas)
    jobs.cancel(first.job_id)
    assert not jobs.admit(ASKED, key="other", quotas=quotas).replayed  # a refusal does not take the key


@pytest.mark.parametrize("quotas", [Quotas(rows=70), Quotas(pending=7)], ids=repr)
def test_requests_at_once_do_not_slip_under(url: str, quotas: Quotas) -> None:
    """Each thread with connections of its own, as processes have."""
    stores = [open_jobs(url) for _ in range(4)]
    barrier = threading.Barrier(8)
    made: list[Job] = []

    def work(jobs: JobStore) -> None:
        barrier.wait()
        for _ in range(5):
            try:
                made.append(ask(jobs, quotas))
            except QuotaExceeded:
                continue

    threads = [threading.Thread(target=work, args=(stores[number % 4],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(stores[0].list()) == 7
    for store in stores:
        store.close()


def test_requests_count_their_rows_against_the_quota(tmp_path: Path, sample_data: Path) -> None:
    with open_exports(options_for(tmp_path, sample_data)) as exports:
        rows = exports.request("101", "bookings", "csv", {}).rows_estimated
        assert rows
    limited = options_for(tmp_path, sample_data, quotas=Quotas(rows=2 * rows))
    with open_exports(limited) as exports:
        exports.request("101", "bookings", "xlsx", {})
        with pytest.raises(QuotaExceeded) as caught:
            exports.request("101", "bookings", "pdf", {})
        assert caught.value.used == 2 * rows

"""What is told of a job when it is asked for: its rows counted, its completion learnt from jobs before."""

import heapq
import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from exporters.catalogue import load_catalogue
from exporters.estimates import Estimates
from exporters.exports import Exports
from exporters.jobs import Asked, Job, JobStore, Status, open_jobs
from tests.exported import TYPES, export

LEASE = timedelta(days=1)


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def url(records_url: str) -> str:
    return records_url


@dataclass
class Work:
    """Job records with their estimates, on a clock the test moves."""

    jobs: JobStore
    clock: Clock
    estimates: Estimates

    def ask(
        self, report_type: str, format_: str = "csv", rows: int | None = 100, workshop: str = "w1"
    ) -> Job:
        told = self.estimates.time_to_file(workshop, report_type, format_, rows)
        return self.jobs.admit(
            Asked(
                workshop_id=workshop,
                report_type=report_type,
                format=format_,
                filters={},
                max_attempts=3,
                rows_estimated=rows,
                time_estimated=told,
            )
        ).job

    def begin(self, job: Job | None = None) -> Job:
        held = self.jobs.claim("worker", LEASE, None if job is None else job.job_id)
        assert held is not None
        return held

    def end(self, held: Job, rows: int) -> Job:
        return self.jobs.complete(
            held,
            file_key=f"exports/{held.job_id}.csv",
            file_name="a.csv",
            media_type="text/csv",
            size_bytes=1,
            sha256="ab" * 32,
            manifest_key="m.json",
            rows=rows,
            generation="g1",
            retention=timedelta(days=7),
        )

    def run(self, report_type: str, format_: str = "csv", rows: int = 100, *, seconds: float) -> None:
        held = self.begin(self.ask(report_type, format_, rows))
        self.clock.now += timedelta(seconds=seconds)
        self.end(held, rows)

    def told(self, report_type: str, format_: str = "csv", rows: int | None = 100) -> float:
        """Seconds that a new job is told to take."""
        self.clock.now += timedelta(seconds=10)  # what was learnt before is old
        job = self.ask(report_type, format_, rows)
        self.jobs.cancel(job.job_id)
        assert job.estimated_completion is not None
        return (job.estimated_completion - job.created_at).total_seconds()


@pytest.fixture
def work(url: str) -> Iterator[Work]:
    clock = Clock()
    with closing(open_jobs(url, clock=clock)) as jobs:
        yield Work(jobs, clock, Estimates(jobs.history, clock.tick))


def test_a_slow_type_and_a_fast_one_are_told_apart(work: Work) -> None:
    assert work.told("bookings") == work.told("revenue") == pytest.approx(1, rel=0.01)
    for _ in range(3):
        work.run("bookings", seconds=0.2)
        work.run("revenue", seconds=20)
    assert work.told("bookings") == pytest.approx(0.2)
    assert work.told("revenue") == pytest.approx(20)


def test_formats_and_their_options_are_told_apart(work: Work) -> None:
    work.run("bookings", "csv", seconds=1)
    work.run("bookings", "csv;gzip", seconds=3)
    work.run("bookings", "pdf", seconds=9)
    assert [work.told("bookings", key) for key in ("csv", "csv;gzip", "pdf")] == pytest.approx([1, 3, 9])


def test_what_is_not_known_is_taken_from_what_is_alike(work: Work) -> None:
    work.run("bookings", "csv;gzip", seconds=3)
    work.run("ratings", "xlsx", seconds=7)
    assert work.told("bookings", "csv") == pytest.approx(3)  # other options
    assert work.told("revenue", "xlsx") == pytest.approx(7)  # another type
    assert work.told("revenue", "pdf") == pytest.approx(1, rel=0.01)  # nothing is known
    work.run("bookings", "csv", seconds=2)
    assert work.told("bookings", "csv;excel-nb") == pytest.approx(2)  # the plain format


def test_size_tells(work: Work) -> None:
    for rows, seconds in ((0, 0.1), (1_000_000, 10), (100_000, 1.1)):
        work.run("bookings", rows=rows, seconds=seconds)
    small, middle, large = (work.told("bookings", rows=rows) for rows in (10, 100_000, 1_000_000))
    assert 0.05 < small < 0.3
    assert 0.6 < middle < 2
    assert 5 < large < 20
    assert work.told("bookings", rows=None) == pytest.approx(1.1)


def test_one_odd_run_changes_little_and_a_lasting_change_is_learnt(work: Work) -> None:
    for seconds in (1, 1.1, 500, 0.9, 1):
        work.run("bookings", seconds=seconds)
    assert work.told("bookings") == pytest.approx(1)
    for _ in range(20):
        work.run("bookings", seconds=4)
    assert work.told("bookings") == pytest.approx(4)


def test_failed_and_repeated_tries_teach_nothing(work: Work) -> None:
    work.run("bookings", seconds=2)
    failed = work.begin(work.ask("bookings"))
    work.clock.now += timedelta(seconds=300)
    work.jobs.fail(failed, "EXPORT_FAILED", "no place")
    work.jobs.release(work.begin(work.ask("bookings")), "EXPORT_FAILED", "no place")
    again = work.begin()
    work.clock.now += timedelta(seconds=300)
    work.end(again, 100)
    assert work.told("bookings") == pytest.approx(2)


def test_what_stands_before_is_waited_for(work: Work) -> None:
    work.run("bookings", seconds=10)
    assert work.told("bookings") == pytest.approx(10)
    running = work.begin(work.ask("bookings"))
    work.clock.now += timedelta(seconds=4)
    first = work.ask("bookings")
    second = work.ask("bookings")
    for job, seconds in ((first, 6 + 10), (second, 6 + 10 + 10)):
        assert job.estimated_completion == job.created_at + timedelta(seconds=seconds)
    work.clock.now += timedelta(seconds=60)  # the one that runs is late, by how much is not known
    third = work.ask("bookings")
    assert third.estimated_completion == third.created_at + timedelta(seconds=1 + 10 + 10 + 10)
    assert work.jobs.get(running.job_id).status is Status.PROCESSING


def test_slots_that_were_seen_at_work_share_what_waits(work: Work) -> None:
    held = [work.begin(work.ask("bookings")) for _ in range(4)]
    work.clock.now += timedelta(seconds=10)
    for job in held:
        work.end(job, 100)
    work.clock.now += timedelta(seconds=10)
    asked = [work.ask("bookings", workshop=f"w{number}") for number in range(9)]
    waits = [
        (job.estimated_completion - job.created_at).total_seconds() - 10
        for job in asked
        if job.estimated_completion
    ]
    assert waits == pytest.approx([number * 10 / 4 for number in range(9)])


def test_another_workshops_queue_is_not_waited_for(work: Work) -> None:
    work.run("bookings", seconds=1)
    for _ in range(300):
        last = work.ask("bookings", workshop="busy")
    other = work.ask("bookings", workshop="calm")
    assert last.estimated_completion is not None
    assert other.estimated_completion is not None
    assert (last.estimated_completion - last.created_at).total_seconds() == pytest.approx(300, rel=0.05)
    assert (other.estimated_completion - other.created_at).total_seconds() < 10


def test_an_estimate_never_lies_in_the_past(work: Work) -> None:
    held = work.begin(work.ask("bookings"))
    work.clock.now -= timedelta(seconds=5)  # another host's clock
    work.end(held, 100)
    assert work.told("bookings") >= 0


def test_a_simulated_day_is_foretold(tmp_path: Path) -> None:
    """Four slots, two kinds of jobs of all sizes that arrive in bursts, runs that vary by a third.

    The estimates of the jobs after the first hundred are off by 22% of the time they took (median).
    """
    dice = random.Random(7)
    clock = Clock()
    errors = []
    with closing(open_jobs(f"sqlite:///{tmp_path}/jobs.db", clock=clock)) as jobs:
        work = Work(jobs, clock, Estimates(jobs.history, clock.tick))
        arrivals = simulate_arrivals(dice, clock.now, 600)
        running: list[tuple[datetime, int, Job]] = []
        asked: dict[str, Job] = {}
        while arrivals or running:
            if running and (not arrivals or running[0][0] <= arrivals[0][0]):
                clock.now, _, held = heapq.heappop(running)
                ended = work.end(held, held.rows_estimated or 0)
                told = asked[ended.job_id]
                assert ended.finished_at is not None
                assert told.estimated_completion is not None
                took = ended.finished_at - told.created_at
                errors.append(abs((told.estimated_completion - ended.finished_at) / took))
            else:
                clock.now, report, format_, rows, workshop = arrivals.pop(0)
                job = work.ask(report, format_, rows, workshop)
                asked[job.job_id] = job
            while len(running) < 4 and (next_ := jobs.claim("worker", LEASE)) is not None:
                seconds = true_seconds(next_) * dice.lognormvariate(0, 0.3)
                heapq.heappush(running, (clock.now + timedelta(seconds=seconds), len(asked), next_))
    assert len(errors) == 600
    assert median(errors[100:]) < 0.3


def simulate_arrivals(
    dice: random.Random, start: datetime, count: int
) -> list[tuple[datetime, str, str, int, str]]:
    at, arrivals = start, []
    for _ in range(count):
        at += timedelta(seconds=dice.choice([0.1, 0.1, 0.1, 6]))
        kind = dice.choice([("bookings", "csv"), ("bookings", "pdf"), ("ratings", "csv")])
        rows = int(10 ** dice.uniform(1, 5.5))
        arrivals.append((at, *kind, rows, f"w{dice.randrange(10)}"))
    return arrivals


def true_seconds(job: Job) -> float:
    base, per_row = {"csv": (0.3, 2e-6), "pdf": (1.0, 4e-5)}[job.format]
    slow = 3 if job.report_type == "ratings" else 1
    return slow * (base + per_row * (job.rows_estimated or 0))


def test_the_rows_told_are_those_of_the_file(fresh: Exports) -> None:
    for report in TYPES:
        for filters in ({}, {"date_from": "2026-01-01", "date_to": "2026-01-31"}):
            job = export(fresh, "102", report, **filters)
            assert job.rows_estimated == job.rows_written


def test_a_completion_is_told_and_learnt_from_real_runs(fresh: Exports) -> None:
    first = fresh.request("102", "bookings", "pdf", {})
    assert first.estimated_completion is not None
    assert first.estimated_completion >= first.created_at + timedelta(seconds=1)
    ended = fresh.run(first.job_id)
    assert ended is not None
    assert ended.finished_at is not None
    assert ended.started_at is not None
    time.sleep(3)  # for which what was learnt is kept
    second = fresh.request("102", "bookings", "pdf", {})
    assert second.estimated_completion == second.created_at + (ended.finished_at - ended.started_at)


ENDLESS = """/*
title = "Endless"
description = "Gives no row for a long time."
formats = ["csv"]

[arguments]

[columns]
n = {{ title = "N", kind = "integer", description = "A number." }}
*/
select $workshop_id as workshop_id, a.range * b.range as n
from range({outer}) as a, range(100000) as b
where a.range * b.range < -1
"""


def test_a_count_that_takes_long_is_given_up(fresh: Exports, tmp_path: Path) -> None:
    (tmp_path / "sql" / "reports").mkdir(parents=True)
    endless = tmp_path / "sql" / "reports" / "endless.sql"
    endless.write_text(ENDLESS.format(outer=100_000_000), encoding="utf-8")
    fresh.catalogue.update(load_catalogue(tmp_path / "sql"))
    begun_at = time.monotonic()
    job = fresh.request("102", "endless", "csv", {})
    assert 0.9 < time.monotonic() - begun_at < 60
    assert job.rows_estimated is None
    assert job.estimated_completion is not None
    endless.write_text(ENDLESS.format(outer="nothing"), encoding="utf-8")
    fresh.catalogue.update(load_catalogue(tmp_path / "sql"))
    assert fresh.request("102", "endless", "csv", {}).rows_estimated is None  # the run tells why

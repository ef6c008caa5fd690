"""What the job records tell of an erasure, on both databases: reasons stay, forgotten records are gone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exporters.jobs import IllegalTransition, Job, JobNotFound, JobStore, Status, open_jobs

MARKER = "Sletteverkstedet"
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    new: Callable[[], str] = request.getfixturevalue("new_pg_url")
    return new()


@pytest.fixture
def jobs(url: str) -> Iterator[JobStore]:
    opened = open_jobs(url)
    yield opened
    opened.close()


def make(jobs: JobStore, workshop: str, *, completed: bool = True) -> Job:
    job = jobs.create(workshop, "bookings", "csv", {"note": f"{MARKER} {workshop}"}, max_attempts=3)
    if not completed:
        return job
    held = jobs.claim("worker", HOUR, job.job_id)
    assert held is not None
    return jobs.complete(
        held,
        file_key=f"exports/{workshop}/a.csv",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=1,
        sha256="ab" * 32,
        manifest_key="m.json",
        rows=1,
        generation="g1",
        retention=HOUR,
    )


def test_the_history_tells_why_a_file_was_withdrawn_or_a_job_cancelled(jobs: JobStore) -> None:
    completed, waiting = make(jobs, "w1"), make(jobs, "w1", completed=False)
    assert jobs.expire(completed.job_id, reason="erasure 1").status is Status.EXPIRED
    assert jobs.events(completed.job_id)[-1].detail == {
        "file_key": "exports/w1/a.csv",
        "reason": "erasure 1",
    }
    jobs.cancel(waiting.job_id, reason="erasure 1")
    assert jobs.events(waiting.job_id)[-1].detail == {"reason": "erasure 1"}
    with pytest.raises(IllegalTransition):
        jobs.expire(completed.job_id, reason="erasure 2")
    other = make(jobs, "w1")
    jobs.expire(other.job_id)
    assert jobs.events(other.job_id)[-1].detail == {"file_key": "exports/w1/a.csv"}


def test_a_forgotten_workshop_leaves_no_row_and_no_byte(jobs: JobStore, url: str, tmp_path: Path) -> None:
    gone = [make(jobs, "w1"), make(jobs, "w1", completed=False)]
    stays = make(jobs, "w2")
    assert jobs.forget_workshop("w1") == 2
    assert jobs.forget_workshop("w1") == 0
    assert jobs.list() == (stays,)
    assert len(jobs.events(stays.job_id)) == 3
    for job in gone:
        with pytest.raises(JobNotFound):
            jobs.events(job.job_id)
    if url.startswith("sqlite"):
        held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert f"{MARKER} w2".encode() in held
        assert f"{MARKER} w1".encode() not in held
    else:
        with psycopg.connect(url) as connection:
            [(events,)] = connection.execute("SELECT count(*) FROM job_events").fetchall()
        assert events == 3

"""Fixtures of the conformance tests: empty job records on each database, and a clock that the test moves."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporters.jobs import JobStore, open_jobs


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture(scope="module")
def shared_pg_url(new_pg_url: Callable[[], str]) -> str:
    url = new_pg_url()
    open_jobs(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def jobs_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        make: Callable[[Path], str] = request.getfixturevalue("new_sqlite_url")
        return make(tmp_path)
    # Emptying one database is several times faster than making one for each test.
    url = str(request.getfixturevalue("shared_pg_url"))
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE jobs CASCADE")
    return url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(jobs_url: str, clock: Clock) -> Iterator[JobStore]:
    opened = open_jobs(jobs_url, clock=clock)
    yield opened
    opened.close()

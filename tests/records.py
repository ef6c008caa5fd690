"""Records for tests: an empty database of each kind, and a clock that the test moves."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

import exporters.jobs  # noqa: F401  so that its tables are known
from exporters.database import Database, open_database
from exporters.database.schema import metadata


class MovedClock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on by so many seconds, minutes, hours or days."""
        self.now += timedelta(**by)


@pytest.fixture
def moved_clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(scope="module")
def records_pg_url(new_pg_url: Callable[[], str]) -> str:
    """One database for a module's tests: emptying it is several times faster than making another."""
    return new_pg_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of records without any row."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    url = str(request.getfixturevalue("records_pg_url"))
    with closing(open_database(url)) as database:
        empty(database)
    return url


@pytest.fixture
def records(records_url: str) -> Iterator[Database]:
    """Records without any row."""
    with closing(open_database(records_url)) as database:
        yield database


def empty(database: Database) -> None:
    """Remove every row of every table."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))

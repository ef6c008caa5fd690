"""Records for tests: an empty database of each kind, and a clock that the test moves."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event

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


@pytest.fixture(scope="session")
def new_sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Makes records without any row at each call, in a new file below a folder, and gives their URL."""
    made = tmp_path_factory.mktemp("records") / "records.db"
    open_database(f"sqlite:///{made}").close()

    def copy(folder: Path) -> str:  # many times faster than every migration once more
        path = folder / "records" / "records.db"
        path.parent.mkdir(parents=True)
        shutil.copyfile(made, path)
        return f"sqlite:///{path}"

    return copy


@pytest.fixture(scope="module")
def records_pg_url(new_pg_url: Callable[[], str]) -> str:
    """One database for a module's tests: emptying it is several times faster than making another."""
    return new_pg_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def records_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of records without any row."""
    if request.param == "sqlite":
        make: Callable[[Path], str] = request.getfixturevalue("new_sqlite_url")
        return make(tmp_path)
    url = str(request.getfixturevalue("records_pg_url"))
    with closing(open_database(url)) as database:
        empty(database)
    return url


@pytest.fixture
def records(records_url: str) -> Iterator[Database]:
    """Records without any row."""
    with closing(open_database(records_url)) as database:
        yield database


@contextmanager
def statements_of_this_thread(database: Database) -> Iterator[list[str]]:
    """What this thread asks of the database meanwhile, as it is asked."""
    seen: list[str] = []
    own = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.get_ident() == own:
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def empty(database: Database) -> None:
    """Remove every row of every table."""
    with database.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))

"""Writers to the records: one at a time on SQLite, each let in soon, and told when that cannot be."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import event, text

from exporters.database import Database, DatabaseUnavailable, connections
from tests.worker_processes import wait_until

ADD = text("UPDATE counter SET value = value + 1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/records.db"
    with closing(Database(url)) as database, database.writing() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    return url


def value_of(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT value FROM counter")).scalar_one())


def test_writers_of_one_and_of_several_processes_take_turns(url: str) -> None:
    with closing(Database(url)) as one, closing(Database(url)) as other:
        within: list[int] = []

        def add(number: int) -> None:
            with (one if number % 2 else other).writing() as connection:
                within.append(number)
                connection.execute(ADD)
                time.sleep(0.005)
                assert within.pop() == number, "another writer was let in"

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(40)))
        assert value_of(one) == 40


def test_a_writer_looks_again_and_again_while_another_process_writes(url: str) -> None:
    """SQLite's own wait would be one long look, with sleeps of 0.1 s by the end."""
    with closing(Database(url)) as one, closing(Database(url)) as other:
        looks: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            looks.extend([statement] if statement.startswith("BEGIN") else [])

        event.listen(other.engine, "before_cursor_execute", note)

        def write() -> None:
            with other.writing() as connection:
                connection.execute(ADD)

        with ThreadPoolExecutor(1) as pool:
            with one.writing():
                written = pool.submit(write)
                wait_until(lambda: len(looks) >= 50)
                assert value_of(one) == 0
            written.result()
        assert value_of(one) == 1


def test_a_writer_that_is_never_let_in_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_WAIT_SECONDS", 0.2)
    with closing(Database(url)) as one, closing(Database(url)) as other:

        def write(database: Database) -> None:
            with database.writing() as connection:
                connection.execute(ADD)

        with one.writing(), ThreadPoolExecutor(1) as pool:
            for database in (one, other):
                with pytest.raises(DatabaseUnavailable, match="SQLite file"):
                    pool.submit(write, database).result(timeout=60)
            assert value_of(one) == 0, "reading waits for no writer"
        write(one)
        write(other)
        assert value_of(other) == 2


def test_a_fault_within_a_transaction_lets_the_next_writer_in(url: str) -> None:
    with closing(Database(url)) as database:
        with suppress(ZeroDivisionError), database.writing() as connection:
            connection.execute(ADD)
            raise ZeroDivisionError
        with database.writing() as connection:
            connection.execute(ADD)
        assert value_of(database) == 1

"""Writers to the records: one at a time on SQLite, each let in soon, and told when that cannot be."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import text

from exporters.database import Database, DatabaseUnavailable, connections

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


def test_a_writer_is_let_in_soon_after_another_process_has_written(url: str) -> None:
    with closing(Database(url)) as one, closing(Database(url)) as other:
        value_of(other)

        def wait() -> float:
            with other.writing():
                return time.monotonic()

        late = []
        with ThreadPoolExecutor(1) as pool:
            for number in range(10):  # SQLite's own wait would sleep for 0.1 s at a time by then
                with one.writing():
                    begun = pool.submit(wait)
                    time.sleep(0.24 + 0.01 * number)
                    ended = time.monotonic()
                late.append(begun.result(timeout=5) - ended)
        assert median(late) < 0.025


def test_a_writer_that_is_never_let_in_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_WAIT_SECONDS", 0.2)
    with closing(Database(url)) as one, closing(Database(url)) as other:

        def write(database: Database) -> None:
            with database.writing() as connection:
                connection.execute(ADD)

        with one.writing(), ThreadPoolExecutor(1) as pool:
            for database in (one, other):
                with pytest.raises(DatabaseUnavailable, match="SQLite file"):
                    pool.submit(write, database).result(timeout=10)
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

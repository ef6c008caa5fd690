"""The database that holds the records: its address, its connections and its transactions."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    TimeoutError,  # noqa: A004  of the wait for a connection
)

from exporters.database.errors import DatabaseUnavailable

_WAIT_SECONDS = 30
_GLANCE = 0.003
"""Seconds between two looks of a writer at whether another process still writes to SQLite."""

_ACCEPTED = "give sqlite:///<path of a file> or postgresql://<user>:<password>@<host>:<port>/<database>"


class Database:
    """A SQLite file or a PostgreSQL database, by URL. Open one per process: it does not survive a fork.

    Raises:
        DatabaseUnavailable: the URL is not one of the two kinds, or the file's folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self._url = _parse(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self._url) if self.is_sqlite else _postgresql_engine(self._url)
        # What is read is of one moment, as on SQLite: the state of a batch and the count of its items agree.
        whole = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = self.engine.execution_options(reading=True, **whole)
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"Database({self.place})"

    @property
    def place(self) -> str:
        """Where the records are, for people; without the user, the password and the options of the URL."""
        if self.is_sqlite:
            return f"SQLite file {self._url.database}"
        return f"PostgreSQL database {self._url.database} at {self._url.host or 'the local socket'}"

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; on SQLite it excludes other writers from its beginning.

        A thread begins no second one within the first.

        Raises:
            DatabaseUnavailable: the database failed; nothing of the transaction remains, save when a server
                was lost during the commit itself, which leaves both possible.
        """
        with self._alone(), self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets this process's writers to SQLite in one by one: the file's lock is for the other processes."""
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=_WAIT_SECONDS):
            raise self.unavailable("other writers of this process keep it busy")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, all as of one moment, and waits for no writer.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        with self._explained(), self._reading.begin() as connection:
            yield connection

    def check(self) -> None:
        """Return if the database answers.

        Raises:
            DatabaseUnavailable: it does not.
        """
        with self.reading() as connection:
            connection.exec_driver_sql("SELECT 1")

    def compact(self) -> None:
        """Let go of the bytes of removed rows, where they would else stay in the file.

        PostgreSQL does so by itself, at its next vacuum.

        Raises:
            DatabaseUnavailable: the database failed, or others kept it busy.
        """
        if not self.is_sqlite:
            return
        plain = self.engine.execution_options(plain=True)
        with self._explained(), plain.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def unavailable(self, reason: object) -> DatabaseUnavailable:
        """The error for `reason`, naming the place and what to look at."""
        advice = (
            "check that the path is a file of this program, that it and its folder can be written, "
            "and that the disk has room"
            if self.is_sqlite
            else "check that the server runs, and that the address and the account's rights are right"
        )
        return DatabaseUnavailable(
            f"job records in {self.place}: {self._without_secrets(str(reason))}; {advice}"
        )

    def _without_secrets(self, text: str) -> str:
        options = self._url.normalized_query.items()
        secrets = [value for name, values in options if "pass" in name for value in values]
        for secret in filter(None, [self._url.password, *secrets]):
            text = text.replace(secret, "***")
        return " ".join(text.split())

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise  # these tell of the statement, not of the database
        except TimeoutError:
            raise self.unavailable("every connection of this process waits for it") from None
        except DBAPIError as error:
            # Not chained: the driver's own text may quote the connection string.
            raise self.unavailable(error.orig) from None


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # both may quote the text, and with it the password
        raise DatabaseUnavailable(f"the URL of the job records cannot be read: {_ACCEPTED}") from None
    if "@" in f"{url.host}{url.database}":
        # The password was cut at its first @; what follows it would be shown as the host.
        raise DatabaseUnavailable(
            "the URL of the job records has more than one @: write %40 for an @ in the password"
        )
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not url.database or url.database == ":memory:" or url.query:
            raise DatabaseUnavailable(
                f"the job records need a plain file, which other processes can open: {_ACCEPTED}"
            )
        return url
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    raise DatabaseUnavailable(f"the job records cannot be kept in {url.drivername!r}: {_ACCEPTED}")


def _postgresql_engine(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,  # a worker outlives a restart of the server
        max_overflow=27,  # with the pool's five, more than one caller of the API may have under way
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": _WAIT_SECONDS},
    )


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"job records in SQLite file {path}: the folder cannot be made ({error.strerror}); "
            "choose a path that can be written"
        ) from error
    # As many connections as there are threads: readers need not wait for those that wait to write.
    engine = create_engine(
        url, hide_parameters=True, max_overflow=-1, connect_args={"timeout": _WAIT_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute("PRAGMA foreign_keys = ON")
    # The change to WAL does not wait for other processes as statements do, so it is tried again here.
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("plain", False):
        return
    if options.get("reading", False):
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_writing(connection)


def _begin_writing(connection: Connection) -> None:
    """Begin as the one writer, as soon as nobody else is.

    SQLite's own wait sleeps longer and longer, up to 0.1 s, while others come and go; so it does not wait.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                # A writer that began as a reader could be refused half-way, without a wait.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if not _is_busy(error.orig) or time.monotonic() > deadline:
                    raise
                time.sleep(_GLANCE)
            else:
                return
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")


def _is_busy(error: object) -> bool:
    # The low byte of the code is its kind, the others say more.
    return isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY

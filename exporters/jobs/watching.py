"""Waiting for a job to do: an idle worker learns of a new one within moments, and asks little meanwhile."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any, Protocol

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

from exporters.database import Database
from exporters.jobs.claims import CHANNEL

_GLANCE = 0.02
"""Seconds between two looks at whether a SQLite file has changed; a look takes some microseconds."""

_LONGEST = 1.0
"""Seconds after which the records are asked in any case: leases end and pauses pass without a change."""

_STOP = 0.2
"""Seconds after which a wait for PostgreSQL's message sees that it is to stop."""


class Watch(Protocol):
    """Waits until there may be a job to claim. For use by one thread."""

    def wait(self, stop: Event) -> None:
        """Return when a job is free, or `stop` is set, or after a second or so.

        Raises:
            DatabaseUnavailable: the database failed.
        """

    def close(self) -> None:
        """Close the connection that the watch has for itself."""


def watch(database: Database, is_any_free: Callable[[], bool]) -> Watch:
    """A watch on the records, with a connection of its own."""
    kind = _SqliteWatch if database.is_sqlite else _PostgresqlWatch
    return kind(database, is_any_free)


class _SqliteWatch:
    """SQLite tells each connection whether another one has changed the file."""

    def __init__(self, database: Database, is_any_free: Callable[[], bool]) -> None:
        self._database = database
        self._is_any_free = is_any_free
        self._connection = database.engine.raw_connection()

    def wait(self, stop: Event) -> None:
        deadline = time.monotonic() + _LONGEST
        seen = self._version()  # before the first look, so that no change falls between
        if self._is_any_free():
            stop.wait(_GLANCE)  # whoever is about to take it is let through
            return
        while not stop.wait(_GLANCE) and time.monotonic() < deadline:
            version = self._version()
            if version != seen and self._is_any_free():
                return
            seen = version

    def close(self) -> None:
        self._connection.close()

    def _version(self) -> int:
        cursor = self._connection.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            [(version,)] = cursor.fetchall()
            return int(version)
        except self._database.engine.dialect.loaded_dbapi.Error as error:
            raise self._database.unavailable(error) from None
        finally:
            cursor.close()


class _PostgresqlWatch:
    """Whoever makes a job free tells all who listen. Where messages are lost, the wait ends by itself."""

    def __init__(self, database: Database, is_any_free: Callable[[], bool]) -> None:
        self._database = database
        self._is_any_free = is_any_free
        self._fault: type[Exception] = database.engine.dialect.loaded_dbapi.Error
        self._listener: PoolProxiedConnection | None = None

    def wait(self, stop: Event) -> None:
        try:
            listener = self._listen()  # before the look, so that no message falls between
            if self._is_any_free():
                stop.wait(_GLANCE)
                return
            deadline = time.monotonic() + _LONGEST
            while not stop.is_set() and time.monotonic() < deadline:
                for _ in listener.notifies(timeout=_STOP, stop_after=1):
                    return
        except (self._fault, DBAPIError) as error:
            self.close()
            raise self._database.unavailable(getattr(error, "orig", error)) from None

    def close(self) -> None:
        if self._listener is not None:
            with suppress(self._fault):
                self._listener.close()
            self._listener = None

    def _listen(self) -> Any:
        if self._listener is None:
            self._listener = self._database.engine.raw_connection()
            self._listener.detach()  # it is for nobody else, also when it is closed
            connection: Any = self._listener.dbapi_connection
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        return self._listener.dbapi_connection

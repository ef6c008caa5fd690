"""Dagster's storage in SQLite: the events of all runs in one file, and made by one process at a time.

Dagster opens a connection for each statement. Here each process keeps one of each file open until it is done:
closing the last one writes the log of changes into the file, which takes longer than the statement.
"""

import fcntl
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, cast

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite import consolidated_sqlite_event_log
from dagster._core.storage.event_log.sqlite.consolidated_sqlite_event_log import SQLITE_EVENT_LOG_FILENAME
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sql import get_alembic_config, stamp_alembic_rev
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, QueuePool, create_engine, inspect


class OneFileStorage(DagsterSqliteStorage):
    """As Dagster's own, but for the events: a file for each run would be one for each export."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        folder = Path(base_dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        self.base_dir = base_dir
        self._inst_data = inst_data
        # Dagster's processes begin together, and would get in each other's way at making the tables.
        with (folder / "storage.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._run_storage = _Runs.open(folder / "history")
            self._schedule_storage = _Schedules.open(folder / "schedules")
            self._event_log_storage = cast("SqliteEventLogStorage", _Events.open(folder / "history"))
        # Not the one between, which opens all these in its own way.
        DagsterStorage.__init__(self)  # type: ignore[arg-type, no-untyped-call]

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> "OneFileStorage":
        """The storage in a folder."""
        return cls(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "OneFileStorage":
        """The storage that dagster.yaml describes."""
        return cls(config_value["base_dir"], inst_data)


class _Runs(SqliteRunStorage):
    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _open_engine(conn_string)
        super().__init__(conn_string, inst_data)

    @classmethod
    def open(cls, folder: Path) -> "_Runs":
        conn_string = create_db_conn_string(str(folder), "runs")
        return cls(conn_string) if _is_made(folder / "runs.db") else cls.from_local(str(folder))

    def connect(self) -> AbstractContextManager[Connection]:  # type: ignore[override]
        return self._engine.begin()

    def dispose(self) -> None:
        self._engine.dispose()


class _Schedules(SqliteScheduleStorage):
    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _open_engine(conn_string)
        super().__init__(conn_string, inst_data)

    @classmethod
    def open(cls, folder: Path) -> SqliteScheduleStorage:
        conn_string = create_db_conn_string(str(folder), "schedules")
        return cls(conn_string) if _is_made(folder / "schedules.db") else cls.from_local(str(folder))

    def connect(self) -> AbstractContextManager[Connection]:  # type: ignore[override]
        return self._engine.begin()

    def dispose(self) -> None:
        self._engine.dispose()


class _Events(ConsolidatedSqliteEventLogStorage):
    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _open_engine(create_db_conn_string(base_dir, SQLITE_EVENT_LOG_FILENAME))
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def open(cls, folder: Path) -> "_Events":
        events = cls(str(folder))
        # Dagster does not commit the version of the tables that it made, which a later upgrade goes by.
        if not _is_made(folder / f"{SQLITE_EVENT_LOG_FILENAME}.db"):
            config = get_alembic_config(consolidated_sqlite_event_log.__file__)
            with events._connect() as connection:
                stamp_alembic_rev(config, connection)
        return events

    def _connect(self) -> AbstractContextManager[Connection]:  # type: ignore[override]
        return self._engine.begin()

    def has_table(self, table_name: str) -> bool:
        """Whether the table is there; one that is stays."""
        if table_name not in self._tables and inspect(self._engine).has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


def _open_engine(conn_string: str) -> Engine:
    """Keeps one connection open, and opens more while several are wanted at once."""
    return create_engine(
        conn_string,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )


def _is_made(path: Path) -> bool:
    """Whether Dagster has made the tables and noted their version.

    Its own check loads every migration that there ever was, whenever a process opens the storage.
    """
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=SQLITE_BUSY_TIMEOUT_SECONDS)) as connection:
        named = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        [(named_count,)] = connection.execute(named)
        return bool(named_count) and bool(connection.execute("SELECT 1 FROM alembic_version").fetchall())

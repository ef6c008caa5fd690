"""Dagster's storage in SQLite: the events of all runs in one file, and made by one process at a time."""

import fcntl
from pathlib import Path
from typing import Any, cast

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite import consolidated_sqlite_event_log
from dagster._core.storage.sql import check_alembic_revision, get_alembic_config, stamp_alembic_rev
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData


class OneFileStorage(DagsterSqliteStorage):
    """As Dagster's own, but for the events: a file for each run would be one for each export."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        folder = Path(base_dir)
        folder.mkdir(parents=True, exist_ok=True)
        # Dagster's processes begin together, and would get in each other's way at making the tables.
        with (folder / "storage.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(base_dir, inst_data)
            self._event_log_storage = cast("SqliteEventLogStorage", _open_events(folder / "history"))

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


def _open_events(folder: Path) -> ConsolidatedSqliteEventLogStorage:
    events = ConsolidatedSqliteEventLogStorage(str(folder.absolute()))
    # Dagster does not commit the version of the tables that it made, which a later upgrade goes by.
    config = get_alembic_config(consolidated_sqlite_event_log.__file__)
    with events.index_connection() as connection:  # type: ignore[no-untyped-call]
        version, _ = check_alembic_revision(config, connection)
        if version is None:
            stamp_alembic_rev(config, connection)
    return events

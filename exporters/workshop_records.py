"""A workshop's records beside its jobs, keys and audit log: for one that asks for all that is kept."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, select

import exporters.jobs.forgetting  # noqa: F401  which knows the tables of every kind of record
from exporters.database import Database
from exporters.database.schema import metadata

_TOLD_OF = frozenset({"jobs", "request_keys", "api_key_workshops", "audit_events", "audit_reads"})
"""Tables that an export of a workshop tells of in a form of its own."""


def read_records(database: Database, workshop_id: str) -> dict[str, list[dict[str, Any]]]:
    """By table, the rows that are the workshop's, and those that belong to one of them; none: no entry.

    A table is told by its columns, so that a new one is not left out.

    Raises:
        DatabaseUnavailable: the database failed.
    """
    with database.reading() as connection:
        found = dict(_read(connection, workshop_id))
    return {name: rows for name, rows in found.items() if rows}


def _read(connection: Connection, workshop_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    own = {
        table.name: table.c.workshop_id == workshop_id
        for table in metadata.sorted_tables
        if "workshop_id" in table.c and table.name not in _TOLD_OF
    }
    for table in metadata.sorted_tables:
        condition = own.get(table.name)
        for key in table.foreign_keys:
            parent = key.column.table
            if condition is None and "workshop_id" not in table.c and parent.name in own:
                condition = key.parent.in_(select(key.column).where(own[parent.name]))
        if condition is not None:
            rows = connection.execute(select(*_told(table)).where(condition)).mappings()
            yield table.name, [dict(row) for row in rows]


def _told(table: Table) -> list[Any]:
    return [column for column in table.c if not column.name.startswith("lease_")]

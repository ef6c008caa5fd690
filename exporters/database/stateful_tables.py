"""How a record changes its state: a guarded UPDATE and a row of its history, whatever the record is.

All of it works inside the caller's transaction, so a record and its history change together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

Record = Row[Any]
Move = tuple[tuple[str, ...], str]
"""The states it may start from, and the one it leads to."""


@dataclass(frozen=True, eq=False)
class StatefulTable:
    """A table of records that have a state, and the table of what happened to them.

    The events have the key under the same name, and the states before and after as `from_…` and `to_…`.
    """

    records: Table
    events: Table
    key: str
    state: str = "state"
    guards: tuple[str, ...] = ()
    """Columns that must still be as they were read, for a record to be changed."""
    told: tuple[str, ...] = ()
    """Columns of the record that its events tell, too."""

    def lock(self, connection: Connection, key: str | int, *also: ColumnElement[bool]) -> Record | None:
        """The record, unchangeable by others until the transaction ends; SQLite locks the whole file instead.

        None: there is none of that key, or of what else is asked of it.
        """
        query = _locked(self).where(*also) if also else _locked(self)
        return connection.execute(query, {"of_key": key}).one_or_none()

    def change(
        self, connection: Connection, before: Record, sources: tuple[str, ...], values: Mapping[str, Any]
    ) -> Record | None:
        """The record with these values, by one guarded UPDATE.

        None: its state is not one of `sources`, or a guard is not as it was read in `before`.
        """
        parameters = {f"new_{name}": value for name, value in values.items()}
        parameters |= {f"old_{name}": before._mapping[name] for name in self.guards}
        parameters["of_key"] = before._mapping[self.key]
        return connection.execute(_guarded_update(self, sources, tuple(values)), parameters).one_or_none()

    def move(
        self,
        connection: Connection,
        now: datetime,
        event: str,
        before: Record,
        move: Move,
        *,
        values: Mapping[str, Any],
        detail: Mapping[str, Any],
    ) -> Record | None:
        """As `change`, along `move`, with a row of the history."""
        sources, target = move
        after = self.change(connection, before, sources, {self.state: target, **values})
        if after is not None:
            self.tell(connection, now, event, before._mapping[self.state], [after._mapping], detail=detail)
        return after

    def tell(
        self,
        connection: Connection,
        now: datetime,
        event: str,
        origin: str | None,
        records: Iterable[Mapping[Any, Any]],
        *,
        detail: Mapping[str, Any],
    ) -> None:
        """Add to the history of each record that `event` brought it from the state `origin` to its own."""
        of_all = {"at": now, "event": event, f"from_{self.state}": origin, "detail": dict(detail)}
        names = {name: name for name in (self.key, *self.told)} | {f"to_{self.state}": self.state}
        rows = [of_all | {name: record[of] for name, of in names.items()} for record in records]
        if rows:
            connection.execute(_new_event(self), rows)


# Built once: to build a statement takes longer than to run it.


@cache
def _locked(table: StatefulTable) -> Select[Any]:
    chosen = table.records.c[table.key] == bindparam("of_key")
    return select(table.records).where(chosen).with_for_update()


@cache
def _guarded_update(
    table: StatefulTable, sources: tuple[str, ...], columns: tuple[str, ...]
) -> ReturningUpdate[Any]:
    of = table.records.c
    unchanged = (of[name].is_not_distinct_from(bindparam(f"old_{name}")) for name in table.guards)
    guard = (of[table.key] == bindparam("of_key"), of[table.state].in_(sources), *unchanged)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    return update(table.records).where(*guard).values(values).returning(*of)


@cache
def _new_event(table: StatefulTable) -> Insert:
    return insert(table.events)

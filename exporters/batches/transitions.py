"""The state machine of batches: each transition is a guarded UPDATE and one event row.

Every function works inside the caller's transaction. Whoever changes a batch or its items holds the batch's
row from `hold` on until that ends, so that the items of one batch are changed by one at a time.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, case, func, insert, select

from exporters.batches.records import ENDED, LEFT, BatchState, ItemState
from exporters.batches.tables import batch_events, batch_items, batches
from exporters.database.stateful_tables import StatefulTable

S = BatchState
FINISHED = (S.FINISHED, S.FINISHED_WITH_WARNING, S.FINISHED_WITH_ERRORS)
_AT_ONCE = 500
"""Ids of one statement: databases bound its parameters."""

_BATCHES = StatefulTable(batches, batch_events, key="batch_id")
AT_REST = (*FINISHED, S.LISTENING, S.LISTENING_STOPPED)


class EventName(StrEnum):
    """What happened to a batch."""

    CREATED = "created"  # -> initializing or scheduled
    STARTED = "started"  # scheduled -> initializing
    EXPANDED = "expanded"  # initializing -> executing: no item waits
    SETTLED = "settled"  # executing -> finished…, listening or stopped: no item is left
    CHANGED = "changed"  # listening or executing -> executing: changes make new runs
    RETRIED = "retried"  # anything at rest, or executing -> executing
    STOPPED = "stopped"  # listening -> stopped; else the state stays, and leads to stopped
    ARCHIVED = "archived"  # the state stays


_SOURCES: Mapping[EventName, tuple[BatchState, ...]] = {
    EventName.STARTED: (S.SCHEDULED,),
    EventName.EXPANDED: (S.INITIALIZING,),
    EventName.SETTLED: (S.EXECUTING,),
    EventName.CHANGED: (S.EXECUTING, S.LISTENING),
    EventName.RETRIED: (S.INITIALIZING, S.EXECUTING, *AT_REST),
    EventName.STOPPED: (S.SCHEDULED, S.INITIALIZING, S.EXECUTING, S.LISTENING),
    EventName.ARCHIVED: (*FINISHED, S.LISTENING_STOPPED),
}


def create(
    connection: Connection, now: datetime, values: Mapping[str, Any], items: list[dict[str, Any]]
) -> None:
    """Write a new batch and its items; `values` are the columns that were asked for."""
    scheduled = values["scheduled_time"]
    state = S.SCHEDULED if scheduled is not None and scheduled > now else S.INITIALIZING
    row = {**values, "state": state, "size": len(items), "ended": 0, "created_at": now}
    connection.execute(insert(batches).values(row))
    connection.execute(insert(batch_items), items)
    actor = {"actor": values["actor"]}
    _BATCHES.tell(connection, now, EventName.CREATED, None, [row], detail=actor)


def hold(connection: Connection, batch_id: str, account: str | None = None, *, wait: bool) -> Row[Any] | None:
    """The batch's row, for nobody else until the transaction ends; None: there is none, or another has it.

    With `account`, only if it is that account's. `wait`: until whoever has it is done.
    """
    query = select(batches).where(batches.c.batch_id == batch_id).with_for_update(skip_locked=not wait)
    if account is not None:
        query = query.where(batches.c.account == account)
    return connection.execute(query).one_or_none()


def move(
    connection: Connection,
    now: datetime,
    event: EventName,
    batch: Row[Any],
    target: BatchState,
    *,
    values: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> bool:
    """Make the transition on the row that `hold` gave; false: its state does not allow it.

    The one place where a state changes.
    """
    way = _SOURCES[event], target
    moved = _BATCHES.move(connection, now, event, batch, way, values=values or {}, detail=detail or {})
    return moved is not None


def settle(connection: Connection, now: datetime, batch_id: str) -> bool:
    """Bring a batch of which no item waits, or none is left, to where it then stands; whether it is there.

    The caller holds the batch.
    """
    batch = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).one()
    if batch.state == S.INITIALIZING and not _has_items(connection, batch_id, ItemState.WAITING):
        move(connection, now, EventName.EXPANDED, batch, S.EXECUTING)
        batch = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).one()
    if batch.state != S.EXECUTING or _has_items(connection, batch_id, *LEFT):
        return False
    counts = count_items(connection, [batch_id]).get(batch_id, {})
    if batch.is_listener:
        target = S.LISTENING if batch.stopped_at is None else S.LISTENING_STOPPED
    elif counts.get(ItemState.FAILED):
        target = S.FINISHED_WITH_ERRORS
    else:
        target = S.FINISHED_WITH_WARNING if counts.get(ItemState.WARNING) else S.FINISHED
    detail = {state.value: counts.get(state, 0) for state in ENDED}
    values = {"finished_at": now}
    return move(connection, now, EventName.SETTLED, batch, target, values=values, detail=detail)


def count_items(connection: Connection, batch_ids: list[str]) -> dict[str, dict[ItemState, int]]:
    """How many items of each of the batches stand where; those that a retry stands for are not counted."""
    found: dict[str, dict[ItemState, int]] = {}
    counted = func.sum(case((batch_items.c.replaced, 0), else_=1))
    query = select(batch_items.c.batch_id, batch_items.c.state, counted).group_by(
        batch_items.c.batch_id, batch_items.c.state
    )
    for at in range(0, len(batch_ids), _AT_ONCE):
        some = batch_items.c.batch_id.in_(batch_ids[at : at + _AT_ONCE])
        for batch_id, state, number in connection.execute(query.where(some)):
            found.setdefault(batch_id, {})[ItemState(state)] = int(number)
    return found


def _has_items(connection: Connection, batch_id: str, *states: ItemState) -> bool:
    query = select(batch_items.c.item_id).where(
        batch_items.c.batch_id == batch_id, batch_items.c.state.in_(states)
    )
    return connection.execute(query.limit(1)).first() is not None

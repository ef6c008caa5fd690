"""Old records: deliveries, fires and batches that ended long ago, and with them the addresses in them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, delete, exists, null, or_, select, update

from exporters.batches.records import BatchState
from exporters.batches.tables import batch_events, batch_items, batches
from exporters.batches.transitions import FINISHED
from exporters.database import Database
from exporters.definitions.tables import definitions, fires, is_compared
from exporters.deliveries.records import ENDS
from exporters.deliveries.tables import deliveries

_AT_ONCE = 500
"""Records of one transaction: others that write do not wait for long."""


@dataclass(frozen=True)
class Removed:
    """What was removed, with its history."""

    deliveries: int
    fires: int
    batches: int


def remove_old_records(database: Database, before: datetime) -> Removed:
    """Remove the deliveries, fires of report definitions and batches that were made and have ended before.

    The newest fire by which a definition tells whether its data have changed stays, without its recipients.
    A batch goes with its items; their jobs and files have an expiry of their own. A listener that listens has
    not ended. Any number of processes may do this at once.

    Raises:
        DatabaseUnavailable: some may be left; it can be done again.
    """
    return Removed(
        _repeat(database, lambda connection: _remove_deliveries(connection, before)),
        _repeat(database, lambda connection: _remove_fires(connection, before)),
        _remove_batches(database, before),
    )


def _repeat(database: Database, step: Callable[[Connection], int]) -> int:
    total = 0
    while True:
        with database.writing() as connection:
            found = step(connection)
        total += found
        if found < _AT_ONCE:
            return total


def _remove_deliveries(connection: Connection, before: datetime) -> int:
    ended = (deliveries.c.state.in_(ENDS), deliveries.c.finished_at < before)
    old = select(deliveries.c.delivery_id).where(deliveries.c.created_at < before, *ended)
    found = connection.execute(old.limit(_AT_ONCE)).scalars().all()
    connection.execute(delete(deliveries).where(deliveries.c.delivery_id.in_(found)))
    return len(found)


def _remove_fires(connection: Connection, before: datetime) -> int:
    compared = fires.c.fire_id.in_(_compared())
    old = (fires.c.created_at < before, fires.c.finished_at < before)
    named = (*old, compared, fires.c.plan.is_not(None))
    connection.execute(update(fires).where(*named).values(plan=null()))
    found = connection.execute(select(fires.c.fire_id).where(*old, ~compared).limit(_AT_ONCE)).scalars().all()
    connection.execute(delete(fires).where(fires.c.fire_id.in_(found)))
    return len(found)


def _compared() -> Select[tuple[int]]:
    """The newest fire that the next one is compared with, of each definition that there is."""
    later = fires.alias()
    has_later = exists().where(
        later.c.definition_id == fires.c.definition_id,
        later.c.fire_at > fires.c.fire_at,
        is_compared(later.c),
    )
    there = exists().where(definitions.c.definition_id == fires.c.definition_id)
    return select(fires.c.fire_id).where(is_compared(fires.c), there, ~has_later)


def _remove_batches(database: Database, before: datetime) -> int:
    ended = (
        batches.c.state.in_([*FINISHED, BatchState.LISTENING_STOPPED]),
        batches.c.created_at < before,
        or_(batches.c.finished_at.is_(None), batches.c.finished_at < before),
        or_(batches.c.stopped_at.is_(None), batches.c.stopped_at < before),
    )
    old = select(batches.c.batch_id).where(*ended).limit(1)
    removed = 0
    while True:
        with database.writing() as connection:
            # Held, so that nobody retries meanwhile what is about to go.
            batch_id = connection.execute(old.with_for_update(skip_locked=True)).scalar()
            if batch_id is None:
                return removed
            removed += _remove_part(connection, batch_id)


def _remove_part(connection: Connection, batch_id: str) -> bool:
    """Remove some items of the batch, and with its last ones itself; whether it is gone."""
    of_batch = select(batch_items.c.item_id).where(batch_items.c.batch_id == batch_id)
    found = connection.execute(of_batch.limit(_AT_ONCE)).scalars().all()
    connection.execute(delete(batch_items).where(batch_items.c.item_id.in_(found)))
    if len(found) == _AT_ONCE:
        return False
    for table in (batch_events, batches):
        connection.execute(delete(table).where(table.c.batch_id == batch_id))
    return True

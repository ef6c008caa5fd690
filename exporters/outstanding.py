"""What stands out beside the jobs: fires, deliveries and batches that wait, and how late they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from exporters.batches.records import LEFT, BatchState
from exporters.batches.tables import batch_items, batches
from exporters.database import Database
from exporters.definitions.states import FireState
from exporters.definitions.tables import definitions, fires
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import State
from exporters.deliveries.tables import deliveries
from exporters.deliveries.tables_endpoints import endpoints

_FIRES = (FireState.DUE, FireState.MAKING, FireState.MISSED, FireState.FAILED)
_DELIVERIES = (State.QUEUED, State.SENDING, State.DEAD, State.REFUSED)
_BATCHES = (BatchState.SCHEDULED, BatchState.INITIALIZING, BatchState.EXECUTING)


@dataclass(frozen=True)
class Outstanding:
    """Numbers at one instant. What is late is named by the instant at which it was due; None: nothing is."""

    definitions_due: int
    """Report definitions that are due and whose fire nobody has recorded."""
    fires: dict[str, int]
    """By state, of those that have not ended, or not well."""
    fires_due: datetime | None
    deliveries: dict[tuple[str, str], int]
    """By channel and state, of those that have not ended, or not well."""
    deliveries_due: dict[str, datetime | None]
    """By channel."""
    endpoints_disabled: int
    batches: dict[str, int]
    """By state, of those that are under way."""
    items: dict[str, int]
    """Of batches, by state, of those that have not ended."""
    batches_due: datetime | None


def look_at_outstanding(database: Database, now: datetime) -> Outstanding:
    """What stands out in all workshops, by looks into indexes alone.

    Raises:
        DatabaseUnavailable: the database failed.
    """
    with database.reading() as connection:
        overdue = definitions.c.next_fire_at <= now
        free = or_(fires.c.lease_until.is_(None), fires.c.lease_until <= now)
        recorded = _oldest(connection, fires.c.fire_at, fires.c.state == FireState.DUE, free)
        begun = (batches.c.state == BatchState.SCHEDULED, batches.c.scheduled_time <= now)
        return Outstanding(
            definitions_due=_count(connection, definitions, overdue),
            fires={state.value: _count(connection, fires, fires.c.state == state) for state in _FIRES},
            fires_due=_earlier(_oldest(connection, definitions.c.next_fire_at, overdue), recorded),
            deliveries={
                (channel.value, state.value): _count(
                    connection, deliveries, deliveries.c.channel == channel, deliveries.c.state == state
                )
                for channel in Channel
                for state in _DELIVERIES
            },
            deliveries_due={channel.value: _delivery_due(connection, now, channel) for channel in Channel},
            endpoints_disabled=_count(connection, endpoints, endpoints.c.state == "disabled"),
            batches={
                state.value: _count(connection, batches, batches.c.state == state) for state in _BATCHES
            },
            items={
                state.value: _count(connection, batch_items, batch_items.c.state == state) for state in LEFT
            },
            batches_due=_oldest(connection, batches.c.scheduled_time, *begun),
        )


def _delivery_due(connection: Connection, now: datetime, channel: Channel) -> datetime | None:
    """When the first that waits was due, or its vanished sender's lease ended."""
    own = deliveries.c.channel == channel
    queued = (deliveries.c.state == State.QUEUED, deliveries.c.due_at <= now)
    left = (deliveries.c.state == State.SENDING, deliveries.c.lease_until <= now)
    return _earlier(
        _oldest(connection, deliveries.c.due_at, own, *queued),
        _oldest(connection, deliveries.c.lease_until, own, *left),
    )


def _count(connection: Connection, table: Table, *which: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one())


def _oldest(connection: Connection, instant: Any, *which: ColumnElement[bool]) -> datetime | None:
    found: datetime | None = connection.execute(
        select(instant).where(*which).order_by(instant).limit(1)
    ).scalar()
    return found


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)

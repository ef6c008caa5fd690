"""The outbox: takes orders within the transaction of what they are for."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from exporters.database.values import storable
from exporters.deliveries.orders import Order
from exporters.deliveries.records import EventName, State
from exporters.deliveries.tables import deliveries
from exporters.deliveries.transitions import DELIVERIES

_AT_ONCE = 500
"""Orders of one statement: PostgreSQL and SQLite bound their parameters."""


def queue(connection: Connection, now: datetime, orders: Iterable[Order]) -> int:
    """Record a delivery for each order, due now, and return how many are new.

    An order that is there already is left as it is, also when another transaction wrote it meanwhile.
    """
    rows = [_to_row(order, now) for order in orders]
    return sum(_add(connection, now, rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE))


def _add(connection: Connection, now: datetime, rows: list[dict[str, Any]]) -> int:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    told = (deliveries.c.delivery_id, deliveries.c.state, deliveries.c.attempt)
    add = dialect.insert(deliveries).on_conflict_do_nothing().returning(*told)
    added = connection.execute(add, rows).mappings().all()
    DELIVERIES.tell(connection, now, EventName.QUEUED, None, added, detail={})
    return len(added)


def _to_row(order: Order, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": str(uuid.uuid4()),
        "workshop_id": order.workshop_id,
        "account": order.account,
        "subject": storable(order.subject),
        "occasion": storable(order.occasion),
        "channel": order.channel,
        "recipient": storable(order.recipient),
        "format": order.format,
        "repeat": 0,
        "job_id": order.job_id,
        "language": order.language,
        "content": dict(order.content),
        "state": State.QUEUED,
        "attempt": 0,
        "due_at": now,
        "created_at": now,
    }

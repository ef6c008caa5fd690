"""Ordering once more what has come to an end, within the caller's transaction."""

import uuid
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select

from exporters.deliveries.errors import DeliveryStands
from exporters.deliveries.records import Delivery, EventName, State
from exporters.deliveries.tables import deliveries
from exporters.deliveries.transitions import DELIVERIES, locked, to_delivery

_LEDGER = ("subject", "occasion", "channel", "recipient", "format")
_COPIED = ("workshop_id", "account", "job_id", "language", "content")


def repeat(connection: Connection, now: datetime, delivery_id: str, reason: str, actor: str) -> Delivery:
    """Order the delivery once more: a new one, with the next number of repeats.

    Raises:
        DeliveryStands: it has not ended.
    """
    before = locked(connection, delivery_id)
    if before.finished_at is None:
        raise DeliveryStands(delivery_id, before.state, "delivered, refused, dead or cancelled")
    alike = and_(*(deliveries.c[name] == before._mapping[name] for name in _LEDGER))
    # The first of those alike is locked, so that two who repeat at once wait for each other.
    first = select(deliveries.c.delivery_id).where(alike, deliveries.c.repeat == 0)
    connection.execute(first.with_for_update())
    number = connection.execute(select(func.max(deliveries.c.repeat)).where(alike)).scalar_one() + 1
    values = {
        **{name: before._mapping[name] for name in (*_LEDGER, *_COPIED)},
        "delivery_id": str(uuid.uuid4()),
        "repeat": number,
        "state": State.QUEUED,
        "attempt": 0,
        "due_at": now,
        "created_at": now,
        "reason": reason,
    }
    record = connection.execute(insert(deliveries).values(values).returning(*deliveries.c)).one()
    detail = {"reason": reason, "actor": actor, "of": delivery_id}
    DELIVERIES.tell(connection, now, EventName.QUEUED, None, [record._mapping], detail=detail)
    return to_delivery(record)

"""The state machine of deliveries: one function per transition, each a guarded UPDATE and one event row.

Every function works inside the caller's transaction, so a record and its history change together.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from exporters.database.stateful_tables import Record, StatefulTable
from exporters.deliveries.errors import DeliveryNotFound, DeliveryStands, SendingLost
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, Verdict, bounded
from exporters.deliveries.records import Delivery, EventName, State
from exporters.deliveries.retry_plan import MOST_TRIES, pause_after
from exporters.deliveries.tables import deliveries, delivery_events

_MOVES: Mapping[EventName, tuple[tuple[State, ...], State]] = {
    EventName.CLAIMED: ((State.QUEUED,), State.SENDING),
    EventName.RECLAIMED: ((State.SENDING,), State.SENDING),
    EventName.RETURNED: ((State.SENDING,), State.QUEUED),
    EventName.RETRIED: ((State.SENDING,), State.QUEUED),
    EventName.DELIVERED: ((State.SENDING,), State.DELIVERED),
    EventName.REFUSED: ((State.SENDING,), State.REFUSED),
    EventName.DIED: ((State.QUEUED, State.SENDING), State.DEAD),
    EventName.CANCELLED: ((State.QUEUED, State.SENDING), State.CANCELLED),
    EventName.BOUNCED: ((State.DELIVERED,), State.REFUSED),
    EventName.REPLAYED: ((State.DEAD,), State.QUEUED),
}
_FREE: Mapping[str, Any] = {"lease_owner": None, "lease_token": None, "lease_until": None}
_ENDED: Mapping[str, Any] = {**_FREE, "due_at": None}
SENDER_LOST = "SENDER_LOST"
"""Code of a delivery whose sender vanished in its last try."""

DELIVERIES = StatefulTable(
    deliveries, delivery_events, key="delivery_id", guards=("lease_token",), told=("attempt",)
)


def to_delivery(record: Record) -> Delivery:
    """The record as a value."""
    values = dict(record._mapping)
    return Delivery(**{**values, "state": State(record.state), "channel": Channel(record.channel)})


def is_any_due(
    connection: Connection,
    now: datetime,
    channel: Channel,
    busy: Collection[str] = (),
    turn: ColumnElement[bool] | None = None,
) -> bool:
    """Whether a claim made now would change anything: a cheap look that locks nothing."""
    return any(
        connection.execute(select(deliveries.c.delivery_id).where(*free).limit(1)).first() is not None
        for free, _ in _free(now, channel, busy, turn)
    )


def claim(
    connection: Connection,
    now: datetime,
    channel: Channel,
    owner: str,
    *,
    lease: timedelta,
    busy: Collection[str] = (),
    turn: ColumnElement[bool] | None = None,
) -> Delivery | None:
    """Give the delivery that is due longest to `owner`, leaving out recipients that are `busy`.

    One whose sender vanished comes first; if that was in its last try, it is dead. Of what is due, only what
    `turn` says counts.
    """
    for free, since in _free(now, channel, busy, turn):
        query = select(deliveries).where(*free).order_by(since).limit(1)
        before = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
        if before is None:
            continue
        if before.attempt >= MOST_TRIES:
            _end_dead(connection, now, before, SENDER_LOST, "the sender vanished in the last try")
            return None
        event = EventName.CLAIMED if before.state == State.QUEUED else EventName.RECLAIMED
        values = {
            "attempt": before.attempt + 1,
            "due_at": None,
            "lease_owner": owner,
            "lease_token": str(uuid.uuid4()),
            "lease_until": now + lease,
        }
        return _move(connection, now, event, before, values=values, detail={"owner": owner})
    return None


def renew(connection: Connection, now: datetime, delivery: Delivery, lease: timedelta) -> None:
    """Prolong the sender's lease. Not a transition: it leaves no event.

    Raises:
        SendingLost: it is another's, or cancelled.
    """
    held = (
        deliveries.c.delivery_id == delivery.delivery_id,
        deliveries.c.state == State.SENDING,
        deliveries.c.lease_token == delivery.lease_token,
    )
    if not connection.execute(update(deliveries).where(*held).values(lease_until=now + lease)).rowcount:
        raise SendingLost(delivery.delivery_id)


def finish(connection: Connection, now: datetime, delivery: Delivery, outcome: Outcome) -> Delivery:
    """Write what became of a try: delivered, refused, due again by the retry plan, or dead after the last.

    Raises:
        SendingLost: it is no longer the sender's.
    """
    before = _held(connection, delivery)
    told = {"code": outcome.code, "message": outcome.message}
    if outcome.verdict is Verdict.RETRY:
        pause = pause_after(before.attempt)
        if pause is None:
            return _end_dead(connection, now, before, outcome.code, outcome.message)
        values = {**_FREE, **told, "due_at": now + pause}
        return _move(connection, now, EventName.RETRIED, before, values=values, detail=told)
    event = EventName.DELIVERED if outcome.verdict is Verdict.DELIVERED else EventName.REFUSED
    values = {**_ENDED, **told, "finished_at": now}
    return _move(connection, now, event, before, values=values, detail=told)


def hand_back(connection: Connection, now: datetime, delivery: Delivery) -> Delivery:
    """Give the delivery back because its sender stops: it is due at once, and the try does not count.

    Raises:
        SendingLost: it is no longer the sender's.
    """
    before = _held(connection, delivery)
    values = {**_FREE, "due_at": now, "attempt": before.attempt - 1}
    return _move(
        connection, now, EventName.RETURNED, before, values=values, detail={"owner": before.lease_owner}
    )


def cancel(connection: Connection, now: datetime, delivery_id: str, reason: str) -> Delivery:
    """End a delivery at someone's wish; a sender that has it may have sent it already."""
    values = {**_ENDED, "finished_at": now}
    return _move(
        connection,
        now,
        EventName.CANCELLED,
        locked(connection, delivery_id),
        values=values,
        detail={"reason": reason},
    )


def bounce(connection: Connection, now: datetime, delivery_id: str, reason: str, actor: str) -> Delivery:
    """Record that what was taken came back, as a mail may do days later."""
    values = {"code": "BOUNCED", "message": bounded(reason), "finished_at": now}
    detail = {"reason": reason, "actor": actor}
    before = locked(connection, delivery_id)
    return _move(connection, now, EventName.BOUNCED, before, values=values, detail=detail)


def replay(connection: Connection, now: datetime, delivery_id: str, reason: str, actor: str) -> Delivery:
    """Queue a dead delivery once more, with all its tries; its id stays."""
    values = {"attempt": 0, "due_at": now, "finished_at": None}
    detail = {"reason": reason, "actor": actor}
    before = locked(connection, delivery_id)
    return _move(connection, now, EventName.REPLAYED, before, values=values, detail=detail)


def give_up_waiting(
    connection: Connection, now: datetime, channel: Channel, recipient: str, *, code: str, message: str
) -> int:
    """End all that waits for a recipient who is to be called no more, and say how many.

    What is being sent meanwhile ends by itself.
    """
    waiting = select(deliveries.c.delivery_id).where(
        deliveries.c.channel == channel,
        deliveries.c.recipient == recipient,
        deliveries.c.state == State.QUEUED,
    )
    told = {"code": code, "message": message}
    # At once: one by one, a hundred thousand would keep all other writers out for a minute.
    ended = connection.execute(
        update(deliveries)
        .where(deliveries.c.delivery_id.in_(waiting.with_for_update(skip_locked=True)))
        .values(**_ENDED, **told, state=State.DEAD, finished_at=now)
        .returning(deliveries.c.delivery_id, deliveries.c.state, deliveries.c.attempt)
    )
    records = ended.mappings().all()
    DELIVERIES.tell(connection, now, EventName.DIED, State.QUEUED, records, detail=told)
    return len(records)


def locked(connection: Connection, delivery_id: str) -> Record:
    """The row, unchangeable by others until the transaction ends; SQLite locks the whole file instead.

    Raises:
        DeliveryNotFound: there is none.
    """
    record = DELIVERIES.lock(connection, delivery_id)
    if record is None:
        raise DeliveryNotFound(delivery_id)
    return record


def _free(
    now: datetime, channel: Channel, busy: Collection[str], turn: ColumnElement[bool] | None
) -> tuple[tuple[tuple[ColumnElement[bool], ...], ColumnElement[datetime]], ...]:
    """What may be claimed, and by which column the one that waits longest is found."""
    lost_at, due_at = deliveries.c.lease_until, deliveries.c.due_at
    others = (deliveries.c.recipient.not_in(busy),) if busy else ()
    of_channel = (deliveries.c.channel == channel, *others)
    of_turn = () if turn is None else (turn,)
    return (
        ((*of_channel, deliveries.c.state == State.SENDING, lost_at <= now), lost_at),
        ((*of_channel, *of_turn, deliveries.c.state == State.QUEUED, due_at <= now), due_at),
    )


def _held(connection: Connection, delivery: Delivery) -> Record:
    record = locked(connection, delivery.delivery_id)
    if delivery.lease_token is None or record.lease_token != delivery.lease_token:
        raise SendingLost(delivery.delivery_id)
    return record


def _end_dead(connection: Connection, now: datetime, before: Record, code: str, message: str) -> Delivery:
    told = {"code": code, "message": message}
    values = {**_ENDED, **told, "finished_at": now}
    return _move(connection, now, EventName.DIED, before, values=values, detail=told)


def _move(
    connection: Connection,
    now: datetime,
    event: EventName,
    before: Record,
    *,
    values: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> Delivery:
    """Make the transition `event` on the row read as `before`; beside `give_up_waiting`, the one place."""
    record = DELIVERIES.move(connection, now, event, before, _MOVES[event], values=values, detail=detail)
    if record is None:
        raise DeliveryStands(before.delivery_id, before.state, " or ".join(_MOVES[event][0]))
    return to_delivery(record)

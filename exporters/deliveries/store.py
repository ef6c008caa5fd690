"""The door to the records of deliveries: every call is one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, tuple_, update

from exporters.database import Database
from exporters.database.values import storable, utc_now
from exporters.deliveries import transitions
from exporters.deliveries.errors import DeliveryNotFound, ReasonMissing
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import Delivery, Event, EventName, State
from exporters.deliveries.repeats import repeat
from exporters.deliveries.tables import deliveries, delivery_events

_LONGEST_REASON = 500
_MOST_REPLAYED = 1_000
"""Dead letters of one call."""

Beside = Callable[[Connection, Delivery], None]
"""Writes what belongs to a change, in its transaction: both last, or neither."""


@dataclass(frozen=True)
class Viewer:
    """Who looks: they see the deliveries of their workshops, and those of their account."""

    workshops: frozenset[str]
    account: str


class DeliveryStore:
    """Lists deliveries, and sends them again. Safe to share between threads.

    Without a `viewer` all deliveries are seen. Any call raises DatabaseUnavailable when the database fails.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def list(
        self,
        viewer: Viewer | None = None,
        *,
        state: State | None = None,
        subject: str | None = None,
        channel: Channel | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> Sequence[Delivery]:
        """The newest deliveries first; `before` is the last one of the page before.

        Raises:
            DeliveryNotFound: there is no delivery `before`.
        """
        chosen = [
            deliveries.c[name] == value
            for name, value in (("state", state), ("subject", subject), ("channel", channel))
            if value is not None
        ]
        place = (deliveries.c.created_at, deliveries.c.delivery_id)
        query = (
            select(deliveries).where(*_seen_by(viewer), *chosen).order_by(*(each.desc() for each in place))
        )
        with self._database.reading() as connection:
            if before is not None:
                last = _find(connection, before, viewer)
                query = query.where(tuple_(*place) < tuple_(last.created_at, last.delivery_id))
            return [transitions.to_delivery(row) for row in connection.execute(query.limit(limit))]

    def get(self, delivery_id: str, viewer: Viewer | None = None) -> Delivery:
        """One delivery.

        Raises:
            DeliveryNotFound: there is none, or the viewer does not see it.
        """
        with self._database.reading() as connection:
            return transitions.to_delivery(_find(connection, delivery_id, viewer))

    def events(self, delivery_id: str) -> Sequence[Event]:
        """What happened to a delivery, in order."""
        query = (
            select(delivery_events)
            .where(delivery_events.c.delivery_id == delivery_id)
            .order_by(delivery_events.c.event_id)
        )
        with self._database.reading() as connection:
            return [_to_event(row) for row in connection.execute(query)]

    def resend(
        self,
        delivery_id: str,
        reason: str,
        actor: str,
        viewer: Viewer | None = None,
        *,
        beside: Beside | None = None,
    ) -> Delivery:
        """Send once more what has come to an end: the new delivery, with an id of its own.

        Raises:
            DeliveryNotFound: there is none, or the viewer does not see it.
            DeliveryStands: it has not ended.
            ReasonMissing: the reason is empty, or longer than 500 characters.
        """
        reason = checked_reason(reason)
        with self._database.writing() as connection:
            _find(connection, delivery_id, viewer)
            made = repeat(connection, self._clock(), delivery_id, reason, actor)
            if beside is not None:
                beside(connection, made)
            return made

    def replay(
        self,
        reason: str,
        actor: str,
        viewer: Viewer | None = None,
        *,
        only: Sequence[str] | None = None,
        beside: Beside | None = None,
    ) -> Sequence[Delivery]:
        """Queue dead deliveries again under their own ids: those named, or the oldest thousand.

        Raises:
            DeliveryNotFound: a named one is not there, or the viewer does not see it.
            DeliveryStands: a named one is not dead.
            ReasonMissing: the reason is empty, or longer than 500 characters.
        """
        reason = checked_reason(reason)
        with self._database.writing() as connection:
            now = self._clock()
            replayed = []
            for delivery_id in _find_dead(connection, viewer) if only is None else sorted(set(only)):
                _find(connection, delivery_id, viewer)
                replayed.append(transitions.replay(connection, now, delivery_id, reason, actor))
                if beside is not None:
                    beside(connection, replayed[-1])
            return replayed

    def bounce(self, delivery_id: str, reason: str, actor: str) -> Delivery:
        """Record that a mail which was taken came back later.

        Raises:
            DeliveryNotFound: there is no such delivery.
            DeliveryStands: it was not delivered.
            ReasonMissing: the reason is empty, or longer than 500 characters.
        """
        reason = checked_reason(reason)
        with self._database.writing() as connection:
            return transitions.bounce(connection, self._clock(), delivery_id, reason, actor)

    def cancel(self, delivery_id: str, reason: str) -> Delivery:
        """End a delivery that has not ended; a sender that has it may have sent it already.

        Raises:
            DeliveryNotFound: there is no such delivery.
            DeliveryStands: it has ended.
            ReasonMissing: the reason is empty, or longer than 500 characters.
        """
        reason = checked_reason(reason)
        with self._database.writing() as connection:
            return transitions.cancel(connection, self._clock(), delivery_id, reason)

    def free_owned(self, owner: str) -> int:
        """End the leases of a sender that is known to be dead; returns how many deliveries it held.

        Not a transition: it leaves no event, the next claim does. Their tries count: they may have been sent.
        """
        now = self._clock()
        owned = (
            deliveries.c.state == State.SENDING,
            deliveries.c.lease_owner == owner,
            deliveries.c.lease_until > now,
        )
        with self._database.writing() as connection:
            return connection.execute(update(deliveries).where(*owned).values(lease_until=now)).rowcount


def checked_reason(reason: str) -> str:
    """The reason as it is kept.

    Raises:
        ReasonMissing: it is empty, or longer than 500 characters.
    """
    kept = storable(" ".join(reason.split()))
    if not kept or len(kept) > _LONGEST_REASON:
        raise ReasonMissing(f"give a reason, of at most {_LONGEST_REASON} characters")
    return kept


def _seen_by(viewer: Viewer | None) -> list[ColumnElement[bool]]:
    if viewer is None:
        return []
    own = deliveries.c.workshop_id.in_(sorted(viewer.workshops))
    return [or_(own, deliveries.c.account == viewer.account)]


def _find(connection: Connection, delivery_id: str, viewer: Viewer | None) -> Any:
    query = select(deliveries).where(deliveries.c.delivery_id == storable(delivery_id), *_seen_by(viewer))
    record = connection.execute(query).one_or_none()
    if record is None:
        raise DeliveryNotFound(delivery_id)
    return record


def _find_dead(connection: Connection, viewer: Viewer | None) -> Sequence[str]:
    dead = select(deliveries.c.delivery_id).where(deliveries.c.state == State.DEAD, *_seen_by(viewer))
    ordered = dead.order_by(deliveries.c.created_at, deliveries.c.delivery_id).limit(_MOST_REPLAYED)
    return connection.execute(ordered).scalars().all()


def _to_event(row: Any) -> Event:
    return Event(
        delivery_id=row.delivery_id,
        at=row.at,
        event=EventName(row.event),
        from_state=None if row.from_state is None else State(row.from_state),
        to_state=State(row.to_state),
        attempt=row.attempt,
        detail=row.detail,
    )

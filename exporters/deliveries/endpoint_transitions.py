"""The state machine of endpoints: active or disabled, each change a guarded UPDATE and one event row.

Every function works inside the caller's transaction, so that a delivery's outcome and what it means for its
endpoint are on record together.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from exporters.database.stateful_tables import Move, StatefulTable
from exporters.deliveries.endpoint_warnings import order_warning
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, Verdict
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.tables import deliveries
from exporters.deliveries.tables_endpoints import endpoint_events, endpoints
from exporters.deliveries.transitions import give_up_waiting

ENDPOINTS = StatefulTable(endpoints, endpoint_events, key="endpoint_id")
_PATIENCE = timedelta(hours=24)
"""How long an endpoint may fail without a success between."""
_TRYING = timedelta(hours=12)
"""For that long at least, of it, its failures must stretch: one that failed once was not tried for a day."""
_AT_ONCE = 2
"""Calls of one endpoint that are under way together."""
_AT_ONCE_OF_ACCOUNT = 4
"""Calls of all endpoints of one account."""

_CLAIMS = 4_127_590_336_118_274  # any constant of this program alone, for PostgreSQL's advisory lock

DISABLED = "ENDPOINT_DISABLED"
"""Code of a delivery whose endpoint is disabled."""
_ITS_FAILURES = frozenset(
    {
        "ADDRESS_REFUSED",
        "CONNECTION_FAILED",
        "CUT",
        "KERBEROS_FAILED",
        "NAME_UNKNOWN",
        "NOT_HTTP",
        "TIMEOUT",
        "TLS_FAILED",
    }
)
"""Codes that are the endpoint's doing, beside those of HTTP; it is not to blame for a store that fails."""


class EndpointState(StrEnum):
    """Whether it is called."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Reason(StrEnum):
    """Why it is not."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It failed for 24 hours."""
    BY_HAND = "by_hand"


_MOVES: Mapping[str, Move] = {
    "enabled": ((EndpointState.DISABLED,), EndpointState.ACTIVE),
    "disabled": ((EndpointState.ACTIVE,), EndpointState.DISABLED),
}


def settle(connection: Connection, now: datetime, delivery: Delivery, outcome: Outcome) -> None:
    """Record what the outcome of a webhook's try, just written, means for its endpoint."""
    if delivery.channel is not Channel.WEBHOOK:
        return
    if outcome.verdict is Verdict.DELIVERED:
        _note_success(connection, now, delivery.recipient)
    elif outcome.gone:
        disable(connection, now, delivery.recipient, Reason.GONE)
    elif outcome.code == DISABLED or outcome.code.isdigit() or outcome.code in _ITS_FAILURES:
        _note_failure(connection, now, delivery.recipient)


def disable_failing(connection: Connection, now: datetime) -> int:
    """Disable the endpoints that failed for 24 hours, and say how many they were."""
    found = connection.execute(
        select(endpoints.c.endpoint_id, endpoints.c.first_failure_at, endpoints.c.last_failure_at)
        .where(
            endpoints.c.state == EndpointState.ACTIVE,
            endpoints.c.first_failure_at <= now - _PATIENCE,
        )
        .with_for_update(skip_locked=True)
    ).all()
    failing = [row for row in found if row.last_failure_at - row.first_failure_at >= _TRYING]
    return sum(disable(connection, now, row.endpoint_id, Reason.FAILING) for row in failing)


def busy_endpoints(connection: Connection, now: datetime) -> frozenset[str]:
    """The endpoints that no other call may begin to now: two of theirs are under way, or four of
    their account.

    So a few that answer slowly do not hold up the others. In a transaction that writes, on PostgreSQL, others
    who ask wait for its end, so that no two take the last free place.
    """
    if connection.dialect.name != "sqlite" and not connection.get_execution_options().get("reading", False):
        connection.execute(select(func.pg_advisory_xact_lock(_CLAIMS)))
    under_way = (
        deliveries.c.channel == Channel.WEBHOOK,
        deliveries.c.state == State.SENDING,
        deliveries.c.lease_until > now,
    )
    full = (
        select(deliveries.c.recipient)
        .where(*under_way)
        .group_by(deliveries.c.recipient)
        .having(func.count() >= _AT_ONCE)
    )
    crowded = (
        select(deliveries.c.account)
        .where(*under_way)
        .group_by(deliveries.c.account)
        .having(func.count() >= _AT_ONCE_OF_ACCOUNT)
    )
    busy = connection.execute(full).scalars().all()
    accounts = connection.execute(crowded).scalars().all()
    if accounts:
        theirs = select(endpoints.c.endpoint_id).where(endpoints.c.account.in_(accounts))
        busy = [*busy, *connection.execute(theirs).scalars()]
    return frozenset(busy)


def next_endpoint(_connection: Connection, now: datetime, busy: Collection[str]) -> ColumnElement[bool]:
    """What waits for the endpoint whose turn it is: of those that something is due for, the one that was
    called longest ago.

    So what waits for one, however much, is not called before all that comes later for others.
    """
    due = exists().where(
        deliveries.c.channel == Channel.WEBHOOK,
        deliveries.c.recipient == endpoints.c.endpoint_id,
        deliveries.c.state == State.QUEUED,
        deliveries.c.due_at <= now,
    )
    called_at = func.coalesce(endpoints.c.last_failure_at, endpoints.c.last_success_at)
    free = (endpoints.c.endpoint_id.not_in(busy),) if busy else ()
    turn = select(endpoints.c.endpoint_id).where(due, *free).order_by(called_at.nulls_first())
    return deliveries.c.recipient == turn.limit(1).scalar_subquery()


def enable(connection: Connection, now: datetime, endpoint_id: str, actor: str) -> bool:
    """Call the endpoint again; whether it was disabled."""
    before = ENDPOINTS.lock(connection, endpoint_id)
    if before is None:
        return False
    values = dict.fromkeys(("reason", "first_failure_at", "last_failure_at", "warned_at"))
    event, detail = "enabled", {"actor": actor}
    moved = ENDPOINTS.move(connection, now, event, before, _MOVES[event], values=values, detail=detail)
    return moved is not None


def disable(
    connection: Connection, now: datetime, endpoint_id: str, reason: Reason, actor: str | None = None
) -> bool:
    """Call the endpoint no more: what waits for it is dead, and its contact is warned once unless it was done
    by hand. Whether it was active."""
    before = ENDPOINTS.lock(connection, endpoint_id, endpoints.c.state == EndpointState.ACTIVE)
    if before is None:
        return False
    dead = _end_waiting(connection, now, endpoint_id, reason)
    event, detail = "disabled", {"reason": reason, "dead": dead, "actor": actor}
    ENDPOINTS.move(connection, now, event, before, _MOVES[event], values={"reason": reason}, detail=detail)
    if reason is not Reason.BY_HAND and before.contact is not None:
        order_warning(connection, now, before, reason, dead)
    return True


def _note_success(connection: Connection, now: datetime, endpoint_id: str) -> None:
    connection.execute(
        update(endpoints)
        .where(endpoints.c.endpoint_id == endpoint_id)
        .values(last_success_at=now, first_failure_at=None, last_failure_at=None)
    )


def _note_failure(connection: Connection, now: datetime, endpoint_id: str) -> None:
    row = ENDPOINTS.lock(connection, endpoint_id)
    if row is None:
        return
    if row.state == EndpointState.DISABLED:  # meanwhile, or before the order
        _end_waiting(connection, now, endpoint_id, Reason(row.reason))
        return
    # After a day without any try, failing begins anew.
    quiet = row.last_failure_at is not None and now - row.last_failure_at > _PATIENCE
    first = now if row.first_failure_at is None or quiet else row.first_failure_at
    connection.execute(
        update(endpoints)
        .where(endpoints.c.endpoint_id == endpoint_id, endpoints.c.state == EndpointState.ACTIVE)
        .values(first_failure_at=first, last_failure_at=now)
    )


def _end_waiting(connection: Connection, now: datetime, endpoint_id: str, reason: Reason) -> int:
    message = f"the endpoint is disabled ({reason})"
    return give_up_waiting(connection, now, Channel.WEBHOOK, endpoint_id, code=DISABLED, message=message)

"""The state machine of fires: one function per transition, each a guarded UPDATE and one event row.

Every function works inside the caller's transaction, so a record and its history change together.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from exporters.database.stateful_tables import Record, StatefulTable
from exporters.database.values import storable
from exporters.definitions.periods import Span
from exporters.definitions.records import Definition, Fire, FireEvent
from exporters.definitions.states import FireEventName, FireKind, FireState
from exporters.definitions.tables import fire_events, fires

MOVES: Mapping[FireEventName, tuple[tuple[FireState, ...], FireState]] = {
    FireEventName.MADE_UP_FOR: ((FireState.MISSED,), FireState.DUE),
    FireEventName.BEGUN: ((FireState.DUE,), FireState.MAKING),
    FireEventName.SENT: ((FireState.MAKING,), FireState.SENT),
    FireEventName.SKIPPED: ((FireState.DUE, FireState.MAKING), FireState.SKIPPED),
    FireEventName.FAILED: ((FireState.DUE, FireState.MAKING), FireState.FAILED),
}
"""From which states each event leads where. Beside these, `record` makes what is due, skipped or missed."""

_OPEN = frozenset({FireState.DUE, FireState.MAKING})

_FIRES = StatefulTable(fires, fire_events, key="fire_id")


def to_fire(record: Record) -> Fire:
    """The record as a value."""
    values = dict(record._mapping)
    del values["lease_until"]
    return Fire(
        **{
            **values,
            "definition_id": str(record.definition_id),
            "kind": FireKind(record.kind),
            "state": FireState(record.state),
            "period_start": datetime.fromisoformat(record.period_start),
            "period_end": datetime.fromisoformat(record.period_end),
        }
    )


def to_event(record: Record) -> FireEvent:
    """The row as a value."""
    return FireEvent(
        at=record.at,
        event=FireEventName(record.event),
        from_state=None if record.from_state is None else FireState(record.from_state),
        to_state=FireState(record.to_state),
        detail=record.detail,
    )


def record(
    connection: Connection,
    now: datetime,
    definition: Definition,
    times: Iterable[tuple[datetime, Span]],
    state: FireState,
    *,
    kind: FireKind = FireKind.SCHEDULED,
    reason: str | None = None,
    actor: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> list[Fire]:
    """Write fires, due, skipped or missed, and return those that are new: a scheduled one is written once."""
    rows = [
        {
            "definition_id": int(definition.definition_id),
            "workshop_id": definition.workshop_id,
            "kind": kind,
            "fire_at": at,
            "period_start": span.start.isoformat(),
            "period_end": span.end.isoformat(),
            "state": state,
            "reason": reason,
            "actor": None if actor is None else storable(actor),
            "created_at": now,
            "finished_at": None if state in _OPEN else now,
        }
        for at, span in times
    ]
    if not rows:
        return []
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    # Those that are there already, such as by another process, are no concern of this one.
    statement = dialect.insert(fires).on_conflict_do_nothing().returning(*fires.c)
    made = [
        written
        for at in range(0, len(rows), _AT_ONCE)
        for written in connection.execute(statement, rows[at : at + _AT_ONCE]).all()
    ]
    new = [written._mapping for written in made]
    _FIRES.tell(connection, now, FireEventName.RECORDED, None, new, detail=detail or {})
    return [to_fire(written) for written in made]


_AT_ONCE = 500
"""Rows of one statement: the databases bound its parameters."""


def make_up_for(connection: Connection, now: datetime, definition_id: str, fire_at: datetime) -> bool:
    """Take up a missed fire that is due again, since the clock was set back; whether there was one."""
    found = connection.execute(
        select(fires.c.fire_id).where(
            fires.c.definition_id == int(definition_id),
            fires.c.fire_at == fire_at,
            fires.c.kind == FireKind.SCHEDULED,
            fires.c.state == FireState.MISSED,
        )
    ).scalar()
    if found is None:
        return False
    moved = _move(connection, now, FireEventName.MADE_UP_FOR, found, values={"finished_at": None}, detail={})
    return moved is not None


def begin(
    connection: Connection, now: datetime, fire_id: int, refusal: tuple[str, str] | None = None
) -> Fire | None:
    """All jobs of the fire are recorded, or as many as there will be; None: it was not due any more.

    `refusal`: code and words of why the others were not; `find_refusal` gives them back.
    """
    code, message = refusal or (None, None)
    told = {} if code is None else {"reason": storable(code), "message": storable(message or "")}
    values = {"lease_until": None, "message": told.get("message")}
    return _move(connection, now, FireEventName.BEGUN, fire_id, values=values, detail=told)


def find_refusal(connection: Connection, fire_id: int) -> tuple[str, str]:
    """Code and words of why some jobs of the fire were not recorded when it began."""
    begun = (fire_events.c.fire_id == fire_id, fire_events.c.event == FireEventName.BEGUN)
    query = select(fire_events.c.detail).where(*begun).order_by(fire_events.c.event_id.desc()).limit(1)
    detail = connection.execute(query).scalar() or {}
    return detail.get("reason", "NOT_REQUESTED"), detail.get("message", "the export was not asked for")


def send(connection: Connection, now: datetime, fire_id: int, detail: Mapping[str, Any]) -> Fire | None:
    """The deliveries of the fire are ordered in this transaction; None: it was not being made any more."""
    return _move(connection, now, FireEventName.SENT, fire_id, values={"finished_at": now}, detail=detail)


def skip(
    connection: Connection,
    now: datetime,
    fire_id: int,
    reason: str,
    *,
    message: str | None = None,
    rows: int | None = None,
    digest: str | None = None,
) -> Fire | None:
    """There is nothing to send; None: it has ended already."""
    values = {
        "reason": reason,
        "message": message,
        "rows": rows,
        "digest": digest,
        "lease_until": None,
        "finished_at": now,
    }
    return _move(connection, now, FireEventName.SKIPPED, fire_id, values=values, detail={"reason": reason})


def fail(connection: Connection, now: datetime, fire_id: int, code: str, message: str) -> Fire | None:
    """The fire cannot be met, or not whole; None: it has ended already."""
    told = {"reason": storable(code), "message": storable(message)}
    values = {**told, "lease_until": None, "finished_at": now}
    return _move(connection, now, FireEventName.FAILED, fire_id, values=values, detail=told)


def hold(connection: Connection, now: datetime, fire_id: int, lease: timedelta) -> Fire | None:
    """Take a due fire to work on, for `lease`; None: it is another's, or not due any more.

    Not a transition: it leaves no event.
    """
    statement = (
        update(fires)
        .where(
            fires.c.fire_id == fire_id,
            fires.c.state == FireState.DUE,
            fires.c.lease_until.is_(None) | (fires.c.lease_until <= now),
        )
        .values(lease_until=now + lease)
        .returning(*fires.c)
    )
    held = connection.execute(statement).one_or_none()
    return None if held is None else to_fire(held)


def put_off(connection: Connection, fire_id: int, until: datetime, message: str) -> None:
    """Leave a due fire alone until an instant, and say why. Not a transition: it leaves no event."""
    chosen = (fires.c.fire_id == fire_id, fires.c.state == FireState.DUE)
    values = {"lease_until": until, "message": storable(message)}
    connection.execute(update(fires).where(*chosen).values(values))


def keep_plan(
    connection: Connection, fire_id: int, plan: Mapping[str, Any], rows: int | None, digest: str | None
) -> bool:
    """Keep what is made of a due fire, so that whoever goes on with it makes the same; whether it stands.

    Not a transition: it leaves no event. Another plan that is there stands instead.
    """
    before = _FIRES.lock(connection, fire_id)
    if before is None or before.state != FireState.DUE or before.plan not in (None, plan):
        return False
    if before.plan is None:
        chosen = fires.c.fire_id == fire_id
        connection.execute(update(fires).where(chosen).values(plan=dict(plan), rows=rows, digest=digest))
    return True


def _move(
    connection: Connection,
    now: datetime,
    event: FireEventName,
    fire_id: int,
    *,
    values: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> Fire | None:
    """Make the transition `event`; the one place where a state changes. None: the state does not allow it."""
    before = _FIRES.lock(connection, fire_id)
    if before is None:
        return None
    moved = _FIRES.move(connection, now, event, before, MOVES[event], values=values, detail=detail)
    return None if moved is None else to_fire(moved)

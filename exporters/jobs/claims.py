"""Whose turn it is: the order in which free jobs are given to workers.

Each job gets a turn when it is created. A turn is a place in its workshop's own queue, not in one long line:
the next job of a workshop stands one weight behind its last, while the first job of a workshop that has none
stands where the others are now. So a workshop with a thousand jobs and one with a single job take turns. A
heavy job stands further behind than a light one of the same moment, and is overtaken by so many light ones of
each workshop at most: it never starves. To claim and to create are looks into an index, however many wait.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from exporters.jobs.records import Status
from exporters.jobs.tables import chores, jobs

CHANNEL = "reports_jobs_free"
"""Where PostgreSQL tells that a job has become free."""

_LIGHT, _MEDIUM, _HEAVY = 1, 3, 10
_LIGHT_ROWS, _MEDIUM_ROWS = 20_000, 200_000
"""Most rows of a light and of a medium job."""

_AT_ONCE = 500
"""Workshops of one statement: databases bound its parameters."""

_NEXT = (jobs.c.turn, jobs.c.created_at, jobs.c.job_id)

_LAST_TURNS = select(
    *(select(func.max(jobs.c.turn)).where(jobs.c.status == status).scalar_subquery() for status in Status)
)


def line_up(connection: Connection, workshop_id: str, rows: int | None) -> dict[str, int]:
    """The columns that say when it is the turn of a new job of so many rows, as far as they are known.

    No clock has a say in it: those of hosts differ, and a second would be as much as a thousand jobs.
    """
    weight = _weigh(rows)
    head = _find_head(connection)
    present = _last_turn(connection) if head is None else head["turn"] - head["weight"]
    # Light jobs queue behind light ones only: a workshop's large file does not hold up its small ones.
    own = connection.execute(
        select(func.max(jobs.c.turn)).where(jobs.c.workshop_id == workshop_id, jobs.c.weight == weight)
    ).scalar_one()
    return {"turn": max(present, own or 0) + weight, "weight": weight}


def line_up_many(connection: Connection, wanted: Sequence[tuple[str, int | None]]) -> list[dict[str, int]]:
    """As `line_up`, for the workshop and rows of each of several jobs, created one after another."""
    last: dict[tuple[str, int], int] = {}
    workshops = sorted({workshop_id for workshop_id, _ in wanted})
    own = select(jobs.c.workshop_id, jobs.c.weight, func.max(jobs.c.turn))
    for at in range(0, len(workshops), _AT_ONCE):
        known = jobs.c.workshop_id.in_(workshops[at : at + _AT_ONCE])
        query = own.where(known).group_by(jobs.c.workshop_id, jobs.c.weight)
        last.update({(line, weight): turn for line, weight, turn in connection.execute(query)})
    head = _find_head(connection)
    present = _last_turn(connection)
    places = []
    for workshop_id, rows in wanted:
        weight = _weigh(rows)
        if head is not None:
            present = head["turn"] - head["weight"]
        place = {"turn": max(present, last.get((workshop_id, weight), 0)) + weight, "weight": weight}
        last[workshop_id, weight] = place["turn"]
        if head is None or place["turn"] < head["turn"]:
            head = place
        places.append(place)
    return places


def _find_head(connection: Connection) -> dict[str, int] | None:
    """Turn and weight of the pending job whose turn it is."""
    query = select(jobs.c.turn, jobs.c.weight).where(jobs.c.status == Status.PENDING)
    found = connection.execute(query.order_by(*_NEXT).limit(1)).one_or_none()
    return None if found is None else {"turn": found.turn, "weight": found.weight}


def _last_turn(connection: Connection) -> int:
    """The furthest turn that any job has had; a look into the index for each state."""
    return max(turn or 0 for turn in connection.execute(_LAST_TURNS).one())


def _weigh(rows: int | None) -> int:
    if rows is None:
        return _MEDIUM
    return _LIGHT if rows <= _LIGHT_ROWS else _MEDIUM if rows <= _MEDIUM_ROWS else _HEAVY


def find_free(connection: Connection, now: datetime, job_id: str | None) -> Row[Any] | None:
    """The free job whose turn it is, or the one named if it is free; locked until the transaction ends.

    Jobs that were begun before come first: they have waited longest.
    """
    for query in _FREE:
        if job_id is not None:
            query = query.where(jobs.c.job_id == job_id)  # noqa: PLW2901
        record = connection.execute(query, {"now": now}).one_or_none()
        if record is not None:
            return record
    return None


def is_any_free(connection: Connection, now: datetime) -> bool:
    """Whether a claim made now would change anything: a cheap look that locks nothing."""
    for free in (jobs.c.status == Status.PENDING, lease_ended(now)):
        if connection.execute(select(jobs.c.job_id).where(free).limit(1)).first() is not None:
            return True
    return False


def announce_free(connection: Connection) -> None:
    """Tell waiting workers, at the end of the transaction, that there is a job; SQLite needs no telling."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


def take_chore(connection: Connection, now: datetime, name: str, every: timedelta) -> bool:
    """Whether the chore is the caller's to do now: it is nobody else's until `every` has passed."""
    # One taken far in the future was taken by a clock that went wrong: it is not left undone till then.
    due = or_(chores.c.taken_at <= now - every, chores.c.taken_at > now + every)
    taken = connection.execute(update(chores).where(chores.c.name == name, due).values(taken_at=now))
    if taken.rowcount:
        return True
    known = connection.execute(select(chores.c.name).where(chores.c.name == name)).first()
    if known is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(chores.insert().values(name=name, taken_at=now))
    except IntegrityError:  # another worker's first time was at once
        return False
    return True


def lease_ended(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether nobody holds a job that was begun."""
    return and_(jobs.c.status == Status.PROCESSING, jobs.c.lease_until <= now)


def skipping_locked(query: Select[Any]) -> Select[Any]:
    """A row another transaction is about to change is not waited for: it is not free."""
    return query.with_for_update(skip_locked=True)


_FREE = tuple(
    skipping_locked(select(jobs).where(free).order_by(*_NEXT).limit(1))
    for free in (
        and_(lease_ended(bindparam("now")), jobs.c.attempt < jobs.c.max_attempts),
        jobs.c.status == Status.PENDING,
    )
)
"""The free job whose turn it is, of those begun before and of the others; to build a query for each claim
would take longer than to run it."""

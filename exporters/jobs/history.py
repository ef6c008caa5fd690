"""What the job records tell of the work: how long files took, what runs now, what stands before a new job.

Every look is into an index and bounded, however many records there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, bindparam, cast, func, select

from exporters.database import Database
from exporters.jobs.claims import line_up
from exporters.jobs.records import Status
from exporters.jobs.tables import jobs

_ENDED = 200
"""Newest ended jobs that are looked at; those that failed, or took several tries, tell nothing."""

_HEADED = 200
"""Jobs before a new one that are looked at one by one; the others are taken to be like them."""

_COUNTED = 10_000
"""Jobs before a new one that are counted at most."""


@dataclass(frozen=True)
class Run:
    """A file that was made in one try."""

    report_type: str
    format: str
    rows: int
    started_at: datetime
    finished_at: datetime

    @property
    def seconds(self) -> float:
        """From the claim to the file; not below 0, should two clocks have told the instants."""
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(frozen=True)
class Held:
    """A job that a worker has, since `started_at`, under a lease that lasts."""

    report_type: str
    format: str
    rows: int | None
    started_at: datetime


@dataclass(frozen=True)
class Waiting:
    """Jobs of one type and format that stand before a new one."""

    report_type: str
    format: str
    jobs: int
    rows: float | None
    """Mean of those known."""


@dataclass(frozen=True)
class Line:
    """What stands before a new job."""

    at: datetime
    held: tuple[Held, ...]
    waiting: tuple[Waiting, ...]
    """Of the next 200 jobs."""
    length: int
    """Of all of them, as far as they are counted."""


class JobHistory:
    """Reads of the job records for estimates. Safe to share between threads.

    Any call raises DatabaseUnavailable when the database fails.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def runs(self, report_type: str, format: str) -> tuple[Run, ...]:  # noqa: A002  the record's own name
        """The newest runs of one type and format, the newest first."""
        with self._database.reading() as connection:
            asked = {"report_type": report_type, "format": format}
            return tuple(Run(*record) for record in connection.execute(_RUNS_ALIKE, asked))

    def recent_runs(self) -> tuple[Run, ...]:
        """The newest runs of all types and formats, the newest first."""
        with self._database.reading() as connection:
            return tuple(Run(*record) for record in connection.execute(_RECENT_RUNS))

    def line(self, workshop_id: str, rows: int | None) -> Line:
        """What would stand before a new job of the workshop, of so many rows."""
        with self._database.reading() as connection:
            now = self._now()
            turn = {"turn": line_up(connection, workshop_id, rows)["turn"]}
            waiting = tuple(Waiting(*record) for record in connection.execute(_WAITING, turn))
            length = sum(each.jobs for each in waiting)
            if length == _HEADED:
                length = connection.execute(_LENGTH, turn).scalar_one()
            held = tuple(Held(*record) for record in connection.execute(_HELD, {"now": now}))
        return Line(now, held, waiting, length)


# Statements are built once: building takes longer than executing.


def _select_runs(*alike: ColumnElement[bool]) -> Select[Any]:
    names = ("report_type", "format", "rows_written", "started_at", "finished_at")
    ended = (
        select(*(jobs.c[name] for name in (*names, "status", "attempt")))
        .where(jobs.c.finished_at.is_not(None), *alike)
        .order_by(jobs.c.finished_at.desc())
        .limit(_ENDED)
        .subquery()
    )
    made = ended.c.status.in_((Status.COMPLETED, Status.EXPIRED))
    return (
        select(*(ended.c[name] for name in names))
        .where(made, ended.c.attempt == 1)
        .order_by(ended.c.finished_at.desc())
    )


def _select_waiting() -> Select[Any]:
    names = ("report_type", "format", "rows_estimated")
    head = (
        select(*(jobs.c[name] for name in names))
        .where(*_BEFORE)
        .order_by(*_IN_TURN)
        .limit(_HEADED)
        .subquery()
    )
    return select(
        head.c.report_type, head.c.format, func.count(), cast(func.avg(head.c.rows_estimated), Float)
    ).group_by(head.c.report_type, head.c.format)


_RECENT_RUNS = _select_runs()
_RUNS_ALIKE = _select_runs(
    jobs.c.report_type == bindparam("report_type"), jobs.c.format == bindparam("format")
)
_IN_TURN = (jobs.c.turn, jobs.c.created_at, jobs.c.job_id)
_BEFORE = (jobs.c.status == Status.PENDING, jobs.c.turn <= bindparam("turn"))
_WAITING = _select_waiting()
# In order, so that PostgreSQL counts along the index, and does not go through the whole table.
_LENGTH = select(func.count()).select_from(
    select(jobs.c.job_id).where(*_BEFORE).order_by(*_IN_TURN).limit(_COUNTED).subquery()
)
_HELD = (
    select(
        jobs.c.report_type,
        jobs.c.format,
        func.coalesce(jobs.c.rows_expected, jobs.c.rows_estimated),
        jobs.c.started_at,
    )
    .where(jobs.c.status == Status.PROCESSING, jobs.c.lease_until > bindparam("now"))
    .limit(_HEADED)
)

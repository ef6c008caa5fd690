"""The feed of ended jobs: every end once, in one order, from a cursor; for recorders and counters."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, text

from exporters.database import Database
from exporters.jobs.reading import to_event
from exporters.jobs.records import Event, EventName, Job
from exporters.jobs.tables import job_events, jobs
from exporters.jobs.transitions import to_job

_ENDS = (EventName.COMPLETED, EventName.FAILED, EventName.CANCELLED)

_WAIT_SECONDS = 1.0
_PAUSE_SECONDS = 0.005

# Whoever writes an event holds this lock from before the event has its number until it has committed.
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE mode = 'RowExclusiveLock' AND granted"
    " AND relation = to_regclass(:events)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True, kw_only=True)
class End:
    """A job that became completed, failed or cancelled."""

    number: int
    """Grows from end to end, with gaps."""
    event: Event
    """The end itself; `event.at` is when it was."""
    job: Job
    """The job as it stands now: a completed one may have expired since."""
    history: tuple[Event, ...]
    """All events of the job, oldest first; later ones than the end may be there."""


@dataclass(frozen=True)
class FeedPage:
    """Some ends, and the cursor that gives the next ones."""

    ends: tuple[End, ...]
    cursor: int


class JobFeed:
    """Hands out the ends of jobs in order. Nothing is kept here: a cursor is what a reader has to keep.

    No end is missed or given twice, whoever writes meanwhile. On PostgreSQL an event may be committed after
    one of a higher number, so only those are handed out below which nobody is still writing. One that writes
    for more than a second holds the feed up: nothing is handed out until it has ended.

    The jobs of a workshop that was forgotten are not there any more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """The cursor behind which only what ends from now on is found.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        with self._database.reading() as connection:
            return int(connection.execute(select(func.max(job_events.c.event_id))).scalar() or 0)

    def settled(self, cursor: int) -> int:
        """The number up to which every event is there for good; `cursor`: none after it is known to be.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        last = self.newest()
        return last if last > cursor and self._is_settled() else cursor

    def read(self, cursor: int, limit: int) -> FeedPage:
        """At most `limit` ends after `cursor`, the oldest first; 0 is before all.

        Raises:
            DatabaseUnavailable: the database failed.
            ValueError: `limit` is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}: ask for at least one end")
        last = self.settled(cursor)
        if last == cursor:
            return FeedPage((), cursor)
        found = (
            select(job_events)
            .where(job_events.c.event_id > cursor, job_events.c.event_id <= last)
            .where(job_events.c.event.in_(_ENDS))
            .order_by(job_events.c.event_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(found).all()
        return FeedPage(self._describe(rows), rows[-1].event_id if len(rows) == limit else last)

    def _is_settled(self) -> bool:
        """Whether all who were writing events when this was called have ended, waiting for them shortly."""
        if self._database.is_sqlite:  # one writer at a time: numbers are committed in their order
            return True
        deadline = time.monotonic() + _WAIT_SECONDS
        writers = self._writers()
        while writers and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            writers &= self._writers()
        return not writers

    def _writers(self) -> set[str]:
        with self._database.reading() as connection:
            return set(connection.execute(_WRITERS, {"events": job_events.name}).scalars())

    def _describe(self, rows: Iterable[Row[Any]]) -> tuple[End, ...]:
        ids = {row.job_id for row in rows}
        with self._database.reading() as connection:
            found = connection.execute(select(jobs).where(jobs.c.job_id.in_(ids))).all()
            events = connection.execute(
                select(job_events).where(job_events.c.job_id.in_(ids)).order_by(job_events.c.event_id)
            ).all()
        known: Mapping[str, Job] = {record.job_id: to_job(record) for record in found}
        histories: dict[str, list[Event]] = defaultdict(list)
        for row in events:
            histories[row.job_id].append(to_event(row))
        return tuple(
            End(
                number=row.event_id,
                event=to_event(row),
                job=known[row.job_id],
                history=tuple(histories[row.job_id]),
            )
            for row in rows
            if row.job_id in known  # forgotten since
        )

"""What became of jobs, as numbers alone, from a cursor: for counters that are read often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from exporters.database import Database
from exporters.jobs.feed import JobFeed
from exporters.jobs.records import EventName, Status
from exporters.jobs.tables import job_events, jobs

ENDS = {
    EventName.COMPLETED: Status.COMPLETED,
    EventName.FAILED: Status.FAILED,
    EventName.CANCELLED: Status.CANCELLED,
}
"""The outcomes after which a job is not tried again, and what it is then."""
REPEATS = {
    EventName.RECLAIMED: "reclaimed",
    EventName.RETRIED: "retried",
    EventName.RETURNED: "returned",
}
"""Those after which it is, and what they are called."""


@dataclass(frozen=True)
class Outcome:
    """An end of a job, or of a try of it. It tells nothing of whose job it is."""

    event: EventName
    report_type: str
    format: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rows: int
    """Of the last try."""
    size_bytes: int | None
    error_code: str | None


class Outcomes:
    """Hands out outcomes in order, none missed and none twice, as `JobFeed` does ends; and for far less.

    Raises:
        DatabaseUnavailable: the database failed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._feed = JobFeed(database)

    def newest(self) -> int:
        """The cursor behind which only what happens from now on is found."""
        return self._feed.newest()

    def read(self, cursor: int, limit: int) -> tuple[Sequence[Outcome], int]:
        """At most `limit` outcomes after `cursor`, and the cursor that gives the next ones."""
        last = self._feed.settled(cursor)
        if last == cursor:
            return (), cursor
        found = (
            select(
                job_events.c.event_id,
                job_events.c.event,
                jobs.c.report_type,
                jobs.c.format,
                jobs.c.created_at,
                jobs.c.started_at,
                jobs.c.finished_at,
                jobs.c.rows_written,
                jobs.c.size_bytes,
                jobs.c.error_code,
            )
            .join(jobs, jobs.c.job_id == job_events.c.job_id)
            .where(job_events.c.event_id > cursor, job_events.c.event_id <= last)
            .where(job_events.c.event.in_([*ENDS, *REPEATS]))
            .order_by(job_events.c.event_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(found).all()
        outcomes = [Outcome(EventName(event), *values) for _, event, *values in rows]
        return outcomes, rows[-1].event_id if len(rows) == limit else last

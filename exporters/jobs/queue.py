"""The queue as it stands: how much waits and runs, and what nobody works on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from exporters.database import Database
from exporters.jobs.claims import lease_ended
from exporters.jobs.records import Status
from exporters.jobs.tables import jobs


@dataclass(frozen=True)
class Queue:
    """Numbers of jobs at one instant."""

    pending: int
    processing: int
    abandoned: int
    """Of those processing, the ones that any worker could take: their lease or their pause has ended."""
    oldest_pending: datetime | None
    """When the pending job that has waited longest was asked for; None: none waits."""


def look_at_queue(database: Database, now: datetime) -> Queue:
    """The queue of all workshops, by looks into indexes alone.

    Raises:
        DatabaseUnavailable: the database failed.
    """
    count = select(func.count()).select_from(jobs)
    with database.reading() as connection:
        pending, processing, abandoned = (
            int(connection.execute(count.where(which)).scalar_one())
            for which in (
                jobs.c.status == Status.PENDING,
                jobs.c.status == Status.PROCESSING,
                lease_ended(now),
            )
        )
        oldest = connection.execute(
            select(jobs.c.created_at)
            .where(jobs.c.status == Status.PENDING)
            .order_by(jobs.c.created_at)
            .limit(1)
        ).scalar()
    return Queue(pending, processing, abandoned, oldest)

"""Reading jobs and their events, within the caller's transaction."""

from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from exporters.database.stateful_tables import Record
from exporters.jobs.errors import JobNotFound
from exporters.jobs.records import Event, EventName, Job, Status
from exporters.jobs.tables import job_events, jobs
from exporters.jobs.transitions import to_job


def find_job(connection: Connection, job_id: str, workshop_id: str | None) -> Job:
    """As `JobStore.get` says."""
    query = select(jobs).where(jobs.c.job_id == job_id)
    if workshop_id is not None:
        query = query.where(jobs.c.workshop_id == workshop_id)
    record = connection.execute(query).one_or_none()
    if record is None:
        raise JobNotFound(job_id)
    return to_job(record)


def list_jobs(
    connection: Connection, workshop_id: str | None, status: Status | None, limit: int, last: Job | None
) -> tuple[Job, ...]:
    """At most `limit` jobs, newest first; those that come after `last`, where it is given."""
    query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id.desc()).limit(limit)
    if workshop_id is not None:
        query = query.where(jobs.c.workshop_id == workshop_id)
    if status is not None:
        query = query.where(jobs.c.status == status)
    if last is not None:
        query = query.where(tuple_(jobs.c.created_at, jobs.c.job_id) < (last.created_at, last.job_id))
    return tuple(to_job(record) for record in connection.execute(query))


def list_expirable(connection: Connection, now: datetime) -> tuple[Job, ...]:
    """The completed jobs whose retention has passed at `now`, the longest passed first."""
    query = (
        select(jobs)
        .where(jobs.c.status == Status.COMPLETED, jobs.c.expires_at <= now)
        .order_by(jobs.c.expires_at, jobs.c.job_id)
    )
    return tuple(to_job(record) for record in connection.execute(query))


def list_events(connection: Connection, job_id: str) -> tuple[Event, ...]:
    """What happened to the job, oldest first; nothing for a job that does not exist."""
    query = select(job_events).where(job_events.c.job_id == job_id).order_by(job_events.c.event_id)
    return tuple(to_event(record) for record in connection.execute(query))


def to_event(record: Record) -> Event:
    """The row as a value."""
    return Event(
        job_id=record.job_id,
        at=record.at,
        event=EventName(record.event),
        from_status=None if record.from_status is None else Status(record.from_status),
        to_status=Status(record.to_status),
        attempt=record.attempt,
        detail=record.detail,
    )

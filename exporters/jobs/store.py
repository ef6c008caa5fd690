"""The door to the job records: every call is one transaction."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from exporters.database import Database, open_database
from exporters.jobs import transitions
from exporters.jobs.checks import (
    check_lease,
    checked_filters,
    checked_id,
    checked_instant,
    known_form,
    storable,
)
from exporters.jobs.errors import JobNotFound
from exporters.jobs.forgetting import forget_workshop
from exporters.jobs.records import Event, EventName, Job, Status
from exporters.jobs.tables import job_events, jobs

if TYPE_CHECKING:
    from exporters.formats.table import Language


def utc_now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def open_jobs(url: str, *, clock: Callable[[], datetime] = utc_now) -> "JobStore":
    """Open the job records at `url`, making the database's folder, file and tables where they are missing.

    Safe when several processes do it at once. Open the records once per process: a store does not survive a
    fork. `clock` gives the present instant, aware; every instant in the records comes from it.

    Raises:
        SchemaTooNew: a newer version of the program has upgraded the database.
        DatabaseUnavailable: the URL is of no accepted kind, or the database cannot be opened.
    """
    return JobStore(open_database(url), clock)


class JobStore:
    """Creates, hands out, ends and finds jobs. Safe to share between threads.

    Any call raises DatabaseUnavailable when the database fails. Nothing is changed then, save when a server
    was lost during the commit itself: read the record to know.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def __repr__(self) -> str:
        return f"JobStore({self._database.place})"

    def _now(self) -> datetime:
        return checked_instant(self._clock())

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def create(
        self,
        workshop_id: str,
        report_type: str,
        format: str,  # noqa: A002  the record's own name for it
        filters: Mapping[str, Any],
        *,
        max_attempts: int,
        language: "Language" = "en",
        name_template: str | None = None,
        job_id: str | None = None,
    ) -> Job:
        """Record a new pending job. `filters` are the resolved filters, as JSON values.

        Raises:
            ValueError: a name is empty, `filters` is no JSON, `max_attempts` is below 1, `job_id` is no UUID.
            JobExists: `job_id` is taken.
        """
        for name, value in {"workshop_id": workshop_id, "report_type": report_type, "format": format}.items():
            if not value or value != storable(value):
                raise ValueError(f"{name} {value!r} must be text, not empty and without NUL")
        if max_attempts < 1:
            raise ValueError(f"max_attempts is {max_attempts}: a job needs at least one try")
        asked = {
            "workshop_id": workshop_id,
            "report_type": report_type,
            "format": format,
            "filters": checked_filters(filters),
            "language": language,
            "name_template": name_template,
            "max_attempts": max_attempts,
        }
        chosen = str(uuid.uuid4()) if job_id is None else checked_id(job_id)
        with self._database.writing() as connection:
            return transitions.create(connection, self._now(), chosen, asked)

    def claim(self, owner: str, lease: timedelta, job_id: str | None = None) -> Job | None:
        """Take the oldest free job, or the one named, for `lease`; None when there is no such free job.

        A job is free while it is pending, or while its lease has ended and it has tries left. Exactly one
        caller gets it. Jobs whose lease ended in their last try become failed first, with code LEASE_LOST.
        """
        check_lease(lease)
        with self._database.writing() as connection:
            now = self._now()
            transitions.fail_lost(connection, now, job_id)
            return transitions.claim(connection, now, owner, lease, job_id)

    def fail_lost(self) -> tuple[Job, ...]:
        """Fail the jobs whose lease ended in their last try, with code LEASE_LOST, and return them."""
        with self._database.writing() as connection:
            return tuple(transitions.fail_lost(connection, self._now(), None))

    def heartbeat(
        self, job: Job, lease: timedelta, rows_written: int, rows_expected: int | None = None
    ) -> Job:
        """Hold `job` for another `lease` from now and record how far it is.

        The progress follows the counts, never falls, and stays below 100 until the job is completed.

        Raises:
            JobCancelled: the job was cancelled; the worker must stop.
            LeaseLost: the worker holds the job no longer; it must stop.
            JobNotFound: there is no such job.
        """
        check_lease(lease)
        if rows_written < 0 or (rows_expected or 0) < 0:
            raise ValueError(f"rows are counted from 0: {rows_written} written of {rows_expected}")
        with self._database.writing() as connection:
            return transitions.heartbeat(
                connection, self._now(), job, lease, rows_written=rows_written, rows_expected=rows_expected
            )

    def complete(
        self,
        job: Job,
        *,
        file_key: str,
        file_name: str,
        media_type: str,
        size_bytes: int,
        sha256: str,
        manifest_key: str,
        rows: int,
        generation: str,
        retention: timedelta,
    ) -> Job:
        """End `job` with its file, which must be readable in the store already and expires after `retention`.

        Raises:
            JobCancelled, LeaseLost: the result is not wanted any more; the worker must remove it.
            JobNotFound: there is no such job.
        """
        with self._database.writing() as connection:
            now = self._now()
            result = {
                "file_key": file_key,
                "file_name": file_name,
                "media_type": media_type,
                "size_bytes": size_bytes,
                "sha256": sha256,
                "manifest_key": manifest_key,
                "rows_written": rows,
                "generation": generation,
                "expires_at": now + retention,
            }
            return transitions.complete(connection, now, job, result)

    def fail(self, job: Job, code: str, message: str) -> Job:
        """End `job` with an error that another try would not mend. Raises as `complete` does."""
        with self._database.writing() as connection:
            return transitions.fail(connection, self._now(), job, storable(code), storable(message))

    def release(self, job: Job, code: str, message: str) -> Job:
        """Give `job` back after an error another try may mend; it is free at once.

        Without tries left it becomes failed. Raises as `complete` does.
        """
        with self._database.writing() as connection:
            return transitions.release(connection, self._now(), job, storable(code), storable(message))

    def cancel(self, job_id: str, workshop_id: str | None = None, *, reason: str = "") -> Job:
        """End a pending or processing job; the event keeps the reason.

        Raises:
            IllegalTransition: the job has ended already; its `status` says how.
            JobNotFound: there is no such job, or it is not `workshop_id`'s.
        """
        with self._database.writing() as connection:
            return transitions.cancel(connection, self._now(), known_form(job_id), workshop_id, reason)

    def expire(self, job_id: str, *, reason: str = "") -> Job:
        """Withdraw the file of a completed job: the record stays, its `file_key` does not.

        The caller removes the file. The event keeps the key and the reason.

        Raises:
            IllegalTransition: the job is not completed.
            JobNotFound: there is no such job.
        """
        with self._database.writing() as connection:
            return transitions.expire(connection, self._now(), known_form(job_id), reason)

    def forget_workshop(self, workshop_id: str) -> int:
        """Remove every record of a workshop, whatever its state; returns how many jobs there were."""
        with self._database.writing() as connection:
            removed = forget_workshop(connection, workshop_id)
        self._database.compact()
        return removed

    def expirable(self, now: datetime) -> tuple[Job, ...]:
        """The completed jobs whose retention has passed at `now`, the longest passed first."""
        query = (
            select(jobs)
            .where(jobs.c.status == Status.COMPLETED, jobs.c.expires_at <= checked_instant(now))
            .order_by(jobs.c.expires_at, jobs.c.job_id)
        )
        with self._database.reading() as connection:
            return tuple(transitions.to_job(record) for record in connection.execute(query))

    def get(self, job_id: str, workshop_id: str | None = None) -> Job:
        """The job; with `workshop_id`, only if it is that workshop's.

        Raises:
            JobNotFound: there is no such job, or it is another workshop's.
        """
        query = select(jobs).where(jobs.c.job_id == known_form(job_id))
        if workshop_id is not None:
            query = query.where(jobs.c.workshop_id == workshop_id)
        with self._database.reading() as connection:
            record = connection.execute(query).one_or_none()
        if record is None:
            raise JobNotFound(job_id)
        return transitions.to_job(record)

    def list(
        self,
        workshop_id: str | None = None,
        status: Status | None = None,
        *,
        limit: int = 100,
        before: str | None = None,
    ) -> tuple[Job, ...]:
        """At most `limit` jobs, newest first; `before` is the id of the last job of the page before.

        Raises:
            JobNotFound: `before` is no job, or another workshop's.
            ValueError: `limit` is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}: ask for at least one job")
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id.desc()).limit(limit)
        if workshop_id is not None:
            query = query.where(jobs.c.workshop_id == workshop_id)
        if status is not None:
            query = query.where(jobs.c.status == status)
        if before is not None:
            last = self.get(before, workshop_id)
            query = query.where(tuple_(jobs.c.created_at, jobs.c.job_id) < (last.created_at, last.job_id))
        with self._database.reading() as connection:
            return tuple(transitions.to_job(record) for record in connection.execute(query))

    def events(self, job_id: str) -> tuple[Event, ...]:
        """What happened to the job, oldest first.

        Raises:
            JobNotFound: there is no such job.
        """
        query = (
            select(job_events)
            .where(job_events.c.job_id == known_form(job_id))
            .order_by(job_events.c.event_id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise JobNotFound(job_id)
        return tuple(
            Event(
                job_id=row.job_id,
                at=row.at,
                event=EventName(row.event),
                from_status=None if row.from_status is None else Status(row.from_status),
                to_status=Status(row.to_status),
                attempt=row.attempt,
                detail=row.detail,
            )
            for row in rows
        )

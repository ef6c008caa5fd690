"""The door to the job records: every call is one transaction."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from exporters.database import Database, open_database
from exporters.database.values import storable, utc_now
from exporters.jobs import transitions
from exporters.jobs.admission import Admitted, Asked, Beside, admit, columns_of, replay, serialise
from exporters.jobs.checks import check_lease, checked_id, checked_instant, known_form
from exporters.jobs.claims import is_any_free, take_chore
from exporters.jobs.errors import JobNotFound
from exporters.jobs.forgetting import forget_workshop
from exporters.jobs.history import JobHistory
from exporters.jobs.reading import find_job, list_events, list_expirable, list_jobs
from exporters.jobs.records import Event, Job, Status
from exporters.jobs.request_keys import purge_keys
from exporters.jobs.watching import Watch, watch

if TYPE_CHECKING:
    from exporters.formats.table import Language
    from exporters.options import Quotas


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

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self.history = JobHistory(database, self._now)

    def __repr__(self) -> str:
        return f"JobStore({self._database.place})"

    def _now(self) -> datetime:
        return checked_instant(self._clock())

    @property
    def database(self) -> Database:
        """Where the jobs are, for records that are written in one transaction with them."""
        return self._database

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
        asked = Asked(
            workshop_id=workshop_id,
            report_type=report_type,
            format=format,
            filters=filters,
            max_attempts=max_attempts,
            language=language,
            name_template=name_template,
        )
        return self.admit(asked, job_id=job_id).job

    def admit(
        self,
        asked: Asked,
        *,
        key: str | None = None,
        quotas: "Quotas | None" = None,
        beside: Beside | None = None,
        job_id: str | None = None,
    ) -> Admitted:
        """Record a new pending job, once for each idempotency key of its workshop and within its quotas.

        Any number of threads and processes may ask with one key at once: one makes the job, the others wait
        for it and get it. A key stands for its job for 24 hours. `beside` is called where a job is made.

        Raises:
            KeyReused: the key stands for a job that was asked for otherwise.
            QuotaExceeded: the workshop would have more than its quota.
            ValueError, JobExists: as `create` says.
        """
        columns = columns_of(asked)
        chosen = str(uuid.uuid4()) if job_id is None else checked_id(job_id)
        with self._database.writing() as connection:
            if key is not None or quotas is not None:
                serialise(connection, asked.workshop_id)
            now = self._now()
            if asked.time_estimated is not None:
                columns["estimated_completion"] = now + asked.time_estimated
            return admit(connection, now, chosen, columns, key=key, quotas=quotas, beside=beside)

    def replay(self, asked: Asked, key: str) -> Job | None:
        """The job that the same request with this key made in the last 24 hours; None: there was none.

        Raises:
            KeyReused: the key stands for a job that was asked for otherwise.
        """
        with self._database.reading() as connection:
            return replay(connection, self._now(), columns_of(asked), key)

    def purge_keys(self) -> int:
        """Remove the idempotency keys whose 24 hours have passed; returns how many there were."""
        with self._database.writing() as connection:
            return purge_keys(connection, self._now())

    def claim(self, owner: str, lease: timedelta, job_id: str | None = None) -> Job | None:
        """Take the free job whose turn it is, or the one named, for `lease`; None when none is free.

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
        notes: int = 0,
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
                "notes": notes,
                "rows_written": rows,
                "rows_expected": rows,
                "generation": generation,
                "expires_at": now + retention,
            }
            return transitions.complete(connection, now, job, result)

    def fail(self, job: Job, code: str, message: str) -> Job:
        """End `job` with an error that another try would not mend. Raises as `complete` does."""
        with self._database.writing() as connection:
            return transitions.fail(connection, self._now(), job, storable(code), storable(message))

    def release(self, job: Job, code: str, message: str, pause: timedelta = timedelta(0)) -> Job:
        """Give `job` back after an error another try may mend; it is free when `pause` has passed.

        Without tries left it becomes failed. Raises as `complete` does.
        """
        with self._database.writing() as connection:
            return transitions.release(
                connection, self._now(), job, storable(code), storable(message), pause=pause
            )

    def hand_back(self, job: Job) -> Job:
        """Give `job` back because its worker stops: it is free at once, and the try does not count.

        The worker must have removed what it has written. Raises as `complete` does.
        """
        with self._database.writing() as connection:
            return transitions.hand_back(connection, self._now(), job)

    def free_owned(self, owner: str) -> int:
        """End the leases of a worker that is known to be dead; returns how many jobs it held.

        Their tries count: it may be a job that killed it.
        """
        with self._database.writing() as connection:
            return transitions.free_owned(connection, self._now(), owner)

    def is_any_free(self) -> bool:
        """Whether a claim would find a job to take or to fail; changes nothing and waits for nobody."""
        with self._database.reading() as connection:
            return is_any_free(connection, self._now())

    def watch(self) -> Watch:
        """A watch that waits for free jobs, for one thread, to be closed by the caller."""
        return watch(self._database, self.is_any_free)

    def take_chore(self, name: str, every: timedelta) -> bool:
        """Whether the chore is the caller's to do now; of all callers one gets it, once in `every`."""
        with self._database.writing() as connection:
            return take_chore(connection, self._now(), name, every)

    def cancel(
        self,
        job_id: str,
        workshop_id: str | None = None,
        *,
        reason: str = "",
        beside: Beside | None = None,
    ) -> Job:
        """End a pending or processing job; the event keeps the reason.

        Raises:
            IllegalTransition: the job has ended already; its `status` says how.
            JobNotFound: there is no such job, or it is not `workshop_id`'s.
        """
        with self._database.writing() as connection:
            job = transitions.cancel(connection, self._now(), known_form(job_id), workshop_id, reason)
            if beside is not None:
                beside(connection, job)
            return job

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
        with self._database.reading() as connection:
            return list_expirable(connection, checked_instant(now))

    def get(self, job_id: str, workshop_id: str | None = None) -> Job:
        """The job; with `workshop_id`, only if it is that workshop's.

        Raises:
            JobNotFound: there is no such job, or it is another workshop's.
        """
        with self._database.reading() as connection:
            return find_job(connection, known_form(job_id), workshop_id)

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
        with self._database.reading() as connection:
            last = None if before is None else find_job(connection, known_form(before), workshop_id)
            return list_jobs(connection, workshop_id, status, limit, last)

    def events(self, job_id: str) -> tuple[Event, ...]:
        """What happened to the job, oldest first.

        Raises:
            JobNotFound: there is no such job.
        """
        with self._database.reading() as connection:
            found = list_events(connection, known_form(job_id))
        if not found:
            raise JobNotFound(job_id)
        return found

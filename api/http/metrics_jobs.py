"""The series of jobs: what has ended since this process began, whichever worker ran it, from the records."""

import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Histogram

from exporters.database import Database
from exporters.jobs import EventName, Status
from exporters.jobs.feed import End, JobFeed

_PAGE = 200
_MOST_SECONDS = 0.5
"""How long one reading goes on; what is left then is read by the next."""

_WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_RUNS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_KIND = ("type", "format")
_OTHER = "other"

_AGAIN = {
    EventName.RECLAIMED: "reclaimed",
    EventName.RETRIED: "retried",
    EventName.RETURNED: "returned",
}
"""Events by which a job is tried again, and what they are called here."""


class JobSeries:
    """Counts the ends of jobs. Labels come from closed lists: `types`, `formats`, states and error codes."""

    def __init__(
        self,
        registry: CollectorRegistry,
        database: Database,
        types: Collection[str],
        formats: Collection[str],
    ) -> None:
        self._feed = JobFeed(database)
        self._cursor: int | None = None
        self._types, self._formats = frozenset(types), frozenset(formats)
        self._ended = Counter("reports_jobs_ended", "Jobs that ended.", (*_KIND, "status"), registry=registry)
        self._failed = Counter(
            "reports_jobs_failed", "Jobs that failed, by the code of the error.", ["code"], registry=registry
        )
        self._again = Counter(
            "reports_job_repeats", "Tries that gave a job back or lost it.", ["cause"], registry=registry
        )
        self._waits = Histogram(
            "reports_job_wait_seconds",
            "From the request to the first try.",
            _KIND,
            buckets=_WAITS,
            registry=registry,
        )
        self._runs = Histogram(
            "reports_job_run_seconds",
            "From the first try to the file, of completed jobs.",
            _KIND,
            buckets=_RUNS,
            registry=registry,
        )
        self._rows = Counter("reports_job_rows", "Rows of completed files.", _KIND, registry=registry)
        self._bytes = Counter("reports_job_bytes", "Bytes of completed files.", _KIND, registry=registry)
        for (
            cause
        ) in _AGAIN.values():  # a series that is there from the beginning has a rate from its first count
            self._again.labels(cause)

    def begin(self) -> None:
        """Count what ends from now on.

        Raises:
            DatabaseUnavailable: the records cannot be read.
        """
        self._cursor = self._feed.newest()

    def advance(self) -> None:
        """Count what has ended since the last call. Not for several threads at once.

        Raises:
            DatabaseUnavailable: the records cannot be read; nothing is lost, the next call counts it.
        """
        if self._cursor is None:
            self.begin()
            return
        deadline = time.monotonic() + _MOST_SECONDS
        while time.monotonic() < deadline:
            page = self._feed.read(self._cursor, _PAGE)
            for end in page.ends:
                self._count(end)
            self._cursor = page.cursor
            if len(page.ends) < _PAGE:
                return

    def _count(self, end: End) -> None:
        job, status = end.job, end.event.to_status
        base = job.format.partition(";")[0]
        kind = (
            job.report_type if job.report_type in self._types else _OTHER,
            base if base in self._formats else _OTHER,
        )
        self._ended.labels(*kind, status.value).inc()
        if status is Status.FAILED and job.error_code is not None:
            self._failed.labels(job.error_code).inc()
        for event in end.history:
            if event.event in _AGAIN:
                self._again.labels(_AGAIN[event.event]).inc()
        if job.started_at is None:
            return
        self._waits.labels(*kind).observe(max(0.0, (job.started_at - job.created_at).total_seconds()))
        if status is Status.COMPLETED and job.finished_at is not None:
            self._runs.labels(*kind).observe(max(0.0, (job.finished_at - job.started_at).total_seconds()))
            self._rows.labels(*kind).inc(job.rows_written)
            self._bytes.labels(*kind).inc(job.size_bytes or 0)

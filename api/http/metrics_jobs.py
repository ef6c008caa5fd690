"""The series of jobs: what has ended since this process began, whichever worker ran it, from the records."""

import time
from collections.abc import Collection
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from exporters.database import Database
from exporters.jobs import LEASE_LOST, Status
from exporters.jobs.outcomes import ENDS, REPEATS, Outcome, Outcomes

_PAGE = 500
_MOST_SECONDS = 0.5
"""How long one reading goes on; what is left then is read by the next."""

_WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_RUNS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_KIND = ("type", "format")
_FAULTS = (
    "EXPORT_FAILED",
    "FOREIGN_ROW",
    "INCOMPLETE",
    "INTERNAL_ERROR",
    LEASE_LOST,
    "NO_DATA",
    "REPORT_BROKEN",
    "STORE_FAILED",
)
"""Codes of what is wrong here, not with the request: told from 0 on, so that the first one is a rise."""
_OTHER = "other"


class JobSeries:
    """Counts the ends of jobs. Labels come from closed lists: `types`, `formats`, states and error codes."""

    def __init__(
        self,
        registry: CollectorRegistry,
        database: Database,
        types: Collection[str],
        formats: Collection[str],
    ) -> None:
        self._outcomes = Outcomes(database)
        self._cursor: int | None = None
        self._types, self._formats = frozenset(types), frozenset(formats)
        self._ended = Counter("reports_jobs_ended", "Jobs that ended.", (*_KIND, "status"), registry=registry)
        self._failed = Counter(
            "reports_jobs_failed", "Jobs that failed, by the code of the error.", ["code"], registry=registry
        )
        self._repeats = Counter(
            "reports_job_repeats", "Tries that ended without the job's end.", ["cause"], registry=registry
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
        for cause in REPEATS.values():
            self._repeats.labels(cause)
        for code in _FAULTS:
            self._failed.labels(code)

    def begin(self) -> None:
        """Count what ends from now on.

        Raises:
            DatabaseUnavailable: the records cannot be read.
        """
        self._cursor = self._outcomes.newest()

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
            found, self._cursor = self._outcomes.read(self._cursor, _PAGE)
            for outcome in found:
                self._count(outcome)
            if len(found) < _PAGE:
                return

    def _count(self, outcome: Outcome) -> None:
        status = ENDS.get(outcome.event)
        if status is None:
            self._repeats.labels(REPEATS[outcome.event]).inc()
            return
        base = outcome.format.partition(";")[0]
        kind = (
            outcome.report_type if outcome.report_type in self._types else _OTHER,
            base if base in self._formats else _OTHER,
        )
        self._ended.labels(*kind, status.value).inc()
        if status is Status.FAILED and outcome.error_code is not None:
            self._failed.labels(outcome.error_code).inc()
        if outcome.started_at is None:
            return
        self._waits.labels(*kind).observe(_seconds(outcome.created_at, outcome.started_at))
        if status is Status.COMPLETED and outcome.finished_at is not None:
            self._runs.labels(*kind).observe(_seconds(outcome.started_at, outcome.finished_at))
            self._rows.labels(*kind).inc(outcome.rows)
            self._bytes.labels(*kind).inc(outcome.size_bytes or 0)


def _seconds(begun: datetime, ended: datetime) -> float:
    """Not below 0, should two clocks have told the instants."""
    return max(0.0, (ended - begun).total_seconds())

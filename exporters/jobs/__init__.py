"""Export job records: their states, their history and who works on them."""

from exporters.jobs.admission import Admitted, Asked, Beside
from exporters.jobs.errors import (
    IllegalTransition,
    JobCancelled,
    JobError,
    JobExists,
    JobNotFound,
    KeyReused,
    LeaseLost,
    QuotaExceeded,
    RequestRunning,
)
from exporters.jobs.records import LEASE_LOST, Event, EventName, Job, Status
from exporters.jobs.store import JobStore, open_jobs

__all__ = [
    "LEASE_LOST",
    "Admitted",
    "Asked",
    "Beside",
    "Event",
    "EventName",
    "IllegalTransition",
    "Job",
    "JobCancelled",
    "JobError",
    "JobExists",
    "JobNotFound",
    "JobStore",
    "KeyReused",
    "LeaseLost",
    "QuotaExceeded",
    "RequestRunning",
    "Status",
    "open_jobs",
]

"""Export job records: their states, their history and who works on them."""

from exporters.jobs.errors import (
    IllegalTransition,
    JobCancelled,
    JobError,
    JobExists,
    JobNotFound,
    LeaseLost,
)
from exporters.jobs.records import LEASE_LOST, Event, EventName, Job, Status
from exporters.jobs.store import JobStore, open_jobs

__all__ = [
    "LEASE_LOST",
    "Event",
    "EventName",
    "IllegalTransition",
    "Job",
    "JobCancelled",
    "JobError",
    "JobExists",
    "JobNotFound",
    "JobStore",
    "LeaseLost",
    "Status",
    "open_jobs",
]

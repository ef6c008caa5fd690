"""The job record and its history as plain values, with the names of its states and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the formats' libraries come with it, which records do not need
    from exporters.formats.table import Language


class Status(StrEnum):
    """Where a job stands. Failed, expired and cancelled are ends; completed leads to expired only."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class EventName(StrEnum):
    """What happened to a job; each is one transition."""

    CREATED = "created"  # -> pending
    CLAIMED = "claimed"  # pending -> processing
    RECLAIMED = "reclaimed"  # processing -> processing: the lease had ended, another worker took the job
    RETRIED = "retried"  # processing -> processing: the try failed, the job waits for the next one
    RETURNED = "returned"  # processing -> processing: the worker stopped, the try does not count
    COMPLETED = "completed"  # processing -> completed
    FAILED = "failed"  # processing -> failed
    CANCELLED = "cancelled"  # pending or processing -> cancelled
    EXPIRED = "expired"  # completed -> expired


LEASE_LOST = "LEASE_LOST"
"""Error code of a job whose last worker vanished."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One export as it stood when it was read. Instants are aware and in UTC."""

    job_id: str
    workshop_id: str
    report_type: str
    format: str
    filters: Mapping[str, Any]
    """The resolved filters, as asked."""
    language: "Language"
    """Of the file."""
    name_template: str | None
    """What the file's name is made from; None: the usual one."""
    rows_estimated: int | None
    """Rows the file was expected to have when it was asked for; None: not known."""
    estimated_completion: datetime | None
    """When the file was expected to be there, as told when it was asked for."""
    status: Status
    progress: int
    """0 to 100; never falls, and is 100 exactly when the file exists or existed."""
    rows_expected: int | None
    """Rows the present try expects; None while unknown."""
    rows_written: int
    """Rows the present try has written."""
    attempt: int
    """Tries begun, 0 to `max_attempts`."""
    max_attempts: int
    lease_owner: str | None
    lease_token: str | None = field(repr=False)
    """What the holder shows to change the job; new with each try, None when nobody holds the job."""
    lease_until: datetime | None
    """From this instant on another worker may take the job; set exactly while it is processing."""
    created_at: datetime
    started_at: datetime | None
    """When the first try began."""
    finished_at: datetime | None
    """When it became completed, failed or cancelled."""
    expires_at: datetime | None
    generation: str | None
    """The warehouse generation the file was read from."""
    file_key: str | None
    """Where the file is in the store; set exactly while the job is completed."""
    file_name: str | None
    media_type: str | None
    size_bytes: int | None
    sha256: str | None
    manifest_key: str | None
    notes: int | None
    """What was cut, left out or replaced in the file: the number of the manifest's notes; None: not known."""
    error_code: str | None
    """Set, with `error_message`, exactly when the job failed."""
    error_message: str | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One transition of a job."""

    job_id: str
    at: datetime
    event: EventName
    from_status: Status | None
    """None for the creation."""
    to_status: Status
    attempt: int
    detail: Mapping[str, Any]

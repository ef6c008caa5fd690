"""A batch, its items and what is counted of them, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language


class BatchState(StrEnum):
    """Where a batch stands. The values are the names that the contract gives them."""

    INITIALIZING = "Initializing"
    """Accepted; not all items are jobs yet."""
    SCHEDULED = "Scheduled"
    """Waits for its time."""
    EXECUTING = "Executing"
    """At least one item is left."""
    FINISHED = "Finished"
    """All items are completed."""
    FINISHED_WITH_WARNING = "FinishedWithWarning"
    """None failed, at least one has a warning."""
    FINISHED_WITH_ERRORS = "FinishedWithErrors"
    """At least one failed."""
    LISTENING = "Listening"
    """No item is left; a change makes more."""
    LISTENING_STOPPED = "ListeningStopped"
    """No item is left; changes make no more."""


class ItemState(StrEnum):
    """Where one report of a batch stands; the last three are ends."""

    WATCHING = "watching"
    """Of a listener that makes no report before the first change."""
    WAITING = "waiting"
    MAKING = "making"
    """It is a job."""
    COMPLETED = "completed"
    WARNING = "warning"
    """It has a file, without rows or with something cut, left out or replaced."""
    FAILED = "failed"
    """It has no file."""


ENDED = (ItemState.COMPLETED, ItemState.WARNING, ItemState.FAILED)
LEFT = (ItemState.WAITING, ItemState.MAKING)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many of a batch's items stand where; with `size` they tell its completion."""

    size: int
    """Items that the batch was asked for with. Never changes."""
    left: int
    """Items that have no end yet: waiting or in the making."""
    completed: int
    warning: int
    failed: int

    @property
    def completion(self) -> float:
        """0 to 1, and 1 exactly when no item is left; falls only when a retry or a change begins new runs."""
        return 1 - min(self.left, self.size) / self.size


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch of reports of one type. Instants are aware and in UTC."""

    batch_id: str
    """A UUID."""
    account: str
    """Whose it is; see `Caller.account`."""
    actor: str
    """Who made it."""
    name: str
    type_name: str
    """As the catalogue names the type for batches, such as `Revision`."""
    report_type: str
    format: str
    """With its options."""
    language: "Language"
    filters: Mapping[str, Any]
    """As JSON values; those left out are not there."""
    name_template: str
    error_append: str
    """Empty: nothing."""
    scheduled_time: datetime | None
    notification_email: str | None
    endpoint_id: str | None
    """Of the webhook."""
    webhook_url: str | None
    """For the account alone: its path and query may hold a secret."""
    is_listener: bool
    trigger_now: bool
    state: BatchState
    counts: Counts
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    """When no item was left, the last time."""
    stopped_at: datetime | None
    """When its listening was stopped."""
    archived_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ItemFile:
    """The file of an item, while it is there."""

    key: str
    """Where in the store it is."""
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    rows: int
    generation: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Item:
    """One report of a batch: the first of its workshop, or one that a retry or a change has made."""

    item_id: str
    """A UUID."""
    batch_id: str
    position: int
    """Of the workshop in the batch as it was asked for, from 0."""
    run: int
    """0 for the first report of the position."""
    workshop_id: str | None
    """None: the account has no such workshop, or several."""
    cvr: str
    """The organisation number as asked for, without spaces."""
    internal_customer_id: int | None
    name_template: str | None
    """None: the batch's."""
    name: str | None
    """Of the report, without an extension; unlike any other in the batch that no retry stands for. None
    before it is in the making."""
    state: ItemState
    job_id: str | None
    generation: str | None
    """Whose changes made a listener's run; None: it is a first or retried one."""
    error_code: str | None
    error_message: str | None
    created_at: datetime
    finished_at: datetime | None
    file: ItemFile | None
    """None: there is none, none yet, or none any more."""


@dataclass(frozen=True, kw_only=True)
class BatchEvent:
    """One change of a batch."""

    at: datetime
    event: str
    """created, started, expanded, settled, changed, retried, stopped or archived."""
    from_state: BatchState | None
    """None for the creation."""
    to_state: BatchState
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Some ended items of a batch, in the order in which they ended."""

    items: tuple[Item, ...]
    token: str | None
    """For the next page, with the same state; None: there is no more now."""

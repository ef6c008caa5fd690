"""The audit log's rows of what was done: each is written before what it tells of counts as done."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert

from exporters.access.tables import audit_events
from exporters.database.values import storable

Detail = Mapping[str, str | int | None]


class Action(StrEnum):
    """What is told of, one row each time."""

    MADE = "made"
    """An export was asked for."""
    CANCELLED = "cancelled"
    DOWNLOADED = "downloaded"
    DEFINITION_MADE = "definition_made"
    DEFINITION_CHANGED = "definition_changed"
    DEFINITION_DELETED = "definition_deleted"
    DEFINITION_SENT = "definition_sent"
    """By hand, to its recipients or as a test."""
    DELIVERY_RESENT = "delivery_resent"
    DELIVERY_REPLAYED = "delivery_replayed"
    """A dead letter, queued again."""
    BATCH_MADE = "batch_made"
    BATCH_RETRIED = "batch_retried"
    BATCH_STOPPED = "batch_stopped"
    """It listens no more."""
    BATCH_ARCHIVED = "batch_archived"
    BATCH_DOWNLOADED = "batch_downloaded"
    """Its zip was asked for; each file that goes into it is `downloaded`, too."""
    WEBHOOK_TESTED = "webhook_tested"
    WEBHOOK_ENABLED = "webhook_enabled"
    """An endpoint, by hand, whether it was disabled or not."""
    WEBHOOK_DISABLED = "webhook_disabled"
    WEBHOOK_SECRET_CHANGED = "webhook_secret_changed"  # noqa: S105  a name of what was done
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"


READ = "read"
"""What `audit_reads` counts, beside the actions."""


def record_event(
    connection: Connection,
    at: datetime,
    action: Action,
    actor: str,
    workshop_id: str | None,
    *,
    request_id: str | None = None,
    job_id: str | None = None,
    detail: Detail | None = None,
) -> None:
    """Add a row, within the transaction of what it tells of."""
    kept = {
        name: storable(value) if isinstance(value, str) else value for name, value in (detail or {}).items()
    }
    connection.execute(
        insert(audit_events).values(
            at=at,
            action=action,
            actor=storable(actor),
            workshop_id=None if workshop_id is None else storable(workshop_id),
            job_id=None if job_id is None else storable(job_id),
            request_id=None if request_id is None else storable(request_id),
            detail=kept,
        )
    )

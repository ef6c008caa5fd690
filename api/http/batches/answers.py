"""The bodies that the batch API answers with: bare objects and arrays, instants in UTC."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from api.http.answers import Count, Instant, Uuid
from exporters.batches.links import link_to
from exporters.batches.notices import show_number
from exporters.batches.records import Batch, BatchState, Item
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.outcomes import Outcome, Verdict

_ORGANISATION = "organisation:"


class ReportBatch(Struct, frozen=True, kw_only=True, rename="camel"):
    """A batch of reports. What has two names is told under both."""

    id: Uuid
    name: str
    batch_name: str
    type: Annotated[str, Meta(examples=["ReelleEjere"])]
    status: BatchState
    batch_size: Annotated[Count, Meta(description="Items that it was made with; never changes.")]
    completion_percentage: Annotated[
        float, Meta(ge=0, le=1, description="0 to 1; 1 exactly when no item is left.")
    ]
    email_format: Annotated[str, Meta(description="Template of the reports' names.")]
    format: str
    error_append: str | None
    timestamp: Annotated[Instant, Meta(description="When it was made.")]
    scheduled_time: Instant | None
    finished_on: Annotated[Instant | None, Meta(description="When no item was left, the last time.")]
    archived: bool
    notification_email: str | None
    notification_web_hook_url: str | None
    notification_webhook_url: str | None
    is_listener: bool
    trigger_now: bool
    filters: dict[str, Any]
    output_format: str
    language: str


class OneReportBatch(ReportBatch, frozen=True, kw_only=True, rename="camel"):
    """A batch of reports, and whose it is."""

    lasso_org_id: Annotated[
        str | None, Meta(description="The organisation that it belongs to; null: it is for workshops.")
    ]
    lasso_user_id: Annotated[str, Meta(description="Who made it.", examples=["key:0123456789abcdef"])]


class BatchReport(Struct, frozen=True, kw_only=True, rename="camel"):
    """One finished report of a batch."""

    id: Uuid
    batch_id: Uuid
    lasso_id: Annotated[str, Meta(examples=["CVR-1-913456782"])]
    cvr: int | str
    name: str
    format: Annotated[str | None, Meta(description="Its own template; null: the batch's.")]
    print_type: str
    status: Annotated[str, Meta(description="Completed, Warning or Failed.", examples=["Completed"])]
    internal_customer_id: int | None
    created_on: Annotated[Instant, Meta(description="When it was finished.")]
    pdfurl: Annotated[
        str | None,
        Meta(
            description="The file itself, for whoever has the link; null: it failed, or the file has expired."
        ),
    ]
    expires_on: Annotated[Instant | None, Meta(description="When the file and its link end.")]
    run: Annotated[Count, Meta(description="0; each time it was made again, one more.")]
    rows: Count | None
    size: Annotated[Count | None, Meta(description="Bytes of the file.")]
    sha256: str | None
    error_code: str | None
    error_message: str | None


class BatchReports(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of finished reports, in the order in which they finished."""

    results: list[BatchReport]
    continuation_token: Annotated[
        str | None, Meta(description="Send it as cToken with the same status; null: that was the last page.")
    ]


class WebhookOutcome(Struct, frozen=True, kw_only=True):
    """What a test call of a webhook led to."""

    delivered: Annotated[bool, Meta(description="Whether it answered 200 to 299.")]
    code: Annotated[str, Meta(description="Its status, or why there was none.", examples=["200", "TIMEOUT"])]
    message: Annotated[str, Meta(description="What it said, or what went wrong.")]


def describe_batch(batch: Batch) -> ReportBatch:
    """A batch as the list shows it."""
    return ReportBatch(**_fields(batch))


def describe_one(batch: Batch) -> OneReportBatch:
    """A batch as it is shown by itself."""
    organisation = batch.account.removeprefix(_ORGANISATION)
    return OneReportBatch(
        **_fields(batch),
        lasso_org_id=None if organisation == batch.account else f"CVR-1-{organisation}",
        lasso_user_id=batch.actor,
    )


def describe_item(item: Item, type_name: str, options: DeliveryOptions) -> BatchReport:
    """A finished item, with a link that is made for this answer."""
    file = item.file
    return BatchReport(
        id=item.item_id,
        batch_id=item.batch_id,
        lasso_id=f"CVR-1-{item.cvr}",
        cvr=show_number(item.cvr),
        name=item.name or "",
        format=item.name_template,
        print_type=type_name,
        status=item.state.value.capitalize(),
        internal_customer_id=item.internal_customer_id,
        created_on=_whole(item.finished_at or item.created_at),
        pdfurl=link_to(item, options),
        expires_on=_whole(file.expires_at) if file and file.expires_at else None,
        run=item.run,
        rows=file.rows if file else None,
        size=file.size_bytes if file else None,
        sha256=file.sha256 if file else None,
        error_code=item.error_code,
        error_message=item.error_message,
    )


def describe_outcome(outcome: Outcome) -> WebhookOutcome:
    """What a test call led to."""
    return WebhookOutcome(
        delivered=outcome.verdict is Verdict.DELIVERED, code=outcome.code, message=outcome.message
    )


def _fields(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.batch_id,
        "name": batch.name,
        "batch_name": batch.name,
        "type": batch.type_name,
        "status": batch.state,
        "batch_size": batch.counts.size,
        "completion_percentage": batch.counts.completion,
        "email_format": batch.name_template,
        "format": batch.name_template,
        "error_append": batch.error_append or None,
        "timestamp": _whole(batch.created_at),
        "scheduled_time": batch.scheduled_time and _whole(batch.scheduled_time),
        "finished_on": batch.finished_at and _whole(batch.finished_at),
        "archived": batch.archived_at is not None,
        "notification_email": batch.notification_email,
        "notification_web_hook_url": batch.webhook_url,
        "notification_webhook_url": batch.webhook_url,
        "is_listener": batch.is_listener,
        "trigger_now": batch.trigger_now,
        "filters": dict(batch.filters),
        "output_format": batch.format,
        "language": batch.language,
    }


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)

"""Notices: what is ordered from the outbox when an item ends: one mail and one webhook call for each item."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from exporters.batches.records import ItemState
from exporters.catalogue import ReportType
from exporters.deliveries.orders import Channel, Order


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an item ended."""

    item: Row[Any]
    """As it stood before."""
    state: ItemState
    stem: str
    name: str
    rows: int | None = None
    error_code: str | None = None
    error_message: str | None = None


def order_notices(
    batch: Row[Any], ending: Ending, now: datetime, *, report: ReportType | None, workshop: str | None
) -> Iterator[Order]:
    """The orders for one item; `workshop`: its name, as far as known."""
    item = ending.item
    recipients = (
        (Channel.EMAIL, batch.notification_email, _mail(batch, ending, report, workshop)),
        (Channel.WEBHOOK, batch.endpoint_id, webhook_body(batch, ending, now)),
    )
    for channel, recipient, content in recipients:
        if recipient is not None:
            yield Order(
                workshop_id=item.workshop_id,
                account=batch.account,
                subject=f"item:{item.item_id}",
                occasion=str(item.run),
                channel=channel,
                recipient=recipient,
                format=batch.format,
                job_id=None if ending.state is ItemState.FAILED else item.job_id,
                language=batch.language,
                content=content,
            )


def webhook_body(batch: Row[Any], ending: Ending, now: datetime) -> dict[str, Any]:
    """What the call says, but for the link, which is made when it is sent."""
    item = ending.item
    return {
        "batchId": batch.batch_id,
        "itemId": item.item_id,
        "lassoId": f"CVR-1-{item.cvr}",
        "cvr": show_number(item.cvr),
        "printType": batch.type_name,
        "status": ending.state.value.capitalize(),
        "name": ending.name,
        "internalCustomerId": item.internal_customer_id,
        "createdOn": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def show_number(number: str) -> int | str:
    """An organisation number as the contract has it: an integer where it is one."""
    return int(number) if number.isascii() and number.isdigit() and number[0] != "0" else number


def _mail(batch: Row[Any], ending: Ending, report: ReportType | None, workshop: str | None) -> dict[str, Any]:
    told = {
        "title": report.title(batch.language) if report else batch.type_name,
        "name": ending.name,
        "workshop": workshop,
        "date_from": batch.filters.get("date_from"),
        "date_to": batch.filters.get("date_to"),
        "rows": ending.rows,
        "error": ending.error_message,
    }
    return {key: value for key, value in told.items() if value is not None}

"""What `reports deliveries` answers with: deliveries, as documents and as tables."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from api.cli_output import Document, print_line, print_table

if TYPE_CHECKING:
    from exporters.deliveries.records import Delivery, Event

_FIELDS = (
    "delivery_id",
    "workshop_id",
    "account",
    "subject",
    "occasion",
    "channel",
    "recipient",
    "format",
    "language",
    "repeat",
    "reason",
    "job_id",
    "state",
    "attempt",
    "due_at",
    "created_at",
    "finished_at",
    "code",
    "message",
)


def describe_delivery(delivery: "Delivery") -> dict[str, Any]:
    """What is on record of a delivery."""
    return {name: getattr(delivery, name) for name in _FIELDS}


def describe_event(event: "Event") -> dict[str, Any]:
    """One step of a delivery."""
    return {name: value for name, value in asdict(event).items() if name != "delivery_id"}


def show_deliveries(document: Document) -> None:
    """A row for each delivery."""
    names = ("created_at", "delivery_id", "state", "channel", "recipient", "subject", "code", "message")
    print_table(
        ("created", "id", "state", "by", "to", "subject", "code", "message"),
        ([each[name] for name in names] for each in document["items"]),
    )


def show_delivery(document: Document) -> None:
    """A line for each value, then what happened."""
    for name, value in document["delivery"].items():
        if value is not None:
            print_line(f"{name}: {value}")
    print_table(
        ("at", "event", "state", "try", "detail"),
        (
            (event["at"], event["event"], event["to_state"], event["attempt"], event["detail"] or None)
            for event in document["events"]
        ),
    )

"""What `reports batch` answers with: batches and their items, as documents and as tables."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from api.cli_output import Document, print_line, print_table

if TYPE_CHECKING:
    from exporters.batches.records import Batch, BatchEvent, Item

_FIELDS = (
    "batch_id", "account", "actor", "name", "type_name", "format", "language", "filters", "name_template",
    "error_append", "scheduled_time", "notification_email", "is_listener", "trigger_now", "state",
    "created_at", "started_at", "finished_at", "stopped_at", "archived_at",
)  # fmt: skip
_ITEM_FIELDS = (
    "item_id", "position", "run", "workshop_id", "cvr", "internal_customer_id", "name", "state", "job_id",
    "error_code", "error_message", "finished_at",
)  # fmt: skip


def describe_batch(batch: "Batch") -> dict[str, Any]:
    """What is on record of a batch; of its webhook the endpoint alone, as a URL may hold a secret."""
    counts = asdict(batch.counts)
    return {name: getattr(batch, name) for name in _FIELDS} | {
        "endpoint_id": batch.endpoint_id,
        "counts": counts,
    }


def describe_event(event: "BatchEvent") -> dict[str, Any]:
    """One step of a batch."""
    return asdict(event)


def describe_item(item: "Item") -> dict[str, Any]:
    """What is on record of an item and of its file."""
    file = item.file
    return {
        **{name: getattr(item, name) for name in _ITEM_FIELDS},
        "file": None if file is None else asdict(file),
    }


def show_batches(document: Document) -> None:
    """A row for each batch."""
    print_table(
        ("created", "id", "state", "name", "type", "items", "left", "failed"),
        (
            (
                batch["created_at"],
                batch["batch_id"],
                batch["state"],
                batch["name"],
                batch["type_name"],
                batch["counts"]["size"],
                batch["counts"]["left"],
                batch["counts"]["failed"],
            )
            for batch in document["items"]
        ),
        numbers=("items", "left", "failed"),
    )


def show_batch(document: Document) -> None:
    """A line for each value, then what happened."""
    batch = document["batch"]
    for name, value in {**batch, **batch["counts"]}.items():
        if value not in (None, "", {}) and name != "counts":
            print_line(f"{name}: {value}")
    if "events" in document:
        print_table(
            ("at", "event", "state", "detail"),
            (
                (event["at"], event["event"], event["to_state"], event["detail"] or None)
                for event in document["events"]
            ),
        )


def show_items(document: Document) -> None:
    """A row for each finished report."""
    names = ("finished_at", "item_id", "state", "name", "cvr", "error_message")
    print_table(
        ("finished", "id", "state", "name", "cvr", "error"),
        ([item[name] for name in names] for item in document["items"]),
    )
    if document["token"]:
        print_line(f"there is more: --token {document['token']}")


def show_saved(document: Document) -> None:
    """Where the zip is."""
    print_line(document["output"])


def show_outcome(document: Document) -> None:
    """What a test call led to."""
    word = "delivered" if document["delivered"] else "not delivered"
    print_line(" ".join(part for part in (f"{word}:", document["code"], document["message"]) if part))

"""What `reports definitions` answers with: definitions, fires and outlooks, as documents and as tables."""

from typing import TYPE_CHECKING, Any

from api.cli_output import Document, print_line, print_table

if TYPE_CHECKING:
    from exporters.definitions.back_test import BackTest
    from exporters.definitions.records import Definition, Fire
    from exporters.definitions.rehearsal import Rehearsed


def describe_definition(definition: "Definition") -> dict[str, Any]:
    """What is on record of a definition."""
    timing, condition = definition.timing, definition.condition
    return {
        "definition_id": definition.definition_id,
        "workshop_id": definition.workshop_id,
        "type_id": definition.type_id,
        "name": definition.name,
        "description": definition.description,
        "active": definition.active,
        "interval": timing.interval,
        "time_zone": timing.time_zone,
        "send_at": timing.send_at.isoformat(timespec="minutes"),
        "cron": timing.cron,
        "weekdays_only": timing.weekdays_only,
        "last_day_of_month": timing.last_day_of_month,
        "paused_until": definition.paused_until,
        "next_fire_at": definition.next_fire_at,
        "email_link_only": definition.email_link_only,
        "owner": definition.owner,
        "condition": condition
        and {"kind": condition.kind, "column": condition.column, "threshold": condition.threshold},
        "arguments": [
            {
                "argument_id": argument.argument_id,
                "key": argument.key,
                "value": argument.value,
                "added": argument.added,
            }
            for argument in definition.arguments
        ],
        "created_at": definition.created_at,
        "updated_at": definition.updated_at,
    }


def describe_fire(fire: "Fire") -> dict[str, Any]:
    """What is on record of a fire."""
    return {
        "fire_id": fire.fire_id,
        "definition_id": fire.definition_id,
        "kind": fire.kind,
        "fire_at": fire.fire_at,
        "period_start": fire.period_start.isoformat(),
        "period_end": fire.period_end.isoformat(),
        "state": fire.state,
        "reason": fire.reason,
        "message": fire.message,
        "rows": fire.rows,
        "actor": fire.actor,
        "created_at": fire.created_at,
        "finished_at": fire.finished_at,
    }


def describe_rehearsed(rehearsed: "Rehearsed") -> dict[str, Any]:
    """A fire to come."""
    return {
        "at": rehearsed.at,
        "local": rehearsed.local.isoformat(),
        "filters": dict(rehearsed.filters),
        "rows_estimated": rehearsed.rows_estimated,
    }


def describe_back_test(tested: "BackTest") -> dict[str, Any]:
    """What would have been."""
    return {
        "since": tested.since,
        "is_cut": tested.is_cut,
        "fires": tested.fires,
        "sent": tested.sent,
        "skipped": [
            {
                "at": skipped.at,
                "local": skipped.local.isoformat(),
                "filters": dict(skipped.filters),
                "reason": skipped.reason,
            }
            for skipped in tested.skipped
        ],
    }


def show_definitions(document: Document) -> None:
    """A row for each definition."""
    print_table(
        ("definition", "workshop", "type", "name", "interval", "active", "next fire", "recipients"),
        (
            (
                item["definition_id"],
                item["workshop_id"],
                item["type_id"],
                item["name"] or None,
                item["cron"] or item["interval"],
                "yes" if item["active"] else "no",
                item["next_fire_at"],
                ", ".join(one["value"] for one in item["arguments"] if one["key"] == "email"),
            )
            for item in document["items"]
        ),
    )
    print_line(f"{len(document['items'])} of {document['count']}")


def show_definition(document: Document) -> None:
    """What is known of a definition, a line each; then its arguments."""
    definition = document["definition"]
    print_table(
        ("definition", ""),
        [pair for pair in definition.items() if pair[0] != "arguments" and pair[1] not in (None, "")],
    )
    names = ("argument_id", "key", "value", "added")
    rows = [[argument[name] for name in names] for argument in definition["arguments"]]
    print_table(("argument", "key", "value", "added"), rows)


def show_deleted(document: Document) -> None:
    """That a definition is gone."""
    print_line(f"definition {document['deleted']} is deleted")


def show_fires(document: Document) -> None:
    """A row for each fire."""
    names = ("fire_at", "fire_id", "kind", "period_start", "period_end", "state", "rows")
    print_table(
        ("at", "fire", "kind", "from", "to", "state", "rows", "why"),
        ([*(row[name] for name in names), row["message"] or row["reason"]] for row in document["items"]),
        numbers=("rows",),
    )


def show_rehearsal(document: Document) -> None:
    """A row for each fire to come."""
    print_table(
        ("at", "local time", "filters", "rows, about"),
        (
            (row["at"], row["local"], _show_filters(row["filters"]), row["rows_estimated"])
            for row in document["items"]
        ),
        numbers=("rows, about",),
    )


def show_back_test(document: Document) -> None:
    """How many would have been sent, and why the others would not."""
    print_line(
        f"would have sent {document['sent']} of {document['fires']} times since {document['since']:%Y-%m-%d}"
    )
    print_table(
        ("at", "local time", "filters", "why not"),
        (
            (row["at"], row["local"], _show_filters(row["filters"]), row["reason"])
            for row in document["skipped"]
        ),
    )


def _show_filters(filters: Document) -> str:
    return ", ".join(f"{name}={value}" for name, value in filters.items())

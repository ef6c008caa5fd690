"""The options that give a definition's fields at the command line, and what is read from them."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from api.cli_errors import refusal

if TYPE_CHECKING:
    from exporters.definitions.conditions import Condition

_NO_CONDITION = "none"

Interval = Annotated[str | None, typer.Option("--interval", help="hour, day, week or month.")]
Name = Annotated[str | None, typer.Option("--name", help="What you call it.")]
Description = Annotated[str | None, typer.Option("--description", help="What it is for.")]
Active = Annotated[str | None, typer.Option("--active", metavar="0|1", help="0: never by the schedule.")]
LinkOnly = Annotated[str | None, typer.Option("--link-only", metavar="0|1", help="1: a link, no attachment.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="IANA name; default: the workshop's zone.")]
SendAt = Annotated[str | None, typer.Option("--send-at", metavar="HH:MM", help="Local time; default: 06:00.")]
Cron = Annotated[
    str | None, typer.Option("--cron", help="Five fields, instead of once for each interval; '' ends it.")
]
Weekdays = Annotated[
    str | None, typer.Option("--weekdays-only", metavar="0|1", help="1: not on Saturdays and Sundays.")
]
LastDay = Annotated[
    str | None, typer.Option("--last-day-of-month", metavar="0|1", help="1: on the last day of the month.")
]
Owner = Annotated[
    str | None, typer.Option("--owner", help="E-mail address for tests and failures; '' for none.")
]
ConditionKind = Annotated[
    str | None, typer.Option("--condition", help="Send only when: changed, above or below; or none.")
]
ConditionColumn = Annotated[
    str | None, typer.Option("--column", help="Whose total is compared; default: the number of rows.")
]
Threshold = Annotated[str | None, typer.Option("--threshold", help="What it is compared with.")]


def read_fields(*groups: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given; an empty text takes away what can be absent."""
    fields = {name: value for group in groups for name, value in group.items() if value is not None}
    for name in ("cron", "owner", "time_zone"):
        if fields.get(name) == "":
            fields[name] = None
    if fields.get("condition") == _NO_CONDITION:
        fields["condition"] = None
    return fields


def read_condition(kind: str | None, column: str | None, threshold: str | None) -> dict[str, Any]:
    """The condition as a field; no field without one.

    Raises:
        Failure: the threshold is no number, or nothing says what it is for.
    """
    if kind is None:
        if column is not None or threshold is not None:
            raise refusal("--column and --threshold need --condition", option="--condition")
        return {}
    return {"condition": _NO_CONDITION if kind == _NO_CONDITION else _condition(kind, column, threshold)}


def _condition(kind: str, column: str | None, threshold: str | None) -> "Condition":
    from exporters.definitions.conditions import Condition

    try:
        limit = None if threshold is None else Decimal(threshold)
    except InvalidOperation:
        raise refusal(f"--threshold is {threshold!r}; it must be a number", option="--threshold") from None
    return Condition(kind, column, limit)  # type: ignore[arg-type]  # the definition's check tells


def read_pair(text: str) -> tuple[str, str]:
    """Key and value of an argument.

    Raises:
        Failure: the text is not KEY=VALUE.
    """
    key, _, value = text.partition("=")
    if not key or not value:
        raise refusal(f"{text!r} must be KEY=VALUE", option="--argument")
    return key, value


def read_time(text: str, zone: str) -> datetime:
    """The instant of a day or time, which is of the zone unless it names its own.

    Raises:
        Failure: it is none.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(
            f"--until is {text!r}; it must be as 2026-03-01 or 2026-03-01T12:00", option="--until"
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))

"""`reports audit`: who made, cancelled, downloaded and read what."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api import cli_output as output
from api.cli_errors import refusal
from warehouse.period import parse_day

if TYPE_CHECKING:
    from exporters.access.audit import AuditLog
    from exporters.database import Database


def audit(
    workshop: Annotated[
        str | None, typer.Option("--workshop", metavar="WORKSHOP", help="Only what concerns this workshop.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", help="Only what this one did, such as key:0123456789abcdef.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="Only from this day on, in UTC.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the audit log, newest first: who made, cancelled, downloaded and read what."""
    start = None if since is None else _parse_since(since)
    with _open_log() as (log, _, _):
        rows = log.list(workshop_id=workshop, actor=actor, since=start, limit=limit)
    output.print_document({"items": [asdict(row) for row in rows]}, as_json, _show)


def expire_records() -> dict[str, int]:
    """Remove the rows, deliveries, fires and batches whose retention has passed; returns how many of each."""
    from exporters.database.values import utc_now
    from exporters.old_records import remove_old_records

    with _open_log() as (log, database, retention):
        before = utc_now() - retention
        return {"audit_rows": log.expire(before), **asdict(remove_old_records(database, before))}


@contextmanager
def _open_log() -> "Iterator[tuple[AuditLog, Database, timedelta]]":
    """The log, the records that it is in, and how long it is kept."""
    from exporters.access.audit import AuditLog
    from exporters.database import open_database
    from settings import load_settings

    settings = load_settings()
    database = open_database(settings.jobs_database)
    try:
        yield AuditLog(database), database, settings.access.audit_retention
    finally:
        database.close()


def _parse_since(text: str) -> datetime:
    try:
        return datetime.combine(parse_day(text), time(), UTC)
    except ValueError:
        raise refusal(f"--since is {text!r}; it must be a date as YYYY-MM-DD", option="--since") from None


def _show(document: output.Document) -> None:
    """A row for each thing done, and for each kind of reading in a minute."""
    names = ("at", "actor", "workshop_id", "action", "what", "count", "job_id", "request_id")
    output.print_table(
        ("at", "actor", "workshop", "action", "what", "count", "job", "request", "detail"),
        ([*(row[name] for name in names), row["detail"] or None] for row in document["items"]),
        numbers=("count",),
    )

"""What the command line prints: documents as JSON, and the tables that people read instead."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from api.cli_errors import ExitCode, Failure

Document = Mapping[str, Any]
"""What a command answers: texts, numbers (Decimal too), dates, instants, None, lists and mappings of them."""

_ANY_WIDTH = 10_000


def print_document(document: Document, as_json: bool, show: Callable[[Document], None]) -> None:
    """Print the answer of a command: as one line of JSON, or through `show`.

    Raises:
        Failure: stdout cannot be written, as on a full disk.
    """
    try:
        if as_json:
            # As bytes: JSON is UTF-8 whatever the locale.
            typer.echo(encode_json(document).encode())
        else:
            show(document)
    except BrokenPipeError:  # whoever read it has gone
        raise
    except OSError as error:
        raise Failure(
            ExitCode.UNAVAILABLE, "OUTPUT_FAILED", f"stdout cannot be written: {error.strerror or error}"
        ) from error


def print_failure(failure: Failure, as_json: bool) -> None:
    """Tell a failure: JSON to stdout, or one line to stderr."""
    message = one_line(failure.message)
    if as_json:
        error = {"code": failure.code, "message": message, "details": failure.details}
        typer.echo(encode_json({"error": error}).encode())
    else:
        typer.echo(f"error: {message}", err=True)


def abandon_unwritten() -> None:
    """Drop what a full disk or a closed pipe does not take, which Python would complain of at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as it is when closed from the start
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())


def encode_json(value: Any) -> str:
    """`value` as JSON; a Decimal is a number with exactly its digits, an instant is UTC with a Z."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return json.dumps(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))
        case date():
            return json.dumps(value.isoformat())
        case Mapping():
            pairs = (f"{encode_json(str(name))}: {encode_json(item)}" for name, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(encode_json(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def one_line(text: str) -> str:
    """The text without line breaks and without what could steer a terminal."""
    spaced = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in spaced)


def show_types(document: Document) -> None:
    """The catalogue: a block for each report type."""
    for item in document["items"]:
        print_line(f"{item['type']} – {item['title']} ({', '.join(item['formats'])})")
        print_line(f"  {item['description']}")
        print_table(
            ("argument", "type", "description"),
            (
                (row["name"], row["entity"] or "|".join(row["choices"] or [row["type"]]), row["description"])
                for row in item["arguments"]
            ),
        )
        print_table(
            ("column", "title", "kind", "description"),
            ((row["name"], row["title"], row["kind"], row["description"]) for row in item["columns"]),
        )


def show_workshops(document: Document) -> None:
    """A row for each workshop."""
    names = ("workshop_id", "name", "time_zone", "currency")
    rows = [[row[name] for name in names] for row in document["items"]]
    print_table(("workshop", "name", "time zone", "currency"), rows)
    _show_generation(document)


def show_overview(document: Document) -> None:
    """The key figures, then the services by category and the ratings by month."""
    workshop, figures = document["workshop"], document["overview"]
    first, last = document["date_from"], document["date_to"]
    print_line(
        f"{workshop['name']} ({workshop['workshop_id']}), {first or 'the beginning'} to {last or 'now'}"
    )
    jobs, ratings = figures["jobs"], figures["ratings"]
    revenue = jobs["revenue_in_range"]
    money = None if revenue is None else f"{revenue:,.2f} {workshop['currency']}"
    print_table(
        ("figure", "value"),
        [
            ("jobs done", f"{jobs['done_in_range']:,}"),
            ("revenue", money),
            ("active services", f"{figures['services']['total']:,}"),
            ("average rating", ratings["avg"]),
            ("ratings", f"{ratings['count']:,}"),
        ],
        numbers=("value",),
    )
    print_table(
        ("category", "services", "booked"),
        (
            (row["category"], row["count"], row["booked_count"])
            for row in document["services_by_category"]["items"]
        ),
        numbers=("services", "booked"),
    )
    print_table(
        ("month", "ratings", "average"),
        ((row["period"], row["count"], row["avg"]) for row in document["ratings_timeseries"]["points"]),
        numbers=("ratings", "average"),
    )
    _show_generation(document)


def show_jobs(document: Document) -> None:
    """A row for each job."""
    columns = ("created", "job", "workshop", "type", "format", "status", "progress", "rows", "size", "error")
    rows = [
        (
            job["created_at"],
            job["job_id"],
            job["workshop_id"],
            job["type"],
            job["format"],
            job["status"],
            f"{job['progress']} %",
            job["rows_written"],
            None if job["size_bytes"] is None else _human_size(job["size_bytes"]),
            job["error"] and job["error"]["code"],
        )
        for job in document["items"]
    ]
    print_table(columns, rows, numbers=("progress", "rows", "size"))


def show_job(document: Document) -> None:
    """What is known of a job, a line each; then its events and its manifest where the document has them."""
    if document["job"] is None:
        print_line("no job is pending")
        return
    pairs = [(name, value) for name, value in document["job"].items() if value not in (None, {})]
    if document.get("output"):
        pairs.append(("output", document["output"]))
    print_table(("job", ""), pairs)
    if "events" in document:
        print_table(
            ("at", "event", "status", "try", "detail"),
            (
                (row["at"], row["event"], row["to_status"], row["attempt"], row["detail"] or None)
                for row in document["events"]
            ),
        )
    if document.get("manifest"):
        print_table(("manifest", ""), document["manifest"].items())


def show_exports(document: Document) -> None:
    """The job of one file, or a row for each job of several."""
    if "items" not in document:
        show_job(document)
        return
    show_jobs({"items": [item["job"] for item in document["items"]]})
    for item in document["items"]:
        if item["output"]:
            print_line(item["output"])


def show_expired(document: Document) -> None:
    """What an expiry removed."""
    print_line(
        f"expired jobs: {document['jobs']}; removed leftovers: {document['leftovers']}; "
        f"removed rows of the audit log: {document['audit_rows']}, "
        f"deliveries: {document['deliveries']}, fires: {document['fires']}, "
        f"batches: {document['batches']}"
    )


def _human_size(size: float) -> str:
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:,.1f} TB"


def _show_generation(document: Document) -> None:
    as_of = document["data_as_of"]
    print_line(
        f"generation {document['generation']}, data as of {_cell(as_of) if as_of else 'never wholly read'}"
    )


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[str] = ()
) -> None:
    """Print a table for people; the columns named in `numbers` are flush right."""
    table = Table()
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column in {"job", "created", "at"},
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console().print(table)


def print_line(text: str) -> None:
    """Print a text for people, on one line."""
    _console().print(one_line(text), soft_wrap=True)


def _console() -> Console:
    # Data is printed as it is: no markup, no emoji codes. A pipe has no width to fold the tables into.
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _ANY_WIDTH
    return console


def _cell(value: Any) -> str:
    match value:
        case None:
            return "–"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        case Mapping() | list() | tuple():
            return one_line(encode_json(value))
    return one_line(str(value))

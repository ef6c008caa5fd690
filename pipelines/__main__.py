"""Command line of the pipeline: runs the night without the web server, and generates the sample source."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import IntEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import dagster as dg
import typer
from rich.console import Console
from rich.table import Table

from exporters.jobs import JobError
from exporters.storage import StoreError
from pipelines.dagster_records import forget_runs
from pipelines.erasures import erase_customer, erase_workshop
from pipelines.night import run_night
from pipelines.project import Project, load_project
from pipelines.sources.sample import generate_sample
from pipelines.workshop_export import export_workshop
from settings import Settings, SettingsError, load_settings
from warehouse.erasures import Erasure, ErasureError, Register
from warehouse.errors import WarehouseError
from warehouse.generations import open_snapshot
from warehouse.period import parse_day

_ANY_WIDTH = 10_000
# The class of an error that is ours or a library's says nothing to the reader; a built-in one's does, but of
# the errors that the operating system gives.
_CLASS_NAME = re.compile(r"^(?:[\w.]+\.[A-Z]\w*: |\w+: (?=\[Errno))")


class ExitCode(IntEnum):
    """What scripts can trust; docs/cli.md says it in words."""

    DONE = 0
    FAILED = 1
    """Nothing was published or written."""
    REFUSED = 2
    """Wrong usage; Typer's own code."""
    SOURCE_FAILED = 3
    """Published, but a source could not be read whole."""


app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # its boxes would fold the messages
)


@app.command()
def night(
    first: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day to load again.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day to load again.")
    ] = None,
) -> None:
    """Load what is new (or again the days from --from to --to), build, check and publish.

    Exit codes: 0 published; 1 not published, the served generation stays; 2 wrong usage; 3 published, but a
    source could not be read whole and keeps the data it had.
    """
    try:
        settings = load_settings()
        tags = _range_tags(settings, first, last)
        project = load_project(settings)
        result = run_night(project, tags)
        failed = _print_verdicts(project)
        _print_broken_checks(result)
        if not result.success:
            _print_failures(result)
            raise typer.Exit(ExitCode.FAILED)
        _print_published(project)
    except (SettingsError, WarehouseError, OSError) as error:
        raise _fail(error) from error
    if failed:
        raise typer.Exit(ExitCode.SOURCE_FAILED)


@app.command()
def sample(folder: Annotated[Path | None, typer.Argument(help="Where to write it.")] = None) -> None:
    """Generate the sample source: two years of Norwegian car workshops, the same each time."""
    try:
        target = folder or load_settings().source_folder / "sample"
        generate_sample(target)
    except (SettingsError, OSError) as error:
        raise _fail(error) from error
    _print(f"sample source written to {target}")


def _range_tags(settings: Settings, first: str | None, last: str | None) -> dict[str, str]:
    if first is None and last is None:
        return {}
    if first is None or last is None:
        raise typer.BadParameter("--from and --to go together")
    start, end = _parse_option("--from", first), _parse_option("--to", last)
    if start > end:
        raise typer.BadParameter(f"--from {start} is after --to {end}; the first day is not after the last")
    earliest, today = parse_day(settings.backfill_start), _today(settings)
    if start < earliest:
        raise typer.BadParameter(f"--from {start} is before REPORTS_BACKFILL_START, {earliest}")
    if end > today:
        option, day = ("--from", start) if start > today else ("--to", end)
        raise typer.BadParameter(
            f"{option} {day} is in the future: today is {today} in {settings.nightly_time_zone}"
        )
    return {
        "dagster/asset_partition_range_start": start.isoformat(),
        "dagster/asset_partition_range_end": end.isoformat(),
    }


def _parse_option(option: str, text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise typer.BadParameter(f"{option} is {text!r}; it must be a date as YYYY-MM-DD") from None


def _today(settings: Settings) -> date:
    return datetime.now(ZoneInfo(settings.nightly_time_zone)).date()


def _print_verdicts(project: Project) -> bool:
    """Show how each source's last load ended, and its new columns; returns whether one failed."""
    verdicts = [
        (name, entity, verdict)
        for name, source in project.sources.items()
        for entity in source.entities
        if (verdict := project.landing.verdict(name, entity)) is not None
    ]
    rows = [(name, entity, verdict.status, verdict.detail) for name, entity, verdict in verdicts]
    _print_table(("source", "entity", "verdict", "detail"), rows)
    for name, entity, verdict in verdicts:
        if verdict.new_columns:
            columns = (column if column.isprintable() else repr(column) for column in verdict.new_columns)
            _print(f"new column: {name}.{entity}: {', '.join(columns)}")
    return any(verdict.status == "failed" for _, _, verdict in verdicts)


def _print_published(project: Project) -> None:
    """Show what became of the rows that came in, and the generation that is now served."""
    with open_snapshot(project.warehouse_folder, project.settings.database) as snapshot:
        rows = snapshot.rows(
            "SELECT source, entity, rows_in, loaded, duplicate, quarantined FROM load_report"
            " WHERE stage = 'entity' ORDER BY source, entity"
        )
        [(unreadable, refused)] = snapshot.rows(
            "SELECT count(*) FILTER (stage = 'source'), count(*) FILTER (stage = 'entity') FROM quarantine"
        )
    _print_table(("source", "entity", "rows in", "loaded", "duplicate", "quarantined"), rows, numbers=4)
    _print(
        f"{unreadable + refused:,} rows are quarantined: {unreadable:,} records could not be read,"
        f" {refused:,} rows broke a rule; the table `quarantine` says why"
    )
    _print(f"published generation {snapshot.generation.generation}: {snapshot.generation.path}")


def _print_broken_checks(result: dg.ExecuteInProcessResult) -> None:
    for check in result.get_asset_check_evaluations():
        rows = check.metadata.get("broken_rows")
        if not check.passed and rows is not None:
            asset = check.asset_key.to_user_string()
            _complain(f"{check.severity.value.lower()}: {asset}: {check.check_name}: {rows.value} rows")


def _print_failures(result: dg.ExecuteInProcessResult) -> None:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            _complain(f"error: {event.step_key}: {_reason(cause.message) if cause else 'failed'}")


def _reason(message: str) -> str:
    """The text of a formatted exception."""
    return _CLASS_NAME.sub("", _first_line(message), count=1)


def _first_line(message: str) -> str:
    # Below it DuckDB and the parser of SQL draw pictures of the statement.
    return message.strip().partition("\n")[0]


def _fail(error: Exception) -> typer.Exit:
    reason = str(error)
    if isinstance(error, OSError) and error.filename:
        reason = f"{error.filename}: cannot be made or written: {error.strerror}"
    _complain(f"error: {_first_line(reason)}")
    return typer.Exit(ExitCode.FAILED)


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> None:
    """Print a table, whose last `numbers` columns are numbers."""
    table = Table()
    words = len(columns) - numbers
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    _console().print(table)


def _print(text: str) -> None:
    _console().print(text, soft_wrap=True)


def _complain(text: str) -> None:
    _console(stderr=True).print(text, soft_wrap=True)


def _console(*, stderr: bool = False) -> Console:
    # A pipe has no width to fold the tables into.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _ANY_WIDTH
    return console


@app.command("export-workshop")
def export_all(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write to, empty or new.")],
) -> None:
    """Copy all that is kept about a workshop to a folder: rows, export jobs and files, with an index."""
    with _told_errors():
        index = export_workshop(load_project(load_settings()), workshop_id, to)
    rows = [(file["path"], file["rows"] or 0, file["size_bytes"]) for file in index["files"]]
    _print_table(("file", "rows", "bytes"), rows, numbers=2)
    _print(f"workshop {workshop_id} written to {to}; index.json says what is there")


@app.command("erase-workshop")
def erase_all(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; it cannot be undone.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the record.")] = "",
) -> None:
    """Erase all that is kept of a workshop, and land none of it again."""
    _require_yes(yes)
    with _told_errors():
        project = load_project(load_settings())
        erasure = erase_workshop(project, workshop_id, reason)
        alive = forget_runs(project.settings.data_folder)
    _print_erased(erasure)
    if alive:
        _complain(
            f"warning: {alive} runs of Dagster are under way; when they have ended, run this again to remove"
            " what Dagster shows of rows"
        )


@app.command("erase-customer")
def erase_one(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    customer_id: Annotated[str, typer.Argument(help="Its customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; it cannot be undone.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the record.")] = "",
) -> None:
    """Empty all that tells of a customer in a workshop's bookings; the bookings and figures stay."""
    _require_yes(yes)
    with _told_errors():
        erasure = erase_customer(load_project(load_settings()), workshop_id, customer_id, reason)
    _print_erased(erasure)


@app.command()
def erasures() -> None:
    """List what was erased."""
    with _told_errors():
        records = Register(load_settings().landing_folder).read()
    columns = (
        "no.",
        "kind",
        "workshop",
        "customer",
        "sources",
        "asked at",
        "done at",
        "rows",
        "jobs",
        "voided",
    )
    _print_table(
        (*columns, "reason"),
        [
            (
                str(one.number),
                one.kind,
                one.workshop_id,
                one.customer_id or "",
                ", ".join(one.sources),
                f"{one.asked_at:%Y-%m-%d %H:%M}Z",
                f"{one.done_at:%Y-%m-%d %H:%M}Z" if one.done_at else "cut short",
                f"{sum(one.rows.values()):,}",
                f"{one.jobs:,}",
                f"{len(one.voided):,}",
                one.reason,
            )
            for one in records
        ],
    )


def _require_yes(yes: bool) -> None:
    if not yes:
        raise typer.BadParameter("erasing cannot be undone: add --yes to do it")


def _print_erased(erasure: Erasure) -> None:
    _print_table(("rows of", "erased"), list(erasure.rows.items()), numbers=1)
    if erasure.kind == "workshop":
        _print(f"{erasure.jobs} export jobs and {erasure.files} of their files and manifests were removed")
    else:
        _print(f"{len(erasure.voided)} exports were withdrawn: {', '.join(erasure.voided) or 'none'}")
    for source, files in erasure.inputs.items():
        _print(f"the files of the source {source} still hold such rows: {', '.join(files)}")
    _print(f"erasure {erasure.number} is done: {erasure.subject}")


@contextmanager
def _told_errors() -> Iterator[None]:
    """End with what was wrong."""
    try:
        yield
    except ErasureError as error:
        _complain(f"error: {_first_line(str(error))}")
        raise typer.Exit(ExitCode.REFUSED) from error
    except (SettingsError, WarehouseError, StoreError, JobError, OSError) as error:
        raise _fail(error) from error


def main() -> None:
    """Entry point of `python -m pipelines`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # texts of files may hold letters that the locale lacks
    app(prog_name="python -m pipelines")


if __name__ == "__main__":
    main()

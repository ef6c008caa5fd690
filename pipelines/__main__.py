"""Command line of the pipeline: runs the night without the web server, and generates the sample source."""

import re
import sys
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import dagster as dg
import typer

from pipelines.console import ExitCode, complain, fail, first_line, print_line, print_table
from pipelines.night import run_night
from pipelines.project import Project, load_project
from pipelines.sources.sample import generate_sample
from pipelines.workshop_commands import commands
from settings import Settings, SettingsError, load_settings
from warehouse.errors import WarehouseError
from warehouse.generations import open_snapshot
from warehouse.period import parse_day

# The class of an error that is ours or a library's says nothing to the reader; a built-in one's does, but of
# the errors that the operating system gives.
_CLASS_NAME = re.compile(r"^(?:[\w.]+\.[A-Z]\w*: |\w+: (?=\[Errno))")


app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # its boxes would fold the messages
)
app.add_typer(commands)


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
        raise fail(error) from error
    if failed:
        raise typer.Exit(ExitCode.SOURCE_FAILED)


@app.command()
def sample(folder: Annotated[Path | None, typer.Argument(help="Where to write it.")] = None) -> None:
    """Generate the sample source: two years of Norwegian car workshops, the same each time."""
    try:
        target = folder or load_settings().source_folder / "sample"
        generate_sample(target)
    except (SettingsError, OSError) as error:
        raise fail(error) from error
    print_line(f"sample source written to {target}")


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
    print_table(("source", "entity", "verdict", "detail"), rows)
    for name, entity, verdict in verdicts:
        if verdict.new_columns:
            columns = (column if column.isprintable() else repr(column) for column in verdict.new_columns)
            print_line(f"new column: {name}.{entity}: {', '.join(columns)}")
    return any(verdict.status == "failed" for _, _, verdict in verdicts)


def _print_published(project: Project) -> None:
    """Show what became of the rows that came in, and the generation that is now served."""
    with open_snapshot(project.warehouse_folder, project.settings.database) as snapshot:
        rows = snapshot.rows(
            "SELECT source, entity, rows_in, loaded, duplicate, quarantined FROM load_report"
            " WHERE stage = 'entity' ORDER BY source, entity"
        )
        [(moved,)] = snapshot.rows(
            "SELECT count(*) FROM restatements SEMI JOIN generation USING (generation)"
        )
        [(unreadable, refused)] = snapshot.rows(
            "SELECT count(*) FILTER (stage = 'source'), count(*) FILTER (stage = 'entity') FROM quarantine"
        )
    print_table(("source", "entity", "rows in", "loaded", "duplicate", "quarantined"), rows, numbers=4)
    print_line(
        f"{unreadable + refused:,} rows are quarantined: {unreadable:,} records could not be read,"
        f" {refused:,} rows broke a rule; the table `quarantine` says why"
    )
    if moved:
        print_line(f"{moved:,} figures moved; the table `restatements` tells which, with old and new value")
    print_line(f"published generation {snapshot.generation.generation}: {snapshot.generation.path}")


def _print_broken_checks(result: dg.ExecuteInProcessResult) -> None:
    for check in result.get_asset_check_evaluations():
        rows = check.metadata.get("broken_rows")
        if not check.passed and rows is not None:
            asset = check.asset_key.to_user_string()
            complain(f"{check.severity.value.lower()}: {asset}: {check.check_name}: {rows.value} rows")


def _print_failures(result: dg.ExecuteInProcessResult) -> None:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            complain(f"error: {event.step_key}: {_reason(cause.message) if cause else 'failed'}")


def _reason(message: str) -> str:
    """The text of a formatted exception."""
    return _CLASS_NAME.sub("", first_line(message), count=1)


def main() -> None:
    """Entry point of `python -m pipelines`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # texts of files may hold letters that the locale lacks
    app(prog_name="python -m pipelines")


if __name__ == "__main__":
    main()

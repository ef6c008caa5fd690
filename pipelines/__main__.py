"""Command line of the pipeline: runs the night without the web server, and generates the sample source."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import dagster as dg
import typer
from rich.console import Console
from rich.table import Table

from pipelines.night import run_night
from pipelines.project import Project, load_project
from pipelines.sources.sample import generate_sample
from settings import load_settings
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.generations import current_generation

_FAILED, _SOURCE_FAILED = 1, 3

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
_console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)


@app.command()
def night(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day to load again.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day to load again.")
    ] = None,
) -> None:
    """Load what is new (or again the days from --from to --to), build, check and publish.

    Exit codes: 0 published; 1 not published, the served generation stays; 2 wrong usage; 3 published, but a
    source could not be read whole and keeps the data it had.
    """
    try:
        project = load_project(load_settings())
    except WarehouseError as error:
        _errors.print(f"error: {error}", markup=False)
        raise typer.Exit(_FAILED) from error
    result = run_night(project, _range_tags(first, last))
    failed = _print_verdicts(project)
    _print_broken_checks(result)
    if not result.success:
        _print_failures(result)
        raise typer.Exit(_FAILED)
    try:
        generation = current_generation(project.warehouse_folder)
    except NoGenerationError as error:
        raise typer.Exit(_FAILED) from error
    _console.print(f"published generation {generation.generation}: {generation.path}", soft_wrap=True)
    if failed:
        raise typer.Exit(_SOURCE_FAILED)


@app.command()
def sample(folder: Annotated[Path | None, typer.Argument(help="Where to write it.")] = None) -> None:
    """Generate the sample source: two years of Norwegian car workshops, the same each time."""
    target = folder or load_settings().source_folder / "sample"
    generate_sample(target)
    _console.print(f"sample source written to {target}", soft_wrap=True)


def _range_tags(first: datetime | None, last: datetime | None) -> dict[str, str]:
    if first is None and last is None:
        return {}
    if first is None or last is None or first > last:
        raise typer.BadParameter("--from and --to go together, the first day not after the last")
    start, end = (f"dagster/asset_partition_range_{edge}" for edge in ("start", "end"))
    return {start: date.isoformat(first.date()), end: date.isoformat(last.date())}


def _print_verdicts(project: Project) -> bool:
    """Show how each source's last load ended; returns whether one failed."""
    table = Table("source", "entity", "verdict", "detail")
    failed = False
    for name, source in project.sources.items():
        for entity in source.entities:
            verdict = project.landing.verdict(name, entity)
            if verdict is not None:
                failed = failed or verdict.status == "failed"
                table.add_row(name, entity, verdict.status, verdict.detail)
    _console.print(table)
    return failed


def _print_failures(result: dg.ExecuteInProcessResult) -> None:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            _errors.print(f"error: {event.step_key}: {cause.message.strip() if cause else ''}", markup=False)


def _print_broken_checks(result: dg.ExecuteInProcessResult) -> None:
    for check in result.get_asset_check_evaluations():
        rows = check.metadata.get("broken_rows")
        if not check.passed and rows is not None:
            asset = check.asset_key.to_user_string()
            severity = check.severity.value.lower()
            _errors.print(f"{severity}: {asset}: {check.check_name}: {rows.value} rows", markup=False)


if __name__ == "__main__":
    app()

"""Command line of the reports: figures, exports and their jobs, for people and for scripts."""

# What the commands need takes seconds to import, `--help` and wrong usage do not need it: each command
# imports its own.
# ruff: noqa: PLC0415

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from io import TextIOWrapper
from typing import Annotated

import typer

from api import cli_output as output
from api.cli_arguments import parse_filters, parse_period
from api.cli_audit import audit
from api.cli_batches import app as batch_app
from api.cli_definitions import app as definitions_app
from api.cli_deliveries import app as deliveries_app
from api.cli_errors import ExitCode, Failure, explain, refusal
from api.cli_keys import app as keys_app
from api.cli_rooms import open_exports, open_records, open_warehouse
from api.cli_serve import serve

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False, add_completion=False)
app.command()(serve)
app.add_typer(keys_app, name="keys")
app.add_typer(definitions_app, name="definitions")
app.add_typer(batch_app, name="batch")
app.add_typer(deliveries_app, name="deliveries")
app.command()(audit)

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, in the workshop's time zone.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, in the workshop's time zone.")
]
WorkshopId = Annotated[
    str, typer.Argument(metavar="WORKSHOP", help="Id of a workshop; `reports workshops` lists them.")
]
JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of a job; `reports jobs` lists them.")]
Output = Annotated[
    str | None, typer.Option("--output", metavar="PATH", help="Folder or file to copy the file to.")
]


@app.command()
def types(as_json: Json = False) -> None:
    """List the report types, with their formats, arguments and columns."""
    from api.cli_documents import describe_type
    from exporters.catalogue import load_catalogue

    items = [describe_type(report) for report in load_catalogue().values()]
    output.print_document({"items": items}, as_json, output.show_types)


@app.command()
def workshops(as_json: Json = False) -> None:
    """List the workshops of the served data."""
    from api.cli_documents import describe_generation
    from warehouse.figures import list_workshops

    with open_warehouse() as snapshot:
        items = [asdict(workshop) for workshop in list_workshops(snapshot.figures)]
        document = {"items": items, **describe_generation(snapshot.generation)}
    output.print_document(document, as_json, output.show_workshops)


@app.command()
def overview(workshop: WorkshopId, first: From = None, last: To = None, as_json: Json = False) -> None:
    """Show a workshop's key figures, its services by category and its ratings by month."""
    from api.cli_documents import describe_figures

    period = parse_period(first, last)
    with open_warehouse() as snapshot:
        document = describe_figures(snapshot, workshop, period)
    output.print_document(document, as_json, output.show_overview)


@app.command()
def export(  # noqa: PLR0917  called by name, by Typer
    workshop: WorkshopId,
    report_type: Annotated[
        str, typer.Argument(metavar="TYPE", help="Report type, or several as a,b; see `reports types`.")
    ],
    format_name: Annotated[
        str, typer.Option("--format", help="Format of the file, such as xlsx or 'csv;excel-nb', or several.")
    ],
    first: From = None,
    last: To = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="KEY=VALUE", help="Value of an argument; may be given repeatedly."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Language of the file: nb, sv, da, de or en.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="TEMPLATE", help="Name of the file, such as '{name}-{type}-{rundate}'."
        ),
    ] = None,
    target: Output = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Only record the job; a worker runs it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make report files: record the jobs, run them here, say where the files are. Ctrl-C cancels them."""
    from api.cli_copy import check_target, save_copy
    from api.cli_documents import describe_job
    from api.cli_export import choose_files, run_requested

    if no_wait and target is not None:
        raise refusal("--no-wait and --output exclude each other: there is no file to copy yet")
    place = None if target is None else check_target(target)
    asked = parse_filters(filters or [], first, last)
    with open_exports() as exports:
        made = [
            exports.request(workshop, type_, format_, asked, language=language, name_template=name)
            for type_, format_ in choose_files(exports, report_type, format_name, asked)
        ]
        if not no_wait:
            made = run_requested(exports, made)
        copies = [str(save_copy(exports.store, job, place)) if place is not None else None for job in made]
        items = [
            {"job": describe_job(job, exports.store), "output": copy}
            for job, copy in zip(made, copies, strict=True)
        ]
    document = items[0] if len(items) == 1 else {"items": items}
    output.print_document(document, as_json, output.show_exports)


@app.command()
def run(
    job_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of a pending job; default: the oldest.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run one pending job to its end, as a worker does."""
    from api.cli_documents import describe_job
    from api.cli_export import run_pending

    with open_exports() as exports:
        job = run_pending(exports, job_id)
        document = {"job": job and describe_job(job, exports.store)}
    output.print_document(document, as_json, output.show_job)


@app.command()
def worker(
    slots: Annotated[
        int | None, typer.Option("--slots", min=1, max=256, help="Jobs at once; default: one per core.")
    ] = None,
    grace: Annotated[
        float,
        typer.Option("--grace", min=0, max=86_400, help="Seconds that jobs may go on when it is stopped."),
    ] = 30,
) -> None:
    """Run jobs as they come, several at once, until SIGTERM or Ctrl-C; a second one ends it at once."""
    from datetime import timedelta

    from api.cli_worker import count_cores, work_until_stopped
    from settings import load_settings

    work_until_stopped(load_settings(), slots or count_cores(), timedelta(seconds=grace))


@app.command()
def jobs(
    workshop: Annotated[
        str | None, typer.Option("--workshop", metavar="WORKSHOP", help="Only this workshop's jobs.")
    ] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List the export jobs, newest first."""
    from api.cli_documents import describe_job
    from exporters.jobs import Status

    if status is not None and status not in list(Status):
        raise refusal(f"there is no state {status!r}; there are {', '.join(Status)}", option="--status")
    with open_records() as (records, store):
        found = records.list(workshop, Status(status) if status else None, limit=limit)
        document = {"items": [describe_job(job, store) for job in found]}
    output.print_document(document, as_json, output.show_jobs)


@app.command()
def job(job_id: JobId, target: Output = None, as_json: Json = False) -> None:
    """Show one job: its record, its events, its file's manifest; and copy its file."""
    from api.cli_copy import check_target, save_copy
    from api.cli_documents import describe_event, describe_job, read_manifest

    place = None if target is None else check_target(target)
    with open_records() as (records, store):
        found = records.get(job_id)
        copy = str(save_copy(store, found, place)) if place is not None else None
        document = {
            "job": describe_job(found, store),
            "events": [describe_event(event) for event in records.events(job_id)],
            "manifest": read_manifest(found, store),
            "output": copy,
        }
    output.print_document(document, as_json, output.show_job)


@app.command()
def cancel(job_id: JobId, as_json: Json = False) -> None:
    """Cancel a job that is pending or under way."""
    from api.cli_documents import describe_job

    with open_records() as (records, store):
        document = {"job": describe_job(records.cancel(job_id), store)}
    output.print_document(document, as_json, output.show_job)


@app.command()
def expire(as_json: Json = False) -> None:
    """Remove old files, whose records stay, what killed runs left, and the oldest of other records."""
    from api.cli_audit import expire_records

    removed = expire_records()
    with open_exports() as exports:
        document = {**asdict(exports.expire()), **removed}
    output.print_document(document, as_json, output.show_expired)


def main() -> None:
    """Entry point of the `reports` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # names may hold letters that the locale lacks
    code = execute(sys.argv[1:])
    output.abandon_unwritten()
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command line, tell its failure if it has one, and return the exit code."""
    if all(_is_text(argument) for argument in arguments):
        failure = _attempt(arguments)
    else:
        failure = refusal("an argument is not UTF-8 text")
    if failure is None:
        return ExitCode.DONE
    try:
        if failure.message:
            output.print_failure(failure, as_json="--json" in arguments)
    except OSError:
        with suppress(OSError):
            output.print_failure(failure, as_json=False)
        return ExitCode.UNAVAILABLE
    return failure.exit_code


def _attempt(arguments: Sequence[str]) -> Failure | None:
    ended = None
    try:
        ended = app(list(arguments), prog_name="reports", standalone_mode=False)
    except Failure as failure:
        return failure
    except typer.TyperException as error:
        return refusal(f"{error.format_message().rstrip('.')}; see `reports --help`")
    except SystemExit:  # whoever read the output has gone: there is nobody to tell
        return Failure(ExitCode.UNAVAILABLE, "OUTPUT_CLOSED", "")
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        return told
    return Failure(ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted") if ended else None


def _is_text(argument: str) -> bool:
    return argument == argument.encode(errors="replace").decode()


if __name__ == "__main__":
    main()

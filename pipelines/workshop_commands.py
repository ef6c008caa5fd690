"""Commands about one workshop's data as a whole: exporting it, erasing it or a customer, and the record."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import complain, print_line, print_table, told_errors
from pipelines.dagster_records import forget_runs
from pipelines.erasures import erase_customer, erase_workshop
from pipelines.project import load_project
from pipelines.workshop_export import export_workshop
from settings import load_settings
from warehouse.erasures import Erasure, Register

commands = typer.Typer()


@commands.command("export-workshop")
def export_all(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write to, empty or new.")],
) -> None:
    """Copy all that is kept about a workshop to a folder: rows, export jobs and files, with an index."""
    with told_errors():
        index = export_workshop(load_project(load_settings()), workshop_id, to)
    rows = [(file["path"], file["rows"] or 0, file["size_bytes"]) for file in index["files"]]
    print_table(("file", "rows", "bytes"), rows, numbers=2)
    print_line(f"workshop {workshop_id} written to {to}; index.json says what is there")


@commands.command("erase-workshop")
def erase_all(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; it cannot be undone.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the record.")] = "",
) -> None:
    """Erase all that is kept of a workshop, and land none of it again."""
    _require_yes(yes)
    with told_errors():
        project = load_project(load_settings())
        erasure = erase_workshop(project, workshop_id, reason)
        alive = forget_runs(project.settings.data_folder)
    _print_erased(erasure)
    if alive:
        complain(
            f"warning: {alive} runs of Dagster are under way; when they have ended, run this again to remove"
            " what Dagster shows of rows"
        )


@commands.command("erase-customer")
def erase_one(
    workshop_id: Annotated[str, typer.Argument(help="The workshop.")],
    customer_id: Annotated[str, typer.Argument(help="Its customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; it cannot be undone.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the record.")] = "",
) -> None:
    """Empty all that tells of a customer in a workshop's bookings; the bookings and figures stay."""
    _require_yes(yes)
    with told_errors():
        erasure = erase_customer(load_project(load_settings()), workshop_id, customer_id, reason)
    _print_erased(erasure)


@commands.command()
def erasures() -> None:
    """List what was erased."""
    with told_errors():
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
    print_table(
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
    print_table(("rows of", "erased"), list(erasure.rows.items()), numbers=1)
    if erasure.kind == "workshop":
        print_line(f"{erasure.jobs} export jobs and {erasure.files} of their files and manifests are removed")
    else:
        print_line(f"{len(erasure.voided)} exports were withdrawn: {', '.join(erasure.voided) or 'none'}")
    for source, files in erasure.inputs.items():
        print_line(f"the files of the source {source} still hold such rows: {', '.join(files)}")
    print_line(f"erasure {erasure.number} is done: {erasure.subject}")

"""`reports keys`: API keys made, listed and revoked at the command line."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import cli_output as output
from api.cli_errors import ExitCode, Failure, refusal

if TYPE_CHECKING:
    from exporters.access.keys import ApiKey, KeyStore

app = typer.Typer(help="API keys: who may ask for reports.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
_MOST_DAYS = 36_500


@app.command()
def create(  # noqa: PLR0917  called by name, by Typer
    workshops: Annotated[
        list[str] | None,
        typer.Option("--workshop", metavar="WORKSHOP", help="For this workshop; may be given repeatedly."),
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option("--organisation", metavar="NUMBER", help="For all workshops of this organisation."),
    ] = None,
    label: Annotated[str, typer.Option("--label", help="What the key is for, in your words.")] = "",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it lets do: reports (default), definitions or batches."),
    ] = None,
    expires_days: Annotated[
        int | None,
        typer.Option(
            "--expires-days", min=1, max=_MOST_DAYS, help="Ends after so many days; default: never."
        ),
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option("--plan", help="Plan of REPORTS_PLANS: its requests an hour; default: the first."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an API key for workshops or an organisation, and show it: this once, and never again."""
    from exporters.access import REPORTS_SCOPE, KeyRefused
    from exporters.database.values import utc_now

    _check_served(workshops or [], organisation)
    _check_plan(plan)
    with _open_keys() as keys:
        try:
            made = keys.create(
                workshops or [],
                organisation=organisation,
                label=label,
                scopes=scopes or [REPORTS_SCOPE],
                expires_at=None if expires_days is None else utc_now() + timedelta(days=expires_days),
                plan=plan,
            )
        except KeyRefused as error:
            raise refusal(str(error)) from error
    output.print_document({"key": made.text, "record": describe_key(made.record)}, as_json, _show_new)


@app.command(name="list")
def list_keys(as_json: Json = False) -> None:
    """List the API keys, newest first; without the keys themselves, which nobody has kept."""
    with _open_keys() as keys:
        items = [describe_key(key) for key in keys.list()]
    output.print_document({"items": items}, as_json, _show)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Id of a key; `reports keys list`.")],
    as_json: Json = False,
) -> None:
    """End an API key for good; servers that have just seen it let it in for some seconds more."""
    from exporters.access import KeyNotFound

    with _open_keys() as keys:
        try:
            record = keys.revoke(key_id)
        except KeyNotFound as error:
            raise Failure(ExitCode.NOT_FOUND, "KEY_NOT_FOUND", str(error), {"key_id": key_id}) from error
    output.print_document({"items": [describe_key(record)]}, as_json, _show)


def describe_key(key: "ApiKey") -> dict[str, Any]:
    """What is on record of a key."""
    from exporters.database.values import utc_now

    ended = "expired" if key.expires_at is not None and key.expires_at <= utc_now() else "valid"
    return {
        "key_id": key.key_id,
        "status": "revoked" if key.revoked_at is not None else ended,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "workshops": sorted(key.workshops),
        "organisation": key.organisation,
        "plan": key.plan,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _check_served(workshops: Sequence[str], organisation: str | None) -> None:
    """Refuse a key for who is not in the served data: it would let nobody see anything."""
    from exporters.access.organisations import Organisations
    from settings import load_settings
    from warehouse.figures import list_workshops
    from warehouse.generations import open_snapshot

    if bool(workshops) == (organisation is not None):
        return  # neither or both, which the records refuse whoever they are
    settings = load_settings()
    with open_snapshot(settings.warehouse_folder, settings.database) as snapshot:
        served = {workshop.workshop_id for workshop in list_workshops(snapshot.figures)}
    for workshop_id in workshops:
        if workshop_id not in served:
            raise Failure(
                ExitCode.NOT_FOUND,
                "WORKSHOP_NOT_FOUND",
                f"there is no workshop {workshop_id!r}; `reports workshops` lists them",
                {"workshop_id": workshop_id},
            )
    if organisation is not None and not Organisations(settings.warehouse_folder).workshops(organisation):
        raise Failure(
            ExitCode.NOT_FOUND,
            "ORGANISATION_NOT_FOUND",
            f"no workshop in the served data has the organisation number {organisation!r}",
            {"organisation": organisation},
        )


def _check_plan(plan: str | None) -> None:
    from settings import load_settings

    plans = load_settings().access.plans
    if plan is not None and plan not in plans:
        raise refusal(f"there is no plan {plan!r}; REPORTS_PLANS names {', '.join(plans)}")


@contextmanager
def _open_keys() -> "Iterator[KeyStore]":
    from exporters.access.keys import KeyStore
    from exporters.database import open_database
    from settings import load_settings

    database = open_database(load_settings().jobs_database)
    try:
        yield KeyStore(database)
    finally:
        database.close()


def _show_new(document: output.Document) -> None:
    """A new key, and what is on record of it."""
    output.print_line(document["key"])
    output.print_line("This is the key. It is shown this once: keep it where secrets are kept.")
    _show({"items": [document["record"]]})


def _show(document: output.Document) -> None:
    """A row for each API key."""
    output.print_table(
        ("created", "key id", "status", "workshops", "label", "scopes", "plan", "expires", "revoked"),
        (
            (
                key["created_at"],
                key["key_id"],
                key["status"],
                ", ".join(key["workshops"]) or f"organisation {key['organisation']}",
                key["label"] or None,
                ", ".join(key["scopes"]),
                key["plan"],
                key["expires_at"],
                key["revoked_at"],
            )
            for key in document["items"]
        ),
    )

"""`reports batch`: many reports at once, asked for, looked at and fetched at the command line."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api import cli_batch_output as show
from api.cli_errors import refusal
from api.cli_output import print_document

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from exporters.access.audit_events import Action
    from exporters.access.callers import Caller
    from exporters.batches.door import Batches, Beside
    from exporters.batches.records import Batch
    from exporters.exports import Exports
    from settings import Settings

app = typer.Typer(
    help="Batches: many reports at once, each with its own mail and call.", no_args_is_help=True
)

_ACTOR = "cli"

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
BatchId = Annotated[str, typer.Argument(metavar="ID", help="Id of a batch; `reports batch list` lists them.")]
Organisation = Annotated[
    str | None,
    typer.Option("--organisation", metavar="NUMBER", help="For the workshops of this organisation."),
]
Workshop = Annotated[
    list[str] | None,
    typer.Option("--workshop", metavar="ID", help="For these workshops; may be given repeatedly."),
]


@app.command()
def create(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The batch as JSON, as the API takes it; - for stdin.")
    ],
    organisation: Organisation = None,
    workshop: Workshop = None,
    as_json: Json = False,
) -> None:
    """Record a batch for an organisation or for workshops; a running worker makes its reports."""
    from api.http.batches.requests import read_batch
    from exporters.access.audit_events import Action

    draft = read_batch(_read_file(file))
    with _open_batches() as (batches, _, settings):
        caller = _find_caller(settings, organisation, workshop)
        tell = _beside(Action.BATCH_MADE)
        made = batches.create(caller.account, caller.workshops, draft, actor=_ACTOR, beside=tell)
    print_document({"batch": show.describe_batch(made)}, as_json, show.show_batch)


@app.command(name="list")
def list_batches(organisation: Organisation = None, workshop: Workshop = None, as_json: Json = False) -> None:
    """List the batches, newest first; all of them unless told whose."""
    with _open_batches() as (batches, _, settings):
        named = organisation is not None or workshop
        account = _find_caller(settings, organisation, workshop).account if named else None
        items = [show.describe_batch(batch) for batch in batches.list(account)]
    print_document({"items": items}, as_json, show.show_batches)


@app.command(name="show")
def show_one(batch_id: BatchId, as_json: Json = False) -> None:
    """Show one batch and what happened to it."""
    with _open_batches() as (batches, _, _settings):
        document = {
            "batch": show.describe_batch(batches.get(batch_id, None)),
            "events": [show.describe_event(event) for event in batches.events(batch_id, None)],
        }
    print_document(document, as_json, show.show_batch)


@app.command()
def items(
    batch_id: BatchId,
    status: Annotated[
        str | None, typer.Option("--status", help="Only: completed, warning or failed.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    token: Annotated[str | None, typer.Option("--token", help="The token of the page before.")] = None,
    as_json: Json = False,
) -> None:
    """List the finished reports of a batch, in the order in which they finished."""
    from exporters.batches.records import ENDED, ItemState

    if status is not None and status.lower() not in ENDED:
        raise refusal(f"--status is {status!r}; it must be one of {', '.join(ENDED)}", option="--status")
    state = None if status is None else ItemState(status.lower())
    with _open_batches() as (batches, _, _settings):
        page = batches.items(batch_id, None, state, token, limit)
    document = {"items": [show.describe_item(item) for item in page.items], "token": page.token}
    print_document(document, as_json, show.show_items)


@app.command()
def retry(batch_id: BatchId, as_json: Json = False) -> None:
    """Make the failed reports of a batch again."""
    from exporters.access.audit_events import Action

    with _open_batches() as (batches, _, settings):
        kind, _, number = batches.get(batch_id, None).account.partition(":")
        members = _members(settings, number) if kind == "organisation" else frozenset[str]()
        tell = _beside(Action.BATCH_RETRIED)
        batch = batches.retry_failed(batch_id, None, members, actor=_ACTOR, beside=tell)
    print_document({"batch": show.describe_batch(batch)}, as_json, show.show_batch)


@app.command()
def stop(batch_id: BatchId, as_json: Json = False) -> None:
    """Let a listener listen no more; what is in the making is still made."""
    from exporters.access.audit_events import Action

    with _open_batches() as (batches, _, _):
        tell = _beside(Action.BATCH_STOPPED)
        batch = batches.stop_listening(batch_id, None, actor=_ACTOR, beside=tell)
    print_document({"batch": show.describe_batch(batch)}, as_json, show.show_batch)


@app.command()
def download(
    batch_id: BatchId,
    target: Annotated[
        str, typer.Option("--output", metavar="PATH", help="Folder or file to write the zip to.")
    ] = ".",
    as_json: Json = False,
) -> None:
    """Write a zip of the reports that have finished so far, with a result of each."""
    from api.cli_batch_zip import save_archive
    from api.cli_copy import check_target
    from exporters.access.audit_events import Action

    place = check_target(target)
    with _open_batches() as (batches, exports, _):
        batch = batches.get(batch_id, None)
        with exports.jobs.database.writing() as connection:
            _beside(Action.BATCH_DOWNLOADED)(connection, batch)
        path = save_archive(batches, exports.jobs.database, exports.store, batch, place)
    print_document({"batch_id": batch.batch_id, "output": str(path)}, as_json, show.show_saved)


@app.command()
def webhooktest(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to call.")],
    auth: Annotated[
        str | None,
        typer.Option("--auth", metavar="FILE", help="An authConfig as JSON; - for stdin."),
    ] = None,
    report_type: Annotated[
        str | None, typer.Option("--type", help="Type of the made-up report, by name or number.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Call a webhook once, as for a finished report, and tell what came of it."""
    from api.http.batches.requests import read_auth_config
    from exporters.batches.webhook_trials import try_webhook
    from exporters.catalogue import load_catalogue
    from settings import load_settings

    config = None if auth is None else read_auth_config(_read_file(auth))
    told = {} if report_type is None else {"reportType": report_type}
    outcome = try_webhook(url, config, told, load_catalogue(), load_settings().deliveries)
    document = {"delivered": outcome.verdict == "delivered", "code": outcome.code, "message": outcome.message}
    print_document(document, as_json, show.show_outcome)


def _read_file(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise refusal(f"{name}: it cannot be read: {error.strerror or error}", "FILE_UNREADABLE") from error


@contextmanager
def _open_batches() -> "Iterator[tuple[Batches, Exports, Settings]]":
    from exporters.batches.door import Batches
    from exporters.exports import open_exports
    from settings import load_settings

    settings = load_settings()
    with open_exports(settings.exports) as exports:
        yield Batches(exports, settings.exports), exports, settings


def _find_caller(settings: "Settings", organisation: str | None, workshops: list[str] | None) -> "Caller":
    """Whom the command speaks for, as an API key for the same would."""
    from exporters.access.callers import Caller, plain_number

    if (organisation is None) == (not workshops):
        raise refusal("say whom it is for: --organisation NUMBER, or --workshop ID, one or several")
    number = None if organisation is None else plain_number(organisation)
    members = frozenset(workshops or ()) if number is None else _members(settings, number)
    return Caller(_ACTOR, members, frozenset(), organisation=number)


def _members(settings: "Settings", organisation: str) -> frozenset[str]:
    from exporters.access.organisations import Organisations

    return Organisations(settings.warehouse_folder).workshops(organisation)


def _beside(action: "Action") -> "Beside":
    """Writes the row of the log in the transaction of what is done."""
    from exporters.access.audit_events import record_event
    from exporters.database.values import utc_now

    def write(connection: "Connection", batch: "Batch") -> None:
        record_event(connection, utc_now(), action, _ACTOR, None, detail={"batch_id": batch.batch_id})

    return write

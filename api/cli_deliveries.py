"""`reports deliveries`: what was sent to whom, and what is sent again, at the command line."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api import cli_delivery_output as show
from api.cli_endpoints import enable_endpoint, list_endpoints
from api.cli_errors import refusal
from api.cli_output import print_document

if TYPE_CHECKING:
    from exporters.deliveries.store import DeliveryStore

app = typer.Typer(help="Deliveries: what was sent to whom, by mail and webhook.", no_args_is_help=True)

_ACTOR = "cli"

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
DeliveryId = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a delivery; `reports deliveries list` lists them.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept on record.")]


@app.command(name="list")
def list_deliveries(
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only: queued, sending, delivered, refused, dead or cancelled."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only of this, such as definition:7.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List the deliveries, newest first."""
    from exporters.deliveries.records import State

    if state is not None and state not in list(State):
        raise refusal(f"--state is {state!r}; it must be one of {', '.join(State)}", option="--state")
    with _open_deliveries() as deliveries:
        found = deliveries.list(state=State(state) if state else None, subject=subject, limit=limit)
    print_document({"items": [show.describe_delivery(one) for one in found]}, as_json, show.show_deliveries)


@app.command(name="show")
def show_one(delivery_id: DeliveryId, as_json: Json = False) -> None:
    """Show one delivery and what happened to it."""
    with _open_deliveries() as deliveries:
        document = {
            "delivery": show.describe_delivery(deliveries.get(delivery_id)),
            "events": [show.describe_event(event) for event in deliveries.events(delivery_id)],
        }
    print_document(document, as_json, show.show_delivery)


@app.command()
def resend(delivery_id: DeliveryId, reason: Reason, as_json: Json = False) -> None:
    """Send a delivery that has ended once more, as a delivery of its own."""
    from exporters.access.audit_events import Action
    from exporters.deliveries.audit import audited

    with _open_deliveries() as deliveries:
        beside = audited(Action.DELIVERY_RESENT, _ACTOR, reason)
        made = deliveries.resend(delivery_id, reason, _ACTOR, beside=beside)
    print_document({"items": [show.describe_delivery(made)]}, as_json, show.show_deliveries)


@app.command()
def replay(
    reason: Reason,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ID", help="Only this one; may be given repeatedly."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Queue dead deliveries again, the oldest thousand unless told which."""
    from exporters.access.audit_events import Action
    from exporters.deliveries.audit import audited

    with _open_deliveries() as deliveries:
        beside = audited(Action.DELIVERY_REPLAYED, _ACTOR, reason)
        made = deliveries.replay(reason, _ACTOR, only=only, beside=beside)
    print_document({"items": [show.describe_delivery(one) for one in made]}, as_json, show.show_deliveries)


@app.command()
def cancel(delivery_id: DeliveryId, reason: Reason, as_json: Json = False) -> None:
    """Do not send a delivery that still waits, or is tried again."""
    with _open_deliveries() as deliveries:
        ended = deliveries.cancel(delivery_id, reason)
    print_document({"items": [show.describe_delivery(ended)]}, as_json, show.show_deliveries)


@app.command()
def bounced(delivery_id: DeliveryId, reason: Reason, as_json: Json = False) -> None:
    """Record that a mail which was taken came back later."""
    with _open_deliveries() as deliveries:
        ended = deliveries.bounce(delivery_id, reason, _ACTOR)
    print_document({"items": [show.describe_delivery(ended)]}, as_json, show.show_deliveries)


app.command(name="endpoints")(list_endpoints)
app.command(name="enable")(enable_endpoint)


@contextmanager
def _open_deliveries() -> "Iterator[DeliveryStore]":
    from exporters.database import open_database
    from exporters.deliveries.store import DeliveryStore
    from settings import load_settings

    with closing(open_database(load_settings().jobs_database)) as database:
        yield DeliveryStore(database)

"""`reports deliveries endpoints` and `enable`: the endpoints of webhooks at the command line."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import cli_output as output
from api.cli_errors import ExitCode, Failure

if TYPE_CHECKING:
    from exporters.deliveries.endpoints import Endpoint, Endpoints

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
_ACTOR = "cli"
_SHOWN = (
    "endpoint_id",
    "account",
    "contact",
    "state",
    "reason",
    "first_failure_at",
    "last_failure_at",
    "last_success_at",
    "warned_at",
    "created_at",
)


def list_endpoints(
    account: Annotated[
        str | None, typer.Option("--account", help="Only those of this account, such as organisation:556677.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the endpoints of webhooks, newest first; without path and query of their URLs, or any secret."""
    with _open_endpoints() as endpoints:
        items = [_describe(endpoint) for endpoint in endpoints.list(account)]
    output.print_document({"items": items}, as_json, _show)


def enable_endpoint(
    endpoint_id: Annotated[
        str, typer.Argument(metavar="ENDPOINT_ID", help="Id of an endpoint; `reports deliveries endpoints`.")
    ],
    as_json: Json = False,
) -> None:
    """Call a disabled endpoint again; what died meanwhile is queued by `reports deliveries replay`."""
    from exporters.access.audit_events import Action
    from exporters.deliveries.audit import audited_endpoint
    from exporters.deliveries.endpoints import EndpointNotFound

    with _open_endpoints() as endpoints:
        try:
            enabled = endpoints.enable(
                endpoint_id, _ACTOR, beside=audited_endpoint(Action.WEBHOOK_ENABLED, _ACTOR)
            )
        except EndpointNotFound as error:
            details = {"endpoint_id": endpoint_id}
            raise Failure(ExitCode.NOT_FOUND, "WEBHOOK_NOT_FOUND", str(error), details) from error
    output.print_document({"items": [_describe(enabled)]}, as_json, _show)


def _describe(endpoint: "Endpoint") -> dict[str, Any]:
    from exporters.deliveries.addresses import read_url

    shown = {name: getattr(endpoint, name) for name in _SHOWN}
    return {**shown, "place": read_url(endpoint.url).shown}


def _show(document: output.Document) -> None:
    names = ("endpoint_id", "account", "place", "state", "reason", "first_failure_at", "last_success_at")
    output.print_table(
        ("endpoint", "account", "place", "state", "reason", "fails since", "last success"),
        ([item[name] for name in names] for item in document["items"]),
    )


@contextmanager
def _open_endpoints() -> "Iterator[Endpoints]":
    from exporters.database import open_database
    from exporters.deliveries.endpoints import Endpoints
    from settings import load_settings

    settings = load_settings()
    database = open_database(settings.jobs_database)
    try:
        yield Endpoints(database, settings.seal)
    finally:
        database.close()

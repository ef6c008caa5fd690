"""`reports definitions`: report definitions made, changed, tried out and sent at the command line."""

# As in api.cli: each command imports what it needs, which takes long.
# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api import cli_definition_output as show
from api.cli_definition_options import (
    Active,
    ConditionColumn,
    ConditionKind,
    Cron,
    Description,
    Interval,
    LastDay,
    LinkOnly,
    Name,
    Owner,
    SendAt,
    Threshold,
    Weekdays,
    Zone,
    read_condition,
    read_fields,
    read_pair,
    read_time,
)
from api.cli_output import print_document

if TYPE_CHECKING:
    from exporters.access.audit_events import Action
    from exporters.definitions.definitions import Definitions
    from exporters.definitions.store import Beside

app = typer.Typer(help="Report definitions: what is mailed to whom, and when.", no_args_is_help=True)

_ACTOR = "cli"

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
DefinitionId = Annotated[
    str, typer.Argument(metavar="ID", help="Id of a definition; `reports definitions list` lists them.")
]


@app.command(name="list")
def list_definitions(
    workshop: Annotated[
        str | None, typer.Option("--workshop", metavar="WORKSHOP", help="Only this workshop's.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="After so many.")] = 0,
    as_json: Json = False,
) -> None:
    """List the report definitions, the oldest first."""
    with _open_definitions() as definitions:
        count, found = definitions.list(workshop, limit, offset)
    document = {"count": count, "items": [show.describe_definition(one) for one in found]}
    print_document(document, as_json, show.show_definitions)


@app.command(name="show")
def show_one(definition_id: DefinitionId, as_json: Json = False) -> None:
    """Show one definition."""
    with _open_definitions() as definitions:
        document = {"definition": show.describe_definition(definitions.get(definition_id))}
    print_document(document, as_json, show.show_definition)


@app.command()
def create(  # noqa: PLR0917  called by name, by Typer
    workshop: Annotated[str, typer.Argument(metavar="WORKSHOP", help="Id of a workshop.")],
    type_id: Annotated[str, typer.Argument(metavar="TYPE", help="Id of a report type, such as 101.")],
    arguments: Annotated[
        list[str],
        typer.Option("--argument", metavar="KEY=VALUE", help="An argument; may be given repeatedly."),
    ],
    interval: Annotated[str, typer.Option("--interval", help="hour, day, week or month.")] = "day",
    name: Name = None,
    description: Description = None,
    active: Active = None,
    link_only: LinkOnly = None,
    time_zone: Zone = None,
    send_at: SendAt = None,
    cron: Cron = None,
    weekdays_only: Weekdays = None,
    last_day_of_month: LastDay = None,
    owner: Owner = None,
    condition: ConditionKind = None,
    column: ConditionColumn = None,
    threshold: Threshold = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Record nothing; show when it would fire, as `rehearse` does.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a report definition; the arguments format and email are needed."""
    from exporters.access.audit_events import Action
    from exporters.definitions.drafts import Draft

    fields = read_fields(
        {"name": name, "description": description, "active": active, "email_link_only": link_only},
        {"time_zone": time_zone, "send_at": send_at, "cron": cron, "owner": owner},
        {"weekdays_only": weekdays_only, "last_day_of_month": last_day_of_month},
        read_condition(condition, column, threshold),
    )
    pairs = tuple(read_pair(text) for text in arguments)
    draft = Draft(**{"type_id": type_id, "interval": interval, "arguments": pairs, **fields})
    with _open_definitions() as definitions:
        if dry_run:
            items = [show.describe_rehearsed(one) for one in definitions.rehearse_draft(workshop, draft)]
            print_document({"items": items}, as_json, show.show_rehearsal)
            return
        made = definitions.create(workshop, draft, beside=_beside(Action.DEFINITION_MADE))
    print_document({"definition": show.describe_definition(made)}, as_json, show.show_definition)


@app.command()
def change(  # noqa: PLR0917  called by name, by Typer
    definition_id: DefinitionId,
    interval: Interval = None,
    name: Name = None,
    description: Description = None,
    active: Active = None,
    link_only: LinkOnly = None,
    time_zone: Zone = None,
    send_at: SendAt = None,
    cron: Cron = None,
    weekdays_only: Weekdays = None,
    last_day_of_month: LastDay = None,
    owner: Owner = None,
    condition: ConditionKind = None,
    column: ConditionColumn = None,
    threshold: Threshold = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="KEY=VALUE", help="Another argument.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="ARGUMENT", help="Id of an argument that goes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a definition; what is not named stays. Arguments are added before others are removed."""
    from exporters.access.audit_events import Action

    fields = read_fields(
        {"interval": interval, "name": name, "description": description, "active": active},
        {"time_zone": time_zone, "send_at": send_at, "cron": cron, "owner": owner},
        {"weekdays_only": weekdays_only, "last_day_of_month": last_day_of_month},
        {"email_link_only": link_only, **read_condition(condition, column, threshold)},
    )
    pairs = [read_pair(text) for text in add or []]
    beside = _beside(Action.DEFINITION_CHANGED)
    with _open_definitions() as definitions:
        if fields:
            definitions.update(definition_id, None, fields, beside=beside)
        for key, value in pairs:
            definitions.add_argument(definition_id, None, key, value, beside=beside)
        for argument_id in remove or []:
            definitions.remove_argument(definition_id, None, argument_id, beside=beside)
        document = {"definition": show.describe_definition(definitions.get(definition_id))}
    print_document(document, as_json, show.show_definition)


@app.command()
def delete(definition_id: DefinitionId, as_json: Json = False) -> None:
    """Delete a definition: what was delivered stays on record, what is under way is not sent."""
    from exporters.access.audit_events import Action

    with _open_definitions() as definitions:
        definitions.delete(definition_id, beside=_beside(Action.DEFINITION_DELETED))
    print_document({"deleted": definition_id}, as_json, show.show_deleted)


@app.command()
def send(definition_id: DefinitionId, as_json: Json = False) -> None:
    """Send a definition to its recipients now, active or not; a running worker makes and mails it."""
    from exporters.access.audit_events import Action

    with _open_definitions() as definitions:
        fire = definitions.send(definition_id, None, _ACTOR, beside=_beside(Action.DEFINITION_SENT))
    print_document({"items": [show.describe_fire(fire)]}, as_json, show.show_fires)


@app.command(name="test")
def send_test(definition_id: DefinitionId, as_json: Json = False) -> None:
    """Send a definition to its owner alone; a running worker makes and mails it."""
    from exporters.access.audit_events import Action

    with _open_definitions() as definitions:
        fire = definitions.send_test(definition_id, None, _ACTOR, beside=_beside(Action.DEFINITION_SENT))
    print_document({"items": [show.describe_fire(fire)]}, as_json, show.show_fires)


@app.command()
def rehearse(
    definition_id: DefinitionId,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="So many fires.")] = 10,
    as_json: Json = False,
) -> None:
    """Show when a definition fires next, with its filters and about how many rows it will have."""
    with _open_definitions() as definitions:
        items = [show.describe_rehearsed(one) for one in definitions.rehearse(definition_id, None, count)]
    print_document({"items": items}, as_json, show.show_rehearsal)


@app.command()
def backtest(
    definition_id: DefinitionId,
    days: Annotated[int, typer.Option("--days", min=1, max=1000, help="The last so many days.")] = 90,
    as_json: Json = False,
) -> None:
    """Show how often a definition would have sent in the last days."""
    with _open_definitions() as definitions:
        document = show.describe_back_test(definitions.back_test(definition_id, None, days))
    print_document(document, as_json, show.show_back_test)


@app.command()
def pause(
    definition_id: DefinitionId,
    until: Annotated[
        str,
        typer.Option("--until", metavar="TIME", help="Day or time in the definition's zone, in ISO 8601."),
    ],
    as_json: Json = False,
) -> None:
    """Skip a definition's fires until a time; sending by hand works."""
    from exporters.access.audit_events import Action

    with _open_definitions() as definitions:
        zone = definitions.get(definition_id).timing.time_zone
        fields = {"paused_until": read_time(until, zone)}
        changed = definitions.update(definition_id, None, fields, beside=_beside(Action.DEFINITION_CHANGED))
    print_document({"definition": show.describe_definition(changed)}, as_json, show.show_definition)


@app.command()
def resume(definition_id: DefinitionId, as_json: Json = False) -> None:
    """End a definition's pause, and make it active."""
    from exporters.access.audit_events import Action

    fields = {"paused_until": None, "active": True}
    with _open_definitions() as definitions:
        changed = definitions.update(definition_id, None, fields, beside=_beside(Action.DEFINITION_CHANGED))
    print_document({"definition": show.describe_definition(changed)}, as_json, show.show_definition)


@app.command()
def fires(
    definition_id: DefinitionId,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List a definition's fires, the newest first, and what came of them."""
    with _open_definitions() as definitions:
        items = [show.describe_fire(fire) for fire in definitions.fires(definition_id, None, limit)]
    print_document({"items": items}, as_json, show.show_fires)


@contextmanager
def _open_definitions() -> "Iterator[Definitions]":
    from api.cli_rooms import open_exports
    from exporters.definitions.definitions import Definitions
    from exporters.definitions.store import DefinitionStore

    with open_exports() as exports:
        yield Definitions(exports, DefinitionStore(exports.jobs.database))


def _beside(action: "Action") -> "Beside":
    """Writes the row of the log in the transaction of what is done."""
    from exporters.definitions.audit import audited

    return audited(action, _ACTOR)

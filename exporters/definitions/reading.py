"""Reading definitions and their fires, within the caller's transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, func, select, true

from exporters.definitions.conditions import Condition
from exporters.definitions.errors import DefinitionNotFound
from exporters.definitions.records import Argument, Definition, Fire, FireEvent
from exporters.definitions.tables import definition_arguments, definitions, fire_events, fires
from exporters.definitions.timing import Timing
from exporters.definitions.transitions import to_event, to_fire

Whose = str | Collection[str] | None
"""A workshop, or several; None: all of them."""

_LARGEST = 2**63 - 1
_LONGEST = len(str(_LARGEST))


def known_form(definition_id: str) -> int:
    """The id as a number; what is no such number is the id of no definition."""
    number = read_number(definition_id)
    if number is None:
        raise DefinitionNotFound(definition_id[:60])
    return number


def read_number(text: str) -> int | None:
    """The number that an id of digits is; None: it cannot be the id of anything."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST) or int(text) > _LARGEST:
        return None
    return int(text)


def find_definition(connection: Connection, definition_id: str, whose: Whose) -> Definition:
    """As `DefinitionStore.get` says."""
    query = select(definitions).where(
        definitions.c.definition_id == known_form(definition_id), theirs(definitions.c.workshop_id, whose)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise DefinitionNotFound(definition_id)
    return with_arguments(connection, [row])[0]


def list_definitions(
    connection: Connection, whose: Whose, limit: int, offset: int
) -> tuple[int, Sequence[Definition]]:
    """As `DefinitionStore.list` says."""
    chosen = theirs(definitions.c.workshop_id, whose)
    count = connection.execute(select(func.count()).select_from(definitions).where(chosen)).scalar_one()
    query = select(definitions).where(chosen).order_by(definitions.c.definition_id)
    rows = connection.execute(query.limit(limit).offset(offset)).all()
    return int(count), with_arguments(connection, rows)


def with_arguments(connection: Connection, rows: Sequence[Row[Any]]) -> list[Definition]:
    """The rows of definitions as values, with their arguments."""
    theirs_: dict[int, list[Argument]] = {row.definition_id: [] for row in rows}
    if theirs_:
        query = (
            select(definition_arguments)
            .where(definition_arguments.c.definition_id.in_(theirs_))
            .order_by(definition_arguments.c.argument_id)
        )
        for row in connection.execute(query):
            argument = Argument(str(row.argument_id), row.key, row.value, row.added)
            theirs_[row.definition_id].append(argument)
    return [to_definition(row, theirs_[row.definition_id]) for row in rows]


def to_definition(row: Row[Any], arguments: Iterable[Argument]) -> Definition:
    """The row as a value."""
    return Definition(
        definition_id=str(row.definition_id),
        workshop_id=row.workshop_id,
        type_id=row.type_id,
        name=row.name,
        description=row.description,
        active=row.active,
        email_link_only=row.email_link_only,
        timing=Timing(
            interval=row.interval,
            time_zone=row.time_zone,
            send_at=time.fromisoformat(row.send_at),
            cron=row.cron,
            weekdays_only=row.weekdays_only,
            last_day_of_month=row.last_day_of_month,
        ),
        paused_until=row.paused_until,
        owner=row.owner,
        condition=_to_condition(row),
        arguments=tuple(arguments),
        next_fire_at=row.next_fire_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def list_fires(
    connection: Connection, definition_id: str, whose: Whose, limit: int, before: int | None
) -> Sequence[Fire]:
    """The definition's fires, the newest first."""
    query = (
        select(fires)
        .where(fires.c.definition_id == known_form(definition_id), theirs(fires.c.workshop_id, whose))
        .order_by(fires.c.fire_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(fires.c.fire_id < before)
    return [to_fire(row) for row in connection.execute(query)]


def list_fire_events(connection: Connection, fire_id: int) -> Sequence[FireEvent]:
    """What happened to a fire, oldest first."""
    query = select(fire_events).where(fire_events.c.fire_id == fire_id).order_by(fire_events.c.event_id)
    return [to_event(row) for row in connection.execute(query)]


def theirs(column: ColumnElement[str], whose: Whose) -> ColumnElement[bool]:
    """That a row is one of the workshops'."""
    if whose is None:
        return true()
    return column.in_([whose] if isinstance(whose, str) else sorted(whose))


def _to_condition(row: Row[Any]) -> Condition | None:
    if row.condition_kind is None:
        return None
    threshold = row.condition_threshold
    kind = cast("Any", row.condition_kind)
    return Condition(kind, row.condition_column, None if threshold is None else Decimal(threshold))

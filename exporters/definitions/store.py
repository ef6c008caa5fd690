"""The door to the records of definitions: every call is one transaction. It takes what was checked before."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from exporters.database import Database
from exporters.database.values import utc_now
from exporters.definitions import transitions
from exporters.definitions.arguments import Pair
from exporters.definitions.drafts import Plain
from exporters.definitions.errors import ArgumentNotFound, DefinitionChanged
from exporters.definitions.periods import Span
from exporters.definitions.reading import (
    Whose,
    find_definition,
    known_form,
    list_definitions,
    list_fire_events,
    list_fires,
    read_number,
)
from exporters.definitions.records import Definition, Fire, FireEvent
from exporters.definitions.states import FireKind, FireState
from exporters.definitions.tables import definition_arguments, definitions, fires
from exporters.definitions.upcoming import next_fire
from exporters.deliveries.records import ENDS
from exporters.deliveries.tables import deliveries
from exporters.deliveries.transitions import cancel

Beside = Callable[[Connection, Definition], None]
"""Writes what goes with a change of a definition, in one transaction with it: both last, or neither."""


class DefinitionStore:
    """Keeps and finds definitions and their fires. Safe to share between threads.

    Any call raises DatabaseUnavailable when the database fails. Where `whose` names workshops, a definition
    of another one does not exist.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self.clock = clock

    def create(self, workshop_id: str, plain: Plain, beside: Beside | None = None) -> Definition:
        """Record a definition; it fires from now on."""
        now = self.clock()
        row = {
            **_columns(plain),
            "workshop_id": workshop_id,
            "type_id": plain.type_id,
            "next_fire_at": next_fire(plain.timing, now) if plain.active else None,
            "planned_at": now,
            "created_at": now,
            "updated_at": now,
            "revision": 1,
        }
        with self.database.writing() as connection:
            made = insert(definitions).values(row).returning(definitions.c.definition_id)
            number = connection.execute(made).scalar_one()
            for pair in plain.arguments:
                _add_argument(connection, number, pair, now)
            return _tell(connection, find_definition(connection, str(number), None), beside)

    def get(self, definition_id: str, whose: Whose = None) -> Definition:
        """The definition.

        Raises:
            DefinitionNotFound: there is none.
        """
        with self.database.reading() as connection:
            return find_definition(connection, definition_id, whose)

    def list(self, whose: Whose = None, limit: int = 20, offset: int = 0) -> tuple[int, Sequence[Definition]]:
        """How many definitions there are, and at most `limit` of them, the oldest first, after `offset`."""
        with self.database.reading() as connection:
            return list_definitions(connection, whose, limit, offset)

    def update(self, before: Definition, plain: Plain, beside: Beside | None = None) -> Definition:
        """Change a definition that was read as `before`; its arguments stay as they are.

        It is planned anew where its schedule changes, from now on; fires of the old one that nobody has
        recorded yet are left out.

        Raises:
            DefinitionNotFound: it was deleted.
            DefinitionChanged: others have changed it meanwhile: read it again.
        """
        now = self.clock()
        columns = _columns(plain)
        if plain.timing != before.timing or plain.active != before.active:
            following = next_fire(plain.timing, now) if plain.active else None
            columns |= {"next_fire_at": following, "planned_at": now}
        with self.database.writing() as connection:
            _touch(connection, now, before, columns)
            return _tell(connection, find_definition(connection, before.definition_id, None), beside)

    def add_argument(self, before: Definition, pair: Pair, beside: Beside | None = None) -> str:
        """Give the definition another argument; returns the argument's id. Raises as `update` does."""
        now = self.clock()
        with self.database.writing() as connection:
            _touch(connection, now, before)
            _tell(connection, before, beside)
            return str(_add_argument(connection, int(before.definition_id), pair, now))

    def change_argument(
        self, before: Definition, argument_id: str, pair: Pair, beside: Beside | None = None
    ) -> None:
        """Change an argument.

        Raises:
            ArgumentNotFound: the definition has no such argument; else as `update`.
        """
        number = _argument_number(before, argument_id)
        key, value = pair
        with self.database.writing() as connection:
            _touch(connection, self.clock(), before)
            _tell(connection, before, beside)
            chosen = definition_arguments.c.argument_id == number
            connection.execute(update(definition_arguments).where(chosen).values(key=key, value=value))

    def remove_argument(self, before: Definition, argument_id: str, beside: Beside | None = None) -> None:
        """Remove an argument. Raises as `change_argument` does."""
        number = _argument_number(before, argument_id)
        with self.database.writing() as connection:
            _touch(connection, self.clock(), before)
            _tell(connection, before, beside)
            chosen = definition_arguments.c.argument_id == number
            connection.execute(delete(definition_arguments).where(chosen))

    def delete(self, definition_id: str, whose: Whose = None, beside: Beside | None = None) -> None:
        """Remove a definition. What was sent stays on record; what is due, made or queued is not sent.

        Raises:
            DefinitionNotFound: there is none.
        """
        now = self.clock()
        with self.database.writing() as connection:
            definition = _tell(connection, find_definition(connection, definition_id, whose), beside)
            number = int(definition.definition_id)
            connection.execute(delete(definitions).where(definitions.c.definition_id == number))
            open_fires = select(fires.c.fire_id).where(
                fires.c.definition_id == number, fires.c.state.in_([FireState.DUE, FireState.MAKING])
            )
            for fire_id in connection.execute(open_fires).scalars().all():
                transitions.skip(connection, now, fire_id, "deleted")
            waiting = select(deliveries.c.delivery_id).where(
                deliveries.c.subject == subject_of(definition_id), deliveries.c.state.not_in(ENDS)
            )
            for delivery_id in connection.execute(waiting).scalars().all():
                cancel(connection, now, delivery_id, "its report definition was deleted")

    def record_fire(
        self,
        definition: Definition,
        kind: FireKind,
        span: Span,
        actor: str,
        beside: Beside | None = None,
    ) -> Fire:
        """Record that someone sends the definition by hand; it is due at once."""
        now = self.clock()
        with self.database.writing() as connection:
            _tell(connection, find_definition(connection, definition.definition_id, None), beside)
            [fire] = transitions.record(
                connection,
                now,
                definition,
                [(now, span)],
                FireState.DUE,
                kind=kind,
                actor=actor,
                detail={"actor": actor},
            )
            return fire

    def fires(
        self, definition_id: str, whose: Whose = None, limit: int = 20, before: int | None = None
    ) -> Sequence[Fire]:
        """The fires of a definition, also of a deleted one, the newest first; `before` is the id of the last
        one of the page before."""
        with self.database.reading() as connection:
            return list_fires(connection, definition_id, whose, limit, before)

    def fire_events(self, fire_id: int) -> Sequence[FireEvent]:
        """What happened to a fire, oldest first."""
        with self.database.reading() as connection:
            return list_fire_events(connection, fire_id)


def subject_of(definition_id: str) -> str:
    """What deliveries of the definition say they are about."""
    return f"definition:{known_form(definition_id)}"


def _tell(connection: Connection, definition: Definition, beside: Beside | None) -> Definition:
    if beside is not None:
        beside(connection, definition)
    return definition


def _columns(plain: Plain) -> dict[str, Any]:
    timing, condition = plain.timing, plain.condition
    threshold = None if condition is None or condition.threshold is None else str(condition.threshold)
    return {
        "name": plain.name,
        "description": plain.description,
        "active": plain.active,
        "email_link_only": plain.email_link_only,
        "interval": timing.interval,
        "time_zone": timing.time_zone,
        "send_at": timing.send_at.isoformat(timespec="minutes"),
        "cron": timing.cron,
        "weekdays_only": timing.weekdays_only,
        "last_day_of_month": timing.last_day_of_month,
        "paused_until": plain.paused_until,
        "owner": plain.owner,
        "condition_kind": condition and condition.kind,
        "condition_column": condition and condition.column,
        "condition_threshold": threshold,
    }


def _touch(
    connection: Connection, now: datetime, before: Definition, columns: Mapping[str, Any] | None = None
) -> None:
    """Change the row, if it is as it was read."""
    guard = (
        definitions.c.definition_id == int(before.definition_id),
        definitions.c.revision == before.revision,
    )
    values = {**(columns or {}), "updated_at": now, "revision": before.revision + 1}
    if not connection.execute(update(definitions).where(*guard).values(values)).rowcount:
        find_definition(connection, before.definition_id, None)
        raise DefinitionChanged(before.definition_id)


def _add_argument(connection: Connection, definition_id: int, pair: Pair, now: datetime) -> int:
    key, value = pair
    row = {"definition_id": definition_id, "key": key, "value": value, "added": now}
    made = insert(definition_arguments).values(row).returning(definition_arguments.c.argument_id)
    return int(connection.execute(made).scalar_one())


def _argument_number(definition: Definition, argument_id: str) -> int:
    number = read_number(argument_id)
    if number is None or all(argument.argument_id != str(number) for argument in definition.arguments):
        raise ArgumentNotFound(argument_id[:60])
    return number

"""Due definitions: their fires are recorded, each once, and they are planned anew."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, update

from exporters.database import Database
from exporters.definitions import transitions
from exporters.definitions.errors import DefinitionError
from exporters.definitions.reading import to_definition
from exporters.definitions.records import Definition
from exporters.definitions.states import FireState
from exporters.definitions.tables import definitions
from exporters.definitions.timing import Fire as Occasion
from exporters.definitions.upcoming import CLOCKS_DIFFER, Due, find_due, next_fire

_AT_ONCE = 25
"""Definitions of one transaction: each may have a thousand missed fires to write while others wait."""

PAUSED = "paused"

_LATER = timedelta(hours=1)
"""When a definition whose schedule cannot be read is looked at again."""

_log = logging.getLogger(__name__)


def record_due(database: Database, now: datetime) -> int:
    """Record the fires of some definitions that are due, and return how many definitions they were.

    Of a definition that several fires have come due of, the newest is made and the others are missed. Any
    number of processes may do this at once: one of them records a definition's fires.
    """
    set_back = definitions.c.planned_at > now + CLOCKS_DIFFER
    with database.reading() as connection:
        # Two looks into an index each; asked for together they would be one through all definitions.
        rows = [
            row
            for which in (definitions.c.next_fire_at <= now, set_back)
            for row in connection.execute(_find(which)).all()
        ]
    # Worked out before, so that nobody waits for it.
    plans = [(definition, _plan(row, definition, now)) for row, definition in _read(rows)]
    if not plans:
        return 0
    with database.writing() as connection:
        for definition, due in plans:
            if _plan_anew(connection, now, definition, due.following):
                _record(connection, now, definition, due)
    return len(plans)


def _find(which: ColumnElement[bool]) -> Select[Any]:
    return select(definitions).where(definitions.c.active, which).limit(_AT_ONCE)


def _read(rows: Iterable[Row[Any]]) -> list[tuple[Row[Any], Definition]]:
    """The definitions, each once and in one order: two that lock rows in different ones could wait for each
    other."""
    found = {row.definition_id: (row, to_definition(row, ())) for row in rows}
    return [found[number] for number in sorted(found)]


def _plan(row: Row[Any], definition: Definition, now: datetime) -> Due:
    """What has come due; of a definition whose schedule cannot be read any more nothing, now or soon."""
    try:
        return _read_plan(row, definition, now)
    except (DefinitionError, ValueError, KeyError, OverflowError) as error:  # such as a zone that is no more
        _log.error("report definition %s cannot fire: %s", definition.definition_id, error)
        return Due(None, (), 0, now + _LATER)


def _read_plan(row: Row[Any], definition: Definition, now: datetime) -> Due:
    planned = definition.next_fire_at
    if planned is None or (row.planned_at > now + CLOCKS_DIFFER and planned > now):
        # The clock that this plan was made by was ahead: it may have left out fires that are still to come.
        return Due(None, (), 0, next_fire(definition.timing, now))
    return find_due(definition.timing, planned, now)


def _plan_anew(
    connection: Connection, now: datetime, definition: Definition, following: datetime | None
) -> bool:
    """Set when it fires next; whether nobody else has done so, or changed it, meanwhile."""
    guard = (
        definitions.c.definition_id == int(definition.definition_id),
        definitions.c.revision == definition.revision,
        definitions.c.next_fire_at.is_not_distinct_from(definition.next_fire_at),
    )
    values = {"next_fire_at": following, "planned_at": now}
    return bool(connection.execute(update(definitions).where(*guard).values(values)).rowcount)


def _record(connection: Connection, now: datetime, definition: Definition, due: Due) -> None:
    def is_paused(occasion: Occasion) -> bool:
        return definition.paused_until is not None and occasion.at < definition.paused_until

    for paused, missed in groupby(due.missed, is_paused):
        times = [(occasion.at, occasion.period) for occasion in missed]
        state = FireState.SKIPPED if paused else FireState.MISSED
        reason = PAUSED if paused else None
        transitions.record(connection, now, definition, times, state, reason=reason)
    if due.newest is None:
        return
    paused = is_paused(due.newest)
    missed_before = len(due.missed) + due.unrecorded
    written = transitions.record(
        connection,
        now,
        definition,
        [(due.newest.at, due.newest.period)],
        FireState.SKIPPED if paused else FireState.DUE,
        reason=PAUSED if paused else None,
        detail={"missed_before": missed_before} if missed_before else {},
    )
    if not written and not paused:
        transitions.make_up_for(connection, now, definition.definition_id, due.newest.at)

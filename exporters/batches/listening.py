"""Listening: what a new generation restates of a listener's workshops makes new runs of their items.

A listener has heard of the changes up to one generation. All later ones up to the served one are looked at
together, however many were published meanwhile, and make one run of each item that they touch: its job reads
the newest data. Restatements stay for 30 days; where some may be gone unheard, every item runs again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from exporters.batches.directory import Directory
from exporters.batches.items import add_runs
from exporters.batches.records import BatchState
from exporters.batches.tables import batch_items, batches
from exporters.batches.transitions import EventName, hold, move
from exporters.batches.workroom import Workroom

_LISTENING = (BatchState.EXECUTING, BatchState.LISTENING)

_BATCHES = 100
"""Listeners that are looked after at once."""

_KEPT = timedelta(days=30)
"""How long restatements stay, as `warehouse.restatements` has it."""

_CHANGED = """
SELECT workshop_id, max(generation)
FROM restatements
WHERE generation > $heard AND generation <= $served
    AND list_contains($figures, figure)
    AND day >= coalesce($date_from::DATE, day) AND day <= coalesce($date_to::DATE, day)
GROUP BY workshop_id
"""


@dataclass(frozen=True)
class Changes:
    """What has changed since a listener last heard."""

    served: str
    """The generation up to which it is told."""
    by_workshop: Mapping[str, str]
    """The newest generation that restated figures of the workshop."""
    is_all: bool
    """Whether every workshop may have changed."""


def listening_batches(room: Workroom) -> Sequence[str]:
    """The listeners that have not heard of the served generation."""
    unheard = (
        batches.c.is_listener,
        batches.c.state.in_(_LISTENING),
        batches.c.stopped_at.is_(None),
        batches.c.heard.is_not(None),
    )
    with room.database.reading() as connection:
        listens = connection.execute(select(batches.c.batch_id).where(*unheard).limit(1)).first()
    if listens is None:
        return []
    served = room.directories.current().generation
    query = select(batches.c.batch_id).where(*unheard, batches.c.heard < served)
    with room.database.reading() as connection:
        return connection.execute(query.order_by(batches.c.heard).limit(_BATCHES)).scalars().all()


def listen(room: Workroom, batch_id: str) -> int:
    """Make new runs of the batch's items that have changed; returns how many."""
    with room.database.reading() as connection:
        batch = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).one_or_none()
    if batch is None or batch.heard is None:
        return 0
    directory = room.directories.current()
    changes = _find_changes(room, batch, directory)
    with room.database.writing() as connection:
        held = hold(connection, batch_id, wait=False)
        # Another may have told it of these changes, or of newer ones, since it was read.
        if held is None or held.heard != batch.heard or held.stopped_at or held.state not in _LISTENING:
            return 0
        now = room.clock()
        touched = [
            base
            for base in _find_touched(connection, batch_id, changes)
            if directory.has(base.workshop_id, base.cvr)  # else it has left the account since
        ]
        newest = changes.by_workshop
        generations = {base.position: newest.get(base.workshop_id, changes.served) for base in touched}
        added = add_runs(connection, now, batch_id, touched, generations=generations)
        heard = {"heard": directory.generation, "heard_at": directory.published_at}
        if added:
            detail = {"generation": directory.generation, "items": added}
            move(connection, now, EventName.CHANGED, held, BatchState.EXECUTING, values=heard, detail=detail)
        else:
            connection.execute(update(batches).where(batches.c.batch_id == batch_id).values(heard))
        return added


def _find_changes(room: Workroom, batch: Row[Any], directory: Directory) -> Changes:
    """What has changed between what the batch has heard of and the directory's generation."""
    report = room.catalogue.get(batch.report_type)
    if batch.heard >= directory.generation or report is None:
        return Changes(directory.generation, {}, is_all=False)
    if batch.heard_at < directory.published_at - _KEPT:
        return Changes(directory.generation, {}, is_all=True)
    asked = {
        "heard": batch.heard,
        "served": directory.generation,
        "figures": list(report.header.listens),
        "date_from": batch.filters.get("date_from"),
        "date_to": batch.filters.get("date_to"),
    }
    with room.snapshots.open() as snapshot:
        return Changes(directory.generation, dict(snapshot.rows(_CHANGED, asked)), is_all=False)


def _find_touched(connection: Connection, batch_id: str, changes: Changes) -> list[Row[Any]]:
    """The first items of the positions that have changed, which tell what is asked for there."""
    query = select(batch_items).where(
        batch_items.c.batch_id == batch_id, batch_items.c.run == 0, batch_items.c.workshop_id.is_not(None)
    )
    if not changes.is_all and not changes.by_workshop:
        return []
    bases = connection.execute(query.order_by(batch_items.c.position))
    return [base for base in bases if changes.is_all or base.workshop_id in changes.by_workshop]

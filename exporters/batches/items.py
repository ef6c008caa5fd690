"""The items of a batch: new runs and their ends, many in a statement.

Every function works inside the caller's transaction, which holds the batch.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from exporters.batches.names import Names, fold_name
from exporters.batches.notices import Ending
from exporters.batches.records import LEFT, ItemState
from exporters.batches.tables import batch_items, batches
from exporters.database.values import storable

_AT_ONCE = 500
"""Ids of one statement: databases bound its parameters."""

_MAKE = (
    update(batch_items)
    .where(batch_items.c.item_id == bindparam("of_item"), batch_items.c.state == ItemState.WAITING)
    .values(
        state=ItemState.MAKING,
        job_id=bindparam("new_job_id"),
        stem=bindparam("new_stem"),
        name=bindparam("new_name"),
        name_key=bindparam("new_name_key"),
    )
)
_END = (
    update(batch_items)
    .where(
        batch_items.c.item_id == bindparam("of_item"),
        or_(*(batch_items.c.state == state for state in LEFT)),
    )
    .values(
        state=bindparam("new_state"),
        number=bindparam("new_number"),
        stem=bindparam("new_stem"),
        name=bindparam("new_name"),
        name_key=bindparam("new_name_key"),
        error_code=bindparam("new_code"),
        error_message=bindparam("new_message"),
        finished_at=bindparam("at"),
    )
)


def new_item(now: datetime, batch_id: str, position: int, run: int, **asked: Any) -> dict[str, Any]:
    """The row of an item that waits; `asked`: its workshop, number, customer's number and template."""
    return {
        "item_id": str(uuid.uuid4()),
        "batch_id": batch_id,
        "position": position,
        "run": run,
        "state": ItemState.WAITING,
        "generation": None,
        "replaced": False,
        "created_at": now,
        **asked,
    }


def add_runs(
    connection: Connection,
    now: datetime,
    batch_id: str,
    bases: Sequence[Row[Any]],
    *,
    generations: Mapping[int, str] | None = None,
    workshops: Mapping[int, str] | None = None,
) -> int:
    """Add a run for the position of each of the items; returns how many.

    By position, `generations` tells whose changes make it, and `workshops` what its number names now.
    """
    last: dict[int, int] = {}
    positions = [base.position for base in bases]
    for at in range(0, len(positions), _AT_ONCE):
        query = (
            select(batch_items.c.position, func.max(batch_items.c.run))
            .where(
                batch_items.c.batch_id == batch_id,
                batch_items.c.position.in_(positions[at : at + _AT_ONCE]),
            )
            .group_by(batch_items.c.position)
        )
        last.update((position, run) for position, run in connection.execute(query))
    rows = [
        new_item(
            now,
            batch_id,
            base.position,
            last[base.position] + 1,
            workshop_id=(workshops or {}).get(base.position, base.workshop_id),
            cvr=base.cvr,
            internal_customer_id=base.internal_customer_id,
            name_template=base.name_template,
        )
        | {"generation": (generations or {}).get(base.position)}
        for base in bases
    ]
    if rows:
        connection.execute(insert(batch_items), rows)
    return len(rows)


def bind_items(connection: Connection, batch_id: str, found: Mapping[int, str | None]) -> dict[int, str]:
    """Bind the items of each position to the workshop that was found for it; returns those that were."""
    bound = {position: workshop_id for position, workshop_id in found.items() if workshop_id is not None}
    if bound:
        statement = (
            update(batch_items)
            .where(
                batch_items.c.batch_id == batch_id,
                batch_items.c.position == bindparam("of_position"),
                batch_items.c.workshop_id.is_(None),
            )
            .values(workshop_id=bindparam("new_workshop_id"))
        )
        rows = [
            {"of_position": position, "new_workshop_id": workshop_id}
            for position, workshop_id in bound.items()
        ]
        connection.execute(statement, rows)
    return bound


def read_names(connection: Connection, batch_id: str) -> Names:
    """Gives names unlike those that the batch's items have."""
    query = select(batch_items.c.name_key).where(
        batch_items.c.batch_id == batch_id, batch_items.c.name_key.is_not(None)
    )
    return Names(connection.execute(query).scalars())


def start_making(connection: Connection, made: Sequence[tuple[Row[Any], str, str, str]]) -> None:
    """Tie waiting items to their jobs: item, job id, stem and name of each."""
    rows = [
        {
            "of_item": item.item_id,
            "new_job_id": job_id,
            "new_stem": stem,
            "new_name": name,
            "new_name_key": fold_name(name),
        }
        for item, job_id, stem, name in made
    ]
    if rows:
        connection.execute(_MAKE, rows)


def start_watching(connection: Connection, items: Sequence[Row[Any]]) -> None:
    """Let waiting items wait for a change instead."""
    ids = [item.item_id for item in items]
    for at in range(0, len(ids), _AT_ONCE):
        connection.execute(
            update(batch_items)
            .where(
                batch_items.c.item_id.in_(ids[at : at + _AT_ONCE]), batch_items.c.state == ItemState.WAITING
            )
            .values(state=ItemState.WATCHING)
        )


def end_items(connection: Connection, now: datetime, batch: Row[Any], endings: Sequence[Ending]) -> None:
    """End items of the batch, which are numbered on in this order."""
    if not endings:
        return
    rows = [
        {
            "of_item": ending.item.item_id,
            "new_state": ending.state,
            "new_number": number,
            "new_stem": ending.stem,
            "new_name": ending.name,
            "new_name_key": fold_name(ending.name),
            "new_code": ending.error_code,
            "new_message": None if ending.error_message is None else storable(ending.error_message),
            "at": now,
        }
        for number, ending in enumerate(endings, start=batch.ended + 1)
    ]
    connection.execute(_END, rows)
    connection.execute(
        update(batches)
        .where(batches.c.batch_id == batch.batch_id)
        .values(ended=batches.c.ended + len(endings))
    )


def name_failed(names: Names, batch: Row[Any], stem: str, name: str | None) -> str:
    """What a report that failed is called; `name`: what it was called until then."""
    return name if name is not None and not batch.error_append else names.give(stem, batch.error_append)

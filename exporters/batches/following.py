"""Following: items end as their jobs have, and batches without an item left come to rest."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, exists, select

from exporters.batches.expanding import STARTED
from exporters.batches.items import name_failed, read_names
from exporters.batches.names import Names
from exporters.batches.notices import Ending
from exporters.batches.records import LEFT, ItemState
from exporters.batches.tables import batch_items, batches
from exporters.batches.transitions import hold, settle
from exporters.batches.workroom import CHUNK, Workroom
from exporters.jobs import Status
from exporters.jobs.tables import jobs

_BATCHES = 20
"""Batches that take turns at most."""

_CANCELLED = ("CANCELLED", "the export was cancelled")

_COLUMNS: list[Any] = [
    *batch_items.c,
    jobs.c.status,
    jobs.c.rows_written,
    jobs.c.notes,
    jobs.c.error_code.label("job_code"),
    jobs.c.error_message.label("job_message"),
]
_ENDED = (
    select(*_COLUMNS)
    .join(jobs, jobs.c.job_id == batch_items.c.job_id)
    .where(batch_items.c.state == ItemState.MAKING, jobs.c.finished_at.is_not(None))
    .order_by(jobs.c.finished_at, jobs.c.job_id)
)


def ended_batches(room: Workroom) -> Sequence[str]:
    """The batches with items whose jobs have ended."""
    query = (
        select(batch_items.c.batch_id)
        .join(jobs, jobs.c.job_id == batch_items.c.job_id)
        .where(batch_items.c.state == ItemState.MAKING, jobs.c.finished_at.is_not(None))
        .distinct()
        .limit(_BATCHES)
    )
    with room.database.reading() as connection:
        return connection.execute(query).scalars().all()


def follow(room: Workroom, batch_id: str) -> int:
    """End the next items of the batch whose jobs have ended; returns how many."""
    directory = room.directories.current()  # before the transaction, which others wait for
    with room.database.writing() as connection:
        batch = hold(connection, batch_id, wait=False)
        if batch is None:
            return 0
        query = _ENDED.where(batch_items.c.batch_id == batch_id).limit(CHUNK)
        ended = connection.execute(query.with_for_update(of=batch_items)).all()
        if ended:
            now = room.clock()
            has_failed = any(row.status in (Status.FAILED, Status.CANCELLED) for row in ended)
            names = read_names(connection, batch_id) if has_failed and batch.error_append else None
            endings = [_end(batch, row, names) for row in ended]
            room.end(connection, now, batch, endings, directory)
            settle(connection, now, batch_id)
        return len(ended)


def settle_left(room: Workroom) -> int:
    """Bring to rest the started batches of which no item is left, as when an erasure took the last ones."""
    left = exists().where(batch_items.c.batch_id == batches.c.batch_id, batch_items.c.state.in_(LEFT))
    query = select(batches.c.batch_id).where(batches.c.state.in_(STARTED), ~left).limit(_BATCHES)
    with room.database.reading() as connection:
        ids: Iterable[str] = connection.execute(query).scalars().all()
    settled = 0
    for batch_id in ids:
        with room.database.writing() as connection:
            if hold(connection, batch_id, wait=False) is not None:
                settled += settle(connection, room.clock(), batch_id)
    return settled


def _end(batch: Row[Any], row: Row[Any], names: Names | None) -> Ending:
    if row.status in (Status.COMPLETED, Status.EXPIRED):
        whole = row.rows_written and not row.notes
        return Ending(
            item=row,
            state=ItemState.COMPLETED if whole else ItemState.WARNING,
            stem=row.stem,
            name=row.name,
            rows=row.rows_written,
        )
    code, message = _CANCELLED if row.status == Status.CANCELLED else (row.job_code, row.job_message)
    return Ending(
        item=row,
        state=ItemState.FAILED,
        stem=row.stem,
        name=row.name if names is None else name_failed(names, batch, row.stem, row.name),
        error_code=code,
        error_message=message,
    )

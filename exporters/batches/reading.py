"""Reading batches and their items, within the caller's transaction."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from exporters.batches.errors import BatchError
from exporters.batches.records import (
    ENDED,
    LEFT,
    Batch,
    BatchEvent,
    BatchState,
    Counts,
    Item,
    ItemFile,
    ItemState,
    Page,
)
from exporters.batches.tables import batch_events, batch_items, batches
from exporters.batches.transitions import count_items
from exporters.deliveries.tables_endpoints import endpoints
from exporters.jobs.tables import jobs

_NOT_SHOWN = frozenset({"size", "ended", "heard", "heard_at"})
_NOT_TOLD = frozenset({"stem", "name_key", "number", "replaced"})
_FILE = (
    jobs.c.file_key,
    jobs.c.file_name,
    jobs.c.media_type,
    jobs.c.size_bytes,
    jobs.c.sha256,
    jobs.c.rows_written,
    jobs.c.generation.label("file_generation"),
    jobs.c.expires_at,
)


def select_batches(account: str | None) -> Select[Any]:
    """The account's batches, or everyone's, with the URL of their webhook."""
    columns: list[Any] = [*batches.c, endpoints.c.url.label("webhook_url")]
    query = select(*columns).outerjoin(endpoints, endpoints.c.endpoint_id == batches.c.endpoint_id)
    return query if account is None else query.where(batches.c.account == account)


def read_events(connection: Connection, batch_id: str) -> tuple[BatchEvent, ...]:
    """What happened to the batch, oldest first."""
    query = select(batch_events).where(batch_events.c.batch_id == batch_id).order_by(batch_events.c.event_id)
    return tuple(
        BatchEvent(
            at=row.at,
            event=row.event,
            from_state=None if row.from_state is None else BatchState(row.from_state),
            to_state=BatchState(row.to_state),
            detail=row.detail,
        )
        for row in connection.execute(query)
    )


def to_batches(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Batch, ...]:
    """The rows as values, with what is counted of their items."""
    counts = count_items(connection, [row.batch_id for row in rows]) if rows else {}
    return tuple(_to_batch(row, counts.get(row.batch_id, {})) for row in rows)


def read_page(
    connection: Connection, batch_id: str, state: ItemState | None, token: str | None, limit: int
) -> Page:
    """As `Batches.items` says, of a batch that is there."""
    after = 0 if token is None else _read_token(token, batch_id, state)
    columns: list[Any] = [*batch_items.c, *_FILE]
    query = (
        select(*columns)
        .outerjoin(jobs, jobs.c.job_id == batch_items.c.job_id)
        .where(
            batch_items.c.batch_id == batch_id,
            batch_items.c.number > after,
            batch_items.c.replaced.is_(False),
        )
        .order_by(batch_items.c.number)
        .limit(limit + 1)
    )
    if state is not None:
        query = query.where(batch_items.c.state == state)
    rows = connection.execute(query).all()
    shown = rows[:limit]
    more = _write_token(batch_id, state, shown[-1].number) if len(rows) > limit else None
    return Page(tuple(_to_item(row) for row in shown), more)


def read_item(connection: Connection, item_id: str, batch_id: str | None = None) -> Item | None:
    """The item, also one that has not ended; with `batch_id` only if it is of that batch."""
    columns: list[Any] = [*batch_items.c, *_FILE]
    query = (
        select(*columns)
        .outerjoin(jobs, jobs.c.job_id == batch_items.c.job_id)
        .where(batch_items.c.item_id == item_id)
    )
    if batch_id is not None:
        query = query.where(batch_items.c.batch_id == batch_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _to_item(row)


def _to_batch(row: Row[Any], counts: dict[ItemState, int]) -> Batch:
    values = {name: value for name, value in row._mapping.items() if name not in _NOT_SHOWN}
    told = Counts(
        size=row.size,
        left=sum(counts.get(state, 0) for state in LEFT),
        **{state.value: counts.get(state, 0) for state in ENDED},
    )
    return Batch(**{**values, "state": BatchState(row.state), "counts": told})


def _to_item(row: Row[Any]) -> Item:
    values = {
        column.name: row._mapping[column.name] for column in batch_items.c if column.name not in _NOT_TOLD
    }
    return Item(**{**values, "state": ItemState(row.state), "file": _to_file(row)})


def _to_file(row: Row[Any]) -> ItemFile | None:
    if row.file_key is None:
        return None
    return ItemFile(
        key=row.file_key,
        name=row.file_name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        rows=row.rows_written,
        generation=row.file_generation,
        expires_at=row.expires_at,
    )


def _write_token(batch_id: str, state: ItemState | None, number: int) -> str:
    text = json.dumps([batch_id, state or "", number], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str, batch_id: str, state: ItemState | None) -> int:
    try:
        padded = token + "=" * (-len(token) % 4)
        of_batch, of_state, number = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if type(number) is int and 0 < number < 2**31 and (of_batch, of_state) == (batch_id, state or ""):
            return number
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise BatchError(
        "cToken", "the continuation token is not one of this list: send it with the same batch and status"
    )

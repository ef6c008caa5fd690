"""Expanding: the waiting items of started batches become jobs, a chunk in each transaction."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, exists, select, update

from exporters.batches.directory import Directory, Member
from exporters.batches.items import name_failed, read_names, start_making, start_watching
from exporters.batches.names import Names, fill_stem
from exporters.batches.notices import Ending
from exporters.batches.records import BatchState, ItemState
from exporters.batches.tables import batch_items, batches
from exporters.batches.transitions import EventName, hold, move, settle
from exporters.batches.workroom import CHUNK, Workroom
from exporters.catalogue import Filters, ReportType, RequestError, find_report
from exporters.file_names import as_template
from exporters.jobs import Asked
from exporters.jobs.admission import admit_many
from exporters.report_types import check_entities
from exporters.row_counts import count_rows
from warehouse.generations import Snapshot

STARTED = (BatchState.INITIALIZING, BatchState.EXECUTING)

_BATCHES = 20
"""Batches that take turns at most."""

_NO_WORKSHOP = ("WORKSHOP_NOT_FOUND", "no one workshop of the account has this organisation number")
"""There is none, it is another's, or there are several: all are told alike."""


@dataclass(frozen=True)
class Prepared:
    """What a waiting item comes to."""

    item: Row[Any]
    stem: str
    refusal: tuple[str, str] | None
    """Why it fails: a code and a sentence."""
    rows: int | None
    """As far as counted."""


def start_due(room: Workroom) -> int:
    """Start the batches whose time has come; returns how many."""
    with room.database.reading() as connection:
        query = select(batches.c.batch_id).where(
            batches.c.state == BatchState.SCHEDULED, batches.c.scheduled_time <= room.clock()
        )
        due = connection.execute(query.order_by(batches.c.scheduled_time).limit(_BATCHES)).scalars().all()
    started = 0
    for batch_id in due:
        with room.database.writing() as connection:
            batch = hold(connection, batch_id, wait=False)
            if batch is not None and batch.state == BatchState.SCHEDULED:
                started += move(connection, room.clock(), EventName.STARTED, batch, BatchState.INITIALIZING)
    return started


def waiting_batches(room: Workroom) -> Sequence[str]:
    """The started batches with items that wait, the oldest first."""
    waits = exists().where(
        batch_items.c.batch_id == batches.c.batch_id, batch_items.c.state == ItemState.WAITING
    )
    query = select(batches.c.batch_id).where(batches.c.state.in_(STARTED), waits)
    with room.database.reading() as connection:
        return connection.execute(query.order_by(batches.c.created_at).limit(_BATCHES)).scalars().all()


def expand(room: Workroom, batch_id: str) -> int:
    """Make jobs of the next waiting items of the batch; returns how many items were dealt with.

    What takes time is done before the transaction; that looks again whether the items still wait.
    """
    query = (
        select(batch_items)
        .where(batch_items.c.batch_id == batch_id, batch_items.c.state == ItemState.WAITING)
        .order_by(batch_items.c.position, batch_items.c.run)
        .limit(CHUNK)
    )
    with room.database.reading() as connection:
        batch = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).one_or_none()
        items = connection.execute(query).all()
    if batch is None or not items:
        return 0
    directory = room.directories.current()
    prepared = {each.item.item_id: each for each in _prepare(room, directory, batch, items)}
    with room.database.writing() as connection:
        held = hold(connection, batch_id, wait=False)
        if held is None or held.state not in STARTED:
            return 0
        now = room.clock()
        still = select(batch_items.c.item_id).where(
            batch_items.c.item_id.in_(prepared), batch_items.c.state == ItemState.WAITING
        )
        ids = set(connection.execute(still.with_for_update()).scalars())
        waiting = [each for item_id, each in prepared.items() if item_id in ids]
        _begin(connection, now, held, directory)
        endings = _expand_chunk(room, connection, now, held, waiting)
        room.end(connection, now, held, endings, directory)
        settle(connection, now, batch_id)
    return len(waiting)


def _begin(connection: Connection, now: datetime, batch: Row[Any], directory: Directory) -> None:
    """Note when the batch began, and a listener, which changes are not to be waited for any more."""
    values: dict[str, Any] = {} if batch.started_at else {"started_at": now}
    if batch.is_listener and batch.heard is None:
        values |= {"heard": directory.generation, "heard_at": directory.published_at}
    if values:
        connection.execute(update(batches).where(batches.c.batch_id == batch.batch_id).values(values))


def _expand_chunk(
    room: Workroom, connection: Connection, now: datetime, batch: Row[Any], waiting: Sequence[Prepared]
) -> list[Ending]:
    """Make what it can of the items; returns those that have failed."""
    names = read_names(connection, batch.batch_id)
    watches = batch.is_listener and not batch.trigger_now
    wanted: dict[str, tuple[Prepared, str]] = {}
    watching: list[Row[Any]] = []
    endings: list[Ending] = []
    for each in waiting:
        if each.refusal is not None:
            endings.append(_fail(names, batch, each, None, each.refusal))
        elif watches and each.item.run == 0:
            watching.append(each.item)
        else:
            wanted[str(uuid.uuid4())] = each, names.give(each.stem)
    asked = {
        job_id: _ask(room, batch, each.item.workshop_id, name, each.rows)
        for job_id, (each, name) in wanted.items()
    }
    refused = admit_many(connection, now, asked, room.options.quotas)
    made = []
    for job_id, (each, name) in wanted.items():
        if job_id in refused:
            why = "QUOTA_EXCEEDED", str(refused[job_id])
            endings.append(_fail(names, batch, each, name, why))
        else:
            made.append((each.item, job_id, each.stem, name))
    start_making(connection, made)
    start_watching(connection, watching)
    return endings


def _fail(names: Names, batch: Row[Any], each: Prepared, name: str | None, why: tuple[str, str]) -> Ending:
    code, message = why
    return Ending(
        item=each.item,
        state=ItemState.FAILED,
        stem=each.stem,
        name=name_failed(names, batch, each.stem, name),
        error_code=code,
        error_message=message,
    )


def _ask(room: Workroom, batch: Row[Any], workshop_id: str, name: str, rows: int | None) -> Asked:
    return Asked(
        workshop_id=workshop_id,
        report_type=batch.report_type,
        format=batch.format,
        filters=batch.filters,
        max_attempts=room.options.max_attempts,
        language=batch.language,
        name_template=as_template(name),
        rows_estimated=rows,
    )


def _prepare(
    room: Workroom, directory: Directory, batch: Row[Any], items: Sequence[Row[Any]]
) -> Sequence[Prepared]:
    try:
        report, _ = find_report(room.catalogue, batch.report_type, batch.format)
        filters = report.parse_filters(batch.filters)
    except RequestError as error:  # the report type has changed since
        why = (error.code, str(error))
        return [Prepared(item, _stem(room.clock(), batch, item, None, {}), why, None) for item in items]
    with room.snapshots.open() as snapshot:
        prepared = []
        for item in items:
            # The number was looked for among the account's workshops when the item was made; whether the
            # workshop has it still is looked at here, so that a batch reads none that has left since.
            member = None if item.workshop_id is None else directory.has(item.workshop_id, item.cvr)
            stem = _stem(room.clock(), batch, item, member, filters)
            refusal: tuple[str, str] | None = _NO_WORKSHOP
            rows = None
            if member is not None:
                refusal = _find_refusal(snapshot, report, filters, member)
                if room.options.quotas.rows is not None:  # nothing else needs it, and it costs a query
                    rows = count_rows(snapshot, report, member.workshop_id, filters)
            prepared.append(Prepared(item, stem, refusal, rows))
        return prepared


def _find_refusal(
    snapshot: Snapshot, report: ReportType, filters: Filters, member: Member
) -> tuple[str, str] | None:
    try:
        check_entities(snapshot, report, filters, member.workshop_id)
    except RequestError as error:
        return error.code, str(error)
    return None


def _stem(
    now: datetime, batch: Row[Any], item: Row[Any], member: Member | None, filters: Mapping[str, Any]
) -> str:
    values = {
        "name": member.name if member else None,
        "workshop": member.workshop_id if member else None,
        "cvr": item.cvr,
        "type": batch.type_name,
        "balanceday": filters.get("date_to"),
        "rundate": now.astimezone(ZoneInfo(member.time_zone)).date() if member else now.date(),
        **{edge: filters.get(edge) or "all" for edge in ("date_from", "date_to")},
    }
    return fill_stem(item.name_template or batch.name_template, values, item.internal_customer_id)

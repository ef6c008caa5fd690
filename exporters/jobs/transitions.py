"""The state machine of jobs: one function per transition, each a guarded UPDATE and one event row.

Every function works inside the caller's transaction, so a record and its history change together.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from exporters.database.stateful_tables import Record, StatefulTable
from exporters.jobs.claims import (
    announce_free,
    find_free,
    lease_ended,
    line_up,
    line_up_many,
    skipping_locked,
)
from exporters.jobs.errors import IllegalTransition, JobCancelled, JobExists, JobNotFound, LeaseLost
from exporters.jobs.records import LEASE_LOST, EventName, Job, Status
from exporters.jobs.tables import job_events, jobs

_MOVES: Mapping[EventName, tuple[tuple[Status, ...], Status]] = {
    EventName.CLAIMED: ((Status.PENDING,), Status.PROCESSING),
    EventName.RECLAIMED: ((Status.PROCESSING,), Status.PROCESSING),
    EventName.RETRIED: ((Status.PROCESSING,), Status.PROCESSING),
    EventName.RETURNED: ((Status.PROCESSING,), Status.PROCESSING),
    EventName.COMPLETED: ((Status.PROCESSING,), Status.COMPLETED),
    EventName.FAILED: ((Status.PROCESSING,), Status.FAILED),
    EventName.CANCELLED: ((Status.PENDING, Status.PROCESSING), Status.CANCELLED),
    EventName.EXPIRED: ((Status.COMPLETED,), Status.EXPIRED),
}
_NO_LEASE: Mapping[str, Any] = {"lease_owner": None, "lease_token": None, "lease_until": None}

_JOBS = StatefulTable(
    jobs, job_events, key="job_id", state="status", guards=("lease_token",), told=("attempt",)
)
_LOST = skipping_locked(
    select(jobs).where(lease_ended(bindparam("now")), jobs.c.attempt >= jobs.c.max_attempts)
)

_OF_THE_LINE = frozenset({"turn", "weight"})
"""Columns that are no part of the job."""


def to_job(record: Record) -> Job:
    """The record as a value."""
    values = {name: value for name, value in record._mapping.items() if name not in _OF_THE_LINE}
    return Job(**{**values, "status": Status(record.status)})


def create(connection: Connection, now: datetime, job_id: str, asked: Mapping[str, Any]) -> Job:
    """Write a new pending job; `asked` holds the columns the caller chose."""
    place = line_up(connection, asked["workshop_id"], asked.get("rows_estimated"))
    values = {**_new(now, job_id), **asked, **place}
    try:
        record = connection.execute(insert(jobs).values(values).returning(*jobs.c)).one()
    except IntegrityError:
        # Nothing else can collide: the store checks the other constraints before.
        raise JobExists(job_id) from None
    _JOBS.tell(connection, now, EventName.CREATED, None, [record._mapping], detail={})
    announce_free(connection)
    return to_job(record)


def create_many(connection: Connection, now: datetime, asked: Mapping[str, Mapping[str, Any]]) -> None:
    """Write new pending jobs by their ids, which are new; the columns of all are the same ones."""
    if not asked:
        return
    wanted = [(columns["workshop_id"], columns.get("rows_estimated")) for columns in asked.values()]
    places = line_up_many(connection, wanted)
    rows = [
        {**_new(now, job_id), **columns, **place}
        for (job_id, columns), place in zip(asked.items(), places, strict=True)
    ]
    connection.execute(insert(jobs), rows)
    _JOBS.tell(connection, now, EventName.CREATED, None, rows, detail={})
    announce_free(connection)


def _new(now: datetime, job_id: str) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "status": Status.PENDING,
        "progress": 0,
        "rows_written": 0,
        "attempt": 0,
        "created_at": now,
    }


def claim(
    connection: Connection, now: datetime, owner: str, lease: timedelta, job_id: str | None
) -> Job | None:
    """Give the free job whose turn it is, or the one named if it is free, to `owner`.

    A lease is judged by the clock that also set it, the workers' own, on both databases: SQLite has no other,
    and comparing a worker's `lease_until` with the server's time would take two clocks for one. So hosts that
    share the records must agree on the time to well within a lease.
    """
    before = find_free(connection, now, job_id)
    if before is None:
        return None
    event = EventName.CLAIMED if before.status == Status.PENDING else EventName.RECLAIMED
    values = {
        "attempt": before.attempt + 1,
        "lease_owner": owner,
        "lease_token": str(uuid.uuid4()),
        "lease_until": now + lease,
        "started_at": before.started_at or now,
        "rows_written": 0,
        "rows_expected": None,
    }
    return _move(connection, now, event, before, values=values, detail={"owner": owner})


def fail_lost(connection: Connection, now: datetime, job_id: str | None) -> list[Job]:
    """Fail the jobs, or the one named, whose lease ended in their last try."""
    query = _LOST if job_id is None else _LOST.where(jobs.c.job_id == job_id)
    lost = connection.execute(query, {"now": now}).all()
    return [
        _end_failed(
            connection,
            now,
            record,
            LEASE_LOST,
            f"the worker stopped reporting in try {record.attempt}, the last",
        )
        for record in lost
    ]


def heartbeat(
    connection: Connection,
    now: datetime,
    job: Job,
    lease: timedelta,
    *,
    rows_written: int,
    rows_expected: int | None,
) -> Job:
    """Renew the lease and the progress. Not a transition: it leaves no event."""
    before = _check_held(_locked(connection, job.job_id), job)
    # 100 is kept for the file that is there, whatever the counts say before.
    progress = min(99, rows_written * 100 // rows_expected) if rows_expected else 0
    values = {
        "lease_until": now + lease,
        "rows_written": rows_written,
        "rows_expected": rows_expected,
        "progress": max(before.progress, progress),
    }
    record = _JOBS.change(connection, before, (Status.PROCESSING,), values)
    if record is None:
        raise LeaseLost(job.job_id, before.status)
    return to_job(record)


def complete(connection: Connection, now: datetime, job: Job, result: Mapping[str, Any]) -> Job:
    """End the job with its file; `result` holds the columns that describe it."""
    before = _check_held(_locked(connection, job.job_id), job)
    values = {**result, **_NO_LEASE, "progress": 100, "finished_at": now}
    detail = {name: result[name] for name in ("rows_written", "generation", "file_key")}
    return _move(connection, now, EventName.COMPLETED, before, values=values, detail=detail)


def fail(connection: Connection, now: datetime, job: Job, code: str, message: str) -> Job:
    """End the job with an error that another try would not mend."""
    before = _check_held(_locked(connection, job.job_id), job)
    return _end_failed(connection, now, before, code, message)


def release(
    connection: Connection, now: datetime, job: Job, code: str, message: str, *, pause: timedelta
) -> Job:
    """Give the job back, free after `pause`, when another try may mend it; without tries left, fail it."""
    before = _check_held(_locked(connection, job.job_id), job)
    if before.attempt >= before.max_attempts:
        return _end_failed(connection, now, before, code, message)
    values = {**_NO_LEASE, "lease_until": now + pause}
    detail = {"code": code, "message": message}
    return _move(connection, now, EventName.RETRIED, before, values=values, detail=detail)


def hand_back(connection: Connection, now: datetime, job: Job) -> Job:
    """Give the job back because its worker stops: it is free at once, and the try does not count."""
    before = _check_held(_locked(connection, job.job_id), job)
    values = {**_NO_LEASE, "lease_until": now, "attempt": before.attempt - 1}
    detail = {"owner": before.lease_owner}
    announce_free(connection)
    return _move(connection, now, EventName.RETURNED, before, values=values, detail=detail)


def free_owned(connection: Connection, now: datetime, owner: str) -> int:
    """End the leases of a worker that is dead. Not a transition: it leaves no event, the next claim does."""
    owned = (jobs.c.status == Status.PROCESSING, jobs.c.lease_owner == owner, jobs.c.lease_until > now)
    freed = connection.execute(update(jobs).where(*owned).values(lease_until=now)).rowcount
    if freed:
        announce_free(connection)
    return freed


def cancel(
    connection: Connection, now: datetime, job_id: str, workshop_id: str | None, reason: str = ""
) -> Job:
    """End the job at someone's wish; a worker that has it learns so at its next report."""
    before = _locked(connection, job_id, workshop_id)
    values = {**_NO_LEASE, "finished_at": now}
    return _move(connection, now, EventName.CANCELLED, before, values=values, detail=_because(reason))


def expire(connection: Connection, now: datetime, job_id: str, reason: str = "") -> Job:
    """Withdraw the file of a completed job; the event keeps its key, and the reason where there is one."""
    before = _locked(connection, job_id)
    detail = {"file_key": before.file_key, **_because(reason)}
    return _move(connection, now, EventName.EXPIRED, before, values={"file_key": None}, detail=detail)


def _because(reason: str) -> Mapping[str, str]:
    return {"reason": reason} if reason else {}


def _end_failed(connection: Connection, now: datetime, before: Record, code: str, message: str) -> Job:
    values = {**_NO_LEASE, "finished_at": now, "error_code": code, "error_message": message}
    detail = {"code": code, "message": message}
    return _move(connection, now, EventName.FAILED, before, values=values, detail=detail)


def _move(
    connection: Connection,
    now: datetime,
    event: EventName,
    before: Record,
    *,
    values: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> Job:
    """Make the transition `event` on the row read as `before`; the one place where a status changes."""
    record = _JOBS.move(connection, now, event, before, _MOVES[event], values=values, detail=detail)
    if record is None:
        sources, target = _MOVES[event]
        raise IllegalTransition(before.job_id, before.status, target, " or ".join(sources))
    return to_job(record)


def _locked(connection: Connection, job_id: str, workshop_id: str | None = None) -> Record:
    also = () if workshop_id is None else (jobs.c.workshop_id == workshop_id,)
    record = _JOBS.lock(connection, job_id, *also)
    if record is None:
        raise JobNotFound(job_id)
    return record


def _check_held(record: Record, job: Job) -> Record:
    if record.status == Status.CANCELLED:
        raise JobCancelled(job.job_id)
    if job.lease_token is None or record.lease_token != job.lease_token:
        raise LeaseLost(job.job_id, record.status)
    return record

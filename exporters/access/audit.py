"""The audit log: who made, cancelled, downloaded and read what.

What was done is on disk before the call returns. What was read is counted in memory, by caller, workshop,
kind and minute, and written each second: a crash loses the last second of it, a failing database delays it.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, delete, func, literal, null, select, text, union_all

from exporters.access.audit_events import READ, Action, record_event
from exporters.access.tables import audit_events, audit_reads
from exporters.database import Database, DatabaseUnavailable
from exporters.database.schema import Instant
from exporters.database.values import storable, utc_now

if TYPE_CHECKING:  # the records of jobs name those of access
    from exporters.jobs import Beside, Job

_FLUSH_SECONDS = 1.0
_MOST_READS = 10_000
"""Distinct reads held in memory."""
_log = logging.getLogger(__name__)

# One value for all reads of a minute: a statement of a thousand values takes SQLAlchemy so long to compose,
# each second, that requests wait for it; many short ones take the interpreter's lock as often.
_COUNT = """
INSERT INTO audit_reads (minute, actor, workshop_id, what, count)
SELECT :minute, {columns} FROM {reads}
ON CONFLICT (minute, actor, workshop_id, what) DO UPDATE SET count = audit_reads.count + excluded.count
"""
_MINUTE = bindparam("minute", type_=Instant())
_COUNTED_IN_SQLITE = text(
    _COUNT.format(
        columns=", ".join(f"json_extract(value, '$[{number}]')" for number in range(4)),
        reads="json_each(:reads) WHERE true",  # without WHERE, ON would be read as that of a join
    )
).bindparams(_MINUTE)
_COUNTED_IN_POSTGRESQL = text(
    _COUNT.format(
        columns="value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS bigint)",
        reads="json_array_elements(CAST(:reads AS json))",
    )
).bindparams(_MINUTE)

_Read = tuple[datetime, str, str, str]
"""Minute, actor, workshop (or nothing) and what."""


@dataclass(frozen=True)
class AuditRow:
    """A row of the log, for those who look at it."""

    at: datetime
    """When it was done; the minute, for what was read."""
    action: str
    """One of `Action`, or `read`."""
    actor: str
    workshop_id: str | None
    what: str | None
    """What was read, such as `overview`."""
    count: int
    """How often, in that minute."""
    job_id: str | None
    request_id: str | None
    detail: dict[str, Any]


class AuditLog:
    """Writes and lists the log. Safe to share between threads."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime] = utc_now, *, most_reads: int = _MOST_READS
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = most_reads
        self._reads: dict[_Read, int] = {}
        self._dropped = 0
        self.lost = 0
        """Reads that were dropped since the log was opened."""
        self._lock = Lock()
        self._writing = Lock()
        self._waiting = Event()
        self._closing = Event()
        self._thread: Thread | None = None
        self._is_failing = False

    def record(
        self,
        action: Action,
        actor: str,
        workshop_id: str | None,
        request_id: str,
        job_id: str | None = None,
        **detail: str | int | None,
    ) -> None:
        """Tell of something done; on disk when this returns.

        Raises:
            DatabaseUnavailable: it is not on record: what it tells of must not be done either.
        """
        with self._database.writing() as connection:
            record_event(
                connection,
                self._clock(),
                action,
                actor,
                workshop_id,
                request_id=request_id,
                job_id=job_id,
                detail=detail,
            )

    def beside(self, action: Action, actor: str, request_id: str) -> "Beside":
        """Writes the row in the transaction of the job's change, so that neither is on record alone."""

        def write(connection: Connection, job: "Job") -> None:
            record_event(
                connection,
                self._clock(),
                action,
                actor,
                job.workshop_id,
                request_id=request_id,
                job_id=job.job_id,
                detail={"type": job.report_type, "format": job.format},
            )

        return write

    def read(self, what: str, actor: str, workshop_id: str | None = None) -> None:
        """Count that `what` (`overview`, `status`, …) was read; written within a second, and never fails."""
        minute = self._clock().replace(second=0, microsecond=0)
        key = (minute, storable(actor), storable(workshop_id or ""), storable(what))
        with self._lock:
            if key in self._reads or len(self._reads) < self._most:
                self._reads[key] = self._reads.get(key, 0) + 1
            else:
                self._dropped += 1
            if self._thread is None and not self._closing.is_set():
                self._thread = Thread(target=self._flush_on, name="audit-log", daemon=True)
                self._thread.start()
        self._waiting.set()

    def flush(self) -> None:
        """Write the reads that are held in memory; where the database fails they stay, and it is logged."""
        with self._writing:
            with self._lock:
                held, self._reads = self._reads, {}
                dropped, self._dropped = self._dropped, 0
            self.lost += dropped
            if dropped:
                _log.error("the audit log lost %d reads: more than %d at once", dropped, self._most)
            try:
                self._write(held)
            except Exception as error:  # noqa: BLE001  reading goes on whatever becomes of its log
                self._keep(held)
                if not self._is_failing:
                    reason = error if isinstance(error, DatabaseUnavailable) else type(error).__name__
                    _log.error("the audit log cannot be written, its reads wait in memory: %s", reason)
                self._is_failing = True
            else:
                if held and self._is_failing:
                    _log.info("the audit log is written again")
                    self._is_failing = False

    def list(
        self,
        *,
        workshop_id: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> list[AuditRow]:
        """The log, newest first, at most `limit` rows; None: all.

        Raises:
            DatabaseUnavailable: it cannot be read.
        """
        log = union_all(_events(), _reads()).subquery()
        query = select(log).order_by(log.c.at.desc(), log.c.event_id.desc(), log.c.actor, log.c.what)
        if workshop_id is not None:
            query = query.where(log.c.workshop_id == workshop_id)
        if actor is not None:
            query = query.where(log.c.actor == actor)
        if since is not None:
            query = query.where(log.c.at >= since)
        if limit is not None:
            query = query.limit(limit)
        with self._database.reading() as connection:
            return [_to_row(row) for row in connection.execute(query)]

    def expire(self, before: datetime) -> int:
        """Remove what is older than `before`; returns how many rows.

        Raises:
            DatabaseUnavailable: the database failed, and nothing was removed.
        """
        with self._database.writing() as connection:
            events = connection.execute(delete(audit_events).where(audit_events.c.at < before))
            reads = connection.execute(delete(audit_reads).where(audit_reads.c.minute < before))
            return int(events.rowcount + reads.rowcount)

    def close(self) -> None:
        """Write what is held in memory, and stop the thread; what cannot be written now is lost."""
        self._closing.set()
        self._waiting.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _flush_on(self) -> None:
        while not self._closing.is_set():
            self._waiting.wait()
            self._closing.wait(_FLUSH_SECONDS)
            self._waiting.clear()
            self.flush()

    def _keep(self, held: dict[_Read, int]) -> None:
        with self._lock:
            for key, count in held.items():
                if key in self._reads or len(self._reads) < self._most:
                    self._reads[key] = self._reads.get(key, 0) + count
                else:
                    self._dropped += count
        self._waiting.set()

    def _write(self, held: dict[_Read, int]) -> None:
        by_minute: dict[datetime, list[tuple[str, str, str, int]]] = {}
        # In one order everywhere: two processes that add to the same rows do not wait for each other.
        for (minute, actor, workshop_id, what), count in sorted(held.items()):
            by_minute.setdefault(minute, []).append((actor, workshop_id, what, count))
        if not by_minute:
            return
        counted = _COUNTED_IN_SQLITE if self._database.is_sqlite else _COUNTED_IN_POSTGRESQL
        with self._database.writing() as connection:
            for minute, reads in by_minute.items():
                connection.execute(counted, {"minute": minute, "reads": json.dumps(reads)})


def _events() -> Select[Any]:
    events = audit_events.c
    return select(
        events.event_id,
        events.at,
        events.action,
        events.actor,
        events.workshop_id,
        null().label("what"),
        literal(1).label("count"),
        events.job_id,
        events.request_id,
        events.detail,
    )


def _reads() -> Select[Any]:
    reads = audit_reads.c
    return select(
        literal(0).label("event_id"),
        reads.minute.label("at"),
        literal(READ).label("action"),
        reads.actor,
        func.nullif(reads.workshop_id, "").label("workshop_id"),
        reads.what,
        reads.count,
        null().label("job_id"),
        null().label("request_id"),
        null().label("detail"),
    )


def _to_row(row: Any) -> AuditRow:
    return AuditRow(
        row.at,
        row.action,
        row.actor,
        row.workshop_id,
        row.what,
        row.count,
        row.job_id,
        row.request_id,
        row.detail or {},
    )

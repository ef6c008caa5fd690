"""Quotas: what a workshop has of rows, stored bytes and waiting jobs, and whether one more job fits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, case, func, select

from exporters.jobs.errors import QuotaExceeded
from exporters.jobs.records import Status
from exporters.jobs.tables import jobs

if TYPE_CHECKING:  # what the options need comes with it
    from exporters.options import Quotas

ROW_WINDOW = timedelta(hours=24)
"""Rows count for so long from the creation of their job."""

_EXPIRY_PAUSE = timedelta(minutes=1)
"""A file whose retention has passed is removed by the next expiry, which is not known here."""


def check_quotas(
    connection: Connection, now: datetime, quotas: "Quotas", workshop_id: str, rows: int | None
) -> None:
    """Return if another job of the workshop fits; `rows` is what its file will have, None: not known.

    True until the transaction ends only where no other admits a job of the workshop at the same time.

    Raises:
        QuotaExceeded: it does not fit.
    """
    if quotas.pending is not None:
        _check_pending(connection, workshop_id, quotas.pending)
    if quotas.bytes is not None:
        _check_bytes(connection, now, workshop_id, quotas.bytes)
    if quotas.rows is not None:
        _check_rows(connection, now, workshop_id, quotas.rows, rows)


@dataclass
class Used:
    """What a workshop has of that which its quotas bound."""

    pending: int = 0
    bytes: int = 0
    rows: int = 0

    def take(self, quotas: "Quotas", rows: int | None) -> bool:
        """Count another job of the workshop; false, and not counted, where it may not fit."""
        if (
            (quotas.pending is not None and self.pending >= quotas.pending)
            or (quotas.bytes is not None and self.bytes >= quotas.bytes)
            or (quotas.rows is not None and self.rows + (1 if rows is None else rows) > quotas.rows)
        ):
            return False
        self.pending += 1
        self.rows += rows or 0
        return True


def find_used(connection: Connection, now: datetime, workshop_ids: Collection[str]) -> dict[str, Used]:
    """What each of the workshops has, by few looks however many they are."""
    used = {workshop_id: Used() for workshop_id in workshop_ids}
    size = func.coalesce(func.sum(jobs.c.size_bytes), 0)
    counted = func.coalesce(func.sum(_counted_rows()), 0)
    for name, amount, which in (
        ("pending", func.count(), jobs.c.status == Status.PENDING),
        ("bytes", size, jobs.c.status == Status.COMPLETED),
        ("rows", counted, jobs.c.created_at > now - ROW_WINDOW),
    ):
        query = (
            select(jobs.c.workshop_id, amount)
            .where(jobs.c.workshop_id.in_(used), which)
            .group_by(jobs.c.workshop_id)
        )
        for workshop_id, found in connection.execute(query):
            setattr(used[workshop_id], name, int(found))
    return used


def _check_pending(connection: Connection, workshop_id: str, limit: int) -> None:
    query = select(func.count()).where(jobs.c.workshop_id == workshop_id, jobs.c.status == Status.PENDING)
    used = connection.execute(query).scalar_one()
    if used >= limit:
        raise QuotaExceeded(
            "pending",
            limit,
            used,
            None,
            f"{used} exports of the workshop wait to be made, and {limit} may: ask again when some are made,"
            " or cancel some",
        )


def _check_bytes(connection: Connection, now: datetime, workshop_id: str, limit: int) -> None:
    stored = (jobs.c.workshop_id == workshop_id, jobs.c.status == Status.COMPLETED)
    used = int(
        connection.execute(select(func.coalesce(func.sum(jobs.c.size_bytes), 0)).where(*stored)).scalar_one()
    )
    if used < limit:
        return
    query = select(jobs.c.expires_at, jobs.c.size_bytes).where(*stored).order_by(jobs.c.expires_at)
    freed_at = _find_freed(connection.execute(query), used - limit + 1)
    wait = None if freed_at is None else max(freed_at - now, _EXPIRY_PAUSE)
    raise QuotaExceeded(
        "bytes",
        limit,
        used,
        wait,
        f"the workshop's files take {used:,} bytes, and {limit:,} are its quota: files are removed when they"
        f" expire{_say(wait)}",
    )


def _check_rows(
    connection: Connection, now: datetime, workshop_id: str, limit: int, rows: int | None
) -> None:
    recent = (jobs.c.workshop_id == workshop_id, jobs.c.created_at > now - ROW_WINDOW)
    counted = _counted_rows()
    used = int(connection.execute(select(func.coalesce(func.sum(counted), 0)).where(*recent)).scalar_one())
    wanted = 1 if rows is None else rows
    excess = used + wanted - limit
    if excess <= 0:
        return
    if wanted > limit:
        raise QuotaExceeded(
            "rows",
            limit,
            used,
            None,
            f"this export has {wanted:,} rows, and {limit:,} in 24 hours are the workshop's quota: ask for a"
            " shorter period or filter more",
        )
    query = select(jobs.c.created_at, counted).where(*recent).order_by(jobs.c.created_at)
    freed_at = _find_freed(connection.execute(query), excess)
    wait = None if freed_at is None else freed_at + ROW_WINDOW - now
    this = "" if rows is None else f" and this export has {rows:,}"
    raise QuotaExceeded(
        "rows",
        limit,
        used,
        wait,
        f"the workshop's exports of the last 24 hours have {used:,} rows{this}; its quota is {limit:,}:"
        f" ask for fewer rows, or later{_say(wait)}",
    )


def _counted_rows() -> ColumnElement[int]:
    """Rows that a job counts for: its file's; those expected while there is none; no rows if it failed."""
    expected = func.coalesce(jobs.c.rows_expected, jobs.c.rows_estimated, 0)
    return case(
        (jobs.c.status.in_((Status.COMPLETED, Status.EXPIRED)), jobs.c.rows_written),
        (jobs.c.status.in_((Status.PENDING, Status.PROCESSING)), expected),
        else_=0,
    )


def _find_freed(amounts: Iterable[tuple[datetime | None, int | None]], excess: int) -> datetime | None:
    """The instant of the amount that, gone with all before it, takes the excess away."""
    for instant, amount in amounts:
        excess -= amount or 0
        if excess <= 0:
            return instant
    return None


def _say(wait: timedelta | None) -> str:
    if wait is None:
        return ""
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    return f", in {minutes} minutes" if minutes < 120 else f", in {-(-minutes // 60)} hours"

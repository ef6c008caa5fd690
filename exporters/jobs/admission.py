"""Admission of new jobs: once per idempotency key and within the workshop's quotas, in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from exporters.database.values import storable
from exporters.jobs import transitions
from exporters.jobs.checks import checked_filters
from exporters.jobs.errors import KeyReused, QuotaExceeded
from exporters.jobs.quotas import check_quotas, find_used
from exporters.jobs.records import Job
from exporters.jobs.request_keys import find_keyed, keep_key

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language
    from exporters.options import Quotas

Beside = Callable[[Connection, Job], None]
"""Writes what belongs to the change of a job, in the transaction of the change: both last, or neither."""

_BODY = ("report_type", "format", "filters", "language", "name_template")
"""Columns that make two requests the same."""

_LOCK_SEED = 7_305_808_869_231_651
"""Any constant of this program alone: keeps its locks apart from others of the database."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A job as it is asked for."""

    workshop_id: str
    report_type: str
    format: str
    filters: Mapping[str, Any]
    """Resolved, as JSON values."""
    max_attempts: int
    language: "Language" = "en"
    name_template: str | None = None
    rows_estimated: int | None = None
    """None: not known."""
    time_estimated: timedelta | None = None
    """From the creation to the file; None: not known."""


@dataclass(frozen=True)
class Admitted:
    """The job that a request has made, or had made before."""

    job: Job
    replayed: bool
    """Whether an earlier request with the same key made it. The job is as it stands now: what the first
    answer said of it (pending, its creation and its estimate) is told by its record still."""


def columns_of(asked: Asked) -> dict[str, Any]:
    """The columns that the caller chose.

    Raises:
        ValueError: a name is empty, the filters are no JSON, `max_attempts` is below 1.
    """
    for name in ("workshop_id", "report_type", "format"):
        value = getattr(asked, name)
        if not value or value != storable(value):
            raise ValueError(f"{name} {value!r} must be text, not empty and without NUL")
    if asked.max_attempts < 1:
        raise ValueError(f"max_attempts is {asked.max_attempts}: a job needs at least one try")
    return {
        "workshop_id": asked.workshop_id,
        "report_type": asked.report_type,
        "format": asked.format,
        "filters": checked_filters(asked.filters),
        "language": asked.language,
        "name_template": asked.name_template,
        "rows_estimated": asked.rows_estimated,
        "max_attempts": asked.max_attempts,
    }


def serialise(connection: Connection, workshop_id: str) -> None:
    """Wait until no other transaction admits a job of the workshop, and keep others waiting until this ends.

    SQLite has one writer anyway. PostgreSQL has a lock per workshop: another workshop waits for nobody.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:workshop_id, :seed))"),
            {"workshop_id": workshop_id, "seed": _LOCK_SEED},
        )


def replay(connection: Connection, now: datetime, asked: Mapping[str, Any], key: str) -> Job | None:
    """The job that an earlier request with the key made; None: there was none in the last 24 hours.

    Raises:
        KeyReused: the earlier request asked for something else.
    """
    record = find_keyed(connection, now, asked["workshop_id"], key)
    if record is None:
        return None
    job = transitions.to_job(record)
    if any(getattr(job, name) != asked[name] for name in _BODY):
        raise KeyReused(job.job_id)
    return job


def admit(
    connection: Connection,
    now: datetime,
    job_id: str,
    asked: Mapping[str, Any],
    *,
    key: str | None,
    quotas: "Quotas | None",
    beside: Beside | None,
) -> Admitted:
    """Write a new pending job, its key and what goes beside, unless the key stands for one already.

    Raises:
        KeyReused: the key stands for a job that was asked for otherwise.
        QuotaExceeded: the workshop would have more than its quota.
    """
    if key is not None and (earlier := replay(connection, now, asked, key)) is not None:
        return Admitted(earlier, replayed=True)
    if quotas is not None:
        check_quotas(connection, now, quotas, asked["workshop_id"], asked["rows_estimated"])
    job = transitions.create(connection, now, job_id, asked)
    if key is not None:
        keep_key(connection, now, asked["workshop_id"], key, job_id)
    if beside is not None:
        beside(connection, job)
    return Admitted(job, replayed=False)


def admit_many(
    connection: Connection, now: datetime, asked: Mapping[str, Asked], quotas: "Quotas | None"
) -> dict[str, QuotaExceeded]:
    """Write a new pending job for each of `asked` by its id; those that were refused it returns, with why.

    One that is refused stops no other. Workers are told once.

    Raises:
        ValueError: as `columns_of` says; nothing may be written then.
    """
    wanted = {job_id: columns_of(each) for job_id, each in asked.items()}
    if quotas is None:
        transitions.create_many(connection, now, wanted)
        return {}
    workshops = sorted({each.workshop_id for each in asked.values()})
    for workshop_id in workshops:  # in this order everywhere, so that no two wait for each other
        serialise(connection, workshop_id)
    used = find_used(connection, now, workshops)
    fits = {
        job_id: columns
        for job_id, columns in wanted.items()
        if used[columns["workshop_id"]].take(quotas, columns["rows_estimated"])
    }
    transitions.create_many(connection, now, fits)
    refused = {}
    for job_id, columns in wanted.items():
        if job_id not in fits:
            try:
                admit(connection, now, job_id, columns, key=None, quotas=quotas, beside=None)
            except QuotaExceeded as error:
                refused[job_id] = error
    return refused

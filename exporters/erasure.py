"""What exports hold of a workshop or customer that is erased: records, files and manifests."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from exporters.exports import Exports
from exporters.file_places import file_folder
from exporters.jobs import IllegalTransition, Job, JobNotFound, Status
from exporters.manifest import manifest_key
from exporters.storage import NotFoundError

_UNFINISHED = (Status.PENDING, Status.PROCESSING)
_PAGE = 500


@dataclass(frozen=True)
class ErasedExports:
    """What was removed of a workshop."""

    jobs: int
    """Records."""
    files: int
    """Files and manifests."""


def erase_exports(exports: Exports, workshop_id: str) -> ErasedExports:
    """Remove the workshop's files and manifests from the store, and its jobs from the records.

    Jobs that are under way are cancelled first, so that their workers give up what they have written.

    Raises:
        StoreError, DatabaseUnavailable: something may be left; it can be done again.
    """
    folders = _folders(exports, workshop_id)
    for job in list(_jobs(exports, workshop_id)):
        if job.status in _UNFINISHED:
            _cancel(exports, job, "the workshop is erased")
    keys = {stored.key for folder in folders for stored in exports.store.list(folder)}
    for key in keys:
        exports.store.delete(key)
    removed = exports.jobs.forget_workshop(workshop_id)
    # What a worker finished in between.
    late = {stored.key for folder in folders for stored in exports.store.list(folder)}
    for key in late:
        exports.store.delete(key)
    return ErasedExports(removed, len(keys | late))


def void_exports(
    exports: Exports, workshop_id: str, days: Collection[date], personal: Collection[str], reason: str
) -> tuple[str, ...]:
    """Withdraw the workshop's files that may show a customer: those of report types that read one of the
    `personal` columns, for a period with one of the `days`. Their jobs become expired; returns the jobs' ids.

    Such a job under way is cancelled: it may read the data of before.

    Raises:
        StoreError, DatabaseUnavailable: something may be left; it can be done again.
    """
    telling = {
        name
        for name, report in exports.catalogue.items()
        if any(re.search(rf"\b{re.escape(column)}\b", report.sql, re.IGNORECASE) for column in personal)
    }
    for job in list(_jobs(exports, workshop_id)):
        if job.status is Status.PROCESSING and job.report_type in telling and _covers(job.filters, days):
            _cancel(exports, job, reason)
    voided = []
    for job in list(_jobs(exports, workshop_id)):
        if job.file_key is None:
            continue
        report_type, filters = _told(exports, job)
        if report_type in telling and _covers(filters, days):
            _void(exports, job, reason)
            voided.append(job.job_id)
    return tuple(voided)


def stored_files(exports: Exports, workshop_id: str) -> list[str]:
    """Keys of the workshop's files and manifests in the store."""
    folders = _folders(exports, workshop_id)
    return sorted({stored.key for folder in folders for stored in exports.store.list(folder)})


def every_job(exports: Exports, workshop_id: str) -> list[Job]:
    """The workshop's jobs on record, newest first."""
    return list(_jobs(exports, workshop_id))


def _jobs(exports: Exports, workshop_id: str) -> Iterator[Job]:
    before = None
    while page := exports.jobs.list(workshop_id, limit=_PAGE, before=before):
        yield from page
        before = page[-1].job_id


def _cancel(exports: Exports, job: Job, reason: str) -> None:
    try:
        exports.jobs.cancel(job.job_id, reason=reason)
    except (IllegalTransition, JobNotFound):  # it has ended meanwhile
        return


def _void(exports: Exports, job: Job, reason: str) -> None:
    # The file first: a record that still names it is found when this is done again.
    for key in (job.file_key, job.manifest_key):
        if key:
            exports.store.delete(key)
    try:
        exports.jobs.expire(job.job_id, reason=reason)
    except (IllegalTransition, JobNotFound):  # its retention has passed meanwhile
        return


def _told(exports: Exports, job: Job) -> tuple[str, Mapping[str, Any]]:
    """Report type and filters as the file's manifest tells them, or the record where there is none."""
    key = job.manifest_key or manifest_key(job.file_key or "")
    try:
        with exports.store.open(key) as stream:
            manifest = json.loads(stream.read())
        return str(manifest["report_type"]), dict(manifest["filters"])
    except (NotFoundError, ValueError, KeyError, TypeError):
        return job.report_type, job.filters


def _covers(filters: Mapping[str, Any], days: Collection[date]) -> bool:
    first, last = (filters.get(edge) for edge in ("date_from", "date_to"))
    return any(
        (not first or date.fromisoformat(str(first)) <= day)
        and (not last or day <= date.fromisoformat(str(last)))
        for day in days
    )


def _folders(exports: Exports, workshop_id: str) -> set[str]:
    """Folders of the store in which the workshop's files lie."""
    recorded = {file_folder(job).rsplit("/", 2)[0] + "/" for job in _jobs(exports, workshop_id)}
    return recorded or {f"exports/{quote(workshop_id, safe='')}/"}

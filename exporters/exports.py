"""The door to exports: ask for a file, run the job that makes it, expire old files."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from exporters.catalogue import (
    Filters,
    check_language,
    check_name,
    find_report,
    load_catalogue,
    write_filters,
)
from exporters.jobs import IllegalTransition, Job, JobNotFound, JobStore, Status, open_jobs
from exporters.options import ExportOptions
from exporters.run import Progress, Workplace, run_job
from exporters.storage import Store, StoredFile, StoreError, open_store
from warehouse.figures import find_workshop
from warehouse.generations import open_snapshot

_ABANDONED_AFTER = timedelta(days=1)
_RETRY_PAUSE = 0.5
"""Seconds before the second try; longer before each further one."""


@dataclass(frozen=True)
class Expired:
    """What an expiry removed."""

    jobs: int
    """Jobs whose file is gone and whose record stays."""
    leftovers: int
    """Files that killed or cancelled runs had left behind."""


class Exports:
    """Report files of workshops, from request to expiry."""

    def __init__(self, options: ExportOptions, jobs: JobStore, store: Store) -> None:
        self.catalogue = load_catalogue()
        self.jobs = jobs
        self.store = store
        self._options = options
        self._workplace = Workplace(self.catalogue, jobs, store, options)

    def request(
        self,
        workshop_id: str,
        report_type: str,
        format_name: str,
        filters: Filters,
        *,
        language: str | None = None,
        name_template: str | None = None,
    ) -> Job:
        """Record a job for a file; it is pending until a worker runs it.

        `format_name` is a format with its options, such as `csv;excel-nb`; `name_template` is as
        `exporters.file_names` has it.

        Raises:
            RequestError: the type, the format, a filter, the language or the name cannot be met.
            UnknownWorkshopError: the served generation has no such workshop.
            NoGenerationError: nothing is published yet.
        """
        report, format_ = find_report(self.catalogue, report_type, format_name)
        resolved = report.parse_filters(filters)
        spoken = self._options.language if language is None else check_language(language)
        if name_template is not None:
            check_name(name_template)
        with open_snapshot(self._options.warehouse_folder, self._options.database) as snapshot:
            find_workshop(snapshot, workshop_id)
        return self.jobs.create(
            workshop_id,
            report_type,
            format_.key,
            write_filters(resolved),
            language=spoken,
            name_template=name_template,
            max_attempts=self._options.max_attempts,
        )

    def run(self, job_id: str | None = None, progress: Progress | None = None) -> Job | None:
        """Claim the named job, or the oldest free one, and run it to its end, through all its tries.

        None: there is no such free job.
        """
        job = None
        while claimed := self.jobs.claim(_owner(), self._options.lease, job_id):
            job = run_job(self._workplace, claimed, progress)
            job_id = job.job_id
            if job.status is not Status.PROCESSING:
                break
            time.sleep(_RETRY_PAUSE * job.attempt)
        return job

    def expire(self) -> Expired:
        """Remove the files whose retention has passed, and what killed runs left; the records stay.

        A file that cannot be removed now does not stop the others: it is a leftover of the next expiry.

        Raises:
            StoreError: the first of what could not be removed.
        """
        faults: list[StoreError] = []
        jobs = 0
        for due in self.jobs.expirable(datetime.now(UTC)):
            try:
                self.jobs.expire(due.job_id)
            except IllegalTransition:  # another process was faster
                continue
            # The record first: a link that is still shown must lead to a file.
            for key in (due.file_key, due.manifest_key):
                if key:
                    self._remove(key, faults)
            jobs += 1
        self.jobs.fail_lost()
        leftovers = [stored.key for stored in self.store.list("exports/") if not self._is_wanted(stored)]
        for key in leftovers:
            self._remove(key, faults)
        swept = self.store.sweep(_ABANDONED_AFTER)
        if faults:
            raise faults[0]
        return Expired(jobs, len(leftovers) + swept)

    def _remove(self, key: str, faults: list[StoreError]) -> None:
        try:
            self.store.delete(key)
        except StoreError as error:
            faults.append(error)

    def _is_wanted(self, stored: StoredFile) -> bool:
        """Whether a file under `exports/` is a completed job's, or of a try that is under way."""
        parts = stored.key.split("/")
        if len(parts) != 5:  # no run wrote it
            return True
        _, _, job_id, attempt, _ = parts
        try:
            job = self.jobs.get(job_id)
        except JobNotFound:
            # Records that were moved or lost must not take every file with them at once.
            return datetime.now(UTC) - stored.modified < self._options.retention + _ABANDONED_AFTER
        if job.status is Status.PROCESSING:
            return attempt == str(job.attempt)
        return job.status is Status.COMPLETED and stored.key in {job.file_key, job.manifest_key}


@contextmanager
def open_exports(options: ExportOptions) -> Iterator[Exports]:
    """Open the job records and the store.

    Raises:
        DatabaseUnavailable, StoreError: one of them cannot be opened.
    """
    store = open_store(options.store_url, s3=options.s3)
    jobs = open_jobs(options.jobs_url)
    try:
        yield Exports(options, jobs, store)
    finally:
        jobs.close()


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"

"""The door to exports: ask for a file, run the job that makes it, expire old files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

from exporters.catalogue import Filters, load_catalogue
from exporters.expiry import Expired, Expiry
from exporters.jobs import Admitted, Beside, Job, JobStore, open_jobs
from exporters.lease import name_owner
from exporters.options import ExportOptions
from exporters.requests import Requests
from exporters.run import Progress, Workplace, run_job
from exporters.storage import Store, StoreError, open_store
from warehouse.snapshots import Snapshots


class Exports:
    """Report files of workshops, from request to expiry."""

    def __init__(self, options: ExportOptions, jobs: JobStore, store: Store) -> None:
        self.catalogue = load_catalogue()
        self.jobs = jobs
        self.store = store
        self._options = options
        self.snapshots = Snapshots(options.warehouse_folder, options.database)
        self._workplace = Workplace(self.catalogue, jobs, store, self.snapshots, options)
        self._requests = Requests(self.catalogue, jobs, self.snapshots, options)

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
            QuotaExceeded: the workshop has, or would have, more than its quota.
        """
        return self.request_once(
            workshop_id,
            report_type,
            format_name,
            filters,
            language=language,
            name_template=name_template,
            idempotency_key=None,
        ).job

    def request_once(
        self,
        workshop_id: str,
        report_type: str,
        format_name: str,
        filters: Filters,
        *,
        language: str | None = None,
        name_template: str | None = None,
        idempotency_key: str | None,
        beside: Beside | None = None,
    ) -> Admitted:
        """As `request`; the same request with the same key of the workshop gives the same job for 24 hours.

        The answer says whether an earlier request made the job. None as the key: a new job each time.
        `beside` writes what goes with a job that is made, in one transaction with it.

        Raises:
            KeyReused: the key came with another request.
            RequestRunning: a request with the key is under way in this process.
            RequestError: also when the key is not 1 to 255 printable ASCII characters.
            UnknownWorkshopError, NoGenerationError, QuotaExceeded: as `request`, of a request that is new.
        """
        return self._requests.make(
            workshop_id,
            report_type,
            format_name,
            filters,
            language=language,
            name_template=name_template,
            idempotency_key=idempotency_key,
            beside=beside,
        )

    def run(self, job_id: str | None = None, progress: Progress | None = None) -> Job | None:
        """Claim the named job, or the one whose turn it is, and run it to its end, through all its tries.

        None: there is no such free job.
        """
        job = None
        while tried := self.try_once(job_id, progress):
            job, job_id = tried, tried.job_id
            if job.lease_until is None or job.lease_token is not None:  # ended, or another worker's now
                break
            time.sleep(max(0.0, (job.lease_until - datetime.now(UTC)).total_seconds()))
        return job

    def try_once(
        self,
        job_id: str | None = None,
        progress: Progress | None = None,
        leave: Event | None = None,
    ) -> Job | None:
        """Claim a job as `run` does and make one try; it may be free again then.

        None: there is no such free job. When `leave` is set, the job is given back for another worker.
        """
        claimed = self.jobs.claim(name_owner(), self._options.lease, job_id)
        return claimed and run_job(self._workplace, claimed, progress, leave)

    def expire(self) -> Expired:
        """Remove the files whose retention has passed, and what killed runs left; the records stay.

        A file that cannot be removed now does not stop the others: it is a leftover of the next expiry.

        Raises:
            StoreError: the first of what could not be removed.
        """
        expiry = Expiry(self.jobs, self.store, self._options.retention)
        try:
            jobs = expiry.expire_due()
        except StoreError:
            expiry.remove_leftovers()
            raise
        return Expired(jobs, expiry.remove_leftovers())


@contextmanager
def open_exports(options: ExportOptions) -> Iterator[Exports]:
    """Open the job records and the store.

    Raises:
        DatabaseUnavailable, StoreError: one of them cannot be opened.
    """
    store = open_store(options.store_url, s3=options.s3)
    jobs = open_jobs(options.jobs_url)
    exports = Exports(options, jobs, store)
    try:
        yield exports
    finally:
        exports.snapshots.close()
        jobs.close()

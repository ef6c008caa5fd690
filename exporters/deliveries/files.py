"""The files that deliveries are about: found by their job, opened from the store."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from exporters.deliveries.records import Delivery
from exporters.jobs import Job, JobNotFound, JobStore, Status
from exporters.storage import Store, StoreError


@dataclass(frozen=True)
class DeliveredFile:
    """What is known of a delivery's file."""

    name: str
    size: int
    media_type: str
    rows: int
    expires_at: datetime | None
    key: str | None
    """Where it is in the store; None: it has expired."""
    open: Callable[[], BinaryIO]
    """Its bytes, from the beginning. Raises StoreError, also when it has expired meanwhile."""
    as_of: Callable[[], datetime | None]
    """The instant as of which its data is; None: not known. It reads the manifest."""


class FileNotReady(Exception):  # noqa: N818
    """The job still runs: there will be a file, or not."""


class Files:
    """Finds the files of deliveries. Safe to share between threads."""

    def __init__(self, jobs: JobStore, store: Store) -> None:
        self._jobs = jobs
        self._store = store

    def find(self, delivery: Delivery) -> DeliveredFile | None:
        """The delivery's file; None: there is none and never was.

        Raises:
            FileNotReady: its job still runs.
        """
        if delivery.job_id is None:
            return None
        try:
            job = self._jobs.get(delivery.job_id)
        except JobNotFound:
            return None
        if job.status in {Status.PENDING, Status.PROCESSING}:
            raise FileNotReady
        if job.status not in {Status.COMPLETED, Status.EXPIRED}:
            return None
        return DeliveredFile(
            name=job.file_name or job.job_id,
            size=job.size_bytes or 0,
            media_type=job.media_type or "application/octet-stream",
            rows=job.rows_written,
            expires_at=job.expires_at,
            key=job.file_key,
            open=lambda: self._store.open(job.file_key or ""),
            as_of=lambda: self._read_as_of(job),
        )

    def _read_as_of(self, job: Job) -> datetime | None:
        if job.manifest_key is None or job.file_key is None:
            return None
        try:
            with self._store.open(job.manifest_key) as stream:
                told = json.loads(stream.read())["data_as_of"]
            return None if told is None else datetime.fromisoformat(told)
        except (StoreError, ValueError, KeyError):
            return None

"""Exports on a warehouse for tests: opened, run to their end, and what lies in the store then."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from exporters.exports import Exports
from exporters.formats import FORMATS
from exporters.jobs import EventName, Job, Status
from exporters.options import ExportOptions
from exporters.storage import S3Options
from warehouse.database import DatabaseOptions

TYPES = ("bookings", "ratings", "revenue", "services")
FORMAT_NAMES = tuple(FORMATS)


def options_for(folder: Path, data: Path, **changes: Any) -> ExportOptions:
    """Exports on the warehouse of the data folder `data`, with store and records in `folder`."""
    options = ExportOptions(
        store_url=str(folder / "store"),
        s3=S3Options(),
        jobs_url=f"sqlite:///{folder}/jobs.db",
        warehouse_folder=data / "warehouse",
        database=DatabaseOptions(threads=2),
        lease=timedelta(seconds=30),
        max_attempts=3,
        retention=timedelta(days=7),
        language="en",
        brand_folder=None,
    )
    return replace(options, **changes)


def export(exports: Exports, workshop_id: str, name: str, format_: str = "csv", **filters: Any) -> Job:
    """The ended job of one file."""
    asked = exports.request(workshop_id, name, format_, filters)
    assert asked.status is Status.PENDING
    job = exports.run(asked.job_id)
    assert job is not None
    assert job.job_id == asked.job_id
    return job


def read(exports: Exports, key: str | None) -> bytes:
    assert key is not None
    with exports.store.open(key) as file:
        return file.read()


def rows_of(exports: Exports, job: Job) -> list[dict[str, str]]:
    """The rows of a completed CSV."""
    assert job.status is Status.COMPLETED, job
    return list(csv.DictReader(io.StringIO(read(exports, job.file_key).decode(), newline="")))


def manifest_of(exports: Exports, job: Job) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(read(exports, job.manifest_key))
    return manifest


def events_of(exports: Exports, job: Job) -> list[EventName]:
    return [event.event for event in exports.jobs.events(job.job_id)]


def stored_keys(exports: Exports) -> list[str]:
    return [stored.key for stored in exports.store.list()]


def check_failed(exports: Exports, job: Job, code: str) -> None:
    """The job failed at once with `code`, and neither a file nor a piece of one is left."""
    assert (job.status, job.error_code, job.attempt) == (Status.FAILED, code, 1), job.error_message
    assert (job.file_key, job.manifest_key) == (None, None)
    assert events_of(exports, job) == [EventName.CREATED, EventName.CLAIMED, EventName.FAILED]
    root = Path(exports.store.url_of("x").removeprefix("file://")).parent
    assert [path for path in root.rglob("*") if path.is_file()] == []

"""The run of one claimed job: snapshot → rows → file in the store → manifest → completed."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exporters.brands import BrandError, read_brand
from exporters.catalogue import TENANT, ReportType, RequestError, find_report, write_filters
from exporters.database import DatabaseUnavailable
from exporters.file_names import content_disposition
from exporters.file_places import file_folder, file_name
from exporters.formats.frames import TableError, ValuesError
from exporters.formats.table import Table, Written
from exporters.formats.wording import say_note
from exporters.headings import make_table
from exporters.jobs import Job, JobCancelled, JobStore, LeaseLost
from exporters.lease import HeldJob, WorkerLeaves
from exporters.manifest import Manifest, manifest_key
from exporters.observation import fail, step, watched
from exporters.options import ExportOptions
from exporters.parity import Expected, expect, find_differences
from exporters.storage import Store, StoreError
from warehouse.errors import ModelError, NoGenerationError, UnknownWorkshopError, WarehouseError
from warehouse.figures import Workshop, find_workshop
from warehouse.snapshots import Snapshots

Progress = Callable[[int, int], None]
"""Called with rows written and rows expected."""

_KNOWN: tuple[tuple[type[Exception], str, bool], ...] = (
    (UnknownWorkshopError, "WORKSHOP_NOT_FOUND", False),
    (ModelError, "REPORT_BROKEN", False),
    (NoGenerationError, "NO_DATA", False),
    (BrandError, "BRAND_BROKEN", False),
    (TableError, "REPORT_BROKEN", False),
    (ValuesError, "REPORT_BROKEN", False),
    (WarehouseError, "EXPORT_FAILED", True),
    (WorkerLeaves, "WORKER_LEFT", True),
    (DatabaseUnavailable, "RECORDS_UNAVAILABLE", True),
    (OSError, "EXPORT_FAILED", True),
)
"""Error, its code in the record, and whether another try may mend it; the first that fits counts."""

_BATCH_ROWS = 16_384
"""Rows between two looks at whether the job was cancelled."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
"""Before the second try, and before any; each pause is five times the one before."""

_log = logging.getLogger(__name__)


class ExportFaultError(Exception):
    """The file would be wrong; another try would give the same."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Fault:
    """Why a try ended without a file."""

    code: str
    message: str
    retry: bool


@dataclass(frozen=True)
class Workplace:
    """What a run works with."""

    catalogue: dict[str, ReportType]
    jobs: JobStore
    store: Store
    snapshots: Snapshots
    options: ExportOptions


def run_job(
    workplace: Workplace, job: Job, progress: Progress | None = None, leave: threading.Event | None = None
) -> Job:
    """Make the file of a job claimed by this worker and end the job; returns it as it stands then.

    A fault that another try may mend gives the job back, to be tried after a pause; it becomes failed when no
    try is left. A job that was cancelled or lost meanwhile leaves nothing behind. When `leave` is set, the
    job is given back for another worker, unless its file is there already.
    """
    with watched(job) as watch:
        return watch.end(_try_job(workplace, job, progress, leave))


def _try_job(workplace: Workplace, job: Job, progress: Progress | None, leave: threading.Event | None) -> Job:
    try:
        with HeldJob(workplace.jobs, job, workplace.options.lease, leave) as held:
            return _make_file(workplace, held, progress)
    except (JobCancelled, LeaseLost):
        return workplace.jobs.get(job.job_id)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  whatever happened, the record must say so: polars panics
        return _end(workplace.jobs, job, error, is_leaving=leave is not None and leave.is_set())


def _make_file(workplace: Workplace, held: HeldJob, progress: Progress | None) -> Job:
    job = held.job
    report, format_ = find_report(workplace.catalogue, job.report_type, job.format)
    filters = report.parse_filters(job.filters)
    brand = read_brand(workplace.options.brand_folder, job.workshop_id)
    with workplace.snapshots.open() as snapshot:
        held.when_lost(snapshot.interrupt)
        workshop = find_workshop(snapshot.figures, job.workshop_id)
        created_at = datetime.now(UTC)
        table = make_table(
            snapshot, workshop, report, filters, language=job.language, brand=brand, created_at=created_at
        )
        name = file_name(job, snapshot, workshop, filters, format_, created_at=created_at)
        key = f"{file_folder(job)}{job.attempt}/{name}"
        parameters = {**filters, TENANT: workshop.workshop_id}
        step("opened")
        expected = expect(snapshot, report, parameters)
        step("counted")
        held.expect(expected.rows)
        reader = snapshot.batches(report.sql, parameters, _BATCH_ROWS)
        _check_columns(report, reader.schema)
        batches = _watch(reader, workshop, held, lambda rows: progress and progress(rows, expected.rows))
        out = workplace.store.writer(
            key, media_type=format_.media_type, disposition=content_disposition(name)
        )
        with out:
            written = format_.write(table, batches, out)
            step("written")
            _check_whole(written, expected)
            held.check()
        step("stored")
        generation = snapshot.generation
        held.when_lost(None)
    manifest = Manifest(
        job_id=job.job_id,
        attempt=job.attempt,
        workshop_id=job.workshop_id,
        report_type=job.report_type,
        format=job.format,
        language=job.language,
        filters=write_filters(filters),
        time_zone=workshop.time_zone,
        currency=workshop.currency,
        generation=generation.generation,
        data_as_of=generation.data_as_of.isoformat() if generation.data_as_of else None,
        created_at=created_at.isoformat(),
        file_name=name,
        media_type=format_.media_type,
        columns=tuple(report.header.columns),
        rows_expected=expected.rows,
        rows_written=written.rows,
        filled=written.filled,
        sums={name: None if total is None else f"{total:f}" for name, total in written.sums.items()},
        size_bytes=out.size,
        sha256=out.sha256,
        notes=_describe_notes(table, written),
    )
    return _complete(workplace, job, key, manifest)


def _describe_notes(table: Table, written: Written) -> tuple[dict[str, Any], ...]:
    return tuple({**asdict(note), "text": say_note(note, table, "en")} for note in written.notes)


def _check_columns(report: ReportType, schema: pa.Schema) -> None:
    declared = list(report.fields)
    if schema.names != declared:
        raise ExportFaultError(
            "REPORT_BROKEN",
            f"the query of {report.name} gives the columns {', '.join(schema.names)};"
            f" declared are {', '.join(declared)}",
        )


def _watch(
    batches: pa.RecordBatchReader, workshop: Workshop, held: HeldJob, progress: Callable[[int], object]
) -> Iterator[pa.RecordBatch]:
    """The batches on their way to the writer: counted, and stopped at a foreign row or a lost job.

    The first is empty, so that a file without rows has the types of the query, too.
    """
    yield pa.RecordBatch.from_pylist([], schema=batches.schema)
    rows = 0
    for batch in batches:
        if not pc.all(pc.equal(batch.column(TENANT), workshop.workshop_id), skip_nulls=False).as_py():
            raise ExportFaultError(
                "FOREIGN_ROW", f"the report gave a row of another workshop than {workshop.workshop_id}"
            )
        held.check()
        yield batch
        rows += batch.num_rows
        held.report(rows)
        progress(rows)


def _check_whole(written: Written, expected: Expected) -> None:
    differences = find_differences(expected, written)
    if differences:
        raise ExportFaultError("INCOMPLETE", "; ".join(differences))


def _complete(workplace: Workplace, job: Job, key: str, manifest: Manifest) -> Job:
    """Store the manifest, see that the file is readable, flip the status; or remove both."""
    store = workplace.store
    beside = manifest_key(key)
    try:
        with store.writer(beside) as out:
            out.write(manifest.encode())
        _check_stored(store, key, manifest.size_bytes)
        return workplace.jobs.complete(
            job,
            file_key=key,
            file_name=manifest.file_name,
            media_type=manifest.media_type,
            size_bytes=manifest.size_bytes,
            sha256=manifest.sha256,
            manifest_key=beside,
            notes=len(manifest.notes),
            rows=manifest.rows_written,
            generation=manifest.generation,
            retention=workplace.options.retention,
        )
    except DatabaseUnavailable:
        # The status may have been flipped all the same, as after an interrupt; if it was not, expiry
        # removes the files.
        raise
    except Exception:
        store.delete(key)
        store.delete(beside)
        raise


def _check_stored(store: Store, key: str, size: int) -> None:
    stored = store.stat(key)
    if stored.size != size:
        raise StoreError(f"{store.url_of(key)}: holds {stored.size} bytes of {size}")


def _end(jobs: JobStore, job: Job, error: BaseException, *, is_leaving: bool) -> Job:
    fault = _judge(error)
    fail(fault.code)
    try:
        # A query that was broken off because the worker leaves ends with any error.
        if fault.retry and is_leaving:
            return jobs.hand_back(job)
        if fault.code == "INTERNAL_ERROR":
            _log.error("job %s: attempt %s failed", job.job_id, job.attempt, exc_info=error)
        if fault.retry:
            return jobs.release(job, fault.code, fault.message, _pause_after(job.attempt))
        return jobs.fail(job, fault.code, fault.message)
    except (JobCancelled, LeaseLost):
        return jobs.get(job.job_id)


def _pause_after(attempt: int) -> timedelta:
    factor: int = 5 ** min(attempt - 1, 9)
    return min(_FIRST_PAUSE * factor, _LONGEST_PAUSE)


def _judge(error: BaseException) -> Fault:
    """What the record says of an error, and whether another try may mend it."""
    if isinstance(error, RequestError | ExportFaultError):
        return Fault(error.code, str(error), retry=False)
    if isinstance(error, StoreError):
        return Fault("STORE_FAILED", str(error), error.retryable)
    for kind, code, retry in _KNOWN:
        if isinstance(error, kind):
            return Fault(code, str(error), retry)
    return Fault("INTERNAL_ERROR", "the export failed unexpectedly; the log tells more", retry=True)

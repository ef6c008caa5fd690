"""What Dagster shows of an export: the tags and config of its run, and the events that tell how it went."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.events import (
    AssetObservationData,
    DagsterEvent,
    DagsterEventType,
    JobFailureData,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData
from dagster_shared.error import SerializableErrorInfo

from exporters.jobs import EventName, Job
from exporters.jobs.feed import End
from pipelines.export_names import EXPORT_OP, EXPORT_REPORT, JOB_TAG, export_key


def run_tags(job: Job) -> dict[str, str]:
    """What runs of exports are found by."""
    return {
        JOB_TAG: job.job_id,
        "workshop": job.workshop_id,
        "report_type": job.report_type,
        "format": job.format,
    }


def run_config(job: Job) -> dict[str, Any]:
    """The config with which the same export would be launched again."""
    asked = {
        "workshop_id": job.workshop_id,
        "report_type": job.report_type,
        "format": job.format,
        "language": job.language,
        "filters": {name: _write(value) for name, value in job.filters.items()},
    }
    return {"ops": {EXPORT_OP: {"config": asked}}}


def export_metadata(job: Job, location: str | None) -> dict[str, Any]:
    """The figures of an export; `location` is where its file is, for people to read."""
    told: dict[str, Any] = {
        "rows": job.rows_written,
        "size_bytes": job.size_bytes,
        "file": location and dg.MetadataValue.url(location),
        "error_code": job.error_code,
        "error_message": job.error_message,
        "duration_seconds": _seconds(job.started_at, job.finished_at),
        "wait_seconds": _seconds(job.created_at, job.started_at),
        "workshop": job.workshop_id,
        "format": job.format,
        "language": job.language,
        "filters": dg.MetadataValue.json(dict(job.filters)),
        "status": job.status.value,
        "tries": job.attempt,
        "generation": job.generation,
        "job_id": job.job_id,
        "sha256": job.sha256,
    }
    return {name: value for name, value in told.items() if value is not None}


def tell_end(run_id: str, end: End, location: str | None) -> Iterator[EventLogEntry]:
    """The events of a run that shows the ended job, in the order in which they happened."""
    job, at = end.job, end.event.at
    asked = f"Job {job.job_id} was asked for at {job.created_at:%Y-%m-%d %H:%M:%S}Z."
    yield _entry(run_id, job.started_at or at, _of_run(DagsterEventType.RUN_START, asked))
    yield from _tell_tries(run_id, end)
    match end.event.event:
        case EventName.COMPLETED:
            yield from _tell_completed(run_id, end, location)
        case EventName.FAILED:
            yield from _tell_failed(run_id, end)
        case _:
            reason = end.event.detail.get("reason")
            said = f"Job {job.job_id} was cancelled{f': {reason}' if reason else ''}."
            yield _entry(run_id, at, _of_run(DagsterEventType.RUN_CANCELED, said), level=logging.ERROR)


def _tell_tries(run_id: str, end: End) -> Iterator[EventLogEntry]:
    for event in end.history:
        owner = event.detail.get("owner")
        match event.event:
            case EventName.CLAIMED:
                begun = _of_step(DagsterEventType.STEP_START, None, f"Try 1: claimed by {owner}.")
                yield _entry(run_id, event.at, begun)
            case EventName.RECLAIMED:
                yield _entry(run_id, event.at, message=f"Try {event.attempt}: claimed by {owner}.")
            case EventName.RETRIED:
                fault = f"{event.detail.get('code')}: {event.detail.get('message')}"
                said = f"Try {event.attempt} failed. {fault}"
                yield _entry(run_id, event.at, message=said, level=logging.WARNING)


def _tell_completed(run_id: str, end: End, location: str | None) -> Iterator[EventLogEntry]:
    job, at = end.job, end.event.at
    seconds = _seconds(job.started_at, job.finished_at) or 0.0
    said = f"{job.rows_written:,} rows, {job.size_bytes or 0:,} bytes in {seconds:.2f} s."
    made = dg.AssetMaterialization(
        export_key(job.report_type), description=said, metadata=export_metadata(job, location)
    )
    shown = _of_step(DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(made, []), said)
    yield _entry(run_id, at, shown)
    took = StepSuccessData(seconds * 1000)  # type: ignore[no-untyped-call]
    yield _entry(run_id, at, _of_step(DagsterEventType.STEP_SUCCESS, took, said))
    yield _entry(run_id, at, _of_run(DagsterEventType.RUN_SUCCESS, said))


def _tell_failed(run_id: str, end: End) -> Iterator[EventLogEntry]:
    job, at = end.job, end.event.at
    fault = f"{job.error_code}: {job.error_message}"
    error = SerializableErrorInfo(fault, [], job.error_code)
    step = StepFailureData(error, None)  # type: ignore[no-untyped-call]
    seen = dg.AssetObservation(
        export_key(job.report_type), description=fault, metadata=export_metadata(job, None)
    )
    events = (
        _of_step(DagsterEventType.ASSET_OBSERVATION, AssetObservationData(seen), fault),
        _of_step(DagsterEventType.STEP_FAILURE, step, fault),
        _of_run(DagsterEventType.RUN_FAILURE, f"Job {job.job_id} failed. {fault}", JobFailureData(error)),
    )
    for event in events:
        yield _entry(run_id, at, event, level=logging.ERROR)


def _write(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None


def _of_run(kind: DagsterEventType, message: str, data: JobFailureData | None = None) -> DagsterEvent:
    return DagsterEvent(kind.value, EXPORT_REPORT, message=message, event_specific_data=data)


def _of_step(kind: DagsterEventType, data: Any, message: str) -> DagsterEvent:
    return DagsterEvent(
        kind.value, EXPORT_REPORT, message=message, event_specific_data=data, step_key=EXPORT_OP
    )


def _entry(
    run_id: str,
    at: datetime,
    event: DagsterEvent | None = None,
    *,
    message: str = "",
    level: int = logging.INFO,
) -> EventLogEntry:
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level=level,
        user_message=message,
        run_id=run_id,
        timestamp=at.timestamp(),
        step_key=event.step_key if event else None,
        job_name=EXPORT_REPORT,
        dagster_event=event,
    )

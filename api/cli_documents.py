"""The documents that the command line answers with: report types, figures, jobs, events, manifests."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from exporters.jobs import Event, Job, Status
from exporters.storage import Store
from warehouse import figures
from warehouse.generations import Generation, Snapshot
from warehouse.period import Period

if TYPE_CHECKING:  # the writers of all formats come with it, which no job's record needs
    from exporters.catalogue import ReportType


def describe_type(report: "ReportType") -> dict[str, Any]:
    """A report type as the catalogue declares it."""
    header = report.header
    return {
        "type": report.name,
        "title": header.title,
        "description": header.description,
        "formats": header.formats,
        "arguments": [
            {
                "name": name,
                "title": argument.title,
                "type": argument.type,
                "choices": argument.choices or None,
                "entity": argument.entity and argument.entity.type,
                "description": argument.description,
            }
            for name, argument in header.arguments.items()
        ],
        "columns": [
            {"name": name, "title": column.title, "kind": column.kind, "description": column.description}
            for name, column in header.columns.items()
        ],
    }


def describe_generation(generation: Generation) -> dict[str, Any]:
    """Which data an answer is of."""
    return {"generation": generation.generation, "data_as_of": generation.data_as_of}


def describe_figures(snapshot: Snapshot, workshop_id: str, period: Period) -> dict[str, Any]:
    """All figures of a workshop in a period, named as the report endpoints name them.

    Raises:
        UnknownWorkshopError: the snapshot has no such workshop.
    """
    workshop = figures.find_workshop(snapshot.figures, workshop_id)
    overview = figures.overview(snapshot.figures, workshop_id, period)
    return {
        "workshop": asdict(workshop),
        "date_from": period.date_from,
        "date_to": period.date_to,
        "overview": {
            "jobs": {"done_in_range": overview.done, "revenue_in_range": overview.revenue},
            "services": {"total": overview.services},
            "ratings": {"avg": overview.rating_average, "count": overview.rating_count},
        },
        "services_by_category": {
            "items": [
                asdict(row) for row in figures.services_by_category(snapshot.figures, workshop_id, period)
            ]
        },
        "ratings_timeseries": {
            "group": "month",
            "points": [
                {"period": point.period, "count": point.count, "avg": point.average}
                for point in figures.ratings_by_month(snapshot.figures, workshop_id, period)
            ],
        },
        **describe_generation(snapshot.generation),
    }


def describe_job(job: Job, store: Store) -> dict[str, Any]:
    """A job's record without its lease's token; `file_url` is where the file is, None while there is none."""
    return {
        "job_id": job.job_id,
        "workshop_id": job.workshop_id,
        "type": job.report_type,
        "format": job.format,
        "filters": job.filters,
        "language": job.language,
        "name_template": job.name_template,
        "status": job.status,
        "progress": job.progress,
        "rows_expected": job.rows_expected,
        "rows_written": job.rows_written,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "lease_owner": job.lease_owner,
        "lease_until": job.lease_until,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "expires_at": job.expires_at,
        "generation": job.generation,
        "file_name": job.file_name,
        "file_url": store.url_of(job.file_key) if job.file_key else None,
        "media_type": job.media_type,
        "size_bytes": job.size_bytes,
        "sha256": job.sha256,
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
    }


def describe_event(event: Event) -> dict[str, Any]:
    """One transition of a job."""
    return {name: value for name, value in asdict(event).items() if name != "job_id"}


def read_manifest(job: Job, store: Store) -> dict[str, Any] | None:
    """The manifest beside a completed job's file; None for any other job.

    Raises:
        StoreError: it cannot be read.
    """
    if job.status is not Status.COMPLETED or job.manifest_key is None:
        return None
    with store.open(job.manifest_key) as stored:
        return dict(json.load(stored))

"""Export jobs: asked for, followed, listed and cancelled."""

import asyncio
import hashlib
import re

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.answers import ENCODER, Export, ExportCreated, ExportError, ExportRequest, Exports, PageInfo
from api.http.bodies import decode, read_body
from api.http.cursors import read_cursor, write_cursor
from api.http.problems import refuse_value
from api.http.services import (
    AnyRequest,
    Services,
    answer,
    caller_of,
    is_known,
    not_modified,
    request_id_of,
    workshop_of,
)
from exporters.access.audit_events import Action
from exporters.jobs import Job, JobNotFound, Status

EXPORTS = "/api/ws/v2/reports/exports"
_SOON = {"retry-after": "1"}
_LARGEST_PAGE = 100
_UNDER_WAY = frozenset({Status.PENDING, Status.PROCESSING})


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the jobs."""

    @post(EXPORTS, status_code=202)
    async def create_export(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ExportRequest)
        return await asyncio.to_thread(_create, services, request, asked)

    @get(EXPORTS)
    async def list_exports(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, services, request)

    @get(EXPORTS + "/{job_id:str}")
    async def read_export(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_read, services, request)

    @delete(EXPORTS + "/{job_id:str}", status_code=200)
    async def cancel_export(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_cancel, services, request)

    return [create_export, list_exports, read_export, cancel_export]


def describe(job: Job) -> Export:
    """The job as the API shows it."""
    return Export(
        job_id=job.job_id,
        type=job.report_type,
        format=job.format,
        filters=dict(job.filters),
        language=job.language,
        status=job.status.value,
        progress=job.progress,
        rows_expected=job.rows_expected,
        rows_written=job.rows_written,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        estimated_completion=job.estimated_completion,
        expires_at=job.expires_at,
        download_url=f"{EXPORTS}/{job.job_id}/download" if job.status is Status.COMPLETED else None,
        file_name=job.file_name,
        size_bytes=job.size_bytes,
        sha256=job.sha256,
        generation=job.generation,
        error=None if job.error_code is None else ExportError(job.error_code, job.error_message or ""),
    )


def _create(services: Services, request: AnyRequest, asked: ExportRequest) -> Response[bytes]:
    workshop_id = workshop_of(request)
    actor = caller_of(request).actor
    admitted = services.exports.request_once(
        workshop_id,
        asked.type,
        asked.format,
        asked.filters,
        language=asked.language,
        name_template=asked.name,
        idempotency_key=request.scope["state"]["headers"].get("idempotency-key"),
        beside=services.access.audit.beside(Action.MADE, actor, request_id_of(request)),
    )
    job, replayed = admitted.job, admitted.replayed
    request.scope["state"]["job_id"] = job.job_id
    headers = {"location": f"{EXPORTS}/{job.job_id}", **_SOON}
    if replayed:
        headers["idempotency-replayed"] = "true"
    created = ExportCreated(job.job_id, "pending", job.created_at, job.estimated_completion)
    return answer(request, created, status=202, headers=headers)


def _list(services: Services, request: AnyRequest) -> Response[bytes]:
    workshop_id = workshop_of(request)
    limit, status, before = _read_page(request)
    try:
        found = services.exports.jobs.list(workshop_id, status, limit=limit + 1, before=before)
    except JobNotFound:
        raise refuse_value("cursor", request.query_params["cursor"], "a next_cursor of a page") from None
    services.access.audit.read("list", caller_of(request).actor, workshop_id)
    shown = found[:limit]
    has_more = len(found) > limit
    cursor = write_cursor(shown[-1].job_id) if has_more else None
    return answer(request, Exports([describe(job) for job in shown], PageInfo(cursor, has_more)))


def _read(services: Services, request: AnyRequest) -> Response[bytes]:
    job = services.exports.jobs.get(request.path_params["job_id"], workshop_of(request))
    services.access.audit.read("status", caller_of(request).actor, job.workshop_id)
    shown = describe(job)
    etag = f'W/"{hashlib.sha256(ENCODER.encode(shown)).hexdigest()[:32]}"'
    if is_known(request, etag):
        return not_modified(etag)
    return answer(request, shown, headers={"etag": etag, **(_SOON if job.status in _UNDER_WAY else {})})


def _cancel(services: Services, request: AnyRequest) -> Response[bytes]:
    actor = caller_of(request).actor
    job = services.exports.jobs.cancel(
        request.path_params["job_id"],
        workshop_of(request),
        reason=f"asked for by {actor}",
        beside=services.access.audit.beside(Action.CANCELLED, actor, request_id_of(request)),
    )
    return answer(request, describe(job))


def _read_page(request: AnyRequest) -> tuple[int, Status | None, str | None]:
    limit = request.query_params.get("limit", "20")
    if not (re.fullmatch("[0-9]{1,9}", limit) and 1 <= int(limit) <= _LARGEST_PAGE):
        raise refuse_value("limit", limit, f"a whole number from 1 to {_LARGEST_PAGE}")
    status = request.query_params.get("status")
    if status is not None and status not in list(Status):
        raise refuse_value("status", status, f"one of {', '.join(Status)}")
    cursor = request.query_params.get("cursor")
    return int(limit), Status(status) if status else None, cursor and read_cursor(cursor)

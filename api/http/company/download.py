"""Downloads: a report of the last complete interval is made, and its file is the answer."""

import asyncio
import hashlib
import time
from typing import Any

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from api.http.bodies import decode, read_body
from api.http.company.records import Records
from api.http.company.reports import REPORTS
from api.http.company.requests import DownloadRequest, to_pairs
from api.http.downloads import find_key, open_file, send_file
from api.http.problems import Refusal, refuse_value
from api.http.services import AnyRequest, caller_of, request_id_of, workshop_of
from exporters.access.audit_events import Action
from exporters.definitions.arguments import FORMAT_NAMES
from exporters.definitions.definitions import Download
from exporters.jobs import Job, RequestRunning, Status

DOWNLOAD = REPORTS + "/download"
_PATIENCE = 50.0
"""Seconds that a file is waited for: proxies commonly give up after 60."""
_FIRST_LOOK, _LONGEST_PAUSE = 0.02, 0.5
_UNDER_WAY = frozenset({Status.PENDING, Status.PROCESSING})
_ENDED_IN_VAIN = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED})


def make_download(records: Records) -> list[HTTPRouteHandler]:
    """The route of downloads."""

    @post(DOWNLOAD + "/{format:str}", status_code=200)
    async def download(request: AnyRequest) -> Response[Any]:
        format_name = request.path_params["format"]
        if format_name not in FORMAT_NAMES:
            raise refuse_value("format", format_name[:60], f"one of {', '.join(FORMAT_NAMES)}")
        asked = decode(await read_body(request), DownloadRequest)
        deadline = time.monotonic() + _PATIENCE
        job = await _ask(records, request, format_name, asked, deadline)
        job = await _wait(records, job, deadline)
        return await asyncio.to_thread(_send, records, request, job)

    return [download]


async def _ask(
    records: Records, request: AnyRequest, format_name: str, asked: DownloadRequest, deadline: float
) -> Job:
    while True:
        try:
            return await asyncio.to_thread(_request, records, request, format_name, asked)
        except RequestRunning:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_FIRST_LOOK)


def _request(records: Records, request: AnyRequest, format_name: str, asked: DownloadRequest) -> Job:
    """The job that makes the file, or that has made it of the same data: whoever asks again waits on."""
    workshop_id = workshop_of(request)
    found = records.definitions.resolve(
        workshop_id, str(asked.report_type_id), asked.interval, to_pairs(asked.arguments)
    )
    exports, access = records.services.exports, records.services.access
    beside = access.audit.beside(Action.MADE, caller_of(request).actor, request_id_of(request))
    for key in (_name_request(records, found, format_name), None):
        job = exports.request_once(
            workshop_id,
            found.report.name,
            format_name,
            found.filters,
            language=found.language,
            idempotency_key=key,
            beside=beside,
        ).job
        if job.status not in _ENDED_IN_VAIN:
            break
    request.scope["state"]["job_id"] = job.job_id
    return job


def _name_request(records: Records, found: Download, format_name: str) -> str:
    with records.services.exports.snapshots.open() as snapshot:
        generation = snapshot.generation.generation
    parts = [found.report.name, format_name, found.filters, found.language, generation]
    return "download-" + hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


async def _wait(records: Records, job: Job, deadline: float) -> Job:
    pause = _FIRST_LOOK
    while job.status in _UNDER_WAY:
        if time.monotonic() > deadline:
            waiting = "the file is not made yet: send the same request again to wait on"
            raise Refusal(503, "EXPORT_NOT_READY", waiting, {}, {"Retry-After": "5"})
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        job = await asyncio.to_thread(records.services.exports.jobs.get, job.job_id, job.workshop_id)
    if job.status is Status.FAILED:
        raise Refusal(500, job.error_code or "EXPORT_FAILED", f"the report failed: {job.error_message}")
    return job


def _send(records: Records, request: AnyRequest, job: Job) -> Stream:
    stream = open_file(records.services, request, job, find_key(job))
    return send_file(job, f'"{job.sha256}"', None, stream)

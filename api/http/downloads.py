"""The files of completed jobs: sent whole or in part, or handed out as a link to the store."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, BinaryIO

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from api.http.exports import EXPORTS
from api.http.problems import Refusal
from api.http.services import (
    AnyRequest,
    Services,
    caller_of,
    is_known,
    not_modified,
    request_id_of,
    workshop_of,
)
from exporters.access.audit_events import Action
from exporters.file_names import content_disposition
from exporters.jobs import Job, Status

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The route of the files."""

    @get(EXPORTS + "/{job_id:str}/download")
    async def download(request: AnyRequest) -> Response[Any]:
        workshop_id = workshop_of(request)
        job = await asyncio.to_thread(services.exports.jobs.get, request.path_params["job_id"], workshop_id)
        key = find_key(job)
        etag = f'"{job.sha256}"'
        if is_known(request, etag):
            return not_modified(etag)
        if request.scope["state"]["head"]:
            return _describe_file(job, etag)
        part = _read_range(request, job, etag)
        if services.link_lifetime:
            link = await asyncio.to_thread(services.exports.store.link, key, services.link_lifetime)
            if link is not None:
                await asyncio.to_thread(_record, services, request, job, part)
                return Response(b"", status_code=307, headers={"location": link, "cache-control": "no-store"})
        stream = await asyncio.to_thread(open_file, services, request, job, key, part)
        return send_file(job, etag, part, stream)

    return [download]


def open_file(
    services: Services, request: AnyRequest, job: Job, key: str, part: tuple[int, int] | None = None
) -> BinaryIO:
    """The file, from where it is asked for; that it is taken is on record then."""
    first, length = (0, None) if part is None else (part[0], part[1] - part[0] + 1)
    stream = services.exports.store.open(key, offset=first, length=length)
    try:
        _record(services, request, job, part)
    except BaseException:
        stream.close()
        raise
    return stream


def _record(services: Services, request: AnyRequest, job: Job, part: tuple[int, int] | None) -> None:
    """Write down who takes the file, before the first byte of it is sent."""
    detail = {} if part is None else {"bytes": f"{part[0]}-{part[1]}"}
    services.access.audit.record(
        Action.DOWNLOADED,
        caller_of(request).actor,
        job.workshop_id,
        request_id_of(request),
        job.job_id,
        **detail,
    )


def find_key(job: Job) -> str:
    """Where the file is.

    Raises:
        Refusal: there is none to get.
    """
    if job.status is Status.EXPIRED:
        raise Refusal(410, "EXPORT_EXPIRED", "the file has expired and is removed; make the export again")
    if job.status is not Status.COMPLETED or job.file_key is None:
        raise Refusal(
            409,
            "EXPORT_NOT_READY",
            f"the export is {job.status}: there is a file once it is completed",
            {"status": job.status.value},
        )
    return job.file_key


def _read_range(request: AnyRequest, job: Job, etag: str) -> tuple[int, int] | None:
    """The first and the last byte asked for; None: the whole file, as for what is no single range.

    Raises:
        Refusal: the file has no such bytes.
    """
    headers = request.scope["state"]["headers"]
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or not _is_same(headers.get("if-range"), job, etag):
        return None
    first, last = found[1], found[2]
    size = job.size_bytes or 0
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(0, size - int(last)), size - 1
    else:
        return None
    if start >= size or end < start:
        raise Refusal(
            416,
            "RANGE_NOT_SATISFIABLE",
            f"the file has {size} bytes",
            {"size_bytes": size},
            {"Content-Range": f"bytes */{size}"},
        )
    return start, end


def _is_same(condition: str | None, job: Job, etag: str) -> bool:
    """Whether the file is still the one whose rest is asked for (If-Range)."""
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag
    try:
        return job.finished_at is not None and parsedate_to_datetime(condition) == _whole(job.finished_at)
    except ValueError:
        return False


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _describe_file(job: Job, etag: str) -> Response[bytes]:
    """The answer to HEAD, which takes nothing and knows no ranges."""
    headers = _headers(job, etag) | {"content-length": str(job.size_bytes or 0)}
    return Response(b"", headers=headers)


def send_file(job: Job, etag: str, part: tuple[int, int] | None, stream: BinaryIO) -> Stream:
    """The answer with an open file of a job, or with a part of it; it closes the file."""
    size = job.size_bytes or 0
    first, last = part or (0, size - 1)
    headers = _headers(job, etag) | {"content-length": str(last - first + 1)}
    if part is not None:
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Stream(
        _chunks(stream, last - first + 1), status_code=200 if part is None else 206, headers=headers
    )


def _headers(job: Job, etag: str) -> dict[str, str]:
    headers = {
        "content-type": job.media_type or "application/octet-stream",
        "content-disposition": content_disposition(job.file_name or job.job_id),
        "accept-ranges": "bytes",
        "etag": etag,
        "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(job.sha256 or '')).decode()}:",
        "cache-control": "private, no-cache",
        "content-security-policy": "sandbox",
    }
    if job.finished_at is not None:
        headers["last-modified"] = format_datetime(_whole(job.finished_at), usegmt=True)
    return headers


async def _chunks(stream: BinaryIO, length: int) -> AsyncIterator[bytes]:
    try:
        while length:
            data = await asyncio.to_thread(stream.read, min(_CHUNK, length))
            if not data:
                raise OSError("the stored file is shorter than its record says")
            length -= len(data)
            yield data
    finally:
        await asyncio.to_thread(stream.close)

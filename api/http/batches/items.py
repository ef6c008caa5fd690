"""Finished reports of a batch: listed page by page, and their files."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.http.batches.answers import BatchReports, describe_item
from api.http.batches.batches import BATCHES
from api.http.batches.records import Records, account_of
from api.http.downloads import find_key, open_file, send_file
from api.http.problems import Refusal
from api.http.services import AnyRequest, caller_of, encoded, request_id_of
from exporters.access.audit_events import Action
from exporters.batches.errors import BatchError
from exporters.batches.records import Item, ItemState
from exporters.file_names import content_disposition
from exporters.jobs import Job

ITEMS = BATCHES + "/{batch_id:str}/items"
STATUSES = (ItemState.COMPLETED, ItemState.WARNING, ItemState.FAILED)
"""By their numbers."""
_PAGE = 100


def make_items(records: Records) -> list[HTTPRouteHandler]:
    """The routes of finished reports."""

    @get(ITEMS)
    async def list_items(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, records, request)

    @get(ITEMS + "/{item_id:str}/download")
    async def download_item(request: AnyRequest) -> Response[Any]:
        return await asyncio.to_thread(_download, records, request)

    return [list_items, download_item]


def _list(records: Records, request: AnyRequest) -> Response[bytes]:
    batch_id, account = request.path_params["batch_id"], account_of(request)
    state = _read_status(request.query_params.get("status"))
    batch = records.batches.get(batch_id, account)
    page = records.batches.items(batch_id, account, state, request.query_params.get("cToken") or None, _PAGE)
    records.tell_read(request, "batch items")
    options = records.services.deliveries
    shown = [describe_item(item, batch.type_name, options) for item in page.items]
    return encoded(BatchReports(results=shown, continuation_token=page.token))


def _download(records: Records, request: AnyRequest) -> Response[Any]:
    item = records.batches.item(
        request.path_params["batch_id"], account_of(request), request.path_params["item_id"]
    )
    job = find_job(records, request, item)
    key, services = find_key(job), records.services
    if request.scope["state"]["head"]:
        headers = {"content-length": str(job.size_bytes), "cache-control": "private, no-cache"}
        return Response(
            b"",
            media_type=job.media_type,
            headers={**headers, "content-disposition": content_disposition(job.file_name or job.job_id)},
        )
    link = services.link_lifetime and services.exports.store.link(key, services.link_lifetime)
    if link:
        services.access.audit.record(
            Action.DOWNLOADED, caller_of(request).actor, job.workshop_id, request_id_of(request), job.job_id
        )
        return Response(b"", status_code=307, headers={"location": link, "cache-control": "no-store"})
    sent = send_file(job, f'"{job.sha256}"', None, open_file(services, request, job, key))
    sent.headers.pop("accept-ranges", None)
    return sent


def find_job(records: Records, request: AnyRequest, item: Item) -> Job:
    """The job of an item's file.

    Raises:
        Refusal: the report failed.
    """
    if item.state is ItemState.FAILED or item.job_id is None:
        raise Refusal(404, "NO_FILE", f"the report failed, so there is no file: {item.error_message}")
    job = records.services.exports.jobs.get(item.job_id)
    request.scope["state"].update(job_id=job.job_id, workshop=job.workshop_id)
    return job


def _read_status(text: str | None) -> ItemState | None:
    if not text:
        return None
    for number, state in enumerate(STATUSES):
        if text.casefold() in {state.value, str(number)}:
            return state
    raise BatchError(
        "status", f"status is {text[:60]!r}; it must be Completed (0), Warning (1) or Failed (2)"
    )

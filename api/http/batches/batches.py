"""Batches: made, listed, read, tried again, stopped and put away."""

import asyncio
from collections.abc import Callable

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.batches.answers import describe_batch, describe_one
from api.http.batches.records import Records, account_of, beside
from api.http.batches.requests import LARGEST_BATCH, read_batch
from api.http.bodies import read_body
from api.http.services import AnyRequest, caller_of, encoded
from exporters.access.audit_events import Action
from exporters.batches.records import Batch

BATCHES = "/apps/reporting/batches"


def make_batches(records: Records) -> list[HTTPRouteHandler]:
    """The routes of the batches."""

    @get(BATCHES)
    async def list_batches(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, records, request)

    @post(BATCHES, status_code=200)
    async def create_batch(request: AnyRequest) -> Response[bytes]:
        body = await read_body(request, LARGEST_BATCH)
        return await asyncio.to_thread(_create, records, request, body)

    @get(BATCHES + "/{batch_id:str}")
    async def read_one_batch(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_read, records, request)

    @post(BATCHES + "/{batch_id:str}/retry", status_code=200)
    async def retry_batch(request: AnyRequest) -> Response[bytes]:
        def retry(batch_id: str, account: str) -> Batch:
            caller, told = caller_of(request), beside(request, Action.BATCH_RETRIED)
            return records.batches.retry_failed(
                batch_id, account, caller.workshops, actor=caller.actor, beside=told
            )

        return await asyncio.to_thread(_change, request, retry)

    @post(BATCHES + "/{batch_id:str}/stop", status_code=200)
    async def stop_batch(request: AnyRequest) -> Response[bytes]:
        def stop(batch_id: str, account: str) -> Batch:
            actor, told = caller_of(request).actor, beside(request, Action.BATCH_STOPPED)
            return records.batches.stop_listening(batch_id, account, actor=actor, beside=told)

        return await asyncio.to_thread(_change, request, stop)

    @post(BATCHES + "/{batch_id:str}/archive", status_code=200)
    async def archive_batch(request: AnyRequest) -> Response[bytes]:
        def archive(batch_id: str, account: str) -> Batch:
            actor, told = caller_of(request).actor, beside(request, Action.BATCH_ARCHIVED)
            return records.batches.archive(batch_id, account, actor=actor, beside=told)

        return await asyncio.to_thread(_change, request, archive)

    return [list_batches, create_batch, read_one_batch, retry_batch, stop_batch, archive_batch]


def _list(records: Records, request: AnyRequest) -> Response[bytes]:
    found = records.batches.list(account_of(request))
    records.tell_read(request, "batches")
    return encoded([describe_batch(batch) for batch in found])


def _create(records: Records, request: AnyRequest, body: bytes) -> Response[bytes]:
    account, caller = account_of(request), caller_of(request)
    made = records.batches.create(
        account,
        caller.workshops,
        read_batch(body),
        actor=caller.actor,
        beside=beside(request, Action.BATCH_MADE),
    )
    return encoded(describe_one(made))


def _read(records: Records, request: AnyRequest) -> Response[bytes]:
    found = records.batches.get(request.path_params["batch_id"], account_of(request))
    records.tell_read(request, "batch")
    return encoded(describe_one(found))


def _change(request: AnyRequest, change: Callable[[str, str], Batch]) -> Response[bytes]:
    return encoded(describe_one(change(request.path_params["batch_id"], account_of(request))))

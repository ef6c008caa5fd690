"""The zip of a batch: sent while it is made."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from api.http.batches.batches import BATCHES
from api.http.batches.records import Records, account_of
from api.http.problems import Refusal
from api.http.services import AnyRequest
from exporters.access.audit_events import Action
from exporters.file_names import content_disposition, fit_stem


def make_archives(records: Records) -> list[HTTPRouteHandler]:
    """The route of the zip."""

    @get(BATCHES + "/{batch_id:str}/download")
    async def download_batch(request: AnyRequest) -> Response[Any]:
        return await asyncio.to_thread(_download, records, request)

    return [download_batch]


def _download(records: Records, request: AnyRequest) -> Response[Any]:
    batch = records.batches.get(request.path_params["batch_id"], account_of(request))
    blocks = records.open_archive(request, batch.batch_id)
    if blocks is None:
        raise Refusal(404, "NO_FILE", "no report of the batch has finished yet: ask again later")
    headers = {
        "content-type": "application/zip",
        "content-disposition": content_disposition(f"{fit_stem(batch.name)}.zip"),
        "cache-control": "private, no-store",
        "content-security-policy": "sandbox",
    }
    if request.scope["state"]["head"]:
        return Response(b"", headers=headers, media_type="application/zip")
    records.tell(request, Action.BATCH_DOWNLOADED, batch_id=batch.batch_id)
    return Stream(_send(blocks), headers=headers, media_type="application/zip")


async def _send(blocks: Generator[bytes]) -> AsyncIterator[bytes]:
    try:
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block
    finally:
        await asyncio.to_thread(blocks.close)

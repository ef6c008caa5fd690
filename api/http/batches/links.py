"""Direct links: whoever has the link of a report gets its file, as long as that is there."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.http.batches.items import find_job
from api.http.batches.records import Records
from api.http.downloads import find_key, send_file
from api.http.problems import Refusal
from api.http.services import AnyRequest, request_id_of
from exporters.access.audit_events import Action
from exporters.batches.links import LINKS, follow_link

_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
}


def make_links(records: Records) -> list[HTTPRouteHandler]:
    """The route of the links."""

    @get(LINKS + "/{link:str}")
    async def follow_report_link(request: AnyRequest) -> Response[Any]:
        return await asyncio.to_thread(_follow, records, request)

    return [follow_report_link]


def _follow(records: Records, request: AnyRequest) -> Response[Any]:
    services = records.services
    item = follow_link(request.path_params["link"], services.deliveries, services.database)
    if item is None:
        raise Refusal(404, "NOT_FOUND", "this link leads to nothing", {}, _HEADERS)
    job = find_job(records, request, item)
    key = find_key(job)
    if request.scope["state"]["head"]:
        return Response(b"", headers=_HEADERS, media_type=job.media_type)
    who = f"link:{item.item_id}"
    link = services.link_lifetime and services.exports.store.link(key, services.link_lifetime)
    stream = None if link else services.exports.store.open(key)
    try:
        services.access.audit.record(
            Action.DOWNLOADED, who, job.workshop_id, request_id_of(request), job.job_id
        )
    except BaseException:
        if stream is not None:
            stream.close()
        raise
    if stream is None:
        return Response(b"", status_code=303, headers={**_HEADERS, "location": str(link)})
    sent = send_file(job, f'"{job.sha256}"', None, stream)
    sent.headers.update(_HEADERS)
    sent.headers.pop("accept-ranges", None)
    return sent

"""The page that a link of a delivery leads to: it shows the file and hands it out at the press of a button.

Programs that look at the links of a mail only ask for the page, so they take no file. A webhook's link is for
a program: it leads to the file itself.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.delivery_page import STYLE_SOURCE, show_file, show_words
from api.http.downloads import send_file
from api.http.languages import language_of
from api.http.services import AnyRequest, Services, request_id_of
from exporters.access.audit_events import Action
from exporters.deliveries.errors import DeliveryNotFound
from exporters.deliveries.links import LINKS, read_link
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import Delivery
from exporters.deliveries.store import DeliveryStore
from exporters.formats.table import Language
from exporters.jobs import Job, JobNotFound, Status
from exporters.storage import NotFoundError

_POLICY = (
    "default-src 'none'; style-src '{style}'; form-action {origins}; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass
class _NoFile(Exception):  # noqa: N818  it is answered, not traced
    """The link leads to no file; `key` of the wording says why."""

    status: int
    language: Language
    key: str


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the page."""
    links = _Links(services)

    @get(LINKS + "/{link:str}")
    async def show_delivered_file(request: AnyRequest) -> Response[Any]:
        return await asyncio.to_thread(links.answer, request, links.show)

    @post(LINKS + "/{link:str}/download", status_code=200)
    async def download_delivered_file(request: AnyRequest) -> Response[Any]:
        return await asyncio.to_thread(links.answer, request, links.hand_out)

    return [show_delivered_file, download_delivered_file]


class _Links:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = DeliveryStore(services.database)
        # The form's answer may lead to the store, which some browsers hold against the form, too.
        origins = " ".join(["'self'", *services.link_origins()])
        self._headers = _HEADERS | {
            "content-security-policy": _POLICY.format(style=STYLE_SOURCE, origins=origins)
        }

    def answer(self, request: AnyRequest, way: Any) -> Response[Any]:
        """The page or the file, or the page that says why there is none."""
        try:
            delivery, job = self._find(request)
            answered: Response[Any] = way(request, delivery, job)
        except (_NoFile, NotFoundError) as error:
            # A file that is gone from the store though its record says otherwise has expired, too.
            told = error if isinstance(error, _NoFile) else _NoFile(410, language_of(request), "expired")
            return self._page(told.status, show_words(told.language, told.key))
        return answered

    def show(self, request: AnyRequest, delivery: Delivery, job: Job) -> Response[Any]:
        """The page; of a webhook's link the file."""
        if delivery.channel is Channel.WEBHOOK:
            return self.hand_out(request, delivery, job)
        title = delivery.content.get("title") or delivery.content.get("name") or job.file_name
        # Relative, so that it holds also where a path stands before ours in the public URL.
        below = request.scope["raw_path"].endswith(b"/")
        action = "download" if below else f"{request.path_params['link']}/download"
        return self._page(200, show_file(delivery.language, str(title), job, action))

    def hand_out(self, request: AnyRequest, delivery: Delivery, job: Job) -> Response[Any]:
        """The file, or where it is for a few minutes; on record before the first byte."""
        if request.scope["state"]["head"]:
            size = {"content-length": str(job.size_bytes or 0)}
            return Response(b"", headers=_HEADERS | size, media_type=job.media_type)
        key, services = job.file_key or "", self._services
        link = services.link_lifetime and services.exports.store.link(key, services.link_lifetime)
        if link:
            self._record(request, delivery, job)
            return Response(b"", status_code=303, headers={**_HEADERS, "location": link})
        stream = services.exports.store.open(key)
        try:
            self._record(request, delivery, job)
        except BaseException:
            stream.close()
            raise
        sent = send_file(job, f'"{job.sha256}"', None, stream)
        sent.headers.update(_HEADERS)
        sent.headers.pop("accept-ranges", None)
        return sent

    def _find(self, request: AnyRequest) -> tuple[Delivery, Job]:
        delivery_id = read_link(request.path_params["link"], self._services.deliveries.seal)
        try:
            delivery = self._store.get(delivery_id or "")
        except DeliveryNotFound:
            raise _NoFile(404, language_of(request), "unknown") from None
        try:
            job = self._services.exports.jobs.get(delivery.job_id or "")
        except JobNotFound:
            raise _NoFile(404, delivery.language, "no_file") from None
        request.scope["state"].update(job_id=job.job_id, workshop=job.workshop_id)
        if job.status is Status.EXPIRED:
            raise _NoFile(410, delivery.language, "expired")
        if job.status is not Status.COMPLETED:
            raise _NoFile(404, delivery.language, "no_file")
        return delivery, job

    def _record(self, request: AnyRequest, delivery: Delivery, job: Job) -> None:
        self._services.access.audit.record(
            Action.DOWNLOADED,
            f"link:{delivery.delivery_id}",
            job.workshop_id,
            request_id_of(request),
            job.job_id,
        )

    def _page(self, status: int, html: str) -> Response[bytes]:
        return Response(html.encode(), status_code=status, media_type="text/html", headers=self._headers)

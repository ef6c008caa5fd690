"""What the routes work with, opened once per process; and who asks, for which workshop."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response

from api.http.answers import ENCODER, Answer, AnswerMeta
from api.http.problems import Refusal
from exporters.access import Caller
from exporters.access.door import Access
from exporters.access.organisations import Organisations
from exporters.database import Database, open_database
from exporters.deliveries.options import DeliveryOptions
from exporters.exports import Exports
from exporters.jobs import JobStore
from exporters.options import ExportOptions
from exporters.storage import open_store
from settings import Settings
from warehouse.figures import ServedFigures

WORKSHOP_HEADER = "x-workshop-id"
_OWN = {"cache-control": "private, no-cache", "vary": "Authorization, X-Api-Key, X-Workshop-Id"}
"""Headers of what nobody but the caller may keep."""

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Services:
    """The rooms behind the routes."""

    exports: Exports
    access: Access
    figures: ServedFigures
    database: Database
    link_lifetime: timedelta | None
    """How long a link to a file in the store is good; None: files are sent by this process."""
    deliveries: DeliveryOptions
    options: ExportOptions

    def link_origins(self) -> list[str]:
        """Where downloads may be sent to, as `https://host:port`."""
        link = self.link_lifetime and self.exports.store.link("any", self.link_lifetime)
        return ["{0.scheme}://{0.netloc}".format(urlsplit(link))] if link else []

    def close(self) -> None:
        """Write what is buffered and close the records."""
        self.access.close()
        self.exports.snapshots.close()
        self.database.close()


def open_services(settings: Settings) -> Services:
    """Open the records and the store that the settings name.

    Raises:
        DatabaseUnavailable, StoreError: one of them cannot be opened.
    """
    store = open_store(settings.store_location, s3=settings.s3)
    database = open_database(settings.jobs_database)
    figures = ServedFigures(settings.warehouse_folder)
    return Services(
        exports=Exports(settings.exports, JobStore(database), store),
        access=Access(
            database,
            settings.access,
            members=Organisations(settings.warehouse_folder).workshops,
            seal=settings.seal,
        ),
        figures=figures,
        database=database,
        link_lifetime=settings.link_lifetime,
        deliveries=settings.deliveries,
        options=settings.exports,
    )


def caller_of(request: AnyRequest) -> Caller:
    """Who asks; the gate has seen to it that somebody does."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


def request_id_of(request: AnyRequest) -> str:
    """The request's id."""
    return str(request.scope["state"]["request_id"])


def workshop_of(request: AnyRequest) -> str:
    """The one workshop that the request is for.

    Raises:
        Refusal: the credential has none, or several of which the header names none, or not the named one.
    """
    request.scope["state"]["workshop"] = workshop_id = _find_workshop(request)
    return workshop_id


def _find_workshop(request: AnyRequest) -> str:
    workshops = caller_of(request).workshops
    named = request.scope["state"]["headers"].get(WORKSHOP_HEADER)
    if named is not None:
        if named in workshops:
            return str(named)
        # One that exists and one that does not are told alike.
        raise Refusal(404, "WORKSHOP_NOT_FOUND", "the credential gives access to no such workshop")
    if not workshops:
        raise Refusal(403, "FORBIDDEN", "the credential gives access to no workshop")
    if len(workshops) > 1:
        raise Refusal(
            422,
            "WORKSHOP_REQUIRED",
            "the credential gives access to several workshops: name one in the header X-Workshop-Id",
        )
    return next(iter(workshops))


def answer(
    request: AnyRequest, data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """The answer with `data` and what is told about it."""
    meta = AnswerMeta(request_id_of(request), datetime.now(UTC).replace(microsecond=0))
    return encoded(Answer(data, meta), status, headers)


def encoded(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """A JSON answer, which nobody but the caller may keep."""
    return Response(
        ENCODER.encode(body),
        status_code=status,
        media_type="application/json",
        headers={
            **_OWN,
            **(headers or {}),
        },
    )


def is_known(request: AnyRequest, etag: str) -> bool:
    """Whether the caller has the answer of this tag already (If-None-Match)."""
    asked = request.scope["state"]["headers"].get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return asked.strip() == "*" or etag.removeprefix("W/") in tags


def not_modified(etag: str) -> Response[bytes]:
    """The answer to who has it already."""
    return Response(b"", status_code=304, headers={"etag": etag, **_OWN})

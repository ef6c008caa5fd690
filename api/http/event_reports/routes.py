"""The routes of the family."""

import asyncio

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.http.event_reports.answers import (
    AppliedFilters,
    EventReportAnswer,
    EventReportBody,
    EventReportMeta,
)
from api.http.event_reports.operations import REPORTS
from api.http.problems import Refusal
from api.http.services import AnyRequest, Services, caller_of, encoded, request_id_of, workshop_of
from exporters.event_reports import EVENT_REPORTS, EventNotFound, EventReports


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes."""
    reports = EventReports(services.exports.catalogue, services.exports.snapshots)
    return [_make_route(services, reports, name) for name in EVENT_REPORTS]


def _make_route(services: Services, reports: EventReports, name: str) -> HTTPRouteHandler:
    @get(f"{REPORTS}/{name}", name=f"event_{name}")
    async def read_report(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_answer, services, reports, name, request)

    return read_report


def _answer(services: Services, reports: EventReports, name: str, request: AnyRequest) -> Response[bytes]:
    workshop_id = workshop_of(request)
    asked = {name: _read_once(request, name) for name in ("event_key", "date_from", "date_to")}
    try:
        report = reports.read(name, workshop_id, **asked)
    except EventNotFound as error:
        raise Refusal(404, "EVENT_NOT_FOUND", str(error)) from error
    services.access.audit.read(f"event_{name}", caller_of(request).actor, workshop_id)
    body = EventReportBody(
        report.report_type, AppliedFilters(**vars(report.filters)), report.data, report.generated_at
    )
    meta = EventReportMeta(f"req_{request_id_of(request)}")
    return encoded(EventReportAnswer(body, meta))


def _read_once(request: AnyRequest, name: str) -> str | None:
    """The parameter of the query: which of several is meant is not guessed."""
    given = request.query_params.getall(name, [])
    if len(given) > 1:
        raise Refusal(422, "VALIDATION_ERROR", f"The {name} may be given only once.", {"field": name})
    return given[0] if given else None

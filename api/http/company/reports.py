"""Reports that are made and mailed at an interval: listed, made, read, changed and deleted."""

import asyncio
import re

from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler

from api.http.bodies import decode, read_body
from api.http.company.answers import CompanyId, CompanyReports, describe_report
from api.http.company.records import Records, beside
from api.http.company.requests import ReportChange, ReportRequest
from api.http.problems import refuse_value
from api.http.services import AnyRequest, encoded, workshop_of
from exporters.access.audit_events import Action

REPORTS = "/company/report"
_LARGEST_PAGE = 100


def make_reports(records: Records) -> list[HTTPRouteHandler]:
    """The routes of the reports."""

    @get(REPORTS)
    async def list_reports(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, records, request)

    @post(REPORTS, status_code=200)
    async def create_report(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ReportRequest)
        return await asyncio.to_thread(_create, records, request, asked)

    @get(REPORTS + "/{report_id:str}")
    async def read_report(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_read, records, request)

    @patch(REPORTS + "/{report_id:str}")
    async def change_report(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ReportChange)
        return await asyncio.to_thread(_change, records, request, asked)

    @delete(REPORTS + "/{report_id:str}", status_code=200)
    async def delete_report(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_delete, records, request)

    return [list_reports, create_report, read_report, change_report, delete_report]


def _list(records: Records, request: AnyRequest) -> Response[bytes]:
    workshop_id = workshop_of(request)
    limit, limit_from = read_page(request)
    count, found = records.definitions.list(workshop_id, limit, limit_from)
    records.tell_read(request, "company reports")
    shown = [describe_report(definition) for definition in found]
    return encoded(CompanyReports(str(count), limit, limit_from, shown))


def _create(records: Records, request: AnyRequest, asked: ReportRequest) -> Response[bytes]:
    made = records.definitions.create(
        workshop_of(request), asked.draft(), beside=beside(request, Action.DEFINITION_MADE)
    )
    return encoded(CompanyId(made.definition_id))


def _read(records: Records, request: AnyRequest) -> Response[bytes]:
    found = records.definitions.get(request.path_params["report_id"], workshop_of(request))
    records.tell_read(request, "company report")
    return encoded(describe_report(found))


def _change(records: Records, request: AnyRequest, asked: ReportChange) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    told = beside(request, Action.DEFINITION_CHANGED)
    records.definitions.update(report_id, workshop_id, asked.fields(), beside=told)
    return encoded([])


def _delete(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    told = beside(request, Action.DEFINITION_DELETED)
    records.definitions.delete(report_id, workshop_id, beside=told)
    return encoded([])


def read_page(request: AnyRequest) -> tuple[int, int]:
    """How many are asked for, at most as many as a page has, and how many go before them.

    Raises:
        Refusal: one of them is no such number.
    """
    asked = {name: request.query_params.get(name, usual) for name, usual in _PAGE.items()}
    for name, value in asked.items():
        if not re.fullmatch("[0-9]{1,9}", value):
            raise refuse_value(name, value[:60], "a whole number")
    if int(asked["limit"]) < 1:
        raise refuse_value("limit", asked["limit"], "1 or more")
    return min(int(asked["limit"]), _LARGEST_PAGE), int(asked["limit_from"])


_PAGE = {"limit": "20", "limit_from": "0"}

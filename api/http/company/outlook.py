"""What a report will do and would have done: rehearsal and back-test."""

import asyncio
import re
from collections.abc import Sequence

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.bodies import decode, read_body
from api.http.company.answers import CompanyBackTest, CompanyRehearsal, CompanySkipped, local_time, moment
from api.http.company.records import Records
from api.http.company.reports import REPORTS
from api.http.company.requests import ReportRequest
from api.http.problems import refuse_value
from api.http.services import AnyRequest, encoded, workshop_of
from exporters.definitions.rehearsal import Rehearsed

REHEARSAL = REPORTS + "/rehearsal"
MOST_FIRES, USUAL_FIRES = 100, 10
MOST_DAYS, USUAL_DAYS = 366, 90


def make_outlook(records: Records) -> list[HTTPRouteHandler]:
    """The routes of trying a report out."""

    @get(REPORTS + "/{report_id:str}/rehearsal")
    async def rehearse(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_rehearse, records, request)

    @post(REHEARSAL, status_code=200)
    async def rehearse_unsaved(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ReportRequest)
        return await asyncio.to_thread(_rehearse_unsaved, records, request, asked)

    @get(REPORTS + "/{report_id:str}/backtest")
    async def back_test(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_back_test, records, request)

    return [rehearse, rehearse_unsaved, back_test]


def _rehearse(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    count = _read_number(request, "count", USUAL_FIRES, MOST_FIRES)
    return _answer(records, request, records.definitions.rehearse(report_id, workshop_id, count))


def _rehearse_unsaved(records: Records, request: AnyRequest, asked: ReportRequest) -> Response[bytes]:
    count = _read_number(request, "count", USUAL_FIRES, MOST_FIRES)
    coming = records.definitions.rehearse_draft(workshop_of(request), asked.draft(), count)
    return _answer(records, request, coming)


def _answer(records: Records, request: AnyRequest, coming: Sequence[Rehearsed]) -> Response[bytes]:
    records.tell_read(request, "company rehearsal")
    return encoded(
        [
            CompanyRehearsal(moment(one.at), local_time(one.local), dict(one.filters), one.rows_estimated)
            for one in coming
        ]
    )


def _back_test(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    days = _read_number(request, "days", USUAL_DAYS, MOST_DAYS)
    found = records.definitions.back_test(report_id, workshop_id, days)
    records.tell_read(request, "company back-test")
    skipped = [
        CompanySkipped(moment(one.at), local_time(one.local), dict(one.filters), one.reason)
        for one in found.skipped
    ]
    return encoded(CompanyBackTest(moment(found.since), found.is_cut, found.fires, found.sent, skipped))


def _read_number(request: AnyRequest, name: str, usual: int, most: int) -> int:
    value = request.query_params.get(name, str(usual))
    if not (re.fullmatch("[0-9]{1,9}", value) and 1 <= int(value) <= most):
        raise refuse_value(name, value[:60], f"a whole number from 1 to {most}")
    return int(value)

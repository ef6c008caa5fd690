"""Reports sent by hand, and the occasions on which they were to be sent."""

import asyncio
import re

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from api.http.company.answers import CompanyFire, local_time, moment
from api.http.company.records import Records, beside
from api.http.company.reports import REPORTS
from api.http.problems import Refusal, refuse_value
from api.http.services import AnyRequest, caller_of, encoded, workshop_of
from exporters.access.audit_events import Action
from exporters.definitions.records import Fire

_PAGE = 50


def make_sending(records: Records) -> list[HTTPRouteHandler]:
    """The routes of sending."""

    @get(REPORTS + "/{report_id:str}/send")
    async def send_report(request: AnyRequest) -> Response[bytes]:
        if request.scope["state"]["head"]:  # it would send, and who asks so wants nothing to be done
            raise Refusal(405, "METHOD_NOT_ALLOWED", "the path takes GET", {}, {"Allow": "GET, OPTIONS"})
        return await asyncio.to_thread(_send, records, request)

    @post(REPORTS + "/{report_id:str}/test", status_code=200)
    async def test_report(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_send_test, records, request)

    @get(REPORTS + "/{report_id:str}/fires")
    async def list_fires(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, records, request)

    return [send_report, test_report, list_fires]


def _send(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    told = beside(request, Action.DEFINITION_SENT)
    records.definitions.send(report_id, workshop_id, caller_of(request).actor, beside=told)
    return encoded([])


def _send_test(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    told = beside(request, Action.DEFINITION_SENT)
    records.definitions.send_test(report_id, workshop_id, caller_of(request).actor, beside=told)
    return encoded([])


def _list(records: Records, request: AnyRequest) -> Response[bytes]:
    before = request.query_params.get("before")
    if before is not None and not re.fullmatch("[0-9]{1,18}", before):
        raise refuse_value("before", before[:60], "the id of a fire")
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    found = records.definitions.fires(report_id, workshop_id, _PAGE, int(before) if before else None)
    records.tell_read(request, "company fires")
    return encoded([_describe(fire) for fire in found])


def _describe(fire: Fire) -> CompanyFire:
    return CompanyFire(
        id=str(fire.fire_id),
        kind=fire.kind,
        fire_at=moment(fire.fire_at),
        period_start=local_time(fire.period_start),
        period_end=local_time(fire.period_end),
        state=fire.state,
        reason=fire.reason,
        message=fire.message,
        rows=fire.rows,
        finished=moment(fire.finished_at) if fire.finished_at else None,
    )

"""The arguments of a report, one by one: added, changed and removed."""

import asyncio

from litestar import Response, delete, patch, post
from litestar.handlers import HTTPRouteHandler

from api.http.bodies import decode, read_body
from api.http.company.answers import CompanyId
from api.http.company.records import Records, beside
from api.http.company.reports import REPORTS
from api.http.company.requests import ArgumentRequest
from api.http.services import AnyRequest, encoded, workshop_of
from exporters.access.audit_events import Action

ARGUMENTS = REPORTS + "/{report_id}/argument"


def make_arguments(records: Records) -> list[HTTPRouteHandler]:
    """The routes of the arguments."""

    @post(REPORTS + "/{report_id:str}/argument", status_code=200)
    async def add_argument(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ArgumentRequest)
        return await asyncio.to_thread(_add, records, request, asked)

    @patch(REPORTS + "/{report_id:str}/argument/{argument_id:str}")
    async def change_argument(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ArgumentRequest)
        return await asyncio.to_thread(_change, records, request, asked)

    @delete(REPORTS + "/{report_id:str}/argument/{argument_id:str}", status_code=200)
    async def remove_argument(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_remove, records, request)

    return [add_argument, change_argument, remove_argument]


def _add(records: Records, request: AnyRequest, asked: ArgumentRequest) -> Response[bytes]:
    report_id, workshop_id = request.path_params["report_id"], workshop_of(request)
    told = beside(request, Action.DEFINITION_CHANGED)
    added = records.definitions.add_argument(report_id, workshop_id, asked.key, asked.value, beside=told)
    return encoded(CompanyId(added))


def _change(records: Records, request: AnyRequest, asked: ArgumentRequest) -> Response[bytes]:
    report_id, argument_id = request.path_params["report_id"], request.path_params["argument_id"]
    records.definitions.change_argument(
        report_id,
        workshop_of(request),
        argument_id,
        asked.key,
        asked.value,
        beside=beside(request, Action.DEFINITION_CHANGED),
    )
    return encoded([])


def _remove(records: Records, request: AnyRequest) -> Response[bytes]:
    report_id, argument_id = request.path_params["report_id"], request.path_params["argument_id"]
    told = beside(request, Action.DEFINITION_CHANGED)
    records.definitions.remove_argument(report_id, workshop_of(request), argument_id, beside=told)
    return encoded([])

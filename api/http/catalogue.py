"""The catalogue: which reports there are, and which workshops the caller may ask for."""

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.http.answers import ReportColumn, ReportType, ReportTypes, Workshop, Workshops
from api.http.services import AnyRequest, Services, answer, caller_of
from exporters.catalogue import ReportType as CatalogueType
from exporters.catalogue import check_language
from exporters.formats.table import Language
from exporters.formats.wording import LANGUAGES
from exporters.report_headers import ArgumentHeader, ArgumentType
from warehouse.errors import UnknownWorkshopError
from warehouse.figures import find_workshop
from warehouse.figures_file import Figures

_VALUES: dict[ArgumentType, dict[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    # A local time has no offset, so it is no date-time of JSON Schema.
    "instant": {
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$",
        "examples": ["2026-03-01T08:00"],
        "x-type": "instant",
    },
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "list": {"type": "array", "items": {"type": "string"}},
}


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the catalogue."""

    @get("/api/ws/v2/reports/types")
    async def list_types(request: AnyRequest) -> Response[bytes]:
        language = check_language(request.query_params.get("language", "en"))
        reports = services.exports.catalogue.values()
        services.access.audit.read("types", caller_of(request).actor)
        return answer(
            request, ReportTypes([_describe(report, language) for report in reports], list(LANGUAGES))
        )

    @get("/api/ws/v2/reports/workshops")
    async def list_workshops(request: AnyRequest) -> Response[bytes]:
        # Away from the loop: an organisation may have thousands.
        return await asyncio.to_thread(_list_workshops, services, request)

    return [list_types, list_workshops]


def filters_schema(report: CatalogueType, language: Language) -> dict[str, Any]:
    """JSON Schema of the filters that a report takes; all may be left out."""
    return {
        "type": "object",
        "properties": {
            name: {
                **_values(argument),
                "title": report.argument_title(name, language),
                "description": argument.description,
            }
            for name, argument in report.header.arguments.items()
        },
        "additionalProperties": False,
    }


def _values(argument: ArgumentHeader) -> dict[str, Any]:
    if argument.choices:
        return {"type": "string", "enum": argument.choices}
    if argument.entity:
        return {**_VALUES[argument.type], "x-entity": argument.entity.type}
    return _VALUES[argument.type]


def _describe(report: CatalogueType, language: Language) -> ReportType:
    declared = report.header.columns
    return ReportType(
        type=report.name,
        title=report.title(language),
        description=report.header.description,
        formats=report.header.formats,
        filters=filters_schema(report, language),
        columns=[
            ReportColumn(column.name, column.title, column.kind, declared[column.name].description)
            for column in report.columns(language)
        ],
    )


def _list_workshops(services: Services, request: AnyRequest) -> Response[bytes]:
    caller = caller_of(request)
    served = services.figures.current()
    services.access.audit.read("workshops", caller.actor)
    found = [_find(served, workshop_id) for workshop_id in sorted(caller.workshops)]
    return answer(request, Workshops([workshop for workshop in found if workshop]))


def _find(served: Figures, workshop_id: str) -> Workshop | None:
    try:
        found = find_workshop(served, workshop_id)
    except UnknownWorkshopError:
        return None
    return Workshop(found.workshop_id, found.name, found.time_zone, found.currency)

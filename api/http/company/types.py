"""The types of reports, their arguments, and the values that arguments can name."""

import asyncio

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.http.company.answers import CompanyField, CompanyReportType, CompanyValue, flag
from api.http.languages import language_of
from api.http.problems import Refusal, refuse_value
from api.http.services import AnyRequest, Services, caller_of, encoded, workshop_of
from exporters.catalogue import ReportType
from exporters.definitions.arguments import COMMON_FIELDS
from exporters.formats.table import Language
from exporters.report_types import ArgumentField, CompanyType, argument_fields, company_types, list_entities

TYPES = "/company/report/type"
FIELDS = "/company/report/argument/fields"
VALUES = "/company/report/argument/values"
_ALL = "all"
_BY_LANGUAGE = {"vary": "Authorization, X-Api-Key, X-Workshop-Id, Accept-Language"}


def make_types(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the types."""
    types = company_types(services.exports.catalogue)

    @get(TYPES)
    async def list_types(request: AnyRequest) -> Response[bytes]:
        services.access.audit.read("company types", caller_of(request).actor)
        language = language_of(request)
        listed = [_describe_type(type_, language) for type_ in types.values()]
        return encoded(listed, headers=_BY_LANGUAGE)

    @get(FIELDS)
    async def list_fields(request: AnyRequest) -> Response[bytes]:
        asked = _ALL if (named := request.query_params.get("report_type_id")) == "any" else named
        fields = {_ALL: list(COMMON_FIELDS)} | {id_: argument_fields(its) for id_, its in types.items()}
        if asked is not None and asked not in fields:
            raise refuse_value("report_type_id", asked, f"one of {', '.join(fields)}")
        services.access.audit.read("company fields", caller_of(request).actor)
        return encoded(
            {
                id_: [_describe_field(field) for field in listed]
                for id_, listed in fields.items()
                if asked in {None, id_}
            }
        )

    @get(VALUES + "/{type:str}")
    async def list_values(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list_values, services, request)

    return [list_types, list_fields, list_values]


def _list_values(services: Services, request: AnyRequest) -> Response[bytes]:
    workshop_id = workshop_of(request)
    report, argument = _find_argument(services, request.path_params["type"])
    with services.exports.snapshots.open() as snapshot:
        found = list_entities(snapshot, report, argument, workshop_id)
    services.access.audit.read("company values", caller_of(request).actor, workshop_id)
    return encoded([CompanyValue(id_, name) for id_, name in found])


def _find_argument(services: Services, type_: str) -> tuple[ReportType, str]:
    """A report and its argument whose values are of the type; all such arguments have the same values."""
    for report in services.exports.catalogue.values():
        for name, argument in report.header.arguments.items():
            if argument.entity and argument.entity.type == type_:
                return report, name
    raise Refusal(404, "TYPE_NOT_FOUND", "no argument is of such a type")


def _describe_type(type_: CompanyType, language: Language) -> CompanyReportType:
    name, added = _name_in(type_, language), f"{type_.added:%Y-%m-%d} 00:00:00"
    return CompanyReportType(type_.id, name, type_.description, type_.group, added, type_.class_name)


def _name_in(type_: CompanyType, language: Language) -> str:
    """The title of the report that a type is named after; else its own name, as clients know it."""
    report = type_.reports[None]
    return report.title(language) if report.title("en") == type_.name else type_.name


def _describe_field(field: ArgumentField) -> CompanyField:
    return CompanyField(field.key, field.description, flag(field.mandatory), field.type_text)

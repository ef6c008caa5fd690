"""The OpenAPI document: every operation with its parameters, answers and examples."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from api.http import examples
from api.http.answers import (
    ENCODER,
    Answer,
    Categories,
    Export,
    ExportCreated,
    ExportRequest,
    Exports,
    FiguresAnswer,
    Overview,
    Problem,
    RatingSeries,
    ReportTypes,
    Workshops,
)
from api.http.catalogue import filters_schema
from api.http.exports import EXPORTS
from api.http.health import Health, Readiness
from api.http.problems import PROBLEM
from exporters.catalogue import ReportType
from exporters.formats import FORMATS
from exporters.formats.wording import LANGUAGES
from exporters.jobs import Status
from exporters.manifest import PRODUCT

_SCHEMAS = "#/components/schemas/{name}"
_WORKSHOP = {
    "name": "X-Workshop-Id",
    "in": "header",
    "required": False,
    "description": "Which workshop is asked about; needed where the credential gives access to several.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a repeated request give the first one's answer, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "2026-02-bookings",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the answer that is there already: 304 where it still holds.",
    "schema": {"type": "string"},
}
_JOB_ID = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "example": examples.JOB_ID,
}


@dataclass(frozen=True)
class Operation:
    """One path and method."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any
    """The type of the answer's body; None: it is a file."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    status: int = 200
    refusals: tuple[int, ...] = ()
    """Beside those that every guarded path has."""
    body: Any = None
    guarded: bool = True


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_DAYS = (
    _query(
        "date_from",
        "First local day of the workshop; absent: from the beginning.",
        type="string",
        format="date",
    ),
    _query("date_to", "Last local day of the workshop; absent: to the end.", type="string", format="date"),
)
_GROUP = _query("group", "What ratings are gathered by.", type="string", enum=["month"], default="month")
_LANGUAGE = _query("language", "Of the titles.", type="string", enum=list(LANGUAGES), default="en")
_PAGE = (
    _query("limit", "Jobs of a page.", type="integer", minimum=1, maximum=100, default=20),
    _query("cursor", "The next_cursor of the page before.", type="string"),
    _query("status", "Only jobs in this state.", type="string", enum=[status.value for status in Status]),
)
_FIGURES = (304, 404, 422, 503)

OPERATIONS = (
    Operation(
        "get", "/api/ws/reports/overview", "readOverview", "Key figures of a workshop",
        FiguresAnswer[Overview], (*_DAYS, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/services/by-category", "readServicesByCategory", "Services by category",
        FiguresAnswer[Categories], (*_DAYS, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/ratings/timeseries", "readRatingsTimeseries", "Ratings by month",
        FiguresAnswer[RatingSeries], (*_DAYS, _GROUP, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/v2/reports/workshops", "listWorkshops", "Workshops that the credential may ask for",
        Answer[Workshops], refusals=(503,),
    ),
    Operation(
        "get", "/api/ws/v2/reports/types", "listReportTypes", "Reports that can be exported",
        Answer[ReportTypes], (_LANGUAGE,), refusals=(422,),
    ),
    Operation(
        "post", EXPORTS, "createExport", "Ask for a file",
        Answer[ExportCreated], (_WORKSHOP, _IDEMPOTENCY), 202, (400, 404, 409, 413, 422, 503), ExportRequest,
    ),
    Operation(
        "get", EXPORTS, "listExports", "Export jobs, newest first",
        Answer[Exports], (*_PAGE, _WORKSHOP), refusals=(404, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}", "readExport", "One export job",
        Answer[Export], (_JOB_ID, _WORKSHOP, _IF_NONE_MATCH), refusals=(304, 404, 422, 503),
    ),
    Operation(
        "delete", EXPORTS + "/{job_id}", "cancelExport", "Cancel an export job",
        Answer[Export], (_JOB_ID, _WORKSHOP), refusals=(404, 409, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}/download", "downloadExport", "The file of a completed job",
        None, (_JOB_ID, _WORKSHOP, _IF_NONE_MATCH, examples.RANGE, examples.IF_RANGE),
        refusals=(206, 304, 307, 404, 409, 410, 416, 422, 503),
    ),
    Operation("get", "/healthz", "readHealth", "Whether the process lives", Health, guarded=False),
    Operation(
        "get", "/readyz", "readReadiness", "Whether the process can serve", Readiness,
        refusals=(503,), guarded=False,
    ),
    Operation("get", "/metrics", "readMetrics", "Measurements for Prometheus", str, guarded=False),
)  # fmt: skip


_PATHS = {operation.path: re.compile(operation.path.replace("{job_id}", "[^/]+")) for operation in OPERATIONS}


def find_methods(path: str) -> list[str]:
    """What may be done with a path; nothing for one that is not there."""
    found = [operation.method.upper() for operation in OPERATIONS if _PATHS[operation.path].fullmatch(path)]
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"] if found else []


def describe_api(catalogue: Mapping[str, ReportType]) -> bytes:
    """The OpenAPI 3.1 document, with the report types of the catalogue in it, as JSON."""
    bodies = [*{operation.answer for operation in OPERATIONS if operation.answer}, ExportRequest, Problem]
    references, schemas = msgspec.json.schema_components(bodies, ref_template=_SCHEMAS)
    by_type = dict(zip(bodies, references, strict=True))
    schemas["ExportRequest"] = _request_schema(schemas["ExportRequest"], catalogue)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation, by_type)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Workshop reports",
            "version": version(PRODUCT),
            "description": "Figures of a workshop, and its reports as files.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _plain_numbers(schemas),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a JWT."},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }
    return ENCODER.encode(document)


def _describe(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    statuses = {*operation.refusals, *((401, 403, 429, 500) if operation.guarded else ())}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": ["reports" if operation.guarded else "operations"],
        "parameters": list(operation.parameters),
        "responses": {
            str(operation.status): _success(operation, by_type),
            **{str(status): _other(status, operation, by_type) for status in sorted(statuses)},
        },
    }
    if operation.guarded:
        described["security"] = [{"bearer": []}, {"key": []}]
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": by_type[operation.body], "examples": examples.REQUESTS}
            },
        }
    return described


def _success(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    headers = {"X-Request-Id": {"schema": {"type": "string", "format": "uuid"}}}
    if operation.answer is None:
        return {"description": "The file.", "headers": examples.FILE_HEADERS, "content": _files()}
    content: dict[str, Any] = {"schema": by_type[operation.answer]}
    if operation.name in examples.ANSWERS:
        content["example"] = examples.ANSWERS[operation.name]
    if operation.status == 202:
        headers |= examples.ACCEPTED_HEADERS
    media_type = "text/plain" if operation.answer is str else "application/json"
    return {"description": operation.summary, "headers": headers, "content": {media_type: content}}


def _other(status: int, operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": examples.REASONS[status]}
    if status == 206:
        return {**described, "headers": examples.FILE_HEADERS, "content": _files()}
    if status in {304, 307}:
        return described
    if not operation.guarded:
        return {**described, "content": {"application/json": {"schema": by_type[operation.answer]}}}
    problem: dict[str, Any] = {"schema": by_type[Problem], "example": examples.describe_problem(status)}
    return {**described, "content": {PROBLEM: problem}}


def _files() -> dict[str, Any]:
    types = {format_.media_type.partition(";")[0] for format_ in FORMATS.values()}
    types |= {"application/gzip", "application/zip", "application/zstd", "text/tab-separated-values"}
    return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in sorted(types)}


def _request_schema(schema: Mapping[str, Any], catalogue: Mapping[str, ReportType]) -> dict[str, Any]:
    """The body of a request: for each report type, its formats and its filters."""
    return {
        "title": schema["title"],
        "description": schema["description"],
        "oneOf": [
            {
                "title": report.title("en"),
                "type": "object",
                "required": schema["required"],
                "additionalProperties": False,
                "properties": {
                    **schema["properties"],
                    "type": {"const": report.name, "description": report.header.description},
                    "format": {"type": "string", "enum": report.header.formats},
                    "filters": filters_schema(report, "en"),
                    "language": {"enum": [*LANGUAGES, None]},
                },
            }
            for report in catalogue.values()
        ],
    }


def _plain_numbers(value: Any) -> Any:
    """Decimals are written as JSON numbers here; the schemas say text unless told."""
    if isinstance(value, dict):
        if value.get("format") == "decimal":
            return {"type": "number"}
        return {name: _plain_numbers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(part) for part in value]
    return value

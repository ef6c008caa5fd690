"""The OpenAPI document, made from the table of operations and the types of their bodies."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from api.http import examples
from api.http.answers import ENCODER, ExportRequest
from api.http.bodies import FORM
from api.http.catalogue import filters_schema
from api.http.families import PORTAL, shape_of
from api.http.operation import Operation
from api.http.operations import OPERATIONS
from exporters.catalogue import ReportType
from exporters.formats import FORMATS
from exporters.formats.wording import LANGUAGES
from exporters.manifest import PRODUCT

_SCHEMAS = "#/components/schemas/{name}"


def describe_api(catalogue: Mapping[str, ReportType]) -> bytes:
    """The OpenAPI 3.1 document, with the report types of the catalogue in it, as JSON."""
    answers = dict.fromkeys(operation.answer for operation in OPERATIONS if operation.answer)
    refusals = [shape_of(operation.path).body for operation in OPERATIONS]
    taken = [operation.body for operation in OPERATIONS if operation.body]
    bodies = list(dict.fromkeys([*answers, *taken, *refusals]))
    references, schemas = msgspec.json.schema_components(bodies, ref_template=_SCHEMAS)
    by_type = dict(zip(bodies, references, strict=True))
    schemas |= _request_schemas(schemas["ExportRequest"], catalogue)
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
        taken = {"schema": by_type[operation.body], **_examples_of(operation)}
        media_types = ["application/json", *([FORM] if operation.takes_form else [])]
        described["requestBody"] = {"required": True, "content": dict.fromkeys(media_types, taken)}
    return described


def _examples_of(operation: Operation) -> dict[str, Any]:
    return {"examples": examples.REQUESTS} if operation.body is ExportRequest else {}


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
    family = shape_of(operation.path)
    if family is PORTAL and not operation.guarded:
        return {**described, "content": {"application/json": {"schema": by_type[operation.answer]}}}
    problem: dict[str, Any] = {"schema": by_type[family.body]}
    if family is PORTAL:
        problem["example"] = examples.describe_problem(status)
    return {**described, "content": {family.media_type: problem}}


def _files() -> dict[str, Any]:
    types = {format_.media_type.partition(";")[0] for format_ in FORMATS.values()}
    types |= {"application/gzip", "application/zip", "application/zstd", "text/tab-separated-values"}
    # Generators of clients go by the first: bytes, whatever the format.
    listed = ["application/octet-stream", *sorted(types)]
    return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in listed}


def _request_schemas(
    schema: Mapping[str, Any], catalogue: Mapping[str, ReportType]
) -> dict[str, dict[str, Any]]:
    """The body of a request: one of the report types, each with its formats and filters.

    Each has a name of its own: generators of clients make a class of it.
    """
    names = {name: f"{name.title().replace('_', '')}Export" for name in catalogue}
    references = {name: _SCHEMAS.format(name=its) for name, its in names.items()}
    whole = {
        "title": schema["title"],
        "description": schema["description"],
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "type", "mapping": references},
    }
    return {
        "ExportRequest": whole,
        **{names[name]: _request_schema(schema, report) for name, report in catalogue.items()},
    }


def _request_schema(schema: Mapping[str, Any], report: ReportType) -> dict[str, Any]:
    return {
        "description": report.header.description,
        "type": "object",
        "required": schema["required"],
        "additionalProperties": False,
        "properties": {
            **schema["properties"],
            "type": {"const": report.name},
            "format": {"type": "string", "enum": report.header.formats},
            "filters": filters_schema(report, "en"),
            "language": {"enum": [*LANGUAGES, None]},
        },
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

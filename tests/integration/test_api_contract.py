"""The OpenAPI document is true: whatever is asked, the answer is one it tells of."""

import json
import re
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from litestar import Litestar
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http.app import create_app
from api.http.gate import Gate
from api.http.openapi import describe_api
from api.http.operations import OPERATIONS
from exporters.access.callers import SCOPES
from exporters.catalogue import load_catalogue
from settings import Settings
from tests.api_server import EXPORTS, ApiServer, ask_export
from tests.command_line import Cli

DOCUMENT = json.loads(describe_api(load_catalogue()))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def asked(api: ApiServer) -> tuple[ApiServer, str, str]:
    """An API whose limits do not stop a machine, a key, and a completed job."""
    key = api.new_key("101", scopes=sorted(SCOPES))
    with api.client(key=key) as client:
        job_id = ask_export(client)["job_id"]
    api.run(job_id)
    return api, key, job_id


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_told_of(
    case: schemathesis.Case[Any], asked: tuple[ApiServer, str, str]
) -> None:
    api, key, job_id = asked
    if case.operation.path.startswith(EXPORTS + "/{") and hash(str(case.path_parameters)) % 2:
        case.path_parameters["job_id"] = job_id
    # A download waits for a worker, and there is none here.
    credential = "none" if case.operation.path.startswith("/company/report/download") else key
    answer = case.call(base_url=api.url, headers={"Authorization": f"Bearer {credential}"})
    case.validate_response(answer, checks=CHECKS)


def test_the_document_tells_of_every_route_and_of_no_other(cli: Cli) -> None:
    app = create_app(Settings())
    assert isinstance(app, Gate)
    assert isinstance(app.inner, Litestar)
    served = {
        (method, re.sub(r"{(\w+):\w+}", r"{\1}", route.path))
        for route in app.inner.routes
        for method in route.methods
        if method != "OPTIONS"
    }
    told = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    pages = ("/dashboard", "/reports/files", "/reports/items")
    aside = {(method, path) for method, path in served if path.startswith(pages) or path == "/openapi.json"}
    assert served - aside == told


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (
            "/api/ws/reports/overview",
            ["jobs.done_in_range", "jobs.revenue_in_range", "services.total", "ratings.avg", "ratings.count"],
        ),
        ("/api/ws/reports/services/by-category", ["items.0.category", "items.0.count"]),
        ("/api/ws/reports/ratings/timeseries", ["points.0.period", "points.0.count", "points.0.avg"]),
        (EXPORTS + "/{job_id}", ["status", "progress", "download_url", "error"]),
    ],
)
def test_the_fields_that_the_portal_uses_are_answered(
    asked: tuple[ApiServer, str, str], path: str, fields: list[str]
) -> None:
    api, key, job_id = asked
    with api.client(key=key) as client:
        data = client.get(path.format(job_id=job_id)).json()["data"]
        created = ask_export(client)
    for name in fields:
        found: Any = data
        for part in name.split("."):
            found = found[int(part)] if part.isdigit() else found[part]
    assert created.keys() >= {"job_id", "status", "created_at", "estimated_completion"}


def test_the_document_is_served(asked: tuple[ApiServer, str, str]) -> None:
    api, _, _ = asked
    assert httpx.get(f"{api.url}/openapi.json").json() == DOCUMENT


def test_the_examples_fit_their_schemas() -> None:
    seen = 0
    for operation in (operation for path in DOCUMENT["paths"].values() for operation in path.values()):
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in [*contents, operation.get("requestBody", {}).get("content", {})]:
            for described in content.values():
                examples = [example["value"] for example in described.get("examples", {}).values()]
                for example in [*examples, *([described["example"]] if "example" in described else [])]:
                    jsonschema_rs.validate(
                        {**described["schema"], "components": DOCUMENT["components"]}, example
                    )
                    seen += 1
    assert seen > 30

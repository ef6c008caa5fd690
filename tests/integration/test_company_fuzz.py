"""Requests that a machine thinks up, to reports that are there: each answer is one that is told of."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from api.http.openapi import describe_api
from exporters.catalogue import load_catalogue
from tests.api_server import ApiServer
from tests.company_api import REPORTS, body, make_report, read_report

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ONE = REPORTS + "/{report_id}"
schema = schemathesis.openapi.from_dict(json.loads(describe_api(load_catalogue())))
fuzzed = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def asked(api: ApiServer) -> tuple[ApiServer, str]:
    return api, api.new_key("101", scopes=["definitions"])


@schema.include(path_regex=r"^/company/report/\{report_id\}").parametrize()
@fuzzed
def test_a_report_that_is_there(case: schemathesis.Case[Any], asked: tuple[ApiServer, str]) -> None:
    api, key = asked
    with api.client(key=key) as client:
        report_id = make_report(client, owner="boss@acme.example")
        case.path_parameters["report_id"] = report_id
        if "argument_id" in case.path_parameters:
            arguments = read_report(client, report_id)["arguments"]
            case.path_parameters["argument_id"] = arguments["email"][0]["id"]
    call_and_check(case, api, key)


@schema.include(path=REPORTS, method="POST").parametrize()
@fuzzed
def test_a_report_with_one_field_made_up(case: schemathesis.Case[Any], asked: tuple[ApiServer, str]) -> None:
    api, key = asked
    if not isinstance(case.body, dict):
        return
    given = dict(case.body)
    for name, value in given.items():
        if name not in {"report_type_id", "arguments", "interval"}:
            case.body = body(**{name: value})
            call_and_check(case, api, key)


def call_and_check(case: schemathesis.Case[Any], api: ApiServer, key: str) -> None:
    case.headers.pop("X-Workshop-Id", None)
    answer = case.call(base_url=api.url, headers={"Authorization": f"Bearer {key}"})
    case.validate_response(answer, checks=CHECKS)

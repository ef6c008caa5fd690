"""The contract of the event reports, row by row, against the running API and the sample's files.

The names of the tests begin with the section of the contract that they hold the API to: 3.1 base and access,
3.2 limits, 3.3 envelope and errors, 3.4 reports, 3.5 resources, 3.7 what users rely on.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http.families import encode_refusal
from api.http.problems import explain
from exporters.access.callers import SCOPES
from exporters.event_reports import EVENT_REPORTS
from tests.api_server import ApiServer, run_api
from tests.built import ROOT
from tests.event_books import EventBooks
from tests.integration.test_operations_traces import run_collector
from warehouse.sources import RestSource, load_sources

REPORTS = "/api/v1/reports"
BOOKS = EventBooks()
UNAUTHORIZED = [
    {},
    {"Authorization": "Bearer rk_no"},
    {"Authorization": "Basic eDp5"},
    {"X-API-Key": "rk_no"},
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, events_data: Path) -> Iterator[ApiServer]:
    """The API on the sample of events; plans are generous, but for one."""
    plans = {"RATE_PER_MINUTE": "1000000", "PLANS": "roomy=100000,tiny=3,boundless="}
    with run_api(events_data, tmp_path_factory.mktemp("events"), LOG_LEVEL="debug", **plans) as server:
        yield server


@pytest.fixture(scope="module")
def clients(api: ApiServer) -> Iterator[dict[str, httpx.Client]]:
    """A client of each tenant."""
    with api.client("501") as first, api.client("502") as second:
        yield {"501": first, "502": second}


def whole(client: httpx.Client, report: str, **asked: Any) -> dict[str, Any]:
    """The whole body of a report; its numbers exact."""
    answer = client.get(f"{REPORTS}/{report}", params={k: v for k, v in asked.items() if v is not None})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    return body


# 3.1 Base, plans, authentication


@pytest.mark.parametrize("report", EVENT_REPORTS)
def test_3_1_the_key_stands_in_any_of_three_places(api: ApiServer, report: str) -> None:
    key = api.new_key("501")
    url = f"{api.url}{REPORTS}/{report}"
    answers = [
        httpx.get(url, headers={"Authorization": f"Bearer {key}"}),
        httpx.get(url, headers={"X-API-Key": key}),
        httpx.get(url, params={"api_key": key}),
        httpx.get(url, params={"api_key": "rk_other"}, headers={"Authorization": f"Bearer {key}"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4, "Bearer comes first"
    assert len({json.dumps(answer.json()["data"]["data"]) for answer in answers}) == 1


@pytest.mark.parametrize("headers", UNAUTHORIZED)
def test_3_1_without_a_good_key_nobody_is_let_in(api: ApiServer, headers: dict[str, str]) -> None:
    for path in (
        f"{REPORTS}/revenue",
        REPORTS,
        "/api/v1",
        f"{REPORTS}/revenue?api_key=rk_no&api_key=rk_other",
    ):
        answer = httpx.get(api.url + path, headers=headers)
        assert answer.status_code == 401
        assert list(answer.json()) == ["error"]


def test_3_1_a_key_in_the_address_is_seen_nowhere(tmp_path: Path, events_data: Path) -> None:
    with run_collector() as collector:
        with run_api(events_data, tmp_path, LOG_LEVEL="debug", OTLP_ENDPOINT=collector.url) as api:
            key = api.new_key("501")
            for query in (f"api_key={key}", f"date_from=x&api_key={key}", f"event_key={key}&api_key={key}"):
                httpx.get(f"{api.url}{REPORTS}/payments?{query}")
                httpx.post(f"{api.url}{REPORTS}/payments?{query}")
            shown = httpx.get(f"{api.url}{REPORTS}/nothing?api_key={key}&x={key}")
            told = [json.dumps([row.detail, row.what], default=str) for row in api.audit("501")]
        text = api.log.read_text() + "".join(told) + shown.text + str(collector.spans)
    assert "/api/v1/reports/payments" in text
    assert len(collector.spans) == 7
    assert key not in text
    assert key.rpartition("_")[2] not in text


def test_3_1_reports_need_the_scope_reports(api: ApiServer) -> None:
    for scope in sorted(SCOPES):
        with api.client(key=api.new_key("501", scopes=[scope])) as client:
            answer = client.get(f"{REPORTS}/revenue")
            assert answer.status_code == (200 if scope == "reports" else 403)
            assert scope == "reports" or list(answer.json()) == ["error"]


def test_3_1_the_scope_reports_is_enough_for_payments(api: ApiServer) -> None:
    with api.client(key=api.new_key("501", scopes=["reports"])) as client:
        assert whole(client, "payments")["data"]["data"]["count"] > 0


def test_3_1_a_tenant_sees_its_own_alone(clients: dict[str, httpx.Client]) -> None:
    own = whole(clients["501"], "participants")["data"]["data"]["by_event"]
    assert {row["event_key"] for row in own} == {"messe-2026", "herbst-2026"}
    for report in EVENT_REPORTS:
        assert (
            clients["501"].get(f"{REPORTS}/{report}", params={"event_key": "alpen-2026"}).status_code == 404
        )
        foreign = clients["501"].get(f"{REPORTS}/{report}", headers={"X-Workshop-Id": "502"})
        assert (foreign.status_code, foreign.json()) == (404, {"error": "Resource not found"})


# 3.2 Rate limits


def test_3_2_over_the_plan_is_429_without_an_extra_header(api: ApiServer) -> None:
    with api.client(key=api.new_key("501", plan="tiny")) as client:
        answers = [client.get(f"{REPORTS}/{report}") for report in EVENT_REPORTS]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json() == {"error": "Rate limit exceeded"}
    for answer in answers:
        assert not [name for name in answer.headers if "limit" in name or "retry" in name]


def test_3_2_a_plan_may_have_no_limit_and_the_first_is_the_default(api: ApiServer) -> None:
    assert dict(api.settings().access.plans) == {"roomy": 100_000, "tiny": 3, "boundless": None}
    for plan in ("boundless", "withdrawn", None):
        with api.client(key=api.new_key("501", plan=plan)) as client:
            assert {client.get(f"{REPORTS}/overview").status_code for _ in range(10)} == {200}


def test_3_2_plans_count_for_this_family_alone(api: ApiServer) -> None:
    with api.client(key=api.new_key("501", plan="tiny")) as client:
        codes = {client.get("/api/ws/v2/reports/types").status_code for _ in range(10)}
        assert codes == {200}
        assert client.get(f"{REPORTS}/overview").status_code == 200


def test_3_2_the_limit_by_the_minute_is_told_alike(tmp_path: Path, events_data: Path) -> None:
    with run_api(events_data, tmp_path, RATE_PER_MINUTE="1") as api, api.client("501") as client:
        answers = [client.get(f"{REPORTS}/revenue") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json() == {"error": "Rate limit exceeded"}
    assert "retry-after" not in answers[1].headers


# 3.3 Envelope and errors


@pytest.mark.parametrize("report", EVENT_REPORTS)
def test_3_3_and_3_7_1_every_success_has_an_envelope_with_a_request_id(
    clients: dict[str, httpx.Client], report: str
) -> None:
    answer = clients["501"].get(f"{REPORTS}/{report}")
    body = answer.json()
    assert list(body) == ["data", "meta"]
    assert list(body["meta"]) == ["request_id"]
    assert body["meta"]["request_id"] == f"req_{answer.headers['x-request-id']}"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("report", EVENT_REPORTS)
def test_3_3_and_3_7_2_anything_but_reading_is_405(
    clients: dict[str, httpx.Client], report: str, method: str
) -> None:
    before = whole(clients["501"], report)["data"]["data"]
    answer = clients["501"].request(method, f"{REPORTS}/{report}", json={"invoiced": 0})
    assert answer.status_code == 405
    assert list(answer.json()) == ["error"]
    assert "GET" in answer.headers["allow"]
    assert whole(clients["501"], report)["data"]["data"] == before


def test_3_3_head_is_get_without_the_body(clients: dict[str, httpx.Client]) -> None:
    told = clients["501"].head(f"{REPORTS}/revenue")
    assert (told.status_code, told.content) == (200, b"")
    assert clients["501"].options(f"{REPORTS}/revenue").headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", ["event_key", "date_from", "date_to"])
def test_3_3_a_parameter_that_is_repeated_is_422_by_its_field(
    clients: dict[str, httpx.Client], name: str
) -> None:
    answer = clients["501"].get(f"{REPORTS}/revenue?{name}=2026-01-01&{name}=2026-02-01")
    errors = {name: [f"The {name} may be given only once."]}
    assert (answer.status_code, answer.json()) == (422, {"error": "Validation failed", "errors": errors})


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"date_from": "yesterday"}, {"date_from": ["The date_from is not a valid date."]}),
        ({"date_to": "2026-02-30"}, {"date_to": ["The date_to is not a valid date."]}),
        ({"date_to": "2026-02"}, {"date_to": ["The date_to is not a valid date."]}),
        ({"date_from": "1767225600"}, {"date_from": ["The date_from is not a valid date."]}),
        ({"date_from": "0001-01-01T00:00:00+14:00"}, {"date_from": ["The date_from is not a valid date."]}),
        (
            {"date_from": "2026-03-02", "date_to": "2026-03-01"},
            {"date_to": ["The date_to must be a date after or equal to date_from."]},
        ),
    ],
)
def test_3_3_what_cannot_be_taken_is_422_by_its_field(
    clients: dict[str, httpx.Client], query: dict[str, str], errors: dict[str, list[str]]
) -> None:
    for report in EVENT_REPORTS:
        answer = clients["501"].get(f"{REPORTS}/{report}", params=query)
        assert (answer.status_code, answer.json()) == (422, {"error": "Validation failed", "errors": errors})


def test_3_3_a_key_of_several_tenants_must_name_one(api: ApiServer) -> None:
    with api.client("501", "502") as client:
        refused = client.get(f"{REPORTS}/revenue")
        assert refused.status_code == 422
        assert "X-Workshop-Id" in refused.json()["errors"]["request"][0]
        named = client.get(f"{REPORTS}/participants", headers={"X-Workshop-Id": "502"}).json()
        assert {row["event_key"] for row in named["data"]["data"]["by_event"]} == {
            "alpen-2026",
            "gipfel-2026",
        }


def test_3_3_other_errors_are_a_text_alone(tmp_path: Path) -> None:
    body, media_type = encode_refusal(f"{REPORTS}/revenue", explain(RuntimeError("secret")), "id")
    assert list(json.loads(body)) == ["error"]
    assert b"secret" not in body
    assert media_type == "application/json"
    with run_api(tmp_path / "nothing", tmp_path) as api, api.client("501") as client:
        answer = client.get(f"{REPORTS}/revenue")
        assert answer.status_code == 503
        assert list(answer.json()) == ["error"]


# 3.4 Reports


@pytest.mark.parametrize("report", EVENT_REPORTS)
def test_3_4_the_payload_tells_its_type_its_filters_and_when(
    clients: dict[str, httpx.Client], report: str
) -> None:
    payload = whole(clients["501"], report)["data"]
    assert list(payload) == ["report_type", "filters", "data", "generated_at"]
    assert payload["report_type"] == report
    assert payload["filters"] == {"event_key": None, "date_from": None, "date_to": None}
    generated = datetime.fromisoformat(payload["generated_at"])
    offset = generated.utcoffset()
    assert offset is not None
    assert offset.total_seconds() in {3600, 7200}, "the tenant's offset"
    assert abs((datetime.now(generated.tzinfo) - generated).total_seconds()) < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00", payload["generated_at"])


def test_3_4_filters_echo_what_was_applied(clients: dict[str, httpx.Client]) -> None:
    echoed = [
        ({"event_key": "messe-2026"}, ["messe-2026", None, None]),
        ({"date_from": "2026-01-01", "date_to": "2026-03-31"}, [None, "2026-01-01", "2026-03-31"]),
        ({"date_from": "20260101", "date_to": "2026-W10-1"}, [None, "2026-01-01", "2026-03-02"]),
        (
            {"date_from": "2026-01-31T23:30:00Z", "date_to": "2026-03-01T12:00"},
            [None, "2026-02-01", "2026-03-01"],
        ),
        ({"date_from": "", "date_to": "", "event_key": ""}, [None, None, None]),
        ({"page": "2", "foo": "bar"}, [None, None, None]),
    ]
    for asked, told in echoed:
        assert list(whole(clients["501"], "overview", **asked)["data"]["filters"].values()) == told


@pytest.mark.parametrize("path", ["", "/", "/invoices", "/revenue/1"])
def test_3_4_there_is_nothing_else(clients: dict[str, httpx.Client], path: str) -> None:
    answer = clients["501"].get(REPORTS + path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Resource not found"})


@pytest.mark.parametrize(
    "key", ["messe-2027", "MESSE-2026", "messe-2026 ", "' or 1=1 --", "%", "a\0b", "ø" * 5000]
)
def test_3_4_an_unknown_event_is_404(clients: dict[str, httpx.Client], key: str) -> None:
    for report in EVENT_REPORTS:
        answer = clients["501"].get(f"{REPORTS}/{report}", params={"event_key": key})
        assert (answer.status_code, answer.json()) == (404, {"error": "Resource not found"})


# 3.7 What users rely on


def test_3_7_3_a_pull_of_a_night_stays_below_the_smallest_plan() -> None:
    """Our own pull of this API paces itself: at most 1,000 calls an hour."""
    source = load_sources(ROOT / "sources.toml", ["plandocket"])["plandocket"]
    assert isinstance(source, RestSource)
    assert source.pace * 3600 <= 1000


def test_3_7_4_keys_are_the_same_in_every_language(clients: dict[str, httpx.Client]) -> None:
    bodies = [
        clients["501"]
        .get(f"{REPORTS}/overview", headers={"Accept-Language": language})
        .json()["data"]["data"]
        for language in ("de", "en", "nb")
    ]
    assert bodies[0] == bodies[1] == bodies[2]


def test_3_7_5_a_key_for_reports_works_for_nothing_else(api: ApiServer) -> None:
    with api.client(key=api.new_key("501", scopes=["reports"])) as client:
        assert client.get(f"{REPORTS}/revenue").status_code == 200
        for path in ("/company/report/type", "/apps/reporting/batches"):
            assert client.get(path).status_code == 403, path
        for path in ("/api/v1/payments", "/api/v1/events", "/api/v1/webhooks"):
            assert client.get(path).status_code == 404, path

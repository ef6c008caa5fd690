"""The figures over HTTP: the portal's fields, exact numbers, refusals, and answers that still hold."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.command_line import Cli

OVERVIEW = "/api/ws/reports/overview"
CATEGORIES = "/api/ws/reports/services/by-category"
RATINGS = "/api/ws/reports/ratings/timeseries"
FIGURES = (OVERVIEW, CATEGORIES, RATINGS)
JANUARY = {"date_from": "2026-01-01", "date_to": "2026-01-31"}


@pytest.fixture(scope="module")
def client(api: ApiServer) -> httpx.Client:
    return api.client("101")


def exact(answer: httpx.Response) -> Any:
    return json.loads(answer.content, parse_float=Decimal)


@pytest.mark.parametrize("period", [{}, JANUARY, {"date_from": "2026-01-15"}, {"date_to": "2025-12-31"}])
def test_figures_are_those_of_the_command_line(
    client: httpx.Client, cli: Cli, period: dict[str, str]
) -> None:
    options = [part for name, day in period.items() for part in (f"--{name.removeprefix('date_')}", day)]
    told = cli.ask("overview", "101", *options)
    overview = exact(client.get(OVERVIEW, params=period))["data"]
    currency = overview["jobs"].pop("currency")
    assert overview == told["overview"]
    assert currency == told["workshop"]["currency"]
    assert exact(client.get(CATEGORIES, params=period))["data"] == told["services_by_category"]
    assert (
        exact(client.get(RATINGS, params=period | {"group": "month"}))["data"] == told["ratings_timeseries"]
    )


def test_the_fields_that_the_portal_uses_are_there(client: httpx.Client) -> None:
    overview = exact(client.get(OVERVIEW, params=JANUARY))
    assert overview["data"]["jobs"]["done_in_range"] > 0
    assert isinstance(overview["data"]["jobs"]["revenue_in_range"], Decimal)
    assert overview["data"]["services"]["total"] > 0
    assert 1 <= overview["data"]["ratings"]["avg"] <= 5
    assert overview["data"]["ratings"]["count"] > 0
    assert uuid.UUID(overview["meta"]["request_id"])
    made = datetime.fromisoformat(overview["meta"]["generated_at"])
    assert overview["meta"]["generated_at"].endswith("Z")
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60
    items = exact(client.get(CATEGORIES, params=JANUARY))["data"]["items"]
    assert all(item.keys() >= {"category", "count", "booked_count"} for item in items)
    assert [item["count"] for item in items] == sorted((item["count"] for item in items), reverse=True)
    points = exact(client.get(RATINGS, params=JANUARY))["data"]["points"]
    assert [point["period"] for point in points] == ["2026-01"]
    assert points[0]["count"] == overview["data"]["ratings"]["count"]


def test_an_empty_range_has_no_average_and_money_of_nought(client: httpx.Client) -> None:
    params = {"date_from": "1999-01-01", "date_to": "1999-01-31"}
    overview = exact(client.get(OVERVIEW, params=params))["data"]
    assert overview["jobs"] | {"currency": None} == {
        "done_in_range": 0,
        "revenue_in_range": Decimal("0.00"),
        "currency": None,
    }
    assert overview["ratings"] == {"avg": None, "count": 0}
    points = exact(client.get(RATINGS, params=params))["data"]["points"]
    assert points == [{"period": "1999-01", "count": 0, "avg": None}]


@pytest.mark.parametrize("path", FIGURES)
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"date_from": "2026-02-30"}, "VALIDATION_ERROR"),
        ({"date_from": "20260201"}, "VALIDATION_ERROR"),
        ({"date_to": ""}, "VALIDATION_ERROR"),
        ({"date_to": "2026-01-01T00:00:00Z"}, "VALIDATION_ERROR"),
        ({"date_from": "0000-01-01"}, "VALIDATION_ERROR"),
        ({"date_from": "2026-01-02", "date_to": "2026-01-01"}, "INVALID_DATE_RANGE"),
    ],
)
def test_wrong_dates_are_refused(client: httpx.Client, path: str, params: dict[str, str], code: str) -> None:
    answer = client.get(path, params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    error = problem["error"]
    assert error["code"] == code
    assert error["request_id"] == answer.headers["x-request-id"]
    assert problem["status"] == 422
    assert problem["detail"] == error["message"]
    assert problem["type"].endswith(code)
    if code == "INVALID_DATE_RANGE":
        assert error["details"] == params


@pytest.mark.parametrize("group", ["day", "week", "", "MONTH"])
def test_ratings_are_gathered_by_month_only(client: httpx.Client, group: str) -> None:
    answer = client.get(RATINGS, params={"group": group})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "params",
    [
        {"date_from": "0001-01-01"},
        {"date_to": "9999-12-31"},
        {"date_from": "1900-01-01", "date_to": "2001-01-01"},
    ],
)
def test_a_series_of_centuries_is_refused(client: httpx.Client, params: dict[str, str]) -> None:
    answer = client.get(RATINGS, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_DATE_RANGE")
    assert client.get(OVERVIEW, params=params).status_code == 200


@pytest.mark.parametrize("path", FIGURES)
def test_an_answer_that_still_holds_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path, params=JANUARY)
    tag = first.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = client.get(path, params=JANUARY, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, params=JANUARY, headers={"If-None-Match": '"x"'}).status_code == 200
    other = client.get(path, params={"date_from": "2026-01-02"}, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert "private" in first.headers["cache-control"]


def test_the_tag_of_one_workshop_is_not_anothers(api: ApiServer, client: httpx.Client) -> None:
    tag = client.get(OVERVIEW).headers["etag"]
    other = api.client("102").get(OVERVIEW, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["etag"] != tag


def test_head_answers_as_get_without_a_body(client: httpx.Client) -> None:
    answer = client.head(OVERVIEW)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == client.get(OVERVIEW).headers["etag"]


def test_a_request_id_is_taken_over_if_it_is_one(client: httpx.Client) -> None:
    mine = str(uuid.uuid4())
    answer = client.get(OVERVIEW, headers={"X-Request-Id": mine})
    assert answer.headers["x-request-id"] == answer.json()["meta"]["request_id"] == mine
    other = client.get(OVERVIEW, headers={"X-Request-Id": "a\tb"})
    assert uuid.UUID(other.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/api/ws/reports/nothing", "/nothing", "/api/ws/v2/reports/exports/a/b"])
def test_what_is_not_there_is_told_so(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in {"NOT_FOUND", "EXPORT_NOT_FOUND"}


def test_another_method_is_refused_and_told_which_there_are(client: httpx.Client) -> None:
    answer = client.post(OVERVIEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


def test_every_path_tells_its_methods(client: httpx.Client) -> None:
    answer = client.options("/api/ws/v2/reports/exports/any")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, DELETE, HEAD, OPTIONS")

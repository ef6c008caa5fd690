"""What reports of the company API keep to, rule by rule; the ids of the tests name the section."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.company_api import (
    EMAIL,
    REPORTS,
    arguments,
    body,
    company_client,
    deliveries_of,
    fires_of,
    make_report,
    read_report,
)


@pytest.fixture(scope="module")
def client(api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(api, "101") as opened:
        yield opened


@pytest.mark.parametrize("missing", ["format", "email"])
def test_2_7_1_a_format_and_an_email_are_needed(client: httpx.Client, missing: str) -> None:
    listed = [one for one in arguments() if one["key"] != missing]
    refused = client.post(REPORTS, json=body(arguments=listed))
    assert (refused.status_code, refused.json()["field"]) == (422, f"arguments.{missing}")
    assert missing in refused.json()["error"]
    report_id = make_report(client)
    last = read_report(client, report_id)["arguments"][missing][0]["id"]
    assert client.delete(f"{REPORTS}/{report_id}/argument/{last}").status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"report_type_id": "999"}, "report_type_id"),
        ({"cron": "x"}, "cron"),
        ({"paused_until": "x"}, "paused_until"),
        ({"condition": {"kind": "above"}}, "condition.threshold"),
        ({"condition": {"kind": "above", "threshold": 1, "column": "nothing"}}, "condition.column"),
        ({"arguments": arguments(nothing=1)}, "arguments.nothing"),
    ],
)
def test_a_refusal_names_the_field_and_a_rehearsal_refuses_alike(
    client: httpx.Client, changes: Any, field: str
) -> None:
    refused = client.post(REPORTS, json=body(**changes))
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    rehearsed = client.post(f"{REPORTS}/rehearsal", json=body(**changes))
    assert (rehearsed.status_code, rehearsed.json()) == (422, refused.json())


def test_a_report_is_rehearsed_before_it_is_saved(api: ApiServer) -> None:
    asked = {"interval": "week", "arguments": arguments(status="COMPLETED")}
    with company_client(api, "102") as client:
        answer = client.post(f"{REPORTS}/rehearsal", json=body(**asked), params={"count": 3})
        assert (answer.status_code, len(answer.json())) == (200, 3)
        assert {one["filters"]["status"] for one in answer.json()} == {"COMPLETED"}
        assert client.get(REPORTS).json()["count"] == "0"
        report_id = make_report(client, **asked)
        assert client.get(f"{REPORTS}/{report_id}/rehearsal?count=3").json() == answer.json()
        for count in ("0", "101", "x"):
            refused = client.post(f"{REPORTS}/rehearsal?count={count}", json=body())
            assert (refused.status_code, refused.json()["field"]) == (422, "count")
    actions = [row.action for row in api.events("102")]
    assert [action for action in actions if action.startswith("definition_")] == ["definition_made"]
    assert "company rehearsal" in {row.what for row in api.reads("company rehearsal", workshop_id="102")}


def test_2_7_3_without_rows_there_is_no_message_where_it_is_asked_so(
    api: ApiServer, client: httpx.Client
) -> None:
    report_id = make_report(client, arguments=arguments(only_when_data="1"))
    client.get(f"{REPORTS}/{report_id}/send")
    [fire] = fires_of(api, client, report_id)
    assert (fire["state"], fire["reason"], fire["rows"]) == ("skipped", "no data", 0)
    assert deliveries_of(api, report_id) == []


def test_2_4_the_language_is_that_of_the_message(api: ApiServer, client: httpx.Client) -> None:
    report_id = make_report(client, arguments=arguments(report_language="nb_NO"))
    client.get(f"{REPORTS}/{report_id}/send")
    fires_of(api, client, report_id)
    assert [one.language for one in deliveries_of(api, report_id)] == ["nb"]


@pytest.mark.parametrize("flag", [0, 1])
def test_2_7_4_a_link_is_mailed_where_it_is_asked_so(api: ApiServer, client: httpx.Client, flag: int) -> None:
    report_id = make_report(client, email_link_only=flag)
    client.get(f"{REPORTS}/{report_id}/send")
    fires_of(api, client, report_id)
    [delivery] = deliveries_of(api, report_id)
    assert bool(delivery.content.get("link_only")) is bool(flag)


def test_2_7_5_what_is_not_active_is_sent_by_hand_alone(api: ApiServer, client: httpx.Client) -> None:
    idle, busy = make_report(client, active=0), make_report(client, active=1)
    later = datetime.now(UTC) + timedelta(days=2)
    assert "scheduled" in {fire["kind"] for fire in fires_of(api, client, busy, later)}
    assert fires_of(api, client, idle, later) == []
    client.get(f"{REPORTS}/{idle}/send")
    assert [fire["state"] for fire in fires_of(api, client, idle)] == ["sent"]
    for report_id in (idle, busy):
        client.delete(f"{REPORTS}/{report_id}")


def test_2_7_6_send_mails_every_address(api: ApiServer, client: httpx.Client) -> None:
    emails = [EMAIL, "boss@acme.example", "desk@acme.example"]
    listed = arguments(("format", "csv"), ("format", "pdf"), *(("email", one) for one in emails))
    report_id = make_report(client, arguments=listed)
    client.get(f"{REPORTS}/{report_id}/send")
    fires_of(api, client, report_id)
    sent = {(one.recipient, one.format) for one in deliveries_of(api, report_id)}
    assert sent == {(email, format_) for email in emails for format_ in ("csv", "pdf")}


@pytest.mark.parametrize(
    ("type_id", "key", "value"),
    [
        ("1", "format", "docx"),
        ("1", "report_language", "xx_XX"),
        ("1", "option", "nonsense"),
        ("1", "option", ""),
        ("1", "only_when_data", "maybe"),
        ("1", "email", "nobody"),
        ("1", "queue_id", "99999"),
        ("1", "status", "COMPLETED"),
        ("101", "option", "missedCalls"),
        ("101", "queue_id", "1"),
        ("101", "nonsense", "1"),
        ("102", "rating_min", "many"),
    ],
)
def test_2_7_7_values_are_checked_against_the_fields(
    client: httpx.Client, type_id: str, key: str, value: str
) -> None:
    refused = client.post(REPORTS, json=body(report_type_id=type_id, arguments=arguments((key, value))))
    assert (refused.status_code, list(refused.json())) == (422, ["error", "field"])
    assert refused.json()["field"] == f"arguments.{key}"
    report_id = make_report(client, report_type_id=type_id)
    added = client.post(f"{REPORTS}/{report_id}/argument", json={"key": key, "value": value})
    assert added.status_code == 422

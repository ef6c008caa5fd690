"""Reports of the company API, call by call; the ids of the tests name the section."""

from collections.abc import Iterator
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
    fires_of,
    make_report,
    read_report,
)

SAMPLE = {
    "interval": "hour",
    "active": 0,
    "name": "",
    "description": "",
    "email_link_only": 0,
    "report_type_id": "1",
    "arguments": [{"key": "format", "value": "csv"}, {"key": "email", "value": "test@example.com"}],
}
"""The body of the vendor's own example."""
MADE_OF = ("interval", "active", "name", "description", "email_link_only", "report_type_id")


@pytest.fixture(scope="module")
def client(api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(api, "101") as opened:
        yield opened


def test_2_6_create(client: httpx.Client) -> None:
    answer = client.post(REPORTS, json=SAMPLE)
    assert (answer.status_code, list(answer.json())) == (200, ["id"])
    shown = read_report(client, answer.json()["id"])
    assert {key: shown[key] for key in MADE_OF} == {
        key: str(SAMPLE[key]) if key in {"active", "email_link_only"} else SAMPLE[key] for key in MADE_OF
    }
    assert {key: [one["value"] for one in values] for key, values in shown["arguments"].items()} == {
        "format": ["csv"],
        "email": ["test@example.com"],
    }


def test_2_6_create_with_the_keys_of_the_contract_alone(client: httpx.Client) -> None:
    """What is ours beside can be left out."""
    shown = read_report(client, client.post(REPORTS, json=SAMPLE).json()["id"])
    ours = {
        "time_zone": "Europe/Oslo",
        "send_at": "06:00",
        "cron": None,
        "weekdays_only": "0",
        "last_day_of_month": "0",
        "paused_until": None,
        "owner": None,
        "condition": None,
        "next_fire_at": None,
    }
    assert {key: shown[key] for key in ours} == ours


@pytest.mark.parametrize("key", ["interval", "report_type_id", "arguments"])
def test_2_6_create_needs(client: httpx.Client, key: str) -> None:
    answer = client.post(REPORTS, json=body(**{key: ...}))
    assert (answer.status_code, "error" in answer.json()) == (422, True)
    assert key in answer.json()["error"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"interval": "week"}, {"interval": "week"}),
        ({"active": 0}, {"active": "0"}),
        ({"name": ""}, {"name": ""}),
        ({"description": "Back\noffice"}, {"description": "Back\noffice"}),
        ({"email_link_only": "1"}, {"email_link_only": "1"}),
        ({"time_zone": "Europe/Helsinki"}, {"time_zone": "Europe/Helsinki"}),
        ({"time_zone": None}, {"time_zone": "Europe/Oslo"}),
        ({"send_at": "17:45"}, {"send_at": "17:45"}),
        ({"cron": "0 7 * * 1-5"}, {"cron": "0 7 * * 1-5"}),
        ({"weekdays_only": True}, {"weekdays_only": "1"}),
        ({"interval": "month", "last_day_of_month": 1}, {"last_day_of_month": "1"}),
        ({"paused_until": "2030-01-01 00:00:00"}, {"paused_until": "2030-01-01 00:00:00"}),
        ({"owner": "boss@acme.example"}, {"owner": "boss@acme.example"}),
        (
            {"condition": {"kind": "above", "threshold": 12.5}},
            {"condition": {"kind": "above", "column": None, "threshold": 12.5}},
        ),
        (
            {"condition": {"kind": "changed"}},
            {"condition": {"kind": "changed", "column": None, "threshold": None}},
        ),
    ],
    ids=lambda given: "-".join(map(str, given)),
)
def test_2_6_change(client: httpx.Client, changes: Any, shown: Any) -> None:
    report_id = make_report(client)
    before = read_report(client, report_id)
    answer = client.patch(f"{REPORTS}/{report_id}", json=changes)
    assert (answer.status_code, answer.json()) == (200, [])
    after = read_report(client, report_id)
    assert {key: after[key] for key in shown} == shown
    kept = before.keys() - changes.keys() - {"updated", "next_fire_at"}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_2_6_what_can_be_set_can_be_unset(client: httpx.Client) -> None:
    report_id = make_report(
        client,
        cron="0 7 * * 1-5",
        owner=EMAIL,
        paused_until="2030-01-01 00:00:00",
        condition={"kind": "changed"},
    )
    unset = dict.fromkeys(("cron", "owner", "paused_until", "condition"))
    assert client.patch(f"{REPORTS}/{report_id}", json=unset).json() == []
    shown = read_report(client, report_id)
    assert {key: shown[key] for key in unset} == unset


@pytest.mark.parametrize("key", ["report_type_id", "arguments", "id", "nonsense"])
def test_2_6_change_of_what_is_for_good_is_refused(client: httpx.Client, key: str) -> None:
    report_id = make_report(client)
    answer = client.patch(f"{REPORTS}/{report_id}", json={"name": "New", key: body().get(key)})
    assert (answer.status_code, "error" in answer.json()) == (422, True)
    assert read_report(client, report_id)["name"] == "Missed calls"


def test_2_6_delete(client: httpx.Client) -> None:
    report_id = make_report(client)
    answer = client.delete(f"{REPORTS}/{report_id}")
    assert (answer.status_code, answer.json()) == (200, [])
    assert client.get(f"{REPORTS}/{report_id}").status_code == 404
    assert client.delete(f"{REPORTS}/{report_id}").status_code == 404


def test_2_6_arguments_are_edited_one_by_one(client: httpx.Client) -> None:
    report_id = make_report(client, report_type_id="1")
    path = f"{REPORTS}/{report_id}/argument"
    added = client.post(path, json={"key": "option", "value": "missedCalls"})
    assert (added.status_code, list(added.json())) == (200, ["id"])
    one = f"{path}/{added.json()['id']}"
    assert read_report(client, report_id)["arguments"]["option"][0]["value"] == "missedCalls"
    changed = client.patch(one, json={"key": "option", "value": "queueRapportPerDay"})
    assert (changed.status_code, changed.json()) == (200, [])
    [option] = read_report(client, report_id)["arguments"]["option"]
    assert (option["id"], option["value"]) == (added.json()["id"], "queueRapportPerDay")
    removed = client.delete(one)
    assert (removed.status_code, removed.json()) == (200, [])
    assert "option" not in read_report(client, report_id)["arguments"]
    assert {
        client.delete(one).status_code,
        client.patch(one, json={"key": "email", "value": EMAIL}).status_code,
    } == {404}


def test_2_6_a_key_may_repeat(client: httpx.Client) -> None:
    emails = [("email", EMAIL), ("email", "boss@acme.example")]
    shown = read_report(client, make_report(client, arguments=arguments(*emails)))
    assert [one["value"] for one in shown["arguments"]["email"]] == [address for _, address in emails]
    assert all(one.keys() == {"id", "value", "added"} for one in shown["arguments"]["email"])


def test_2_6_reports_are_listed_page_by_page(api: ApiServer) -> None:
    with company_client(api, "103") as client:
        made = [make_report(client, name=f"Report {number}") for number in range(23)]
        for asked, limit, limit_from in (
            ({}, 20, 0),
            ({"limit": 5}, 5, 0),
            ({"limit_from": 20}, 20, 20),
            ({"limit": 1, "limit_from": 20}, 1, 20),
            ({"limit": 100}, 100, 0),
            ({"limit": 5000}, 100, 0),
            ({"limit_from": 999999999}, 20, 999999999),
        ):
            page = client.get(REPORTS, params=asked).json()
            assert (page["count"], page["limit"], page["limit_from"]) == ("23", limit, limit_from)
            assert [one["id"] for one in page["reports"]] == made[limit_from : limit_from + limit]
        assert page["reports"] == []
        assert client.get(REPORTS).json()["reports"][0] == read_report(client, made[0])


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit_from": "-1"},
        {"limit": "1e3"},
        {"limit": "9" * 5000},
        {"limit_from": "٣"},
    ],
)
def test_2_6_a_page_that_cannot_be_is_refused(client: httpx.Client, params: Any) -> None:
    assert client.get(REPORTS, params=params).status_code == 422


def test_2_6_send_acts_though_it_is_a_get(api: ApiServer, client: httpx.Client) -> None:
    report_id = make_report(client)
    answer = client.get(f"{REPORTS}/{report_id}/send")
    assert (answer.status_code, answer.json()) == (200, [])
    [fire] = fires_of(api, client, report_id)
    assert (fire["kind"], fire["state"]) == ("by hand", "sent")
    assert client.head(f"{REPORTS}/{report_id}/send").status_code == 405
    assert len(fires_of(api, client, report_id)) == 1

"""Section by section, what clients of the company API rely on; the ids of the tests name the section."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.api_server import ApiServer
from tests.company_api import (
    EMAIL,
    REPORTS,
    arguments,
    body,
    company_client,
    make_report,
    read_report,
)

TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
FORMATS = "enum('html', 'csv', 'xlsx', 'pdf')"
OPTIONS = "enum('missedCalls', 'queueRapportPerDay', 'memberRapportPerHour')"


@pytest.fixture(scope="module")
def client(api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(api, "101") as opened:
        yield opened


@pytest.fixture(scope="module")
def other(api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(api, "102") as opened:
        yield opened


@pytest.fixture(scope="module")
def calls(client: httpx.Client) -> Any:
    """Every call on a report and an argument of it, as method, path and body."""
    report_id = make_report(client)
    argument_id = read_report(client, report_id)["arguments"]["email"][0]["id"]
    one = f"{REPORTS}/{report_id}"
    argument = {"key": "email", "value": EMAIL}
    return [
        ("GET", one, None),
        ("PATCH", one, {"name": "Test"}),
        ("POST", f"{one}/argument", argument),
        ("PATCH", f"{one}/argument/{argument_id}", argument),
        ("DELETE", f"{one}/argument/{argument_id}", None),
        ("GET", f"{one}/send", None),
        ("POST", f"{one}/test", None),
        ("GET", f"{one}/fires", None),
        ("GET", f"{one}/rehearsal", None),
        ("GET", f"{one}/backtest", None),
        ("DELETE", one, None),
    ]


def test_2_1_every_call_needs_a_bearer(api: ApiServer, calls: Any) -> None:
    named = [
        ("GET", REPORTS, None),
        ("GET", f"{REPORTS}/type", None),
        ("POST", f"{REPORTS}/rehearsal", body()),
    ]
    for method, path, content in [*calls, *named]:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic bm86bm8="}):
            answer = httpx.request(method, api.url + path, json=content, headers=headers)
            assert (answer.status_code, answer.json().keys()) == (401, {"error"}), path
            assert "Bearer" in answer.headers["www-authenticate"]


def test_2_1_a_key_without_the_scope_is_refused(api: ApiServer) -> None:
    with api.client(key=api.new_key("101", scopes=["reports"])) as weak:
        answer = weak.get(REPORTS)
    assert (answer.status_code, answer.json().keys()) == (403, {"error"})


def test_2_2_ids_are_texts_of_digits(client: httpx.Client) -> None:
    report_id = make_report(client)
    shown = read_report(client, report_id)
    ids = [shown["id"], shown["report_type_id"]]
    ids += [value["id"] for values in shown["arguments"].values() for value in values]
    ids += [type_["id"] for type_ in client.get(f"{REPORTS}/type").json()]
    assert shown["id"] == report_id
    assert all(isinstance(one, str) and one.isascii() and one.isdigit() for one in ids)


@pytest.mark.parametrize("key", ["active", "email_link_only", "weekdays_only", "last_day_of_month"])
@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, "0"), (1, "1"), ("0", "0"), ("1", "1"), (True, "1"), (False, "0"), ("true", "1"), ("false", "0")],
)
def test_2_2_a_flag_is_taken_in_every_spelling(
    client: httpx.Client, key: str, given: object, shown: str
) -> None:
    report_id = make_report(client, interval="month", **{key: given})
    assert read_report(client, report_id)[key] == shown
    assert client.patch(f"{REPORTS}/{report_id}", json={key: given}).json() == []
    assert read_report(client, report_id)[key] == shown


@pytest.mark.parametrize("given", [2, -1, "yes", "", 1.5, None, [], {}, "1 "])
def test_2_2_what_is_no_flag_is_refused(client: httpx.Client, given: object) -> None:
    answer = client.post(REPORTS, json=body(active=given))
    assert (answer.status_code, "error" in answer.json()) == (422, True)


def test_2_2_times_are_those_of_stockholm_without_a_zone(client: httpx.Client) -> None:
    report_id = make_report(
        client, time_zone="Europe/London", send_at="06:00", paused_until="2030-07-01 12:30:00"
    )
    shown = read_report(client, report_id)
    times = [shown["added"], shown["updated"], shown["next_fire_at"], shown["paused_until"]]
    times += [value["added"] for values in shown["arguments"].values() for value in values]
    assert all(TIME.fullmatch(one) for one in times)
    assert (shown["next_fire_at"][11:], shown["paused_until"]) == ("07:00:00", "2030-07-01 12:30:00")


def test_2_2_answers_have_no_envelope(client: httpx.Client) -> None:
    assert isinstance(client.get(f"{REPORTS}/type").json(), list)
    assert client.get(REPORTS).json().keys() == {"count", "limit", "limit_from", "reports"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", REPORTS, b"{", 400),
        ("POST", REPORTS, b"{}", 422),
        ("GET", f"{REPORTS}/999999", None, 404),
        ("GET", f"{REPORTS}/nonsense", None, 404),
        ("GET", "/company/nothing", None, 404),
        ("PUT", REPORTS, b"{}", 405),
        ("GET", f"{REPORTS}?limit=x", None, 422),
    ],
)
def test_2_2_an_error_is_a_text(
    client: httpx.Client, method: str, path: str, content: bytes | None, status: int
) -> None:
    answer = client.request(method, path, content=content)
    assert (answer.status_code, set(answer.json()) - {"field"}) == (status, {"error"})
    assert isinstance(answer.json()["error"], str)
    assert answer.headers["content-type"] == "application/json"


def test_2_3_types_are_listed(client: httpx.Client) -> None:
    types = {type_["id"]: type_ for type_ in client.get(f"{REPORTS}/type").json()}
    assert {"1", "101", "102", "103", "104"} <= types.keys()
    for type_ in types.values():
        assert type_.keys() == {"id", "name", "description", "group", "added", "class_name"}
        assert TIME.fullmatch(type_["added"])
    missed = types["1"]
    assert (missed["name"], missed["group"], missed["class_name"]) == (
        "Queue - Missed",
        "queue",
        "ReportQueueMissed",
    )
    assert missed["description"] is None
    answer = client.get(f"{REPORTS}/type", headers={"Accept-Language": "fr, sv-SE;q=0.9, en;q=0.5"})
    swedish = {type_["id"]: type_["name"] for type_ in answer.json()}
    assert (types["101"]["name"], swedish["101"], swedish["1"]) == ("Bookings", "Bokningar", missed["name"])
    assert "Accept-Language" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("type_id", "key", "mandatory", "kind"),
    [
        ("all", "format", "1", FORMATS),
        ("all", "email", "1", "email"),
        ("all", "only_when_data", "0", "bool"),
        ("all", "report_language", "0", None),
        ("1", "queue_id", "0", "pbx_queue"),
        ("1", "option", "0", OPTIONS),
    ],
)
def test_2_4_the_field_is_listed(
    client: httpx.Client, type_id: str, key: str, mandatory: str, kind: str | None
) -> None:
    fields = {field["key"]: field for field in client.get(f"{REPORTS}/argument/fields").json()[type_id]}
    assert fields[key].keys() == {"key", "description", "mandatory", "type"}
    assert fields[key]["mandatory"] == mandatory
    if kind is None:
        assert "'en_GB'" in fields[key]["type"]
    else:
        assert fields[key]["type"] == kind


def test_2_4_fields_are_listed_by_the_ids_of_types_and_all(client: httpx.Client) -> None:
    fields = client.get(f"{REPORTS}/argument/fields").json()
    assert list(fields) == ["all", *(type_["id"] for type_ in client.get(f"{REPORTS}/type").json())]


@pytest.mark.parametrize(("asked", "shown"), [("all", "all"), ("any", "all"), ("1", "1")])
def test_2_4_the_fields_of_one_type_can_be_asked_for(client: httpx.Client, asked: str, shown: str) -> None:
    path = f"{REPORTS}/argument/fields"
    assert client.get(path, params={"report_type_id": asked}).json() == {
        shown: client.get(path).json()[shown]
    }
    assert client.get(path, params={"report_type_id": "nonsense"}).status_code == 422


def test_2_4_a_type_of_field_is_read_by_its_form(client: httpx.Client) -> None:
    plain = {"email", "bool", "text", "number", "date", "list"}
    for field in (
        one for fields in client.get(f"{REPORTS}/argument/fields").json().values() for one in fields
    ):
        if field["type"].startswith("enum("):
            assert re.fullmatch(r"enum\('[^',]+'(, '[^',]+')*\)", field["type"])
        elif field["type"] not in plain:
            assert client.get(f"{REPORTS}/argument/values/{field['type']}").status_code == 200


def test_2_4_the_values_of_a_field_are_those_of_the_workshop(
    client: httpx.Client, other: httpx.Client
) -> None:
    path = f"{REPORTS}/argument/values/pbx_queue"
    queues, theirs = client.get(path).json(), other.get(path).json()
    assert {"id": "1", "name": "Verksted"} in queues
    assert {"id": "1", "name": "Service desk"} in theirs
    assert make_report(client, report_type_id="1", arguments=arguments(queue_id=queues[0]["id"]))
    refused = other.post(REPORTS, json=body(report_type_id="1", arguments=arguments(queue_id="3")))
    assert (refused.status_code, "error" in refused.json()) == (422, True)
    assert client.get(f"{REPORTS}/argument/values/nonsense").status_code == 404


@pytest.mark.parametrize("name", ["csv", "html", "pdf", "xlsx"])
def test_2_5_the_format_is_taken(client: httpx.Client, name: str) -> None:
    report_id = make_report(client, arguments=arguments(format=name))
    assert read_report(client, report_id)["arguments"]["format"][0]["value"] == name


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_2_5_the_interval_is_taken(client: httpx.Client, interval: str) -> None:
    assert read_report(client, make_report(client, interval=interval))["interval"] == interval


@pytest.mark.parametrize(
    "changes", [{"interval": "year"}, {"interval": ""}, {"arguments": arguments(format="docx")}]
)
def test_2_5_no_other_format_and_interval_is_taken(client: httpx.Client, changes: Any) -> None:
    answer = client.post(REPORTS, json=body(**changes))
    assert (answer.status_code, "error" in answer.json()) == (422, True)


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_2_5_the_last_complete_interval_is_covered(client: httpx.Client, interval: str) -> None:
    report_id = make_report(client, interval=interval)
    assert client.get(f"{REPORTS}/{report_id}/send").json() == []
    fire = client.get(f"{REPORTS}/{report_id}/fires").json()[0]
    start, end = (datetime.fromisoformat(fire[name]) for name in ("period_start", "period_end"))
    now = datetime.now(ZoneInfo("Europe/Oslo")).replace(tzinfo=None)
    day = timedelta(days=1)
    lengths = {
        "hour": timedelta(hours=1),
        "day": day,
        "week": 7 * day,
        "month": end - (end - day).replace(day=1),
    }
    assert end <= now
    assert end - start == lengths[interval]
    assert now - end <= (timedelta(days=31) if interval == "month" else lengths[interval])
    assert end == end.replace(minute=0, second=0, hour=end.hour if interval == "hour" else 0)
    assert interval != "week" or end.weekday() == 0
    assert interval != "month" or end.day == 1

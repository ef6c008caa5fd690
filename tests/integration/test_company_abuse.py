"""The company API under bodies and paths that nobody means well: refused as text, and nothing is kept."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.company_api import (
    REPORTS,
    arguments,
    body,
    company_client,
    make_report,
    read_report,
)

PLACES = [
    ("POST", REPORTS),
    ("PATCH", f"{REPORTS}/{{report}}"),
    ("POST", f"{REPORTS}/{{report}}/argument"),
    ("PATCH", f"{REPORTS}/{{report}}/argument/{{argument}}"),
    ("POST", f"{REPORTS}/download/csv"),
]


@pytest.fixture(scope="module")
def client(api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(api, "101") as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def logged(api: ApiServer) -> int:
    """How long the log was before the tests of this file."""
    return len(api.log.read_text())


@pytest.fixture(scope="module")
def known(client: httpx.Client) -> dict[str, str]:
    report_id = make_report(client)
    argument_id = read_report(client, report_id)["arguments"]["email"][0]["id"]
    return {"report": report_id, "argument": argument_id}


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"nonsense", 400),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "\xed\xa0\x80"}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b"0", 422),
        (b'"text"', 422),
        (b"[" * 10_000, 422),
        (b'{"key": ' + b"[" * 10_000, 422),
        (b'{"nonsense": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 422),
        (b'{"name": "' + b"a" * 70_000 + b'"}', 413),
        (b" " * 1_500_000, 413),
    ],
    ids=lambda part: str(part[:20]) if isinstance(part, bytes) else str(part),
)
def test_a_body_that_is_none_is_refused(
    client: httpx.Client, known: dict[str, str], place: tuple[str, str], content: bytes, status: int
) -> None:
    before = read_report(client, known["report"])
    method, path = place
    answer = client.request(method, path.format_map(known), content=content)
    # What does not fit may be found before what is no JSON, and after it.
    assert answer.status_code == status or (status == 422 and answer.status_code == 400)
    assert list(answer.json()) == ["error"]
    assert read_report(client, known["report"]) == before


STRANGE: list[Any] = [
    None,
    True,
    7,
    -1,
    1.5,
    10**30,
    1e308,
    [],
    {},
    [1],
    {"a": 1},
    "",
    "\0",
    "a\0b",
    "\u202e",
    "a\r\nb",
    "x" * 5000,
]


@pytest.mark.parametrize(
    "key",
    [
        "interval", "active", "name", "description", "email_link_only", "report_type_id", "arguments",
        "time_zone", "send_at", "cron", "weekdays_only", "last_day_of_month", "paused_until",
        "owner", "condition",
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_or_kept_as_it_is(client: httpx.Client, key: str) -> None:
    for value in STRANGE:
        answer = client.post(REPORTS, content=json.dumps(body(**{key: value})))
        assert answer.status_code in {200, 400, 422}, (value, answer.text)
        if answer.status_code == 200:
            shown = read_report(client, answer.json()["id"])[key]
            flags = {True: "1", False: "0"}
            assert shown in (value, flags.get(value) if isinstance(value, bool) else None) or value in (
                None,
                "",
            ), value
        else:
            assert set(answer.json()) - {"field"} == {"error"}
            assert answer.json().get("field", key).startswith(key)
            assert len(answer.text) < 1000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("email", "a@acme.example\r\nBcc: b@acme.example"),
        ("email", "a@acme.example,b@acme.example"),
        ("email", "a@acme.example\0"),
        ("email", "<a@acme.example>"),
        ("email", "x" * 300 + "@acme.example"),
        ("email", 7),
        ("format", "csv\0"),
        ("format", True),
        ("format", 10**400),
        ("status", "x" * 5000),
        ("status", "a\r\nb"),
        ("status", "\u202ea"),
        ("\0", "x"),
        ("", ""),
        ("k" * 5000, "x"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(client: httpx.Client, key: str, value: Any) -> None:
    answer = client.post(REPORTS, json=body(arguments=arguments((key, value))))
    assert (answer.status_code, "error" in answer.json()) in ((422, True), (400, True))
    assert len(answer.text) < 1000


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"kind": "other"},
        {"kind": "above"},
        {"kind": "above", "threshold": "NaN"},
        {"kind": "above", "threshold": "Infinity"},
        {"kind": "above", "threshold": "1e999999999"},
        {"kind": "above", "threshold": "x"},
        {"kind": "above", "threshold": 3, "column": "nothing"},
        {"kind": "above", "threshold": 3, "column": "\0"},
        {"kind": "above", "threshold": 3, "column": "price; drop table jobs"},
        {"kind": "changed", "threshold": [3]},
    ],
)
def test_a_condition_that_cannot_be_is_refused(client: httpx.Client, condition: Any) -> None:
    answer = client.post(REPORTS, json=body(condition=condition))
    assert (answer.status_code, "error" in answer.json()) == (422, True)


def test_a_condition_at_its_limits_can_be_looked_at(client: httpx.Client) -> None:
    for threshold in ("1e20", "-1e20", "0.0000000001", 10**30):
        answer = client.post(REPORTS, json=body(condition={"kind": "above", "threshold": threshold}))
        if answer.status_code == 200:
            report_id = answer.json()["id"]
            assert client.get(f"{REPORTS}/{report_id}/backtest?days=3").status_code == 200
            assert read_report(client, report_id)["condition"]["kind"] == "above"


@pytest.mark.parametrize(
    "report_id",
    ["0", "-1", "1.0", "1e3", "9" * 18, "9" * 19, "9223372036854775808", "9" * 5000, "abc", "%00", "1%00",
     "٣", "%ED%A0%80", "..%2f1", "1%20", "' OR 1=1 --", "*"],
    ids=lambda one: one[:20],
)  # fmt: skip
def test_what_is_no_id_is_not_found(client: httpx.Client, known: dict[str, str], report_id: str) -> None:
    argument = {"key": "email", "value": "a@acme.example"}
    for method, path, content in (
        ("GET", report_id, None),
        ("PATCH", report_id, {"name": "x"}),
        ("DELETE", report_id, None),
        ("GET", f"{report_id}/send", None),
        ("POST", f"{report_id}/test", None),
        ("GET", f"{report_id}/fires", None),
        ("GET", f"{report_id}/rehearsal", None),
        ("GET", f"{report_id}/backtest", None),
        ("POST", f"{report_id}/argument", argument),
        ("PATCH", f"{known['report']}/argument/{report_id}", argument),
        ("DELETE", f"{known['report']}/argument/{report_id}", None),
    ):
        answer = client.request(method, f"{REPORTS}/{path}", json=content)
        assert (answer.status_code, list(answer.json())) == (404, ["error"]), path[:60]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("rehearsal?count=", ("0", "101", "-1", "x", "1.5", "", "9" * 5000, "%00", "٣")),
        ("backtest?days=", ("0", "367", "-1", "x", "1.5", "", "9" * 5000, "%00")),
        ("fires?before=", ("-1", "x", "9" * 5000, "%00")),
    ],
)
def test_a_number_that_cannot_be_is_refused(
    client: httpx.Client, known: dict[str, str], path: str, values: tuple[str, ...]
) -> None:
    for value in values:
        answer = client.get(f"{REPORTS}/{known['report']}/{path}{value}")
        assert (answer.status_code, "error" in answer.json()) == (422, True), value[:60]


def test_a_thousand_arguments_are_too_many(client: httpx.Client) -> None:
    emails = [("email", f"a{number}@acme.example") for number in range(1000)]
    refused = client.post(REPORTS, json=body(arguments=arguments(*emails)))
    assert (refused.status_code, "error" in refused.json()) == (422, True)


def test_no_request_was_a_fault_of_the_program(api: ApiServer, logged: int) -> None:
    """The last test of the file: whatever was asked above, nothing failed unexpectedly."""
    assert not re.findall(r'"level":"(?:error|critical)".*', api.log.read_text()[logged:])

"""Downloads of the company API: the answer is the file, of the last complete interval."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar.testing import TestClient

from api.http.app import create_app
from api.http.company import download
from tests.api_server import EXPORTS, ApiServer
from tests.company_api import REPORTS, arguments, company_client

BODY = {"interval": "hour", "report_type_id": "1", "arguments": arguments()}
BEGINNINGS = {"csv": b"Time,Queue,", "xlsx": b"PK", "pdf": b"%PDF-", "html": b"<!DOCTYPE html>"}


@pytest.fixture(scope="module")
def client(working_api: ApiServer) -> Iterator[httpx.Client]:
    with company_client(working_api, "101") as opened:
        yield opened


def ask(client: httpx.Client | TestClient[Any], format_name: str, **changes: Any) -> httpx.Response:
    return client.post(f"{REPORTS}/download/{format_name}", json=BODY | changes)


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "pdf", "html"])
def test_2_6_the_answer_is_the_file(client: httpx.Client, format_name: str) -> None:
    answer = ask(client, format_name)
    assert answer.status_code == 200, answer.text
    assert answer.content.lstrip(b"\n").startswith(BEGINNINGS[format_name])
    assert f'.{format_name}"' in answer.headers["content-disposition"]
    assert answer.headers["content-length"] == str(len(answer.content))


def test_2_7_1_no_email_is_needed(client: httpx.Client) -> None:
    assert ask(client, "csv", arguments=[]).status_code == 200
    assert ask(client, "csv", arguments=[{"key": "format", "value": "csv"}]).status_code == 200


def test_2_7_2_the_format_of_the_path_wins(client: httpx.Client) -> None:
    answer = ask(client, "csv", arguments=arguments(format="pdf"))
    assert answer.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("format_name", "changes"),
    [
        ("docx", {}),
        ("csv;excel-nb", {}),
        ("csv", {"interval": "year"}),
        ("csv", {"report_type_id": "999"}),
        ("csv", {"arguments": arguments(option="nonsense")}),
        ("csv", {"arguments": arguments(queue_id="99999")}),
        ("csv", {"name": "x"}),
    ],
)
def test_2_7_7_what_cannot_be_made_is_refused(client: httpx.Client, format_name: str, changes: Any) -> None:
    answer = ask(client, format_name, **changes)
    assert (answer.status_code, "error" in answer.json()) == (422, True)


def test_2_4_the_language_works(client: httpx.Client) -> None:
    asked = {"en_GB": "Time,Queue,", "nb_NO": "Tid"}
    for language, beginning in asked.items():
        answer = ask(client, "csv", arguments=arguments(report_language=language))
        assert answer.text.lstrip("\ufeff").startswith(beginning), answer.text


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_2_5_the_last_complete_interval_is_covered(client: httpx.Client, interval: str) -> None:
    answer = ask(client, "csv", interval=interval, report_type_id="101", arguments=[])
    assert answer.status_code == 200
    filters = client.get(EXPORTS, params={"limit": 1}).json()["data"]["items"][0]["filters"]
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Oslo")).date()
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    day = timedelta(days=1)
    expected: dict[str, tuple[date, date]] = {
        "day": (today - day, today - day),
        "week": (monday - 7 * day, monday - day),
        "month": ((first - day).replace(day=1), first - day),
    }
    if interval in expected:  # the day of the last hour may have ended since
        assert (filters["date_from"], filters["date_to"]) == tuple(map(str, expected[interval]))
    else:
        assert filters["date_from"] == filters["date_to"]


def test_the_same_file_is_not_made_twice(working_api: ApiServer) -> None:
    with company_client(working_api, "102") as client, ThreadPoolExecutor(8) as pool:
        day = BODY | {"interval": "day"}
        answers = list(pool.map(lambda _: ask(client, "xlsx", **day), range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert len(client.get(EXPORTS).json()["data"]["items"]) == 1
    told = [row.action for row in working_api.events("102") if row.job_id]
    assert sorted(told) == ["downloaded"] * 8 + ["made"]


def test_what_failed_is_made_anew(api: ApiServer) -> None:
    """`api` has no worker, and no job but those asked for here."""
    with company_client(api, "101") as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, client, "csv")
        with api.records() as jobs:
            claimed = None
            while claimed is None:
                claimed = jobs.claim("test", api.settings().exports.lease)
                time.sleep(0.05)
            jobs.fail(claimed, "EXPORT_FAILED", "the store is full")
        refused = first.result()
        assert (refused.status_code, list(refused.json())) == (500, ["error"])
        assert "the store is full" in refused.text
        second = pool.submit(ask, client, "csv")
        with api.exports() as exports:
            while not exports.run():
                time.sleep(0.05)
        assert second.result().status_code == 200


def test_a_file_that_takes_long_is_waited_on_with_another_request(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 45 <= download._PATIENCE <= 55  # proxies commonly give up after 60
    monkeypatch.setattr(download, "_PATIENCE", 1.0)
    key = api.new_key("102", scopes=["definitions", "reports"])
    headers = {"Authorization": f"Bearer {key}"}
    app: Any = create_app(api.settings())
    with TestClient(app) as client:
        client.headers.update(headers)
        begun = time.monotonic()
        answer = ask(client, "csv", interval="month")
        assert time.monotonic() - begun >= 1
        assert (answer.status_code, list(answer.json())) == (503, ["error"])
        assert int(answer.headers["retry-after"]) > 0
        with api.exports() as exports:
            assert exports.run() is not None
        assert ask(client, "csv", interval="month").status_code == 200
        assert len(client.get(EXPORTS).json()["data"]["items"]) == 1

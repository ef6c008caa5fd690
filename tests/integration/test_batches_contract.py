"""Section by section, what clients of the batch API rely on; the names of the tests tell the section."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import run_api
from tests.batch_api import (
    BATCHES,
    LOW,
    BatchApi,
    body,
    finish,
    instant,
    items_of,
    make,
    make_mixed,
    readers,
)
from tests.batch_world import number_of

NOWHERE = "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f"
FOREIGN = int(number_of(5))


@pytest.fixture(scope="module")
def api(batch_api: BatchApi) -> BatchApi:
    return batch_api


@pytest.fixture(scope="module")
def client(api: BatchApi) -> Iterator[httpx.Client]:
    with api.client(1, 2, 3, LOW) as opened:
        yield opened


@pytest.fixture(scope="module")
def mixed(client: httpx.Client) -> Any:
    return make_mixed(client)


# 4.1 Base and authentication


@pytest.mark.parametrize("place", ["lasso-api-key", "accessKey", "x-api-key", "bearer"])
def test_4_1_the_key_stands_in_a_header_or_in_the_query(api: BatchApi, place: str) -> None:
    key = api.server.new_key("1", scopes=["batches"])
    with httpx.Client(base_url=api.server.url) as plain:
        if place == "accessKey":
            answer = plain.get(BATCHES, params={"accessKey": key})
        else:
            name, value = ("Authorization", f"Bearer {key}") if place == "bearer" else (place, key)
            answer = plain.get(BATCHES, headers={name: value})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("headers", [{}, {"lasso-api-key": "nonsense"}, {"Authorization": "Basic bm86bm8="}])
def test_4_1_without_a_key_401(api: BatchApi, headers: dict[str, str]) -> None:
    calls = [
        ("GET", BATCHES),
        ("POST", BATCHES),
        ("GET", f"{BATCHES}/{NOWHERE}"),
        ("GET", "/apps/reporting/x"),
    ]
    calls += [("GET", f"{BATCHES}/{NOWHERE}/{what}") for what in ("items", "download")]
    calls += [("POST", f"{BATCHES}/{NOWHERE}/{what}") for what in ("retry", "stop", "archive")]
    calls += [("GET", "/apps/reporting/webhooktest"), ("POST", "/apps/reporting/webhooktest")]
    for method, path in calls:
        answer = httpx.request(method, api.server.url + path, headers=headers)
        assert (answer.status_code, list(answer.json())) == (401, ["message"]), path


def test_4_1_any_user_of_an_organisation_sees_any_batch(api: BatchApi) -> None:
    with api.client(organisation=number_of(6)) as one, api.client(organisation=number_of(6)) as two:
        batch = finish(one, make(one, 6))
        assert two.get(f"{BATCHES}/{batch['id']}").json() == batch
        assert batch["id"] in [each["id"] for each in two.get(BATCHES).json()]
        assert batch["lassoOrgId"] == f"CVR-1-{number_of(6)}"


def test_4_1_lasso_ids_are_compared_without_regard_to_case(api: BatchApi, client: httpx.Client) -> None:
    for spelled in ("cvr-1-900000001", "CVR-1-900000001"):
        asked = {"url": api.url("/case"), "lassoId": spelled}
        assert client.get("/apps/reporting/webhooktest", params=asked).json()["delivered"]
    told = [json.loads(call.body)["lassoId"] for call in api.calls("/case", 2)]
    assert told == ["CVR-1-900000001"] * 2


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", BATCHES, b"{", 400),
        ("POST", BATCHES, b'{"batchName": "trailing comma",}', 400),
        ("POST", BATCHES, b"[]", 400),
        ("POST", BATCHES, b"{}", 400),
        ("GET", f"{BATCHES}/{NOWHERE}", None, 404),
        ("GET", f"{BATCHES}/nonsense", None, 404),
        ("GET", f"{BATCHES}/{NOWHERE}/items", None, 404),
        ("GET", f"{BATCHES}/{NOWHERE}/items/{NOWHERE}/download", None, 404),
        ("GET", f"{BATCHES}/{NOWHERE}/download", None, 404),
        ("POST", f"{BATCHES}/{NOWHERE}/retry", None, 404),
        ("GET", "/apps/reporting/nothing", None, 404),
        ("DELETE", BATCHES, None, 405),
        ("POST", BATCHES, b" " * (5 * 1024 * 1024), 413),
    ],
)
def test_4_1_an_error_is_a_message(
    client: httpx.Client, method: str, path: str, content: bytes | None, status: int
) -> None:
    answer = client.request(method, path, content=content)
    assert (answer.status_code, set(answer.json()) - {"field"}) == (status, {"message"})
    assert isinstance(answer.json()["message"], str)


def test_4_1_too_many_requests_429(tmp_path: Path, api: BatchApi) -> None:
    slow = run_api(api.warehouse.root, tmp_path, RATE_PER_MINUTE="2")
    with slow as server, server.client(key=server.new_key("1", scopes=["batches"])) as hasty:
        answers = [hasty.get(BATCHES) for _ in range(4)]
    assert answers[-1].status_code == 429
    assert list(answers[-1].json()) == ["message"]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_4_1_a_key_without_the_scope_is_refused(api: BatchApi) -> None:
    with readers(api, 1) as weak:
        answer = weak.get(BATCHES)
    assert (answer.status_code, list(answer.json())) == (403, ["message"])


def test_4_1_batches_are_there_for_their_account_alone(
    api: BatchApi, mixed: Any, client: httpx.Client
) -> None:
    [item, *_] = items_of(client, mixed)
    one = f"{BATCHES}/{mixed['id']}"
    paths = [("GET", one), ("GET", f"{one}/items"), ("GET", f"{one}/download")]
    paths += [("GET", f"{one}/items/{item['id']}/download")]
    paths += [("POST", f"{one}/{what}") for what in ("retry", "stop", "archive")]
    for workshops in ([1], [5], [1, 2, 3]):
        with api.client(*workshops) as other:
            assert mixed["id"] not in [batch["id"] for batch in other.get(BATCHES).json()]
            for method, path in paths:
                answer = other.request(method, path)
                assert (answer.status_code, list(answer.json())) == (404, ["message"]), path


# 4.2 Create


@pytest.mark.parametrize("name", ["batchName", "type", "format", "items"])
def test_4_2_what_is_required(client: httpx.Client, name: str) -> None:
    for missing in (..., None):
        answer = client.post(BATCHES, json=body(1, **{name: missing}))
        assert (answer.status_code, name in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Revision", "Revision"), ("revision", "Revision"), (0, "Revision"), ("0", "Revision"),
        ("Finans", "Finans"), (1, "Finans"), ("ReelleEjere", "ReelleEjere"), (2, "ReelleEjere"),
        ("RevisionUdvidet", "RevisionUdvidet"), (3, "RevisionUdvidet"), ("bookings", "bookings"),
    ],
)  # fmt: skip
def test_4_2_a_type_is_a_name_or_a_number_and_the_name_is_told(
    client: httpx.Client, given: object, shown: str
) -> None:
    made = make(client, 1, type=given, scheduledTime="2090-01-01 00:00:00")
    assert made["type"] == shown


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "nothing"}, {"type": 9}, {"type": True}, {"type": None},
        {"batchName": ""}, {"batchName": 7},
        {"format": "{nothing}"}, {"format": ""},
        {"items": []}, {"items": {}}, {"items": [{}]}, {"items": [7]}, {"items": [{"cvr": ""}]},
        {"items": [{"cvr": 1.5}]}, {"items": [{"cvr": True}]}, {"items": [{"cvr": 1, "nothing": 1}]},
        {"items": [{"cvr": 1, "internalCustomerId": "77"}]}, {"items": [{"cvr": 1, "format": "{nothing}"}]},
        {"scheduledTime": "tomorrow"}, {"scheduledTime": "2026-04-01"}, {"scheduledTime": 7},
        {"scheduledTime": "2026-13-01 00:00:00"}, {"scheduledTime": "2026-04-01T00:00:00+02:00"},
        {"notificationEmail": "nobody"}, {"notificationEmail": "a@b.example\r\nBcc: c@d.example"},
        {"notificationWebhookUrl": "ftp://hooks.example/"}, {"notificationWebhookUrl": "http://10.0.0.1/"},
        {"notificationWebhookUrl": "http://169.254.169.254/latest"},
        {"authConfig": {"Method": "Header", "Key": "K", "Value": "v"}}, {"authConfig": "none"},
        {"isListener": "yes"}, {"isListener": True, "type": "Revision"},
        {"errorAppend": 7}, {"errorAppend": "x" * 60},
        {"filters": {"nothing": 1}}, {"outputFormat": "docx"}, {"language": "fr"}, {"nothing": 1},
    ],
)  # fmt: skip
def test_4_2_what_cannot_be_met_is_refused(client: httpx.Client, changes: dict[str, Any]) -> None:
    before = len(client.get(BATCHES).json())
    answer = client.post(BATCHES, json=body(1, **changes))
    assert (answer.status_code, list(answer.json())) == (400, ["message", "field"])
    assert answer.json()["field"].partition("[")[0] in {*changes, "body"}
    assert len(client.get(BATCHES).json()) == before


def test_4_2_keys_are_matched_without_regard_to_case(client: httpx.Client) -> None:
    given = body(IsListener=True, TriggerNow=False, scheduledTime="2090-01-01 00:00:00", items=...)
    given["ITEMS"] = [{"CVR": int(number_of(1)), "InternalCustomerID": 5}]
    answer = client.post(BATCHES, json=given)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["isListener"], shown["triggerNow"], shown["batchSize"]) == (True, False, 1)


def test_4_2_a_key_that_stands_twice_is_refused(client: httpx.Client) -> None:
    answer = client.post(BATCHES, json={**body(1), "TYPE": "Revision"})
    assert (answer.status_code, "twice" in answer.json()["message"]) == (400, True)


def test_4_2_the_sample_without_its_trailing_comma(client: httpx.Client) -> None:
    sample = {
        "batchName": "My Batch",
        "format": "{cvr}-{name}-{type}",
        "type": "Revision",
        "notificationEmail": "mail@mail.com",
        "notificationWebhookUrl": "https://8.8.8.8/reportwebhook",
        "authConfig": None,
        "errorAppend": "#error",
        "scheduledTime": "2090-01-01 01:00:00",
        "items": [
            {"cvr": 34580820, "format": "1234-{cvr}-{name}", "internalCustomerId": 1234},
            {"cvr": 34580821, "format": "4321-{cvr}-{name}", "internalCustomerId": 4321},
        ],
        "IsListener": False,
        "TriggerNow": False,
    }
    answer = client.post(BATCHES, json=sample)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert client.get(f"{BATCHES}/{shown['id']}").json() == shown
    assert (shown["batchSize"], shown["status"]) == (2, "Scheduled")


def test_4_2_scheduled_time_is_utc(client: httpx.Client) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=4)).replace(microsecond=0)
    batch = make(client, 1, scheduledTime=f"{soon:%Y-%m-%d %H:%M:%S}")
    assert batch["status"] == "Scheduled" or datetime.now(UTC) > soon
    assert instant(batch["scheduledTime"]) == soon
    assert batch["completionPercentage"] == 0
    ended = finish(client, batch)
    assert instant(ended["finishedOn"]) >= soon
    assert ended["status"] == "Finished"


def test_4_2_without_a_time_it_runs_now(client: httpx.Client) -> None:
    batch = make(client, 1)
    assert (batch["status"], batch["scheduledTime"]) == ("Initializing", None)
    assert finish(client, batch)["status"] == "Finished"


def test_4_2_names_are_filled_made_fit_and_unlike(client: httpx.Client) -> None:
    one = int(number_of(1))
    items = [
        {"cvr": one, "internalCustomerId": 77},
        {"cvr": one, "format": "{balanceday}-{type}"},
        {"cvr": one, "format": "a/b:c"},
        {"cvr": one, "format": "a_b_c"},
        {"cvr": one, "format": "A_B_C"},
        {"cvr": FOREIGN, "internalCustomerId": 8},
    ]
    today = datetime.now(UTC).date()
    batch = finish(client, make(client, *items, format="{cvr}-{name}-{rundate}", errorAppend="#error"))
    names = [item["name"] for item in items_of(client, batch)]
    days = {f"{today + timedelta(days=n)}" for n in (-1, 0, 1)}
    assert {f"77-{one}-Verksted 1-{day}" for day in days} & set(names)
    assert {f"8-{FOREIGN}--{day}#error" for day in days} & set(names)
    assert {"-ReelleEjere", "a_b_c", "a_b_c-2", "A_B_C-3"} <= set(names)


def test_4_2_the_answer_is_the_batch_with_its_id(client: httpx.Client) -> None:
    batch = make(client, 1, 2, batchName="Q1 portfolio")
    assert client.get(f"{BATCHES}/{batch['id']}").json()["name"] == "Q1 portfolio"


def test_4_2_ours_filters_format_and_language(client: httpx.Client) -> None:
    asked = {"filters": {"rating_min": 4}, "outputFormat": "csv", "language": "da"}
    batch = finish(client, make(client, 1, **asked))
    assert (batch["outputFormat"], batch["language"]) == ("csv", "da")
    assert float(batch["filters"]["rating_min"]) == 4
    [item] = items_of(client, batch)
    answer = client.get(f"{BATCHES}/{batch['id']}/items/{item['id']}/download")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "Bedømmelse" in answer.text

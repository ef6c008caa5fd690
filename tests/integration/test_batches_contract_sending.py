"""What clients of the batch API rely on, continued: webhooks, listeners, and what its users count on."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from exporters.database import open_database
from exporters.database.schema import metadata
from tests.batch_api import (
    BATCHES,
    LOW,
    MIXED,
    WEBHOOK_TEST,
    BatchApi,
    body,
    finish,
    instant,
    items_of,
    make,
    wait_until,
)
from tests.batch_world import number_of
from tests.webhook_receiver import Behaviour

NOWHERE = "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f"
FOREIGN = int(number_of(5))
SECRET = "s3cret-of-the-hook"


@pytest.fixture(scope="module")
def api(batch_api: BatchApi) -> BatchApi:
    return batch_api


@pytest.fixture(scope="module")
def client(api: BatchApi) -> Iterator[httpx.Client]:
    with api.client(1, 2, 3, LOW) as opened:
        yield opened


# 4.6 Webhooks


def test_4_6_one_call_for_each_finished_report_with_its_link_and_status(
    api: BatchApi, client: httpx.Client
) -> None:
    items = ({"cvr": int(number_of(1)), "internalCustomerId": 77}, LOW, {"cvr": FOREIGN})
    batch = finish(client, make(client, *items, notificationWebhookUrl=api.url("/each"), **MIXED))
    told = {call["itemId"]: call for call in map(_body, api.calls("/each", 3))}
    listed = {item["id"]: item for item in items_of(client, batch)}
    assert told.keys() == listed.keys()
    for item_id, call in told.items():
        item = listed[item_id]
        names = ("batchId", "lassoId", "cvr", "printType", "status", "name", "createdOn")
        assert {name: call[name] for name in names} == {name: item[name] for name in names}
        if item["status"] == "Failed":
            assert call["pdfurl"] is None
        else:
            file = api.follow(call["pdfurl"])
            assert (file.status_code, file.content[:5]) == (200, b"%PDF-")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_4_6_a_test_call_sends_a_dummy(api: BatchApi, client: httpx.Client, method: str) -> None:
    auth = {"Method": "Header", "Key": "X-Hook-Key", "Value": SECRET}
    path = f"/dummy-{method}"
    asked = {"url": api.url(path), "lassoId": "cvr-1-3580820", "batchId": NOWHERE, "reportType": "2"}
    answer = client.request(method, WEBHOOK_TEST, params=asked, json=auth if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (200, {"delivered": True, "code": "200", "message": ""})
    [call] = api.calls(path, 1)
    assert call.headers.get("x-hook-key") == (SECRET if method == "POST" else None)
    sent = _body(call)
    expected = {
        "batchId": NOWHERE, "lassoId": "CVR-1-3580820", "cvr": 3580820, "printType": "ReelleEjere",
        "status": "Completed",
    }  # fmt: skip
    assert {name: sent[name] for name in expected} == expected
    assert {"itemId", "name", "pdfurl", "createdOn"} <= sent.keys()


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(status=204), "204"), (Behaviour(status=299), "299"), (Behaviour(status=500), "500"),
        (Behaviour(status=302, headers={"Location": "http://127.0.0.1:1/"}), "302"),
        (Behaviour(status=410), "410"), (Behaviour(cut="before"), "CUT"),
        (Behaviour(raw=b"no\r\n\r\n"), "NOT_HTTP"),
    ],
)  # fmt: skip
def test_4_6_success_is_200_to_299(
    api: BatchApi, client: httpx.Client, behaviour: Behaviour, code: str
) -> None:
    api.answers["/told"] = behaviour
    answer = client.get(WEBHOOK_TEST, params={"url": api.url("/told")})
    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert answer.json()["delivered"] == (code in {"204", "299"})


@pytest.mark.parametrize(
    "params",
    [
        {}, {"url": ""}, {"url": "nonsense"}, {"url": "http://10.0.0.1/"}, {"url": "http://169.254.169.254/"},
        {"url": "http://[::1]/"}, {"url": "http://8.8.8.8:6379/"}, {"url": "http://user:pw@8.8.8.8/"},
        {"url": "http://127.0.0.1:25/"}, {"url": "file:///etc/passwd"},
        {"url": "URL", "lassoId": "nonsense"}, {"url": "URL", "batchId": "7"},
        {"url": "URL", "reportType": "nothing"},
    ],
)  # fmt: skip
def test_4_6_what_may_not_be_called_is_refused(
    api: BatchApi, client: httpx.Client, params: dict[str, str]
) -> None:
    asked = {name: api.url("/never") if value == "URL" else value for name, value in params.items()}
    answer = client.get(WEBHOOK_TEST, params=asked)
    assert (answer.status_code, "message" in answer.json()) == (400, True)
    assert [call for call in api.receiver.calls if call.target == "/never"] == []


@pytest.mark.parametrize(
    "auth",
    [
        {}, {"Method": "Header"}, {"Method": "None", "Key": "k", "Value": SECRET},
        {"Method": "Header", "Key": "Host", "Value": SECRET},
        {"Method": "Header", "Key": "X-Key", "Value": f"{SECRET}\r\nX-Other: 1"},
        {"Method": "BasicAuth", "Key": "a:b", "Value": SECRET}, [], "none", 7,
    ],
)  # fmt: skip
def test_4_6_an_auth_that_cannot_be_used_is_refused_and_not_quoted(
    api: BatchApi, client: httpx.Client, auth: object
) -> None:
    hook = api.url("/refused")
    answers = [client.post(WEBHOOK_TEST, params={"url": hook}, json=auth)]
    answers.append(client.post(BATCHES, json=body(1, notificationWebhookUrl=hook, authConfig=auth)))
    for answer in answers:
        assert (answer.status_code, "message" in answer.json()) == (400, True)
        assert SECRET not in answer.text


def test_4_6_head_calls_nothing(api: BatchApi, client: httpx.Client) -> None:
    assert client.head(WEBHOOK_TEST, params={"url": api.url("/head")}).status_code == 405
    assert [call for call in api.receiver.calls if call.target == "/head"] == []


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"Method": "Header", "Key": "X-Hook-Key", "Value": SECRET}, "x-hook-key", SECRET),
        ({"method": "BASICAUTH", "key": "lasso", "value": "pw"}, "authorization", "Basic bGFzc286cHc="),
    ],
)
def test_4_6_the_receiver_knows_the_caller(
    api: BatchApi, client: httpx.Client, auth: dict[str, str], header: str, value: str
) -> None:
    path = f"/auth-{header}"
    finish(client, make(client, 1, notificationWebhookUrl=api.url(path), authConfig=auth))
    [call] = api.calls(path, 1)
    assert call.headers[header] == value


def test_4_6_an_auth_is_never_told_again(api: BatchApi, client: httpx.Client) -> None:
    hook = api.url(f"/secret?of={SECRET}-path")
    auth = {"Method": "Header", "Key": "X-Hook-Key", "Value": SECRET}
    batch = make(client, 1, notificationWebhookUrl=hook, authConfig=auth)
    ended = finish(client, batch)
    listed = client.get(BATCHES).text
    for shown in (json.dumps(batch), json.dumps(ended), listed, json.dumps(items_of(client, batch))):
        assert f'"{SECRET}"' not in shown
        assert "X-Hook-Key" not in shown
    log = api.server.log.read_text()
    rows = api.server.events("1")
    assert SECRET not in log
    assert SECRET not in repr(rows)
    url = api.server.settings().jobs_database
    with closing(open_database(url)) as database, database.reading() as connection:
        held = repr([connection.execute(table.select()).all() for table in metadata.sorted_tables])
    assert SECRET not in held.replace(f"{SECRET}-path", "")


def test_4_6_a_call_that_fails_is_tried_again_in_five_minutes(api: BatchApi, client: httpx.Client) -> None:
    api.answers["/down"] = Behaviour(status=503)
    batch = make(client, 1, notificationWebhookUrl=api.url("/down"))
    assert finish(client, batch)["status"] == "Finished"  # it has nothing to do with the report
    [call] = api.calls("/down", 1)
    with api.client(1, 2, 3, LOW, scopes=["batches", "reports"]) as reader:
        delivery = wait_until(
            lambda: found if (found := _delivery(reader, call.webhook_id))["state"] == "queued" else None,
            "the next try",
        )
    wait = datetime.fromisoformat(delivery["due_at"]) - datetime.now(UTC)
    assert timedelta(0) < wait < timedelta(minutes=6, seconds=5)  # of the five, the look took some


# 4.7 Listener batches


def test_4_7_a_listener_fires_on_changes_of_its_items(api: BatchApi) -> None:
    mail = "listener@acme.example"
    hook = api.url("/listener")
    with api.client(1, 2, 3, LOW) as client:
        quiet = make(client, 1, 2, isListener=True, notificationWebhookUrl=hook, notificationEmail=mail)
        eager = make(client, 1, 2, isListener=True, triggerNow=True)
        assert finish(client, eager)["status"] == "Listening"
        assert finish(client, quiet)["status"] == "Listening"
        assert items_of(client, quiet) == []  # without triggerNow the first comes with the first change
        assert len(items_of(client, eager)) == 2
        api.night(rated={LOW: 2.0, 2: 3.5})
        for batch, count in ((quiet, 1), (eager, 3)):
            items = wait_until(lambda b=batch, n=count: _so_many(client, b, n), "a run for the change")
            assert items[-1]["cvr"] == int(number_of(2))
            assert finish(client, batch)["batchSize"] == 2  # items grow, the size stays
        api.night(rated={LOW: 2.0, 2: 3.5})  # nothing has changed
        api.night(rated={LOW: 2.0, 1: 3.0, 2: 3.5})
        items = wait_until(lambda: _so_many(client, quiet, 2), "a run for the next change")
        assert [item["cvr"] for item in items] == [int(number_of(2)), int(number_of(1))]
        assert len({item["name"] for item in items_of(client, eager)}) == len(items_of(client, eager))
        assert len(api.calls("/listener", 2)) == 2
        assert len(api.mails(mail, 2)) == 2
        stopped = client.post(f"{BATCHES}/{quiet['id']}/stop").json()
        assert stopped["status"] == "ListeningStopped"
        assert client.get(f"{BATCHES}/{quiet['id']}").json()["status"] == "ListeningStopped"
        client.post(f"{BATCHES}/{eager['id']}/stop")
    api.night()


def test_4_7_only_types_that_can_listen_do(client: httpx.Client) -> None:
    answer = client.post(BATCHES, json=body(1, type="Finans", isListener=True))
    assert (answer.status_code, "listen" in answer.json()["message"]) == (400, True)


def test_4_7_what_does_not_listen_cannot_be_stopped(client: httpx.Client) -> None:
    batch = make(client, 1, scheduledTime="2090-01-01 00:00:00")
    assert client.post(f"{BATCHES}/{batch['id']}/stop").status_code == 400


# 4.8 What users rely on


def test_4_8_one_mail_and_one_call_for_each_item(api: BatchApi, client: httpx.Client) -> None:
    mail = "each@acme.example"
    items = (1, LOW, 1, {"cvr": FOREIGN}, {"cvr": 1})
    sent = {"notificationEmail": mail, "notificationWebhookUrl": api.url("/users")}
    batch = finish(client, make(client, *items, **sent, **MIXED))
    calls, mails = api.calls("/users", 5), api.mails(mail, 5)
    assert (len(calls), len(mails)) == (5, 5)
    assert len({call.webhook_id for call in calls}) == 5
    assert {_body(call)["itemId"] for call in calls} == {item["id"] for item in items_of(client, batch)}
    attached = [part.get_filename() for message in mails for part in message.iter_attachments()]
    names = {f"{item['name']}.pdf" for item in items_of(client, batch) if item["status"] != "Failed"}
    assert (set(attached), len(attached)) == (names, 3)


def test_4_8_a_bad_company_stops_nothing_and_carries_error_append(client: httpx.Client) -> None:
    poisoned = [{"cvr": FOREIGN}, {"cvr": 1}, {"cvr": "no number at all"}]
    batch = finish(client, make(client, 1, *poisoned, 2, 3, errorAppend="#error"))
    states = [
        (item["cvr"], item["status"], item["name"].endswith("#error")) for item in items_of(client, batch)
    ]
    good = {(int(number_of(n)), "Completed", False) for n in (1, 2, 3)}
    assert {*states} == {*good, *((item[0], "Failed", True) for item in states if item[1] == "Failed")}
    assert len(states) == 6


def test_4_8_failed_items_alone_are_tried_again(api: BatchApi) -> None:
    with api.client(1, 3) as client:
        batch = finish(client, make(client, 1, {"cvr": 912345678}, errorAppend="#error"))
        assert batch["status"] == "FinishedWithErrors"
        done, failed = sorted(items_of(client, batch), key=lambda item: str(item["status"]))
        api.night(renumbered={3: "912345678"})
        retried = client.post(f"{BATCHES}/{batch['id']}/retry").json()
        assert (retried["status"], retried["completionPercentage"]) == ("Executing", 0.5)
        ended = finish(client, batch, "Finished")
        items = items_of(client, batch)
        assert (ended["batchSize"], ended["completionPercentage"]) == (2, 1)
        assert [(item["status"], item["run"]) for item in items] == [("Completed", 0), ("Completed", 1)]
        assert items[0] == done
        assert items[1]["name"] == failed["name"].removesuffix("-#error") + "-Verksted 3"
        assert items[1]["id"] != failed["id"]
        again = client.post(f"{BATCHES}/{batch['id']}/retry")
    api.night()
    assert (again.status_code, "nothing to retry" in again.json()["message"]) == (400, True)


def test_4_8_the_customers_number_comes_first(client: httpx.Client) -> None:
    one = {"cvr": int(number_of(1)), "internalCustomerId": 1234, "format": "VIP-{cvr}"}
    batch = finish(client, make(client, one))
    assert [item["name"] for item in items_of(client, batch)] == [f"1234-VIP-{number_of(1)}"]


def test_4_8_scheduled_time_is_not_danish_time(client: httpx.Client) -> None:
    later = datetime.now(UTC) + timedelta(minutes=30)
    batch = make(client, 1, scheduledTime=f"{later:%Y-%m-%d %H:%M:%S}")
    # An hour or two ahead of UTC, Danish time would have passed already.
    assert batch["status"] == "Scheduled"
    assert instant(batch["scheduledTime"]) == later.replace(microsecond=0)


def _body(call: Any) -> Any:
    return json.loads(call.body)


def _so_many(client: httpx.Client, batch: Any, count: int) -> Any:
    items = items_of(client, batch)
    return items if len(items) >= count else None


def _delivery(client: httpx.Client, delivery_id: str) -> Any:
    return client.get(f"/api/ws/v2/reports/deliveries/{delivery_id}").json()["data"]

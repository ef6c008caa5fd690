"""Section by section, what clients of the batch API rely on; the names of the tests tell the section."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.batch_api import (
    BATCHES,
    LOW,
    MIXED,
    BatchApi,
    body,
    finish,
    instant,
    items_of,
    make,
    readers,
    run_batch_api,
)
from tests.batch_world import number_of

NOWHERE = "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f"
FOREIGN = int(number_of(5))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchApi]:
    with run_batch_api(tmp_path_factory.mktemp("batches")) as running:
        yield running


@pytest.fixture(scope="module")
def client(api: BatchApi) -> Iterator[httpx.Client]:
    with api.client(1, 2, 3, LOW) as opened:
        yield opened


@pytest.fixture(scope="module")
def mixed(client: httpx.Client) -> Any:
    """A finished batch of three reports: one completed, one without rows, one of no workshop."""
    items = (
        {"cvr": int(number_of(1)), "internalCustomerId": 77},
        LOW,
        {"cvr": FOREIGN, "format": "VIP-{cvr}"},
    )
    return finish(client, make(client, *items, **MIXED))


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
    assert (answer.status_code, list(answer.json())) == (status, ["message"])
    assert isinstance(answer.json()["message"], str)


def test_4_1_too_many_requests_429(tmp_path: Path, api: BatchApi) -> None:
    with run_batch_api(tmp_path, RATE_PER_MINUTE="2") as slow, slow.client(1) as hasty:
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
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
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
    assert (batch["status"], instant(batch["scheduledTime"])) == ("Scheduled", soon)
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


# 4.3 Batch


def test_4_3_the_list_is_a_bare_array_and_the_newest_comes_first(client: httpx.Client) -> None:
    made = [make(client, 1, scheduledTime="2090-01-01 00:00:00")["id"] for _ in range(2)]
    listed = client.get(BATCHES).json()
    assert [batch["id"] for batch in listed[:2]] == made[::-1]


def test_4_3_the_fields_of_a_batch(client: httpx.Client) -> None:
    given = {
        "batchName": "Fields",
        "scheduledTime": "2090-04-01 01:00:00",
        "notificationEmail": "all@acme.example",
        "notificationWebhookUrl": "https://8.8.8.8/lasso",
        "errorAppend": "#error",
    }
    batch = make(client, 1, 2, **given)
    shown = client.get(f"{BATCHES}/{batch['id']}").json()
    expected = {
        "name": "Fields",
        "batchName": "Fields",
        "emailFormat": "{cvr}-{name}",
        "format": "{cvr}-{name}",
        "type": "ReelleEjere",
        "scheduledTime": "2090-04-01T01:00:00Z",
        "archived": False,
        "notificationEmail": "all@acme.example",
        "notificationWebHookUrl": "https://8.8.8.8/lasso",
        "notificationWebhookUrl": "https://8.8.8.8/lasso",
        "errorAppend": "#error",
        "isListener": False,
        "triggerNow": False,
        "status": "Scheduled",
        "batchSize": 2,
        "completionPercentage": 0.0,
    }
    assert {name: shown[name] for name in expected} == expected
    assert abs(instant(shown["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert shown["lassoOrgId"] is None
    assert shown["lassoUserId"].startswith("key:")
    [listed] = [each for each in client.get(BATCHES).json() if each["id"] == batch["id"]]
    assert {*shown} - {*listed} == {"lassoOrgId", "lassoUserId"}


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([1, 2], "Finished"),
        ([1, LOW], "FinishedWithWarning"),
        ([1, LOW, {"cvr": FOREIGN}], "FinishedWithErrors"),
        ([{"cvr": 1}], "FinishedWithErrors"),
    ],
)
def test_4_3_how_a_batch_ends(client: httpx.Client, items: Any, status: str) -> None:
    ended = finish(client, make(client, *items, **MIXED))
    assert (ended["status"], ended["completionPercentage"]) == (status, 1.0)
    assert ended["batchSize"] == len(items)


def test_4_3_completion_goes_from_0_to_1(client: httpx.Client) -> None:
    batch = make(client, *([1, 2, 3] * 12))
    seen = [batch]
    while seen[-1]["status"] in {"Initializing", "Executing"}:
        seen.append(client.get(f"{BATCHES}/{batch['id']}").json())
    shares = [each["completionPercentage"] for each in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(share < 1 for share, each in zip(shares, seen, strict=True) if each["status"] == "Executing")
    assert {each["status"] for each in seen} >= {"Executing", "Finished"}


def test_4_3_ours_a_batch_at_its_end_is_archived(client: httpx.Client) -> None:
    waiting = make(client, 1, scheduledTime="2090-01-01 00:00:00")
    assert client.post(f"{BATCHES}/{waiting['id']}/archive").status_code == 400
    ended = finish(client, make(client, 1))
    assert client.post(f"{BATCHES}/{ended['id']}/archive").json()["archived"] is True
    [listed] = [each for each in client.get(BATCHES).json() if each["id"] == ended["id"]]
    assert listed["archived"] is True


# 4.4 Items


def test_4_4_finished_reports_are_listed_not_scheduled_ones(client: httpx.Client) -> None:
    batch = make(client, 1, scheduledTime="2090-01-01 00:00:00")
    answer = client.get(f"{BATCHES}/{batch['id']}/items").json()
    assert answer == {"results": [], "continuationToken": None}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_4_4_they_are_filtered_by_status(client: httpx.Client, mixed: Any, number: int) -> None:
    name = ["Completed", "Warning", "Failed"][number]
    for asked in (name, name.lower(), str(number)):
        assert [item["status"] for item in items_of(client, mixed, status=asked)] == [name]


def test_4_4_an_unknown_status_is_refused(client: httpx.Client, mixed: Any) -> None:
    answer = client.get(f"{BATCHES}/{mixed['id']}/items", params={"status": "Running"})
    assert (answer.status_code, "Completed" in answer.json()["message"]) == (400, True)


def test_4_4_a_token_leads_to_the_next_page(client: httpx.Client) -> None:
    unknown: list[Any] = [{"cvr": 1}] * 230
    batch = finish(client, make(client, *unknown))
    one = f"{BATCHES}/{batch['id']}/items"
    pages, token = [], ""
    while token is not None:
        page = client.get(one, params={"cToken": token} if token else {}).json()
        pages.append(page["results"])
        token = page["continuationToken"]
    assert [len(page) for page in pages] == [100, 100, 30]
    assert len({item["id"] for page in pages for item in page}) == 230
    first = client.get(one).json()["continuationToken"]
    for asked in ({"cToken": first, "status": "Failed"}, {"cToken": "nonsense"}, {"cToken": f"{first}x"}):
        assert client.get(one, params=asked).status_code == 400


def test_4_4_the_fields_of_an_item(api: BatchApi, client: httpx.Client, mixed: Any) -> None:
    by_status = {item["status"]: item for item in items_of(client, mixed)}
    done, warned, failed = (by_status[name] for name in ("Completed", "Warning", "Failed"))
    one = int(number_of(1))
    expected = {
        "batchId": mixed["id"],
        "cvr": one,
        "lassoId": f"CVR-1-{one}",
        "name": f"77-{one}-Verksted 1",
        "printType": "ReelleEjere",
        "internalCustomerId": 77,
        "format": None,
    }
    assert {name: done[name] for name in expected} == expected
    assert abs(instant(done["createdOn"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert (failed["format"], failed["pdfurl"], failed["errorCode"]) == (
        "VIP-{cvr}",
        None,
        "WORKSHOP_NOT_FOUND",
    )
    assert failed["name"] == f"VIP-{FOREIGN}#error"
    for item in (done, warned):
        file = api.follow(item["pdfurl"])
        assert (file.status_code, file.content[:5]) == (200, b"%PDF-")
        assert (file.headers["content-type"], len(file.content)) == ("application/pdf", item["size"])
        assert item["name"] in file.headers["content-disposition"]


def test_4_4_a_link_is_absolute_signed_and_told_to_nobody(
    api: BatchApi, client: httpx.Client, mixed: Any
) -> None:
    [item] = items_of(client, mixed, status="Completed")
    link = item["pdfurl"]
    assert link.startswith("http://127.0.0.1:8000/reports/items/")
    signature = link.rpartition(".")[2]
    changed = link[:-1] + ("A" if link[-1] != "A" else "B")
    for wrong in (changed, link.rpartition(".")[0], link.replace("/reports/items/", "/reports/files/")):
        assert api.follow(wrong).status_code == 404
    assert api.follow(link).status_code == 200
    assert signature not in api.server.log.read_text()
    [taken] = [row for row in api.server.audit("1") if row.actor == f"link:{item['id']}"][:1]
    assert taken.action == "downloaded"


def test_4_4_a_link_ends_with_its_file(api: BatchApi, client: httpx.Client) -> None:
    batch = finish(client, make(client, 1))
    [item] = items_of(client, batch)
    with api.server.exports() as exports:
        exports.jobs.expire(
            next(
                job.job_id
                for job in exports.jobs.list("1", limit=50)
                if job.file_name == f"{item['name']}.pdf"
            )
        )
    assert api.follow(item["pdfurl"]).status_code == 410
    download = client.get(f"{BATCHES}/{batch['id']}/items/{item['id']}/download")
    assert (download.status_code, list(download.json())) == (410, ["message"])
    [shown] = items_of(client, batch)
    assert (shown["status"], shown["pdfurl"]) == ("Completed", None)


def test_4_4_ours_an_item_is_downloaded_by_itself(client: httpx.Client, mixed: Any) -> None:
    for item in items_of(client, mixed):
        answer = client.get(f"{BATCHES}/{mixed['id']}/items/{item['id']}/download")
        if item["status"] == "Failed":
            assert (answer.status_code, list(answer.json())) == (404, ["message"])
        else:
            assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")


# 4.5 Download


def test_4_5_a_zip_of_all_finished_reports(client: httpx.Client, mixed: Any) -> None:
    answer = client.get(f"{BATCHES}/{mixed['id']}/download")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert 'filename="Q1.zip"' in answer.headers["content-disposition"]
    items = items_of(client, mixed)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        files = {f"{item['name']}.pdf" for item in items if item["status"] != "Failed"}
        results = {f"results/{item['name']}.json" for item in items}
        assert set(found.namelist()) == {*files, *results, "results/index.csv"}
        assert all(found.read(name)[:5] == b"%PDF-" for name in files)


def test_4_5_none_finished_404(client: httpx.Client) -> None:
    batch = make(client, 1, scheduledTime="2090-01-01 00:00:00")
    answer = client.get(f"{BATCHES}/{batch['id']}/download")
    assert (answer.status_code, list(answer.json())) == (404, ["message"])


def test_4_5_while_it_executes_those_finished_so_far(client: httpx.Client) -> None:
    batch = make(client, *([1, 2, 3] * 20))
    answer = client.get(f"{BATCHES}/{batch['id']}/download")
    while answer.status_code == 404:
        answer = client.get(f"{BATCHES}/{batch['id']}/download")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert 0 < len([name for name in found.namelist() if name.endswith(".pdf")]) <= 60
    finish(client, batch)


def test_4_5_the_download_is_on_record(api: BatchApi, client: httpx.Client, mixed: Any) -> None:
    client.get(f"{BATCHES}/{mixed['id']}/download")
    taken = [row for row in api.server.audit("1") if row.detail == {"batch_id": mixed["id"]}]
    assert {row.action for row in taken} == {"downloaded"}

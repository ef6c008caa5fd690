"""What clients of the batch API rely on, continued: batches, their finished reports, and the zip."""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.batch_api import (
    BATCHES,
    LOW,
    MIXED,
    BatchApi,
    finish,
    instant,
    items_of,
    make,
    make_mixed,
)
from tests.batch_world import number_of

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
    batch = make(client, *([1, 2, 3] * 6))
    seen = [batch]
    while seen[-1]["status"] in {"Initializing", "Executing"}:
        time.sleep(0.02)
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
    [taken] = [row for row in api.server.events("1") if row.actor == f"link:{item['id']}"][:1]
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
    batch = make(client, *([1, 2, 3] * 8))
    answer = client.get(f"{BATCHES}/{batch['id']}/download")
    while answer.status_code == 404:
        time.sleep(0.02)
        answer = client.get(f"{BATCHES}/{batch['id']}/download")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert 0 < len([name for name in found.namelist() if name.endswith(".pdf")]) <= 24
    finish(client, batch)


def test_4_5_the_download_is_on_record(api: BatchApi, client: httpx.Client, mixed: Any) -> None:
    client.get(f"{BATCHES}/{mixed['id']}/download")
    taken = [row for row in api.server.events("1") if row.detail == {"batch_id": mixed["id"]}]
    assert {row.action for row in taken} == {"downloaded"}

"""Exports over HTTP: asked for once, followed, listed, cancelled, and downloaded whole or in part."""

import base64
import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import EXPORTS, ApiServer, ask_export, run_api
from tests.s3_server import S3Server

BODY = {"type": "ratings", "format": "csv", "filters": {"date_from": "2026-01-01"}}


@pytest.fixture(scope="module")
def client(api: ApiServer) -> httpx.Client:
    return api.client("101")


@pytest.fixture(scope="module")
def completed(api: ApiServer, client: httpx.Client) -> Any:
    job_id = ask_export(client, type="bookings", format="xlsx", language="nb")["job_id"]
    api.run(job_id)
    return client.get(f"{EXPORTS}/{job_id}").json()["data"]


def test_a_request_is_answered_at_once_with_where_to_look(client: httpx.Client) -> None:
    answer = client.post(EXPORTS, json=BODY)
    assert answer.status_code == 202
    data = answer.json()["data"]
    assert answer.headers["location"] == f"{EXPORTS}/{data['job_id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert uuid.UUID(data["job_id"])
    assert data["status"] == "pending"
    created = datetime.fromisoformat(data["created_at"])
    assert data["created_at"].endswith("Z")
    assert datetime.fromisoformat(data["estimated_completion"]) >= created
    shown = client.get(answer.headers["location"]).json()["data"]
    assert (shown["status"], shown["progress"], shown["download_url"], shown["error"]) == (
        "pending",
        0,
        None,
        None,
    )
    assert (shown["type"], shown["filters"]) == (BODY["type"], BODY["filters"])


def test_a_completed_export_tells_all_of_its_file(client: httpx.Client, completed: Any) -> None:
    assert (completed["status"], completed["progress"], completed["error"]) == ("completed", 100, None)
    assert completed["download_url"] == f"{EXPORTS}/{completed['job_id']}/download"
    assert completed["rows_written"] == completed["rows_expected"] > 0
    assert completed["expires_at"] > completed["finished_at"] >= completed["started_at"]
    answer = client.get(completed["download_url"])
    digest = hashlib.sha256(answer.content)
    assert answer.status_code == 200
    assert (digest.hexdigest(), len(answer.content)) == (completed["sha256"], completed["size_bytes"])
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert f'filename="{completed["file_name"]}"' in answer.headers["content-disposition"]
    assert answer.headers["content-length"] == str(completed["size_bytes"])
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"


def test_a_failed_export_says_why(api: ApiServer, client: httpx.Client) -> None:
    job_id = ask_export(client)["job_id"]
    with api.records() as jobs:
        claimed = jobs.claim("test", api.settings().exports.lease, job_id)
        assert claimed is not None
        jobs.fail(claimed, "EXPORT_FAILED", "Object storage refused the upload")
    shown = client.get(f"{EXPORTS}/{job_id}").json()["data"]
    assert shown["status"] == "failed"
    assert shown["error"] == {"code": "EXPORT_FAILED", "message": "Object storage refused the upload"}
    assert shown["download_url"] is None
    answer = client.get(f"{EXPORTS}/{job_id}/download")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "EXPORT_NOT_READY")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b"\xff", 400, "BAD_REQUEST"),
        (b"[" * 5000, 422, "VALIDATION_ERROR"),
        (b'{"filters":{"a":' + b"[" * 5000, 400, "BAD_REQUEST"),
        (b"[]", 422, "VALIDATION_ERROR"),
        (b"null", 422, "VALIDATION_ERROR"),
        ({}, 422, "VALIDATION_ERROR"),
        ({"type": "ratings"}, 422, "VALIDATION_ERROR"),
        ({"type": 7, "format": "csv"}, 422, "VALIDATION_ERROR"),
        ({"type": "nothing", "format": "csv"}, 422, "UNSUPPORTED_TYPE"),
        ({"type": "ratings", "format": "docx"}, 422, "UNSUPPORTED_FORMAT"),
        ({"type": "ratings", "format": "csv;nonsense"}, 422, "UNSUPPORTED_FORMAT"),
        ({**BODY, "filters": {"status": "x"}}, 422, "VALIDATION_ERROR"),
        ({**BODY, "filters": {"date_from": "soon"}}, 422, "VALIDATION_ERROR"),
        ({**BODY, "filters": {"date_from": 20260101}}, 422, "VALIDATION_ERROR"),
        ({**BODY, "filters": []}, 422, "VALIDATION_ERROR"),
        (
            {**BODY, "filters": {"date_from": "2026-02-02", "date_to": "2026-02-01"}},
            422,
            "INVALID_DATE_RANGE",
        ),
        ({**BODY, "language": "fr"}, 422, "VALIDATION_ERROR"),
        ({**BODY, "name": "{nonsense}"}, 422, "VALIDATION_ERROR"),
        ({**BODY, "workshop_id": "102"}, 422, "VALIDATION_ERROR"),
        (b'{"type":"ratings","format":"csv","filters":{"rating_min":1e999}}', 422, "VALIDATION_ERROR"),
        (b'{"type":"ratings","format":"csv","language":"' + b"x" * 70_000 + b'"}', 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_request_that_cannot_be_met_makes_no_job(
    client: httpx.Client, body: Any, status: int, code: str
) -> None:
    before = client.get(EXPORTS).json()["data"]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(EXPORTS, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert client.get(EXPORTS).json()["data"] == before


def test_the_same_request_with_the_same_key_makes_one_job(client: httpx.Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post(EXPORTS, json=BODY, headers=key)
    again = client.post(EXPORTS, json=dict(reversed(BODY.items())), headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["data"] == again.json()["data"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post(EXPORTS, json=BODY | {"format": "pdf"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    client.delete(first.headers["location"])
    assert client.post(EXPORTS, json=BODY, headers=key).json()["data"] == first.json()["data"]


def test_a_key_is_of_one_workshop(api: ApiServer, client: httpx.Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with api.client("102") as other:
        ours, theirs = (one.post(EXPORTS, json=BODY, headers=key).json()["data"] for one in (client, other))
    assert ours["job_id"] != theirs["job_id"]


@pytest.mark.parametrize("key", [b"", b"x" * 256, "å".encode("latin-1")])
def test_a_key_that_is_none_is_refused(client: httpx.Client, key: bytes) -> None:
    answer = client.post(EXPORTS, json=BODY, headers={b"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_many_at_once_with_one_key_make_one_job(api: ApiServer) -> None:
    with api.client("102") as client, ThreadPoolExecutor(8) as pool:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answers = list(pool.map(lambda _: client.post(EXPORTS, json=BODY, headers=key), range(16)))
    made = {answer.json()["data"]["job_id"] for answer in answers if answer.status_code == 202}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}
    refused = [answer.json()["error"]["code"] for answer in answers if answer.status_code == 409]
    assert set(refused) <= {"REQUEST_RUNNING"}


def test_the_list_goes_back_page_by_page(api: ApiServer) -> None:
    with api.client("104") as client:
        made = [ask_export(client)["job_id"] for _ in range(5)]
        client.delete(f"{EXPORTS}/{made[0]}")
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = client.get(EXPORTS, params={"limit": 2, **cursor}).json()["data"]
            seen += [item["job_id"] for item in page["items"]]
            ask_export(client)  # what is new does not move what is old
            if not page["page_info"]["has_more"]:
                assert page["page_info"]["next_cursor"] is None
                break
            cursor = {"cursor": page["page_info"]["next_cursor"]}
        assert seen == made[::-1]
        only = client.get(EXPORTS, params={"status": "cancelled"}).json()["data"]["items"]
        assert [item["job_id"] for item in only] == made[:1]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"limit": "9" * 5000},
        {"cursor": "nonsense"},
        {"cursor": "åå"},
        {"cursor": base64.urlsafe_b64encode(b"5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70").decode()},
        {"status": "done"},
    ],
)
def test_a_page_that_cannot_be_is_refused(client: httpx.Client, params: dict[str, str]) -> None:
    answer = client.get(EXPORTS, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_a_job_is_cancelled_until_it_has_ended(client: httpx.Client, completed: Any) -> None:
    job_id = ask_export(client)["job_id"]
    answer = client.delete(f"{EXPORTS}/{job_id}")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "cancelled")
    for ended in (job_id, completed["job_id"]):
        again = client.delete(f"{EXPORTS}/{ended}")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "EXPORT_ENDED")
    assert client.get(f"{EXPORTS}/{job_id}/download").status_code == 409


def test_the_status_that_still_holds_is_not_sent_again(api: ApiServer, client: httpx.Client) -> None:
    job_id = ask_export(client)["job_id"]
    first = client.get(f"{EXPORTS}/{job_id}")
    known = {"If-None-Match": first.headers["etag"]}
    assert client.get(f"{EXPORTS}/{job_id}", headers=known).status_code == 304
    api.run(job_id)
    changed = client.get(f"{EXPORTS}/{job_id}", headers=known)
    assert (changed.status_code, changed.json()["data"]["status"]) == (200, "completed")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=5-999999999", 5, None),
    ],
)
def test_a_part_of_a_file_is_sent(
    client: httpx.Client, completed: Any, asked: str, first: int, last: int | None
) -> None:
    whole = client.get(completed["download_url"])
    answer = client.get(completed["download_url"], headers={"Range": asked})
    expected = whole.content[first:] if last is None else whole.content[first : last + 1]
    assert (answer.status_code, answer.content) == (206, expected)
    start = first % len(whole.content)
    shown = f"bytes {start}-{start + len(expected) - 1}/{len(whole.content)}"
    assert answer.headers["content-range"] == shown
    assert answer.headers["repr-digest"] == whole.headers["repr-digest"]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_part_that_is_not_there_is_refused(client: httpx.Client, completed: Any, asked: str) -> None:
    answer = client.get(completed["download_url"], headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{completed['size_bytes']}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-2", "lines=1-2", "bytes=-", "bytes=x-y", "bytes=0-1" + "9" * 5000]
)
def test_what_is_no_range_gives_the_whole_file(client: httpx.Client, completed: Any, asked: str) -> None:
    answer = client.get(completed["download_url"], headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, completed["size_bytes"])


def test_the_rest_is_sent_only_of_the_same_file(client: httpx.Client, completed: Any) -> None:
    whole = client.get(completed["download_url"])
    for condition, status in (
        (whole.headers["etag"], 206),
        (whole.headers["last-modified"], 206),
        ('"other"', 200),
        ("W/" + whole.headers["etag"], 200),
        ("Thu, 01 Jan 1998 00:00:00 GMT", 200),
        ("nonsense", 200),
    ):
        headers = {"Range": "bytes=10-", "If-Range": condition}
        assert client.get(completed["download_url"], headers=headers).status_code == status, condition
    known = client.get(completed["download_url"], headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    head = client.head(completed["download_url"])
    assert (head.content, head.headers["content-length"]) == (b"", whole.headers["content-length"])


def test_an_expired_file_is_gone(api: ApiServer, client: httpx.Client) -> None:
    job_id = ask_export(client)["job_id"]
    job = api.run(job_id)
    with api.records() as jobs:
        jobs.expire(job_id)
    shown = client.get(f"{EXPORTS}/{job_id}").json()["data"]
    assert (shown["status"], shown["download_url"]) == ("expired", None)
    answer = client.get(f"{EXPORTS}/{job_id}/download")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "EXPORT_EXPIRED")
    assert (job.sha256 or "") not in answer.text


def test_a_file_that_the_store_has_lost_is_gone(api: ApiServer, client: httpx.Client) -> None:
    job_id = ask_export(client)["job_id"]
    job = api.run(job_id)
    with api.exports() as exports:
        exports.store.delete(job.file_key or "")
    answer = client.get(f"{EXPORTS}/{job_id}/download")
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "EXPORT_EXPIRED")


def test_a_file_in_s3_is_handed_out_as_a_link(sample_data: Path, tmp_path: Path, s3_server: S3Server) -> None:
    options = s3_server.options()
    settings = {
        "STORE_URL": f"s3://{s3_server.bucket}/api",
        "S3_ENDPOINT": options.endpoint_url or "",
        "S3_ACCESS_KEY": options.access_key or "",
        "S3_SECRET_KEY": options.secret_key or "",
        "S3_REGION": options.region or "",
    }
    with run_api(sample_data, tmp_path, **settings) as api, api.client("101") as client:
        job_id = ask_export(client)["job_id"]
        api.run(job_id)
        sent = client.get(f"{EXPORTS}/{job_id}/download")
        part = client.get(f"{EXPORTS}/{job_id}/download", headers={"Range": "bytes=3-9"})
        assert (sent.status_code, part.content) == (200, sent.content[3:10])
    with run_api(sample_data, tmp_path, LINK_SECONDS="60", **settings) as api, api.client("101") as client:
        answer = client.get(f"{EXPORTS}/{job_id}/download")
        assert (answer.status_code, answer.content) == (307, b"")
        assert "no-store" in answer.headers["cache-control"]
        assert httpx.get(answer.headers["location"]).content == sent.content
        assert answer.headers["location"].rpartition("Signature=")[2] not in api.log.read_text()

"""The batch API against what nobody should send, changed files, stores that link, and clients that leave."""

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import run_api
from tests.batch_api import BATCHES, BatchApi, body, finish, items_of, make
from tests.batch_world import number_of
from tests.s3_server import S3Server
from tests.token_issuer import AUDIENCE, ISSUER, KeyServer, claims, sign

LATER = "2090-01-01 00:00:00"


@pytest.fixture(scope="module")
def api(batch_api: BatchApi) -> BatchApi:
    return batch_api


@pytest.fixture(scope="module")
def client(api: BatchApi) -> Iterator[httpx.Client]:
    with api.client(1, 2, 3) as opened:
        yield opened


def raw(**changes: Any) -> bytes:
    return json.dumps(body(1, scheduledTime=LATER, **changes)).encode()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (raw(batchName="a\0b"), 200), (raw(batchName="\u202egpj.exe"), 200), (raw(format="../../{cvr}"), 200),
        (raw(items=[{"cvr": 10**30}]), 200), (raw(items=[{"cvr": -5}]), 200),
        (raw() .replace(LATER.encode(), b"9999-12-31 23:59:59"), 200),
        (raw(batchName="\ud800"), 400), (b"[" * 100_000, 400),
        (b'{"filters":' * 5_000 + b"1" + b"}" * 5_000, 400),
        (b'{"batchName": "\xff"}', 400), (b'{"batchName": NaN}', 400), (b"\0" * 100, 400), (b"", 400),
        (raw(items=[{"cvr": 1, "internalCustomerId": 2**63}]), 400), (raw(items=[{"cvr": 1}] * 10_001), 400),
        (raw(type=10**25), 400), (raw(type="02"), 400), (raw(filters={"date_from": {"a": 1}}), 400),
        (raw(filters={"date_from": "\0"}), 400), (raw(language=""), 400),
        (raw(outputFormat="pdf;nothing"), 400),
        (raw().replace(LATER.encode(), b"2026-06-30 23:59:60"), 400),
        (raw(authConfg={"Value": "s3cret"}), 400),
    ],
)  # fmt: skip
def test_whatever_is_sent_the_answer_is_meant(client: httpx.Client, content: bytes, status: int) -> None:
    answer = client.post(BATCHES, content=content)
    assert answer.status_code == status, answer.text
    assert "s3cret" not in answer.text
    if status == 200:
        assert client.get(f"{BATCHES}/{answer.json()['id']}").json() == answer.json()


@pytest.mark.parametrize("part", ["%00", "x" * 3000, "..%2f..", "%ff", "-1"])
def test_whatever_is_asked_for_is_not_there(client: httpx.Client, part: str) -> None:
    batch = make(client, 1, scheduledTime=LATER)
    for path in (f"{BATCHES}/{part}", f"{BATCHES}/{batch['id']}/items/{part}/download"):
        answer = client.get(path)
        assert (answer.status_code, list(answer.json())) == (404, ["message"]), path
    assert client.get(f"/reports/items/{part}").status_code == 404
    assert client.get(f"{BATCHES}/{batch['id']}/items?cToken={part}").status_code == 400


def test_a_report_is_not_found_in_another_batch(client: httpx.Client) -> None:
    one, two = finish(client, make(client, 1)), finish(client, make(client, 1))
    [item] = items_of(client, one)
    assert client.get(f"{BATCHES}/{two['id']}/items/{item['id']}/download").status_code == 404
    assert client.get(f"{BATCHES}/{one['id']}/items/{item['id']}/download").status_code == 200


def test_a_file_that_was_changed_does_not_pass_for_whole(api: BatchApi, client: httpx.Client) -> None:
    batch = finish(client, make(client, *([1, 2, 3] * 5)))
    first, *_, last = items_of(client, batch)
    _change(api, last)
    with pytest.raises(httpx.RemoteProtocolError):  # the connection is cut: the answer had begun
        client.get(f"{BATCHES}/{batch['id']}/download")
    _change(api, first)
    assert client.get(f"{BATCHES}/{batch['id']}/download").status_code == 500
    for item in (first, last):
        assert f"item {item['id']}: the stored file" in api.server.log.read_text()


def test_clients_that_leave_hold_nothing(api: BatchApi, client: httpx.Client) -> None:
    batch = finish(client, make(client, *([1, 2, 3] * 5)))
    client.get(f"{BATCHES}/{batch['id']}/download")
    before = _open_files(api)
    for _ in range(30):
        with client.stream("GET", f"{BATCHES}/{batch['id']}/download") as answer:
            next(answer.iter_bytes())
    deadline = time.monotonic() + 120
    while _open_files(api) > before + 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _open_files(api) <= before + 5


def test_head_takes_nothing(api: BatchApi, client: httpx.Client) -> None:
    batch = finish(client, make(client, 2))
    [item] = items_of(client, batch)
    one = f"{BATCHES}/{batch['id']}"
    for path in (
        f"{one}/download",
        f"{one}/items/{item['id']}/download",
        item["pdfurl"].partition("8000")[2],
    ):
        assert client.head(path).status_code == 200
    rows = [row for row in api.server.events("2") if row.action == "downloaded"]
    assert [row for row in rows if row.job_id and row.detail == {"batch_id": batch["id"]}] == []
    assert [row for row in rows if row.actor == f"link:{item['id']}"] == []


def test_a_token_for_no_workshop_has_no_batches(api: BatchApi, tmp_path: Path) -> None:
    with KeyServer() as keys:
        tokens = {"TOKEN_KEYS": keys.place, "TOKEN_ISSUER": ISSUER, "TOKEN_AUDIENCE": AUDIENCE}
        with run_api(api.warehouse.root, tmp_path, **tokens) as server:
            for told, status in (
                (claims(workshop_id=None, scope="batches"), 403),
                (claims(workshop_id="1", scope="batches"), 200),
            ):
                with server.client(key=sign(told)) as client:
                    answers = [client.get(BATCHES), client.post(BATCHES, json=body(1))]
                    assert [answer.status_code for answer in answers] == [status, status]


def test_files_in_s3_are_handed_out_as_links(api: BatchApi, tmp_path: Path, s3_server: S3Server) -> None:
    options = s3_server.options()
    settings = {
        "STORE_URL": f"s3://{s3_server.bucket}/batches",
        "S3_ENDPOINT": options.endpoint_url or "",
        "S3_ACCESS_KEY": options.access_key or "",
        "S3_SECRET_KEY": options.secret_key or "",
        "S3_REGION": options.region or "",
        "LINK_SECONDS": "60",
    }
    linking = run_api(api.warehouse.root, tmp_path, "--slots", "1", **settings)
    with linking as server, server.client(key=server.new_key("1", "2", scopes=["batches"])) as client:
        batch = finish(client, make(client, 1, 2))
        for item in items_of(client, batch):
            path = f"{BATCHES}/{batch['id']}/items/{item['id']}/download"
            for asked, status in ((path, 307), (item["pdfurl"].partition("8000")[2], 303)):
                answer = client.get(asked)
                assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
                assert httpx.get(answer.headers["location"]).content[:5] == b"%PDF-"
            assert "Signature=" not in server.log.read_text()
        content = client.get(f"{BATCHES}/{batch['id']}/download").content
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        assert f"{number_of(1)}-Verksted 1.pdf" in found.namelist()


def _change(api: BatchApi, item: Any) -> None:
    """Change the item's file in the store."""
    files = (api.server.folder / "store").rglob(f"{item['name']}.pdf")
    [path] = [path for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == item["sha256"]]
    path.write_bytes(path.read_bytes()[:-5] + b"XXXXX")


def _open_files(api: BatchApi) -> int:
    """Of the server and of the processes that it has started."""
    parents = {path.name: _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    own = {str(api.server.process.pid)}
    while more := {pid for pid, parent in parents.items() if parent in own and pid not in own}:
        own |= more
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in own)


def _parent(path: Path) -> str:
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return ""

"""The API under odd requests and odd neighbours: no way past the door, nobody held up, nothing unwritten."""

import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.api_server import EXPORTS, ApiServer, ask_export, run_api

OVERVIEW = "/api/ws/reports/overview"
TYPES = "/api/ws/v2/reports/types"
BODY = {"type": "ratings", "format": "csv"}


@pytest.fixture(scope="module")
def client(api: ApiServer) -> httpx.Client:
    return api.client("101")


@pytest.mark.parametrize(
    "path",
    [
        f"/{TYPES}",
        f"//{TYPES}",
        "/api//ws/v2/reports/types",
        "/%2Fapi/ws/v2/reports/types",
        "/api%2F%2Fws/v2/reports/types",
        f"{TYPES}/",
        f"/{OVERVIEW}",
        f"/{EXPORTS}",
        "/api/ws",
        "//api//ws//",
    ],
)
def test_no_spelling_of_a_path_leads_past_the_door(api: ApiServer, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        assert send_line(api, f"{method} {path}") == 401, method


def test_a_path_with_slashes_too_many_is_the_path(api: ApiServer) -> None:
    key = f"Authorization: Bearer {api.new_key('101')}"
    assert send_line(api, f"GET /{TYPES}", key) == send_line(api, f"GET {OVERVIEW}/", key) == 200


def test_of_two_credentials_neither_counts(api: ApiServer, client: httpx.Client) -> None:
    ours, theirs = (f"Bearer {api.new_key(workshop)}" for workshop in ("101", "102"))
    for pair in ((ours, theirs), (theirs, ours), ("Bearer nonsense", ours), (ours, "Bearer nonsense")):
        headers = [("Authorization", value) for value in pair]
        assert httpx.get(api.url + OVERVIEW, headers=headers).status_code == 401


def test_of_two_workshops_neither_is_meant(api: ApiServer) -> None:
    with api.client("101", "102") as client:
        twice = [("X-Workshop-Id", "101"), ("X-Workshop-Id", "102")]
        assert client.get(OVERVIEW, headers=twice).status_code == 404


def test_a_tag_is_found_in_any_line_of_its_header(client: httpx.Client) -> None:
    etag = client.get(OVERVIEW).headers["etag"]
    for tags in ((etag, '"other"'), ('"other"', etag)):
        answer = client.get(OVERVIEW, headers=[("If-None-Match", tag) for tag in tags])
        assert answer.status_code == 304
        assert "Authorization" in answer.headers["vary"]


def test_no_page_is_larger_than_the_largest(client: httpx.Client) -> None:
    for limit in ("0000000001", "00000000199999999", "101"):
        assert client.get(EXPORTS, params={"limit": limit}).status_code == 422


def test_a_file_says_its_type_once(api: ApiServer, client: httpx.Client) -> None:
    job_id = ask_export(client)["job_id"]
    api.run(job_id)
    answer = client.get(f"{EXPORTS}/{job_id}/download")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_who_asks_for_the_head_takes_nothing(api: ApiServer) -> None:
    with api.client("105") as client:
        job_id = ask_export(client)["job_id"]
        size = api.run(job_id).size_bytes
        head = client.head(f"{EXPORTS}/{job_id}/download", headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))
    assert "content-range" not in head.headers
    assert [event.action for event in api.events("105") if event.job_id] == ["made"]


def test_a_look_at_the_catalogue_is_written_down(api: ApiServer, client: httpx.Client) -> None:
    client.get(TYPES)
    client.get("/api/ws/v2/reports/workshops")
    assert {row.workshop_id or "" for row in api.reads("types", "workshops")} >= {""}


def test_what_cannot_be_written_down_is_not_done(api: ApiServer) -> None:
    with api.client("106") as client:
        job_id = ask_export(client)["job_id"]
        with records_of(api) as records:
            records.execute(
                "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        key = {"Idempotency-Key": "once"}
        assert client.post(EXPORTS, json=BODY, headers=key).status_code == 500
        assert client.delete(f"{EXPORTS}/{job_id}").status_code == 500
        listed = client.get(EXPORTS).json()["data"]["items"]
        assert [(job["job_id"], job["status"]) for job in listed] == [(job_id, "pending")]
        with records_of(api) as records:
            records.execute("DROP TRIGGER full")
        again = client.post(EXPORTS, json=BODY, headers=key)
        assert (again.status_code, "idempotency-replayed" in again.headers) == (202, False)
        made = again.json()["data"]["job_id"]
        assert client.delete(f"{EXPORTS}/{job_id}").status_code == 200
        told = [(event.action, event.job_id) for event in api.events("106") if event.job_id]
    assert told == [("cancelled", job_id), ("made", made), ("made", job_id)]


def test_one_who_waits_for_the_records_holds_up_nobody(api: ApiServer) -> None:
    with api.client("101") as waiting, api.client("102") as other:
        job_id = ask_export(other)["job_id"]
        with records_of(api) as records, ThreadPoolExecutor(16) as pool:
            records.execute("BEGIN IMMEDIATE")
            asked = [pool.submit(waiting.post, EXPORTS, json=BODY) for _ in range(16)]
            time.sleep(1)
            unknown = {"Authorization": f"Bearer {'rk_' + '0' * 16 + '_' + '0' * 64}"}
            assert other.get(f"{EXPORTS}/{job_id}").status_code == 200
            assert httpx.get(api.url + OVERVIEW, headers=unknown, timeout=60).status_code == 401
            assert not any(one.done() for one in asked)
            records.execute("ROLLBACK")
            assert {one.result().status_code for one in asked} == {202}


def test_a_name_that_no_database_keeps_is_refused(client: httpx.Client) -> None:
    answer = client.post(EXPORTS, json={**BODY, "name": "a\0b"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_a_warehouse_that_cannot_be_read_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("not a folder")
    with run_api(tmp_path, tmp_path / "records") as api, api.client("101") as client:
        answer = client.get(OVERVIEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATA_UNAVAILABLE")
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("rest", ["Content-Length: 99\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\nZZ\r\n"])
def test_a_body_that_does_not_come_whole_is_no_fault_of_ours(api: ApiServer, rest: str) -> None:
    told = len(api.log.read_text())
    key = f"Authorization: Bearer {api.new_key('101')}"
    open_request(api, f"POST {EXPORTS}", key, rest).close()
    assert until(lambda: '"POST' in api.log.read_text()[told:])
    assert '"level":"error"' not in api.log.read_text()[told:]
    assert '"code":"BAD_REQUEST"' in api.log.read_text()[told:]


def test_who_goes_away_gives_back_what_was_held(api: ApiServer) -> None:
    most = api.settings().concurrent_requests
    key = api.new_key("101")
    with api.client(key=key) as client:
        job_id = ask_export(client)["job_id"]
        path = f"{EXPORTS}/{job_id}/download"
        enlarge(api, api.run(job_id).file_key or "", job_id)
        for line, rest in ((f"GET {path}", ""), (f"POST {EXPORTS}", "Content-Length: 99\r\n\r\n{")):
            held = hold_all(api, client, most, line, f"Authorization: Bearer {key}", rest)
            for one in held:
                one.close()
            assert until(lambda: client.get(OVERVIEW).status_code == 200)
    assert until(lambda: not open_files(api))


def hold_all(api: ApiServer, client: httpx.Client, most: int, line: str, *parts: str) -> list[socket.socket]:
    """Open requests that do not end until no other of the client's is let in."""
    held = [open_request(api, line, *parts) for _ in range(most)]

    def is_full() -> bool:
        if client.get(OVERVIEW).status_code == 429:
            return True
        # The look itself, or one held before, may have been in the way of one of them.
        held.append(open_request(api, line, *parts))
        return False

    assert until(is_full)
    return held


def send_line(api: ApiServer, line: str, *headers: str) -> int:
    """The status of the answer to a request that is sent as it is written."""
    with open_request(api, line, *headers, "Connection: close\r\n\r\n") as connection:
        return int(connection.makefile("rb").readline().split()[1])


def open_request(api: ApiServer, line: str, *parts: str) -> socket.socket:
    """A connection on which a request was sent, the last of its parts as it is."""
    connection = socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2])), timeout=60)
    *headers, rest = parts
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: x", *headers])
    connection.sendall(f"{head}\r\n{rest or chr(13) + chr(10)}".encode())
    return connection


@contextmanager
def records_of(api: ApiServer) -> Iterator[sqlite3.Connection]:
    """The server's records, each statement by itself."""
    with closing(sqlite3.connect(api.folder / "jobs.db", isolation_level=None, timeout=60)) as records:
        yield records


def enlarge(api: ApiServer, file_key: str, job_id: str, size: int = 1 << 28) -> None:
    """Make a file too large for the buffers between server and client."""
    os.truncate(api.folder / "store" / file_key, size)
    with records_of(api) as records:
        records.execute("UPDATE jobs SET size_bytes = ? WHERE job_id = ?", (size, job_id))


def open_files(api: ApiServer) -> list[str]:
    """Files of the store that the server's processes have open."""
    processes = [api.process.pid, *map(int, children(api.process.pid))]
    links = [link for process in processes for link in Path(f"/proc/{process}/fd").iterdir()]
    return [target for link in links if "/store/" in (target := read_link(link))]


def children(process: int) -> list[str]:
    return [
        child
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def read_link(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it comes to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False

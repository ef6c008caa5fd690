"""What is done with batches is in the audit log, with who did it, or it is not done."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.batch_api import BATCHES, body


@pytest.fixture
def records(api: ApiServer) -> Iterator[sqlite3.Connection]:
    """`api` has no worker: batches stay as they are made."""
    with closing(sqlite3.connect(api.folder / "jobs.db", isolation_level=None)) as connection:
        yield connection


def make(client: httpx.Client, **changes: Any) -> str:
    answer = client.post(BATCHES, json=body(1, **changes))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def let_fail(records: sqlite3.Connection, batch_id: str) -> None:
    records.execute(
        "UPDATE batch_items SET state = 'failed', error_code = 'X', number = run + 1 WHERE batch_id = ?",
        [batch_id],
    )
    records.execute(
        "UPDATE batches SET state = 'FinishedWithErrors', ended = 1 WHERE batch_id = ?", [batch_id]
    )


def test_what_is_done_is_written_down_with_who_did_it(api: ApiServer, records: sqlite3.Connection) -> None:
    key = api.new_key("1", scopes=["batches"])
    with api.client(key=key) as client:
        batch_id = make(client, isListener=True)
        let_fail(records, batch_id)
        for act in ("retry", "stop"):
            assert client.post(f"{BATCHES}/{batch_id}/{act}").status_code == 200
        let_fail(records, batch_id)
        assert client.post(f"{BATCHES}/{batch_id}/archive").status_code == 200
    query = "SELECT action, actor, request_id, detail FROM audit_events ORDER BY event_id"
    rows = [(*row, json.loads(detail or "{}")) for *row, detail in records.execute(query)]
    told = [row for row in rows if row[3].get("batch_id") == batch_id]
    assert [row[0] for row in told] == ["batch_made", "batch_retried", "batch_stopped", "batch_archived"]
    assert told[0][3] == {"batch_id": batch_id, "type": "ReelleEjere", "items": 1}
    assert {row[1] for row in told} == {f"key:{key.split('_')[1]}"}
    assert all(row[2] for row in told)


def test_what_cannot_be_written_down_is_not_done(api: ApiServer, records: sqlite3.Connection) -> None:
    with api.client(key=api.new_key("1", scopes=["batches"])) as client:
        listener, failed = make(client, isListener=True), make(client)
        let_fail(records, failed)
        before = client.get(BATCHES).json()
        records.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        try:
            for path in ("", f"/{listener}/stop", f"/{failed}/retry", f"/{failed}/archive"):
                answer = client.post(BATCHES + path, json=None if path else body(1))
                assert answer.status_code == 500, path
        finally:
            records.execute("DROP TRIGGER full")
        assert client.get(BATCHES).json() == before
    told = "SELECT event FROM batch_events WHERE batch_id IN (?, ?)"
    assert {event for (event,) in records.execute(told, [listener, failed])} == {"created"}

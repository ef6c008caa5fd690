"""What is done with reports is in the audit log, with who did it."""

import sqlite3
from contextlib import closing

from tests.api_server import ApiServer
from tests.company_api import EMAIL, REPORTS, body, company_client, make_report, read_report


def test_what_is_done_is_written_down_with_who_did_it(api: ApiServer) -> None:
    key = api.new_key("104", scopes=["definitions"])
    with api.client(key=key) as client:
        report_id = make_report(client, owner=EMAIL)
        one = f"{REPORTS}/{report_id}"
        added = client.post(f"{one}/argument", json={"key": "email", "value": "x@acme.example"}).json()["id"]
        client.delete(f"{one}/argument/{added}")
        client.patch(one, json={"name": "New"})
        client.get(f"{one}/send")
        client.post(f"{one}/test")
        client.patch(one, json={"name": 7})
        client.delete(one)
        client.delete(one)
    told = [row for row in api.events("104") if row.action.startswith("definition_")]
    actions = ["made", "changed", "changed", "changed", "sent", "sent", "deleted"]
    assert [row.action for row in reversed(told)] == [f"definition_{action}" for action in actions]
    assert {row.detail["definition_id"] for row in told} == {report_id}
    assert {row.actor for row in told} == {f"key:{key.split('_')[1]}"}
    assert all(row.request_id for row in told)


def test_what_cannot_be_written_down_is_not_done(api: ApiServer) -> None:
    client = company_client(api, "101")
    report_id = make_report(client)
    shown, count = read_report(client, report_id), client.get(REPORTS).json()["count"]
    one, argument = f"{REPORTS}/{report_id}", {"key": "email", "value": "x@acme.example"}
    last = f"{one}/argument/{shown['arguments']['email'][0]['id']}"
    with closing(sqlite3.connect(api.folder / "jobs.db", isolation_level=None)) as records:
        records.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        for method, path, content in (
            ("POST", REPORTS, body()),
            ("PATCH", one, {"name": "New", "owner": EMAIL}),
            ("POST", f"{one}/argument", argument),
            ("PATCH", last, argument),
            ("GET", f"{one}/send", None),
            ("DELETE", one, None),
        ):
            assert client.request(method, path, json=content).status_code == 500
        records.execute("DROP TRIGGER full")
    assert read_report(client, report_id) == shown
    assert client.get(REPORTS).json()["count"] == count
    assert client.get(f"{one}/fires").json() == []

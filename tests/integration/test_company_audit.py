"""What is done with reports is in the audit log, with who did it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import ApiServer, run_api
from tests.company_api import EMAIL, REPORTS, make_report


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    with run_api(sample_data, tmp_path_factory.mktemp("company"), RATE_PER_MINUTE="1000000") as server:
        yield server


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
    told = [row for row in api.audit("104") if row.action.startswith("definition_")]
    actions = ["made", "changed", "changed", "changed", "sent", "sent", "deleted"]
    assert [row.action for row in reversed(told)] == [f"definition_{action}" for action in actions]
    assert {row.detail["definition_id"] for row in told} == {report_id}
    assert {row.actor for row in told} == {f"key:{key.split('_')[1]}"}
    assert all(row.request_id for row in told)

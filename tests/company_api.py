"""The company API for tests: data with telephone queues, bodies of requests, and reports that are sent."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporters.access.callers import DEFINITIONS_SCOPE, REPORTS_SCOPE
from exporters.database import open_database
from exporters.definitions.firing import Firing, open_firing
from exporters.definitions.store import DefinitionStore
from exporters.deliveries.records import Delivery
from exporters.deliveries.store import DeliveryStore
from exporters.exports import Exports
from tests.api_server import ApiServer
from tests.built import ROOT, build_once, run_night

REPORTS = "/company/report"
EMAIL = "lead@acme.example"
_ENDS = {"sent", "skipped", "missed", "failed"}


def build_company_data(factory: pytest.TempPathFactory, sample_files: Path) -> Path:
    """Data folder whose warehouse holds the sample, and the telephone queues of its workshops 101 and 102."""

    def build(folder: Path) -> None:
        root = folder.with_name("company_sources")
        shutil.copytree(sample_files, root / "sample")
        shutil.copytree(ROOT / "samples" / "telephony", root / "telephony")
        run_night(folder, SOURCES="sample,telephony", SOURCE_ROOT=str(root))

    return build_once(factory, "company_data", build)


def company_client(api: ApiServer, *workshops: str) -> httpx.Client:
    """A client with a key of these workshops that may manage reports."""
    return api.client(key=api.new_key(*workshops, scopes=[DEFINITIONS_SCOPE, REPORTS_SCOPE]))


def arguments(*pairs: tuple[str, object], **given: object) -> list[dict[str, object]]:
    """Arguments as bodies have them; a format and an address unless others are given."""
    listed = [*pairs, *given.items()]
    usual = [("format", "csv"), ("email", EMAIL)]
    keys = {key for key, _ in listed}
    return [
        {"key": key, "value": value}
        for key, value in [*(pair for pair in usual if pair[0] not in keys), *listed]
    ]


def body(**changes: Any) -> dict[str, Any]:
    """The body of a report that can be made; what is `...` is left out."""
    given = {
        "interval": "day",
        "active": 1,
        "name": "Missed calls",
        "description": "Front desk",
        "email_link_only": 0,
        "report_type_id": "101",
        "arguments": arguments(),
    }
    return {name: value for name, value in (given | changes).items() if value is not ...}


def make_report(client: httpx.Client, **changes: Any) -> str:
    """The id of a new report."""
    answer = client.post(REPORTS, json=body(**changes))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def read_report(client: httpx.Client, report_id: str) -> Any:
    """A report as it is shown."""
    answer = client.get(f"{REPORTS}/{report_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fires_of(api: ApiServer, client: httpx.Client, report_id: str, now: datetime | None = None) -> Any:
    """The fires of a report, newest first, once all that is due by `now` has been done."""
    with _firing(api) as (exports, firing):
        for _ in range(1000):
            found = firing.fire_due(now)
            exports.run()
            found += firing.follow_ended()
            listed = client.get(f"{REPORTS}/{report_id}/fires").json()
            if not found and all(fire["state"] in _ENDS for fire in listed):
                return listed
            time.sleep(0.05)
    raise AssertionError(f"the fires of report {report_id} have not ended: {listed}")


def deliveries_of(api: ApiServer, report_id: str) -> Sequence[Delivery]:
    """What is, or was, to be delivered of a report."""
    database = open_database(api.settings().jobs_database)
    try:
        return DeliveryStore(database).list(subject=f"definition:{report_id}", limit=100)
    finally:
        database.close()


@contextmanager
def _firing(api: ApiServer) -> Iterator[tuple[Exports, Firing]]:
    options = api.settings().exports
    database = open_database(api.settings().jobs_database)
    try:
        with api.exports() as exports:
            yield exports, open_firing(exports, DefinitionStore(database), options)
    finally:
        database.close()

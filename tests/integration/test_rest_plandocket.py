"""PlanDocket's rows in the landing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.sources.rest import EntityPages
from pipelines.sources.rest_client import Patience
from tests.plandocket_server import RESOURCES, PlanDocketServer
from warehouse.landing import Landing, Verdict
from warehouse.sources import RestEntity, RestSource

QUICK = Patience(tries=3, first_wait=0.01, longest_wait=0.02, timeout=60)


@pytest.fixture
def server() -> Iterator[PlanDocketServer]:
    with PlanDocketServer() as running:
        yield running


def load(server: PlanDocketServer, root: Path, resource: str) -> Verdict:
    secrets = server.write_secrets(root / "secrets.toml")
    source = RestSource(
        type="rest",
        api="plandocket",
        url=server.url,
        time_zone="Europe/Berlin",
        requests_per_second=1000,
        entities={"rows": RestEntity(resource=resource, key=["id"], columns=["id"])},
    )
    return EntityPages(
        Landing(root / "landing"), "plandocket", source, "rows", secrets, patience=QUICK
    ).load()


def rows(root: Path) -> list[dict[str, Any]]:
    [part] = Landing(root / "landing").live_parts("plandocket", "rows")
    return pl.read_parquet(part.path).to_dicts()


@pytest.mark.parametrize("resource", RESOURCES)
def test_each_resource_is_read_over_all_its_pages(
    server: PlanDocketServer, tmp_path: Path, resource: str
) -> None:
    server.rows[resource] = [{"id": number, "amount": 12.5} for number in range(250)]
    assert load(server, tmp_path, resource).status == "loaded"
    assert [row["id"] for row in rows(tmp_path)] == sorted(str(number) for number in range(250))
    assert len(server.calls(f"/api/v1/{resource}")) == 3
    assert load(server, tmp_path, resource).status == "unchanged"
    server.rows[resource].pop()
    load(server, tmp_path, resource)
    assert len(rows(tmp_path)) == 249


def test_times_land_as_they_come(server: PlanDocketServer, tmp_path: Path) -> None:
    server.rows["payments"] = [
        {"id": 1, "created_at": "2026-01-01T00:00:00+01:00"},
        {"id": 2, "created_at": 1704067200},
    ]
    load(server, tmp_path, "payments")
    assert [row["created_at"] for row in rows(tmp_path)] == ["2026-01-01T00:00:00+01:00", "1704067200"]


def test_a_refused_key_is_a_clear_verdict_without_the_key(server: PlanDocketServer, tmp_path: Path) -> None:
    server.rows["events"] = [{"id": 1}]
    server.api_key, sent = "pd-other", server.api_key
    secrets = tmp_path / "secrets.toml"
    server.write_secrets(secrets)
    server.api_key = sent
    source = RestSource(
        type="rest",
        api="plandocket",
        url=server.url,
        time_zone="Europe/Berlin",
        requests_per_second=1000,
        entities={"rows": RestEntity(resource="events", key=["id"], columns=["id"])},
    )
    verdict = EntityPages(
        Landing(tmp_path / "l"), "plandocket", source, "rows", secrets, patience=QUICK
    ).load()
    assert verdict.status == "failed"
    assert verdict.detail.startswith("PlanDocket: GET /api/v1/events: answered 401: Unknown key ***")
    assert len(server.requests) == 1


def test_a_resource_that_is_none_is_told_with_those_there_are(
    server: PlanDocketServer, tmp_path: Path
) -> None:
    verdict = load(server, tmp_path, "guests")
    assert verdict.status == "failed"
    assert "no resource 'guests'; it has applications, events" in verdict.detail

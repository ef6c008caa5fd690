"""Freshness: a source that was not read for too long is told, although its asset ran each night."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets import FRESH, SOURCE_READ, source_key
from pipelines.definitions import build_definitions
from pipelines.instance import find_instance
from pipelines.night import run_night
from pipelines.project import Project, load_project
from settings import Settings
from tests.built import ROOT
from tests.command_line import Cli
from tests.small_warehouse import BOOKING, SmallWarehouse
from warehouse.generations import current_generation, open_snapshot
from warehouse.verdicts import write_verdict

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


@dataclass
class Nights:
    """Nights of the sample platform's few rows, as Dagster runs them."""

    files: SmallWarehouse
    project: Project

    def run(self) -> dict[str, dg.AssetCheckEvaluation]:
        """How the checks of the bookings came out."""
        result = run_night(self.project, {})
        assert result.success
        key = source_key("sample", "bookings")
        found = [check for check in result.get_asset_check_evaluations() if check.asset_key == key]
        return {check.check_name: check for check in found}

    def age(self, age: timedelta) -> datetime:
        """As if the bookings had last been read so long ago; returns when."""
        landing = self.project.landing
        verdict = landing.verdict("sample", "bookings")
        assert verdict is not None
        at = datetime.now(UTC) - age
        write_verdict(landing.entity_folder("sample", "bookings"), replace(verdict, data_as_of=at))
        return at


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    files = SmallWarehouse(tmp_path)
    files.write_sample()
    settings = Settings(
        data_folder=tmp_path / "data",
        source_root=tmp_path / "sources",
        source_config=ROOT / "sources.toml",
        stale_after_hours=3,
    )
    return Nights(files, load_project(settings))


MakeCli = Callable[[Path], Cli]


@pytest.fixture
def make_cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> MakeCli:
    return lambda data: Cli(data, tmp_path / "own", capsys, monkeypatch)


def outcomes(checks: dict[str, dg.AssetCheckEvaluation]) -> dict[str, bool]:
    return {name: check.passed for name, check in checks.items()}


def test_a_source_that_cannot_be_read_goes_stale_and_that_is_seen_everywhere(
    nights: Nights, make_cli: MakeCli, tmp_path: Path
) -> None:
    assert outcomes(nights.run()) == {SOURCE_READ: True, FRESH: True}
    nights.files.file("bookings/bookings-2026-01.csv").unlink()
    nights.age(timedelta(hours=2))
    assert outcomes(nights.run()) == {SOURCE_READ: False, FRESH: True}, "read two hours ago, of three"
    at = nights.age(timedelta(hours=4))
    checks = nights.run()
    assert outcomes(checks) == {SOURCE_READ: False, FRESH: False}
    assert checks[FRESH].severity is dg.AssetCheckSeverity.WARN
    assert checks[FRESH].metadata["data_as_of"].value == at.isoformat()
    data = tmp_path / "data"
    with open_snapshot(data / "warehouse") as snapshot:
        rows = snapshot.rows(
            "SELECT entity, status, detail, data_as_of FROM load_report WHERE stage = 'source'"
        )
        assert snapshot.rows("SELECT booking_id FROM bookings") == [("1",)], "what was landed stays"
        assert snapshot.rows("SELECT data_as_of FROM generation") == [(at.replace(tzinfo=None),)]
    failed = [row for row in rows if row[1] == "failed"]
    assert failed == [
        ("bookings", "failed", "no file matches bookings/*.csv in sample", at.replace(tzinfo=None))
    ]
    assert all(row[3].replace(tzinfo=UTC) > at for row in rows if row not in failed)
    assert current_generation(data / "warehouse").data_as_of == at
    told = make_cli(data).ask("overview", "101")
    assert datetime.fromisoformat(told["data_as_of"]) == at
    nights.files.write_bookings("bookings/bookings-2026-01.csv", [BOOKING])
    assert outcomes(nights.run()) == {SOURCE_READ: True, FRESH: True}
    served = current_generation(data / "warehouse").data_as_of
    assert served is not None
    assert served > at


def test_a_source_that_was_never_read_is_not_fresh(nights: Nights) -> None:
    nights.files.file("bookings/bookings-2026-01.csv").unlink()
    checks = nights.run()
    assert outcomes(checks) == {SOURCE_READ: False, FRESH: False}
    assert checks[FRESH].metadata["data_as_of"].value == "never"


def test_dagster_watches_that_every_source_asset_runs(nights: Nights) -> None:
    graph = build_definitions(nights.project).resolve_asset_graph()
    expected = dg.FreshnessPolicy.time_window(timedelta(hours=3), timedelta(hours=2, minutes=42))
    policies = {key: graph.get(key).freshness_policy for key in graph.get_all_asset_keys()}
    sources = {source_key("sample", entity) for entity in nights.project.sources["sample"].entities}
    assert {key for key, policy in policies.items() if policy is not None} == sources
    assert {policies[key] for key in sources} == {expected}


def test_the_daemon_that_watches_is_on_as_dagster_is_configured(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_ref(find_instance(tmp_path)) as instance:
        assert {"FRESHNESS_DAEMON", "SENSOR"} <= set(instance.get_required_daemon_types())

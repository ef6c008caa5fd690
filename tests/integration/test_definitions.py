"""The Dagster definitions: loadable as they ship, and of the shape that the snapshot holds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from exporters.catalogue import load_catalogue
from pipelines.assets import WRITER_POOL, source_key
from pipelines.definitions import build_definitions
from pipelines.project import Project, load_project
from settings import Settings
from tests.built import ROOT, night_environment
from warehouse.raw import raw_table

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")

GOLDEN = ROOT / "tests" / "golden" / "dagster" / "definitions.json"
SOURCES = ("sample", "olist", "openrepair")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    return load_project(Settings(sources=SOURCES, data_folder=folder, source_config=ROOT / "sources.toml"))


@pytest.fixture(scope="module")
def definitions(project: Project) -> dg.Definitions:
    return build_definitions(project)


def describe(definitions: dg.Definitions) -> dict[str, Any]:
    """What the snapshot holds: everything by name, in the order of names."""
    graph = definitions.resolve_asset_graph()
    repository = definitions.get_repository_def()
    assets = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "depends_on": sorted(parent.to_user_string() for parent in node.parent_keys),
            "checks": {
                check.name: "blocking" if graph.get_check_spec(check).blocking else "reported"
                for check in sorted(node.check_keys, key=lambda check: check.name)
            },
            "partitions": "daily" if node.is_partitioned else "none",
            "kinds": sorted(node.kinds),
        }
    return {
        "assets": assets,
        "jobs": {
            name: sorted(key.to_user_string() for key in asset_keys(definitions, name))
            for name in sorted(repository.job_names)
            if not name.startswith("__")
        },
        "schedules": {
            schedule.name: f"{schedule.job_name} at {schedule.cron_schedule} {schedule.execution_timezone}"
            for schedule in repository.schedule_defs
        },
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }


def asset_keys(definitions: dg.Definitions, job: str) -> set[dg.AssetKey]:
    return set(definitions.resolve_job_def(job).asset_layer.selected_asset_keys)


def test_the_definitions_are_those_of_the_snapshot(
    definitions: dg.Definitions, request: pytest.FixtureRequest
) -> None:
    written = json.dumps(describe(definitions), indent=1) + "\n"
    if request.config.getoption("--regenerate-golden", default=False):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(written, encoding="utf-8")
    assert GOLDEN.exists(), f"{GOLDEN} is missing: run pytest tests --regenerate-golden and look at it."
    assert json.loads(written) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_step_that_writes_holds_the_one_slot_of_the_pool(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert {key.to_user_string(): graph.get(key).pools for key in graph.materializable_asset_keys} == {
        key.to_user_string(): {WRITER_POOL} for key in graph.materializable_asset_keys
    }


def test_assets_depend_on_what_their_sql_reads_and_the_generation_on_all(
    project: Project, definitions: dg.Definitions
) -> None:
    graph = definitions.resolve_asset_graph()
    raw = {
        raw_table(name, entity): source_key(name, entity)
        for name, source in project.sources.items()
        for entity in source.entities
    }
    for name, model in project.models.items():
        named = {dg.AssetKey(table) for table in model.reads if table in project.models and table != name}
        named |= {raw[table] for table in model.reads if table in raw}
        assert named <= graph.get(dg.AssetKey(name)).parent_keys, name
    above = graph.get_ancestor_asset_keys(dg.AssetKey("generation"))
    published = {dg.AssetKey(n) for n, model in project.models.items() if model.layer != "staging"}
    assert published == graph.get(dg.AssetKey("generation")).parent_keys
    assert above == graph.materializable_asset_keys - {dg.AssetKey("generation")}


def test_each_report_type_has_an_asset_of_its_files_that_no_job_makes(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert graph.get_all_asset_keys() - graph.materializable_asset_keys == {
        dg.AssetKey(["exports", name]) for name in load_catalogue()
    }


def test_the_night_takes_everything_in_one_process_and_runs_every_night(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert asset_keys(definitions, "night") == graph.materializable_asset_keys
    assert definitions.resolve_job_def("night").executor_def.name == "in_process"
    [schedule] = definitions.get_repository_def().schedule_defs
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_schedule_asks_for_a_run_of_all_that_is_new(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance)
        tick = schedule.evaluate_tick(context)
    [request] = tick.run_requests or []
    assert not [tag for tag in request.tags if tag.startswith("dagster/asset_partition")]


def test_the_schedule_follows_its_settings(project: Project) -> None:
    settings = project.settings.model_copy(
        update={"nightly_at": "23:05", "nightly_time_zone": "America/New_York"}
    )
    other = Project(settings, project.sources, project.models, project.landing)
    [schedule] = build_definitions(other).get_repository_def().schedule_defs
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("5 23 * * *", "America/New_York")


def test_dagster_loads_the_workspace_of_the_repository(tmp_path: Path) -> None:
    """As an operator starts it: from the repository root, with workspace.yaml and dagster.yaml."""
    home = tmp_path / "home"
    home.mkdir()
    config = (ROOT / "dagster.yaml").read_text(encoding="utf-8")
    moved = re.sub(r"base_dir: data/dagster", f"base_dir: {tmp_path / 'storage'}", config)
    assert moved != config
    (home / "dagster.yaml").write_text(moved, encoding="utf-8")
    environment = night_environment(tmp_path / "data", {"SOURCES": ",".join(SOURCES)})
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "dagster"), "definitions", "validate"],
        cwd=ROOT,
        env=environment | {"DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Validation successful for code location workshop_reports" in done.stderr + done.stdout
    assert (tmp_path / "storage").is_dir()

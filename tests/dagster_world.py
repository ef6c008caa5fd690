"""A data folder whose exports are recorded in Dagster, for tests: exports, launches and ticks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.launcher import LaunchRunContext

from exporters.exports import Exports, open_exports
from exporters.jobs import Job, Status
from pipelines.definitions import build_definitions
from pipelines.export_names import JOB_TAG
from pipelines.instance import find_instance, records_folder
from pipelines.launcher import ExportLauncher
from pipelines.project import load_project
from settings import Settings
from tests.built import ROOT

JANUARY = {"date_from": "2026-01-01", "date_to": "2026-01-31"}
LEASE = timedelta(seconds=60)


@dataclass
class World:
    """A data folder, its exports and what Dagster shows; the sensor is ticked as the daemon does."""

    settings: Settings
    exports: Exports
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    cursor: str | None = None

    def request(self, report_type: str = "ratings", workshop_id: str = "101") -> Job:
        return self.exports.request(workshop_id, report_type, "csv", JANUARY)

    def export(self, report_type: str = "ratings", workshop_id: str = "101") -> Job:
        job = self.exports.run(self.request(report_type, workshop_id).job_id)
        assert job is not None
        assert job.status is Status.COMPLETED, job
        return job

    def hold(self, job: Job) -> Job:
        held = self.exports.jobs.claim("worker-7", LEASE, job.job_id)
        assert held is not None
        return held

    def tick(self) -> str:
        sensor = self.definitions.resolve_sensor_def("export_records")
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.definitions.get_repository_def(),
        ) as context:
            result = sensor.evaluate_tick(context)
        self.cursor = result.cursor
        return str(result.skip_message)

    def runs(self) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(job_name="export_report")))

    def run_of(self, job: Job) -> dg.DagsterRun:
        [run] = [run for run in self.runs() if run.tags.get(JOB_TAG) == job.job_id]
        return run

    def kinds(self, run: dg.DagsterRun) -> list[str]:
        return [
            entry.dagster_event_type.value if entry.dagster_event_type else entry.user_message
            for entry in self.instance.all_logs(run.run_id)
        ]

    def launch(self, *, tags: Mapping[str, str] | None = None, **config: Any) -> dg.DagsterRun:
        """The run as Dagster has it after its launcher was called."""
        job = self.definitions.resolve_job_def("export_report")
        asked = {"ops": {"export": {"config": config}}}
        run = self.instance.create_run_for_job(job, run_config=asked, tags=tags)
        launcher = self.instance.run_launcher
        assert isinstance(launcher, ExportLauncher)
        launcher.launch_run(LaunchRunContext(run, None))
        return self.reload(run)

    def reload(self, run: dg.DagsterRun) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found


@contextmanager
def open_world(data: Path) -> Iterator[World]:
    """The world of a data folder that has a warehouse."""
    settings = Settings(data_folder=data, source_config=ROOT / "sources.toml")
    records_folder(data).mkdir(parents=True, exist_ok=True)
    with (
        open_exports(settings.exports) as exports,
        dg.DagsterInstance.from_ref(find_instance(data)) as instance,
    ):
        yield World(settings, exports, instance, build_definitions(load_project(settings)))


@contextmanager
def new_world(data: Path, warehouse: Path) -> Iterator[World]:
    """The world of a new data folder that serves what another has published."""
    data.mkdir()
    (data / "warehouse").symlink_to(warehouse)
    with open_world(data) as world:
        yield world


def metadata_of(record: Any) -> dict[str, Any]:
    made = record.asset_materialization or record.asset_observation
    return {name: value.value for name, value in made.metadata.items()}

"""Exports as Dagster shows them: each ended job is one run, launched or not, and an erasure removes it."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import LaunchRunContext

from exporters.exports import Exports, open_exports
from exporters.jobs import Job, Status
from pipelines.dagster_records import forget_runs
from pipelines.definitions import build_definitions
from pipelines.export_names import JOB_TAG, OWN_PROCESS_TAG
from pipelines.instance import find_instance, records_folder
from pipelines.launcher import ExportLauncher
from pipelines.project import load_project
from settings import Settings
from tests.built import ROOT, night_environment

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")

JANUARY = {"date_from": "2026-01-01", "date_to": "2026-01-31"}
LEASE = timedelta(seconds=60)
Kind = dg.DagsterEventType


@dataclass
class World:
    """A data folder, its exports and what Dagster shows; the sensor is ticked as the daemon does."""

    settings: Settings
    exports: Exports
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    cursor: str | None = None
    said: list[str] = field(default_factory=list)

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

    def launch(self, **config: Any) -> dg.DagsterRun:
        """The run as Dagster has it after its launcher was called."""
        job = self.definitions.resolve_job_def("export_report")
        run = self.instance.create_run_for_job(job, run_config={"ops": {"export": {"config": config}}})
        launcher = self.instance.run_launcher
        assert isinstance(launcher, ExportLauncher)
        launcher.launch_run(LaunchRunContext(run, None))
        return self.reload(run)

    def reload(self, run: dg.DagsterRun) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found


@pytest.fixture
def world(sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    data = tmp_path / "data"
    data.mkdir()
    (data / "warehouse").symlink_to(sample_data / "warehouse")
    settings = Settings(data_folder=data, source_config=ROOT / "sources.toml")
    # The launcher reads the settings of the daemon's own process, which is this one.
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(data))
    monkeypatch.setenv("REPORTS_SOURCE_CONFIG", str(ROOT / "sources.toml"))
    records_folder(data).mkdir()
    with (
        open_exports(settings.exports) as exports,
        dg.DagsterInstance.from_ref(find_instance(data)) as instance,
    ):
        yield World(settings, exports, instance, build_definitions(load_project(settings)))


def metadata_of(record: Any) -> dict[str, Any]:
    made = record.asset_materialization or record.asset_observation
    return {name: value.value for name, value in made.metadata.items()}


def test_a_completed_export_is_a_run_with_rows_bytes_file_and_history(world: World) -> None:
    job = world.export("bookings")
    assert world.tick() == "1 exports were recorded"
    run = world.run_of(job)
    assert (run.run_id, run.status) == (job.job_id, dg.DagsterRunStatus.SUCCESS)
    assert run.tags["workshop"] == "101"
    assert run.run_config["ops"]["export"]["config"]["filters"] == JANUARY  # type: ignore[index]
    assert world.kinds(run) == [
        "PIPELINE_START",
        "STEP_START",
        "ASSET_MATERIALIZATION",
        "STEP_SUCCESS",
        "PIPELINE_SUCCESS",
    ]
    record = world.instance.get_run_record_by_id(run.run_id)
    assert record is not None
    assert job.started_at is not None
    assert job.finished_at is not None
    assert record.start_time == pytest.approx(job.started_at.timestamp())
    assert record.end_time == pytest.approx(job.finished_at.timestamp())
    shown = world.instance.get_latest_materialization_event(dg.AssetKey(["exports", "bookings"]))
    assert shown is not None
    assert shown.run_id == run.run_id
    told = metadata_of(shown)
    assert job.file_key is not None
    assert told["file"] == world.exports.store.url_of(job.file_key)
    assert (told["rows"], told["size_bytes"], told["job_id"]) == (
        job.rows_written,
        job.size_bytes,
        job.job_id,
    )
    assert (told["workshop"], told["format"], told["generation"]) == ("101", "csv", job.generation)
    assert told["rows"] > 0
    assert told["wait_seconds"] >= 0
    assert told["duration_seconds"] > 0
    assert (world.tick(), len(world.runs())) == ("no export has ended since", 1)


def test_a_failed_and_a_cancelled_export_say_why(world: World) -> None:
    failing = world.hold(world.request())
    world.exports.jobs.release(failing, "STORE_FAILED", "the store gave no answer")
    failing = world.hold(failing)
    world.exports.jobs.fail(failing, "STORE_FAILED", "the store refused the file")
    cancelled = world.exports.jobs.cancel(world.request().job_id, reason="nobody wants it")
    world.tick()
    failed = world.run_of(failing)
    assert failed.status is dg.DagsterRunStatus.FAILURE
    assert world.kinds(failed)[1:] == [
        "STEP_START",
        "Try 1 failed. STORE_FAILED: the store gave no answer",
        "Try 2: claimed by worker-7.",
        "ASSET_OBSERVATION",
        "STEP_FAILURE",
        "PIPELINE_FAILURE",
    ]
    messages = [entry.message for entry in world.instance.all_logs(failed.run_id)]
    assert "STORE_FAILED: the store refused the file" in messages[-1]
    [seen] = world.instance.fetch_observations(dg.AssetKey(["exports", "ratings"]), limit=2).records
    assert metadata_of(seen)["error_code"] == "STORE_FAILED"
    run = world.run_of(cancelled)
    assert run.status is dg.DagsterRunStatus.CANCELED
    assert "nobody wants it" in world.instance.all_logs(run.run_id)[-1].message


def test_a_cursor_that_is_lost_changes_nothing(world: World) -> None:
    world.export()
    world.tick()
    before = [world.kinds(run) for run in world.runs()]
    for lost in (None, "yesterday"):
        world.cursor = lost
        world.tick()
        assert [world.kinds(run) for run in world.runs()] == before


RECORD = """
import sys
from tests.integration.test_export_records import record_all
record_all(sys.argv[1])
"""


def record_all(data: str) -> None:
    """Record everything, in a process of its own that the test kills."""
    settings = Settings(data_folder=Path(data), source_config=ROOT / "sources.toml")
    definitions = build_definitions(load_project(settings))
    with (
        open_exports(settings.exports) as exports,
        dg.DagsterInstance.from_ref(find_instance(settings.data_folder)) as instance,
    ):
        print("ready", flush=True)
        World(settings, exports, instance, definitions).tick()


def test_a_recorder_killed_again_and_again_records_each_export_once(world: World) -> None:
    jobs = [world.request() for _ in range(30)]
    for job in jobs:
        world.exports.jobs.fail(world.hold(job), "STORE_FAILED", "the store refused the file")
    for pause in (0.3, 0.7):  # so that it dies in the middle of a run's events
        recorder = subprocess.Popen(
            [sys.executable, "-c", RECORD, str(world.settings.data_folder)],
            cwd=ROOT,
            env=night_environment(world.settings.data_folder, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == "ready\n"
        time.sleep(pause)
        recorder.kill()
        recorder.wait()
        recorder.stdout.close()
    assert 0 < len(world.runs()) < len(jobs)
    world.tick()
    runs = world.runs()
    assert Counter(run.tags[JOB_TAG] for run in runs) == Counter(job.job_id for job in jobs)
    assert {run.status for run in runs} == {dg.DagsterRunStatus.FAILURE}
    for run in runs:
        assert max(Counter(world.kinds(run)).values()) == 1, run.run_id
        assert len(world.kinds(run)) == 5, run.run_id


def test_a_launched_export_is_left_to_the_worker_and_its_run_ends_with_it(world: World) -> None:
    other = world.hold(world.request())  # a worker is there, and busy
    run = world.launch(workshop_id="101", report_type="revenue", filters=JANUARY)
    assert run.status is dg.DagsterRunStatus.STARTED
    world.tick()
    assert world.reload(run).status is dg.DagsterRunStatus.STARTED
    job = world.exports.run(run.tags[JOB_TAG])
    assert job is not None
    world.exports.jobs.fail(other, "STORE_FAILED", ".")
    world.tick()
    assert world.run_of(job).run_id == run.run_id
    assert world.reload(run).status is dg.DagsterRunStatus.SUCCESS
    assert Counter(world.kinds(run))["PIPELINE_START"] == 1
    shown = world.instance.get_latest_materialization_event(dg.AssetKey(["exports", "revenue"]))
    assert shown is not None
    assert (shown.run_id, metadata_of(shown)["job_id"]) == (run.run_id, job.job_id)


def test_a_launched_export_that_cannot_be_made_says_why(world: World) -> None:
    for config, reason in (
        ({"workshop_id": "7", "report_type": "ratings"}, "there is no workshop '7'"),
        ({"workshop_id": "101", "report_type": "ratings", "filters": {"colour": "red"}}, "colour"),
    ):
        run = world.launch(**config)
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert reason in world.instance.all_logs(run.run_id)[-1].message
    assert world.exports.jobs.list() == ()


def test_terminating_a_launched_export_cancels_its_job(world: World) -> None:
    world.hold(world.request())
    run = world.launch(workshop_id="101", report_type="ratings")
    assert world.instance.run_launcher.terminate(run.run_id)
    assert world.reload(run).status is dg.DagsterRunStatus.CANCELING
    assert world.exports.jobs.get(run.tags[JOB_TAG]).status is Status.CANCELLED
    world.tick()
    assert world.reload(run).status is dg.DagsterRunStatus.CANCELED
    assert not world.instance.run_launcher.terminate(run.run_id)


def test_an_export_in_a_process_of_its_own_tells_itself_and_is_not_told_again(world: World) -> None:
    """As where no worker is there: the run's own process makes the file."""
    result = world.definitions.resolve_job_def("export_report").execute_in_process(
        instance=world.instance,
        run_config={"ops": {"export": {"config": {"workshop_id": "101", "report_type": "ratings"}}}},
    )
    assert result.success
    [job] = world.exports.jobs.list()
    run = world.run_of(job)
    assert run.tags[OWN_PROCESS_TAG] == "true"
    before = world.kinds(run)
    world.tick()
    assert (len(world.runs()), world.kinds(run)) == (1, before)
    assert before.count("ASSET_MATERIALIZATION") == 1
    shown = world.instance.get_latest_materialization_event(dg.AssetKey(["exports", "ratings"]))
    assert shown is not None
    assert metadata_of(shown)["rows"] == job.rows_written


def test_an_erasure_leaves_nothing_of_a_workshop(world: World) -> None:
    gone = world.export("bookings", "102")
    world.tick()
    world.hold(world.request())
    waiting = world.launch(workshop_id="102", report_type="ratings")
    assert waiting.status is dg.DagsterRunStatus.STARTED
    folder = records_folder(world.settings.data_folder)
    assert holds(folder, gone.job_id)
    world.exports.jobs.forget_workshop("102")
    assert forget_runs(world.settings.data_folder) == 0
    assert world.runs() == []
    assert list(world.instance.all_asset_keys()) == []
    assert not holds(folder, gone.job_id)
    assert not holds(folder, waiting.run_id)
    world.cursor = None
    world.tick()
    assert world.runs() == []


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_whose_job_was_forgotten_does_not_wait_for_ever(world: World) -> None:
    world.hold(world.request())
    run = world.launch(workshop_id="102", report_type="ratings")
    world.exports.jobs.forget_workshop("102")
    world.tick()
    assert world.reload(run).status is dg.DagsterRunStatus.CANCELED


def test_the_daemon_launches_and_records_with_a_worker_beside_it(world: World, tmp_path: Path) -> None:
    """Dagster's own processes: a launch from outside ends in its run, and an export that it did not launch too."""
    asked = world.export("services")
    with services(world.settings.data_folder, tmp_path) as environment, worker(world.exports):
        config = {"workshop_id": "101", "report_type": "revenue", "format": "xlsx", "filters": JANUARY}
        launched = subprocess.run(
            [
                *(program("dagster"), "job", "launch", "-w", "workspace.yaml", "-j", "export_report"),
                *("--config-json", json.dumps({"ops": {"export": {"config": config}}})),
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert launched.returncode == 0, launched.stderr
        deadline = time.monotonic() + 60
        while len(runs := world.runs()) < 2 or not all(run.is_finished for run in runs):
            assert time.monotonic() < deadline, [(run.status, world.kinds(run)) for run in runs]
            time.sleep(0.2)
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    recorded = world.run_of(asked)
    [run] = [run for run in runs if run.run_id != recorded.run_id]
    assert run.run_id != run.tags[JOB_TAG]
    assert OWN_PROCESS_TAG not in run.tags
    assert recorded.remote_job_origin == run.remote_job_origin, "both lead to the job in the UI"
    shown = world.instance.get_latest_materialization_event(dg.AssetKey(["exports", "revenue"]))
    assert shown is not None
    assert (shown.run_id, metadata_of(shown)["format"]) == (run.run_id, "xlsx")


def program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@contextmanager
def services(data: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Dagster's daemon on the data folder, as dagster.yaml has it; gives the environment that it runs in."""
    home = folder / "home"
    home.mkdir()
    config = (ROOT / "dagster.yaml").read_text(encoding="utf-8")
    moved = config.replace("base_dir: data/dagster", f"base_dir: {records_folder(data)}")
    (home / "dagster.yaml").write_text(moved, encoding="utf-8")
    environment = night_environment(data, {}) | {"DAGSTER_HOME": str(home)}
    with (folder / "daemon.log").open("w") as log:
        daemon = subprocess.Popen(
            [program("dagster-daemon"), "run", "-w", "workspace.yaml"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield environment
        finally:
            daemon.send_signal(signal.SIGINT)
            daemon.wait(30)


@contextmanager
def worker(exports: Exports) -> Iterator[None]:
    """A worker in a thread of this process."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            exports.run()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_dagster_as_it_is_started_and_the_night_keep_their_records_in_the_same_place(tmp_path: Path) -> None:
    """dagster.yaml names the usual data folder; the commands go by the settings."""
    data = tmp_path / "data"
    records_folder(data).mkdir(parents=True)
    with dg.DagsterInstance.from_ref(find_instance(data)) as instance:
        assert isinstance(instance.run_launcher, ExportLauncher)
        instance.add_dynamic_partitions("seen", ["here"])
        instance.event_log_storage.get_event_records(dg.EventRecordsFilter(Kind.RUN_START), limit=1)
    found = {path.relative_to(data).as_posix() for path in data.rglob("*.db")}
    declared = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, dagster as dg; i = dg.DagsterInstance.from_config(sys.argv[1]);"
            "i.add_dynamic_partitions('seen', ['here']); i.schedule_storage; i.run_storage",
            str(ROOT),
        ],
        cwd=tmp_path,
        env=night_environment(data, {}) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert declared.returncode == 0, declared.stderr
    assert {path.relative_to(data).as_posix() for path in data.rglob("*.db")} == found
    with closing(sqlite3.connect(data / "dagster" / "history" / "event_log.db")) as connection:
        assert connection.execute("SELECT partition FROM dynamic_partitions").fetchall() == [("here",)]

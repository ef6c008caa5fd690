"""Exports as Dagster shows them: each ended job is one run, told once, and an erasure removes it."""

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from pipelines.dagster_records import forget_runs
from pipelines.export_names import JOB_TAG, OWN_PROCESS_TAG
from pipelines.instance import find_instance, records_folder
from tests.built import ROOT, night_environment
from tests.dagster_world import JANUARY, World, metadata_of, new_world

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


@pytest.fixture
def world(sample_data: Path, tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path / "data", sample_data / "warehouse") as opened:
        yield opened


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


def test_a_run_that_is_half_written_is_completed_wherever_it_was_cut(world: World) -> None:
    job = world.export()
    world.tick()
    run = world.run_of(job)
    whole = world.kinds(run)
    history = records_folder(world.settings.data_folder) / "history"
    for kept in range(len(whole) + 1):
        with closing(sqlite3.connect(history / "event_log.db")) as events, events:
            events.execute(
                "DELETE FROM event_logs WHERE id NOT IN (SELECT id FROM event_logs ORDER BY id LIMIT ?)",
                (kept,),
            )
        with closing(sqlite3.connect(history / "runs.db")) as runs, runs:
            runs.execute("UPDATE runs SET status = 'STARTED', start_time = NULL, end_time = NULL")
        world.cursor = None
        world.tick()
        assert world.kinds(run) == whole, kept
        assert world.reload(run).status is dg.DagsterRunStatus.SUCCESS, kept
        record = world.instance.get_run_record_by_id(run.run_id)
        assert record is not None
        assert None not in (record.start_time, record.end_time), kept


RECORD = """
import os, signal, sys, threading, time
from pathlib import Path
from tests.dagster_world import open_world
with open_world(Path(sys.argv[1])) as world:
    def end() -> None:
        while len(world.runs()) < 3:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Thread(target=end, daemon=True).start()
    world.tick()
"""


def test_a_recorder_that_was_killed_has_recorded_each_export_once_in_the_end(world: World) -> None:
    jobs = [world.request() for _ in range(20)]
    for job in jobs:
        world.exports.jobs.fail(world.hold(job), "STORE_FAILED", "the store refused the file")
    recorder = subprocess.run(
        [sys.executable, "-c", RECORD, str(world.settings.data_folder)],
        cwd=ROOT,
        env=night_environment(world.settings.data_folder, {}),
        stderr=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert recorder.returncode == -signal.SIGKILL
    assert 0 < len(world.runs()) < len(jobs)
    world.tick()
    runs = world.runs()
    assert Counter(run.tags[JOB_TAG] for run in runs) == Counter(job.job_id for job in jobs)
    assert {run.status for run in runs} == {dg.DagsterRunStatus.FAILURE}
    assert {tuple(Counter(world.kinds(run)).values()) for run in runs} == {(1, 1, 1, 1, 1)}


def test_an_export_in_a_process_of_its_own_tells_itself_and_is_not_told_again(world: World) -> None:
    """As where no worker is there: the run's own process makes the file."""
    result = world.definitions.resolve_job_def("export_report").execute_in_process(
        instance=world.instance,
        run_config={"ops": {"export": {"config": {"workshop_id": "101", "report_type": "ratings"}}}},
    )
    assert result.success
    [job] = world.exports.jobs.list()
    run = world.run_of(job)
    assert run.tags[OWN_PROCESS_TAG] == run.run_id
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
    folder = records_folder(world.settings.data_folder)
    assert holds(folder, gone.job_id)
    world.exports.jobs.forget_workshop("102")
    assert forget_runs(world.settings.data_folder) == 0
    assert world.runs() == []
    assert list(world.instance.all_asset_keys()) == []
    assert not holds(folder, gone.job_id)
    world.cursor = None
    world.tick()
    assert world.runs() == []


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


OPEN = """
import sys
from pathlib import Path
import dagster as dg
from pipelines.instance import find_instance
with dg.DagsterInstance.from_ref(find_instance(Path(sys.argv[1]))) as instance:
    sys.stdin.readline()
    instance.run_launcher, instance.run_storage.get_runs(), instance.event_log_storage.all_asset_keys()
"""


def test_processes_that_begin_together_make_one_storage(tmp_path: Path) -> None:
    data = tmp_path / "data"
    records_folder(data).mkdir(parents=True)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(data)],
            cwd=ROOT,
            env=night_environment(data, {}),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        _, said = process.communicate("\n", timeout=300)
        assert process.returncode == 0, said
    history = records_folder(data) / "history"
    versions = set()
    for path in (
        history / "runs.db",
        history / "event_log.db",
        history.parent / "schedules" / "schedules.db",
    ):
        with closing(sqlite3.connect(path)) as connection:
            versions.add(tuple(connection.execute("SELECT version_num FROM alembic_version")))
    assert len(versions) == 1
    assert len(versions.pop()) == 1


def test_dagster_as_it_is_started_and_the_commands_share_one_storage() -> None:
    """dagster.yaml names the usual data folder, and the commands go by the settings."""
    ours, started = find_instance(ROOT / "data"), InstanceRef.from_dir(str(ROOT))
    assert ours.run_launcher_data == started.run_launcher_data
    storage, declared = ours.storage_data, started.storage_data
    assert storage is not None
    assert declared is not None
    assert (storage.module_name, storage.class_name) == (declared.module_name, declared.class_name)
    assert declared.config_dict["base_dir"] == "data/dagster"
    assert storage.config_dict["base_dir"] == str(ROOT / "data" / "dagster")

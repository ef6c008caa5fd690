"""Exports launched from Dagster: left to a worker, ended with its job, refused with the reason."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from exporters.exports import Exports
from exporters.jobs import Status
from pipelines.dagster_records import forget_runs
from pipelines.export_names import JOB_TAG, OWN_PROCESS_TAG
from pipelines.instance import records_folder
from tests.built import ROOT, night_environment
from tests.dagster_world import JANUARY, World, metadata_of, new_world

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


@pytest.fixture
def world(sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # The launcher reads the settings of the daemon's process, which is this one here.
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("REPORTS_SOURCE_CONFIG", str(ROOT / "sources.toml"))
    with new_world(tmp_path / "data", sample_data / "warehouse") as opened:
        yield opened


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


def test_a_run_that_is_executed_again_is_left_to_the_worker_whatever_it_inherits(world: World) -> None:
    held = world.hold(world.request())
    ended = world.export()
    tags = {JOB_TAG: ended.job_id, OWN_PROCESS_TAG: "00000000-0000-4000-8000-000000000000"}
    run = world.launch(workshop_id="101", report_type="revenue", tags=tags)
    assert (run.status, run.tags[JOB_TAG] == ended.job_id) == (dg.DagsterRunStatus.STARTED, False)
    assert world.exports.run(run.tags[JOB_TAG])
    world.exports.jobs.fail(held, "STORE_FAILED", ".")
    world.tick()
    assert world.reload(run).status is dg.DagsterRunStatus.SUCCESS


def test_a_run_whose_job_was_forgotten_does_not_wait_for_ever(world: World) -> None:
    world.hold(world.request())
    run = world.launch(workshop_id="102", report_type="ratings")
    world.exports.jobs.forget_workshop("102")
    world.tick()
    assert world.reload(run).status is dg.DagsterRunStatus.CANCELED


def test_a_waiting_run_goes_with_its_erased_workshop(world: World) -> None:
    world.hold(world.request())
    run = world.launch(workshop_id="102", report_type="ratings")
    assert run.status is dg.DagsterRunStatus.STARTED
    world.exports.jobs.forget_workshop("102")
    assert forget_runs(world.settings.data_folder) == 0
    assert world.runs() == []


def test_the_daemon_launches_and_records_with_a_worker_beside_it(world: World, tmp_path: Path) -> None:
    """Dagster's own processes: what was launched and what was asked for elsewhere both end as runs."""
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
            timeout=300,
            check=False,
        )
        assert launched.returncode == 0, launched.stderr
        deadline = time.monotonic() + 300
        while len(runs := world.runs()) < 2 or not all(run.is_finished for run in runs):
            assert time.monotonic() < deadline, [(run.status, world.kinds(run)) for run in runs]
            time.sleep(0.5)
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
            daemon.wait(120)


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

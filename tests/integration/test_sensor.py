"""The sensor on new files: one night for what came, and none for a file that is still being copied."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from pipelines.definitions import build_definitions
from pipelines.jobs import NIGHT
from pipelines.project import load_project
from settings import Settings
from tests.built import ROOT
from tests.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


@dataclass
class Sensor:
    """The sensor of a project, ticked as the daemon does: each tick has the cursor of the one before."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    cursor: str | None = None
    run_keys: list[str | None] = field(default_factory=list)

    def tick(self) -> str:
        """`night` when the tick asks for one, else why it does not."""
        sensor = self.definitions.resolve_sensor_def("new_files")
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.definitions.get_repository_def(),
        ) as context:
            result = sensor.evaluate_tick(context)
        self.cursor = result.cursor
        if not result.run_requests:
            return str(result.skip_message)
        [request] = result.run_requests
        self.run_keys.append(request.run_key)
        return "night"


MakeSensor = Callable[..., Sensor]
WAITING = "the files of sample may still be changing"
NOTHING = "no new files"
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("workshop_reports"), "__repository__"), NIGHT
)


@pytest.fixture
def make_sensor(tmp_path: Path) -> Iterator[MakeSensor]:
    """The sensor of a project whose sources start from `tmp_path`."""
    with dg.DagsterInstance.ephemeral() as instance:

        def make(config: Path = ROOT / "sources.toml", **settings: object) -> Sensor:
            given = {"source_root": tmp_path, "data_folder": tmp_path, "source_config": config, **settings}
            return Sensor(build_definitions(load_project(Settings.model_validate(given))), instance)

        yield make


@pytest.fixture
def bookings(tmp_path: Path) -> Path:
    folder = tmp_path / "sample" / "bookings"
    folder.mkdir(parents=True)
    return folder


def test_a_file_that_came_begins_one_night_when_it_no_longer_changes(
    make_sensor: MakeSensor, bookings: Path
) -> None:
    sensor = make_sensor()
    assert sensor.tick() == NOTHING
    copied = bookings / "bookings-2026-01.csv"
    copied.write_bytes(b"id\n")
    assert sensor.tick() == WAITING
    for _ in range(2):
        with copied.open("ab") as stream:
            stream.write(b"1\n")
        assert sensor.tick() == WAITING, "it has grown since"
    assert sensor.tick() == "night"
    assert [sensor.tick(), sensor.tick()] == [NOTHING, NOTHING]


def test_a_changed_and_a_removed_file_begin_a_night_and_others_none(
    make_sensor: MakeSensor, bookings: Path
) -> None:
    sensor = make_sensor()
    file, other = bookings / "1.csv", bookings / "2.csv"
    for path in (file, other):
        path.write_bytes(b"id\n")
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]
    (bookings / "notes.txt").write_bytes(b"no entity's")
    (bookings.parent / "quirks.json").write_bytes(b"{}")
    assert sensor.tick() == NOTHING
    status = file.stat()
    file.write_bytes(b"no\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"], "of the same size, and written anew"
    other.unlink()
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]


def test_files_that_are_again_as_they_were_begin_a_night_of_its_own(
    make_sensor: MakeSensor, bookings: Path
) -> None:
    """Dagster begins no second run for a run key that it has seen."""
    sensor = make_sensor()
    file = bookings / "1.csv"
    for text in (b"id\n", b"other\n", b"id\n"):
        file.write_bytes(text)
        os.utime(file, (len(text), len(text)))
        assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]
    assert len(set(sensor.run_keys)) == 3


def test_a_tick_whose_cursor_was_lost_asks_for_the_same_night(
    make_sensor: MakeSensor, bookings: Path
) -> None:
    sensor = make_sensor()
    (bookings / "1.csv").write_bytes(b"id\n")
    sensor.tick()
    before = sensor.cursor
    assert sensor.tick() == "night"
    sensor.cursor = before
    assert sensor.tick() == "night"
    assert len(set(sensor.run_keys)) == 1


def test_no_night_is_begun_while_one_is_queued_or_runs(make_sensor: MakeSensor, bookings: Path) -> None:
    sensor = make_sensor()
    (bookings / "1.csv").write_bytes(b"id\n")
    sensor.tick()
    job = sensor.definitions.resolve_job_def(NIGHT)
    for status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED):
        run = sensor.instance.create_run_for_job(job, status=status, remote_job_origin=ORIGIN)
        cursor = sensor.cursor
        assert "a night is queued or runs" in sensor.tick()
        assert sensor.cursor == cursor
        sensor.instance.delete_run(run.run_id)
    sensor.instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS)
    assert sensor.tick() == "night", "what came meanwhile is not lost"


def test_a_source_that_cannot_be_listed_is_told_and_holds_up_no_other(
    make_sensor: MakeSensor, tmp_path: Path
) -> None:
    sensor = make_sensor(sources=("sample", "openrepair"))
    missing = f"sample cannot be listed: {tmp_path / 'sample'}: there is no such folder"
    (tmp_path / "openrepair").mkdir()
    assert sensor.tick().startswith(missing)
    (tmp_path / "openrepair" / "OpenRepairData_1.csv").write_bytes(b"id\n")
    told = sensor.tick()
    assert told.startswith(missing)
    assert told.endswith("the files of openrepair may still be changing")
    assert sensor.tick() == "night"
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "ratings.ndjson").write_bytes(b"{}\n")
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]


def test_a_folder_that_is_away_for_a_while_begins_no_night(
    make_sensor: MakeSensor, bookings: Path, tmp_path: Path
) -> None:
    sensor = make_sensor()
    (bookings / "1.csv").write_bytes(b"id\n")
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]
    bookings.parent.rename(tmp_path / "unmounted")
    assert "there is no such folder" in sensor.tick()
    assert "there is no such folder" in sensor.tick()
    (tmp_path / "unmounted").rename(bookings.parent)
    assert sensor.tick() == NOTHING


def test_a_cursor_written_by_hand_is_begun_anew(make_sensor: MakeSensor, bookings: Path) -> None:
    sensor = make_sensor()
    (bookings / "1.csv").write_bytes(b"id\n")
    sensor.cursor = "yesterday"
    assert [sensor.tick(), sensor.tick()] == [WAITING, "night"]


def test_it_lists_s3_and_tells_when_that_is_away(
    make_sensor: MakeSensor, s3_server: S3Server, tmp_path: Path
) -> None:
    prefix = "sensor/new"
    config = tmp_path / "sources.toml"
    declared = (ROOT / "sources.toml").read_text(encoding="utf-8")
    moved = declared.replace('path = "sample"', f'path = "s3://{s3_server.bucket}/{prefix}"')
    config.write_text(moved, encoding="utf-8")
    access = {
        "s3_endpoint": s3_server.endpoint_url,
        "s3_region": s3_server.region,
        "s3_access_key": s3_server.access_key,
        "s3_secret_key": s3_server.secret_key,
    }
    sensor = make_sensor(config, **access)
    client = s3_server.client()
    keys = [f"{prefix}/bookings/1.csv", f"{prefix}/notes.txt"]
    assert sensor.tick() == NOTHING
    try:
        client.put_object(Bucket=s3_server.bucket, Key=keys[1], Body=b"no entity's")
        assert sensor.tick() == NOTHING
        client.put_object(Bucket=s3_server.bucket, Key=keys[0], Body=b"id\n")
        assert [sensor.tick(), sensor.tick(), sensor.tick()] == [WAITING, "night", NOTHING]
        refused = make_sensor(config, **{**access, "s3_secret_key": "hunter2"})
        refused.cursor = sensor.cursor
        told = refused.tick()
        assert told.startswith("sample cannot be listed: ")
        assert s3_server.bucket in told
        assert "hunter2" not in f"{told} {refused.cursor}"
    finally:
        for key in keys:
            client.delete_object(Bucket=s3_server.bucket, Key=key)

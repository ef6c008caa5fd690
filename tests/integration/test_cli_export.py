"""Exports on the command line: the files of every type and format, their copies, and who runs the job."""

import csv
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from api.cli_copy import check_target
from api.cli_errors import Failure
from exporters.exports import Exports
from exporters.jobs import Job, JobStore, Status
from tests.built import ROOT
from tests.command_line import EXPORT, UNKNOWN_JOB, WORKSHOP, Cli, pending
from warehouse.database import connect
from warehouse.generations import current_generation


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "pdf"])
@pytest.mark.parametrize("report_type", ["bookings", "ratings", "revenue", "services"])
def test_export(cli: Cli, sample_data: Path, report_type: str, format_name: str) -> None:
    period = ("--from", "2025-01-01", "--to", "2025-12-31")
    figures = cli.ask("overview", WORKSHOP, *period)["overview"]
    document = cli.ask(
        "export", WORKSHOP, report_type, "--format", format_name, *period, "--output", str(cli.folder)
    )
    job, copy = document["job"], Path(document["output"])
    assert (job["status"], job["progress"]) == ("completed", 100)
    assert copy == cli.folder / f"minbil-{report_type}-2025-01-01-2025-12-31.{format_name}"
    content = copy.read_bytes()
    assert hashlib.sha256(content).hexdigest() == job["sha256"]
    assert len(content) == job["size_bytes"]
    assert Path(job["file_url"].removeprefix("file://")).read_bytes() == content
    if report_type == "ratings":
        assert job["rows_written"] == figures["ratings"]["count"]
    if format_name == "csv":
        _, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        assert len(rows) == job["rows_written"] > 0
        if report_type == "revenue":
            assert sum(Decimal(row[2]) for row in rows) == figures["jobs"]["revenue_in_range"]
            assert sum(int(row[1]) for row in rows) == figures["jobs"]["done_in_range"]
    elif format_name == "xlsx":
        assert openpyxl.load_workbook(io.BytesIO(content), read_only=True).sheetnames
    else:
        assert len(pypdf.PdfReader(io.BytesIO(content)).pages) >= 1


def test_export_with_filters_for_people(cli: Cli) -> None:
    target = cli.folder / "low.csv"
    target.write_text("what was there")
    answer = cli(
        "export", WORKSHOP, "ratings", "--format", "csv", "--filter", "rating_max=2.5",
        "--filter", "only_public=true", "--output", str(target),
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    [job] = cli.ask("jobs")["items"]
    assert job["filters"] == {"rating_max": "2.5", "only_public": True}
    for shown in (job["job_id"], job["file_url"], job["sha256"], str(job["size_bytes"]), str(target)):
        assert shown in answer.out
    _, *rows = csv.reader(io.StringIO(target.read_text("utf-8-sig")))
    assert rows
    assert all(Decimal(row[2]) <= Decimal("2.5") for row in rows)
    assert sorted(path.name for path in cli.folder.iterdir() if "part" in path.name) == []


def test_no_wait_then_run(cli: Cli) -> None:
    first, second = pending(cli), pending(cli)
    assert [job["job_id"] for job in cli.ask("jobs", "--status", "pending")["items"]] == [second, first]
    assert not cli.stored()
    assert cli.ask("run", second.upper())["job"]["status"] == "completed"
    answer = cli("run")
    assert answer.code == 0
    assert first in answer.out
    assert cli.ask("run") == {"job": None}
    assert "no job is pending" in cli("run").out
    assert cli("run", first).code == 4
    assert cli("run", UNKNOWN_JOB).code == 3


def test_run_of_a_job_that_another_worker_has(cli: Cli) -> None:
    job_id = pending(cli)
    with cli.records() as records:
        assert records.claim("elsewhere", timedelta(seconds=30), job_id) is not None
    answer = cli("run", job_id, "--json")
    assert (answer.code, answer.error["details"]["status"]) == (4, "processing")
    assert cli.ask("run") == {"job": None}


def test_export_whose_job_another_worker_took(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other worker vanishes; the export waits for its lease to end and goes on."""
    request = Exports.request

    def request_and_lose(self: Exports, *arguments: Any, **options: Any) -> Job:
        job = request(self, *arguments, **options)
        assert self.jobs.claim("elsewhere", timedelta(seconds=0.3), job.job_id) is not None
        return job

    monkeypatch.setattr(Exports, "request", request_and_lose)
    job = cli.ask(*EXPORT)["job"]
    assert (job["status"], job["attempt"]) == ("completed", 2)


def test_file_changed_in_the_store_is_not_copied(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = JobStore.complete

    def complete_and_spoil(self: JobStore, *arguments: Any, **result: Any) -> Any:
        (cli.store / result["file_key"]).write_bytes(b"something else")
        return complete(self, *arguments, **result)

    monkeypatch.setattr(JobStore, "complete", complete_and_spoil)
    answer = cli(*EXPORT, "--output", str(cli.folder), "--json")
    assert (answer.code, answer.error["code"]) == (5, "CHECKSUM_MISMATCH")
    assert not list(cli.folder.glob("*.csv"))
    assert not list(cli.folder.glob(".*.part"))


def test_output_that_cannot_be_written(cli: Cli) -> None:
    target = Path("/proc/copy.csv")  # a folder in which nobody can make a file
    answer = cli(*EXPORT, "--output", str(target), "--json")
    assert (answer.code, answer.error["code"]) == (5, "OUTPUT_FAILED")
    assert cli.ask("job", answer.error["details"]["job_id"])["job"]["status"] == "completed"


@pytest.fixture
def large_data(sample_data: Path, tmp_path: Path) -> Path:
    """The sample with so many bookings of one workshop that a PDF of them takes seconds."""
    data = tmp_path / "large"
    shutil.copytree(sample_data / "warehouse", data / "warehouse")
    connection = connect(current_generation(data / "warehouse").path)
    connection.execute(
        "INSERT INTO bookings SELECT b.* FROM bookings AS b, range(20) WHERE b.workshop_id = $1", [WORKSHOP]
    )
    connection.close()
    return data


def test_ctrl_c_cancels(cli: Cli, large_data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "export", WORKSHOP, "bookings", "--format", "pdf", "--json"],
        cwd=ROOT,
        env=cli.environment | {"REPORTS_DATA_FOLDER": str(large_data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with cli.records() as records:
            deadline = time.monotonic() + 300
            while not any(job.rows_written for job in records.list(status=Status.PROCESSING)):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=300)
            [job] = records.list()
    finally:
        process.kill()
    assert (process.returncode, err) == (130, b"")
    assert json.loads(out)["error"]["details"] == {"job_id": job.job_id, "status": "cancelled"}
    assert job.status is Status.CANCELLED
    assert cli.stored() == []


def test_ctrl_c_waits_for_the_end_of_a_run(cli: Cli, large_data: Path) -> None:
    asked = cli.ask("export", WORKSHOP, "bookings", "--format", "pdf", "--no-wait")
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "run", asked["job"]["job_id"], "--json"],
        cwd=ROOT,
        env=cli.environment | {"REPORTS_DATA_FOLDER": str(large_data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with cli.records() as records:
            deadline = time.monotonic() + 300
            while not any(job.rows_written for job in records.list(status=Status.PROCESSING)):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=300)
            [job] = records.list()
    finally:
        process.kill()
    assert process.returncode == 130
    assert job.status is Status.COMPLETED
    assert job.rows_written == job.rows_expected


def test_a_folder_that_is_not_there_is_made(cli: Cli) -> None:
    document = cli.ask(*EXPORT, "--output", f"{cli.folder}/out/2026/")
    copy = cli.folder / "out" / "2026" / document["job"]["file_name"]
    assert Path(document["output"]) == copy
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == document["job"]["sha256"]
    refused = cli("export", WORKSHOP, "sales", "--format", "csv", "--output", f"{cli.folder}/none/")
    assert refused.code == 2
    assert not (cli.folder / "none").exists()


def test_links_are_followed_and_stay(cli: Cli) -> None:
    folder = cli.folder / "real"
    folder.mkdir()
    (folder / "old.csv").write_text("what was there")
    file_link, new_link, folder_link = (cli.folder / name for name in ("file", "new", "folder"))
    file_link.symlink_to(folder / "old.csv")
    new_link.symlink_to(folder / "new.csv")
    folder_link.symlink_to(folder)
    outputs = [
        cli.ask(*EXPORT, "--output", str(link))["output"] for link in (file_link, new_link, folder_link)
    ]
    assert all(link.is_symlink() for link in (file_link, new_link, folder_link))
    assert outputs[:2] == [str(folder / "old.csv"), str(folder / "new.csv")]
    assert Path(outputs[2]).parent == folder
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(contents) == 3
    assert len(set(contents.values())) == 1


def test_what_is_no_file_is_never_replaced(cli: Cli) -> None:
    pipe, link, loop = (cli.folder / name for name in ("pipe", "link", "loop"))
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    loop.symlink_to(loop)
    for target in (pipe, link, loop):
        answer = cli(*EXPORT, "--output", str(target))
        assert (answer.code, answer.out) == (2, "")
        assert "neither a file nor a folder" in answer.err
        assert cli.ask("jobs")["items"] == []
    assert pipe.is_fifo()
    with pytest.raises(Failure, match="neither a file nor a folder"):
        check_target(os.devnull)


def test_what_is_no_file_is_not_replaced_in_a_folder(cli: Cli) -> None:
    name = cli.ask(*EXPORT)["job"]["file_name"]
    pipe = cli.folder / name
    os.mkfifo(pipe)
    answer = cli(*EXPORT, "--output", str(cli.folder))
    assert answer.code == 2
    assert name in answer.err
    assert pipe.is_fifo()


def test_the_file_of_a_job_is_fetched_later(cli: Cli) -> None:
    job_id = pending(cli)
    early = cli("job", job_id, "--output", str(cli.folder), "--json")
    assert (early.code, early.error["code"]) == (4, "EXPORT_NOT_READY")
    assert early.error["details"] == {"job_id": job_id, "status": "pending"}
    cli.ask("run", job_id)
    document = cli.ask("job", job_id, "--output", f"{cli.folder}/later/")
    copy = Path(document["output"])
    assert copy == cli.folder / "later" / document["job"]["file_name"]
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == document["job"]["sha256"]
    assert str(copy) in cli("job", job_id, "--output", str(copy)).out
    assert cli.ask("job", job_id)["output"] is None


def test_the_file_of_an_expired_job_is_gone(cli: Cli) -> None:
    cli.set("RETENTION_DAYS", "0.000001")
    job_id = cli.ask(*EXPORT)["job"]["job_id"]
    time.sleep(0.15)
    cli.ask("expire")
    answer = cli("job", job_id, "--output", str(cli.folder), "--json")
    assert (answer.code, answer.error["code"]) == (4, "EXPORT_EXPIRED")

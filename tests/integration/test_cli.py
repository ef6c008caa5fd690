"""The command line on the published sample: every command for people and for scripts, and every exit code."""

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
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from api.cli import execute
from exporters.exports import Exports
from exporters.jobs import Job, JobStore, Status, open_jobs
from tests.built import ROOT, night_environment
from warehouse.database import connect
from warehouse.figures import overview
from warehouse.generations import current_generation, open_snapshot

WORKSHOP = "101"
UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout, which must be one JSON document; numbers as Decimal."""
        return json.loads(self.out, parse_float=Decimal)

    @property
    def error(self) -> Any:
        return self.document["error"]


class Cli:
    """The command line in this process, on a data folder, with job records and a store of its own."""

    def __init__(
        self, data: Path, own: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder = own
        self.store = own / "store"
        self._capture = capture
        self._patch = patch
        self.settings = {"JOBS_URL": f"sqlite:///{own / 'jobs.db'}", "STORE_URL": f"file://{self.store}"}
        self.environment = night_environment(data, self.settings)
        for name in os.environ:
            if name.startswith("REPORTS_"):
                patch.delenv(name)
        patch.setenv("REPORTS_DATA_FOLDER", str(data))
        for name, value in self.settings.items():
            self.set(name, value)

    def set(self, setting: str, value: str) -> None:
        self._patch.setenv(f"REPORTS_{setting}", value)

    def __call__(self, *arguments: str) -> Answer:
        self._capture.readouterr()
        code = execute(arguments)
        out, err = self._capture.readouterr()
        return Answer(code, out, err)

    def ask(self, *arguments: str) -> Any:
        """The document of a command that must succeed."""
        answer = self(*arguments, "--json")
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.document

    def subprocess(self, *arguments: str) -> Answer:
        """The same in a process of its own, whose locale knows ASCII only."""
        extra = {"PYTHONIOENCODING": "ascii"}
        ended = subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=ROOT,
            env=self.environment | extra,
            check=False,
            capture_output=True,
            timeout=120,
        )
        return Answer(ended.returncode, ended.stdout.decode("ascii"), ended.stderr.decode())

    def records(self) -> closing[JobStore]:
        return closing(open_jobs(self.settings["JOBS_URL"]))

    def stored(self) -> list[Path]:
        return [path for path in self.store.rglob("*") if path.is_file()]


@pytest.fixture
def cli(
    sample_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Cli:
    return Cli(sample_data, tmp_path, capsys, monkeypatch)


def pending(cli: Cli) -> str:
    return str(cli.ask("export", WORKSHOP, "revenue", "--format", "csv", "--no-wait")["job"]["job_id"])


def test_types(cli: Cli) -> None:
    items = {item["type"]: item for item in cli.ask("types")["items"]}
    assert set(items) == {"bookings", "ratings", "revenue", "services"}
    assert items["ratings"]["formats"] == ["csv", "xlsx", "pdf"]
    arguments = {row["name"]: row["type"] for row in items["ratings"]["arguments"]}
    assert arguments["rating_min"] == "decimal"
    assert [row["name"] for row in items["revenue"]["columns"]] == ["period", "done_jobs", "revenue"]
    text = cli("types").out
    assert "rating_min" in text
    assert "Sum of their prices" in text


def test_workshops(cli: Cli) -> None:
    document = cli.ask("workshops")
    names = {item["workshop_id"]: item["name"] for item in document["items"]}
    assert names[WORKSHOP] == "Brødrene Sørli Bilverksted AS"
    assert document["generation"] in cli("workshops").out
    assert names[WORKSHOP] in cli("workshops").out


def test_overview_is_exact(cli: Cli, sample_data: Path) -> None:
    document = cli.ask("overview", WORKSHOP)
    with open_snapshot(sample_data / "warehouse") as snapshot:
        figures = overview(snapshot, WORKSHOP)
    assert document["overview"] == {
        "jobs": {"done_in_range": figures.done, "revenue_in_range": figures.revenue},
        "services": {"total": figures.services},
        "ratings": {"avg": figures.rating_average, "count": figures.rating_count},
    }
    # As it is written, not only as it is read: two places, no binary noise.
    assert f'"revenue_in_range": {figures.revenue:.2f}}}' in cli("overview", WORKSHOP, "--json").out
    points = document["ratings_timeseries"]["points"]
    assert sum(point["count"] for point in points) == figures.rating_count
    assert {"category", "count", "booked_count"} == set(document["services_by_category"]["items"][0])
    assert document["data_as_of"].endswith("Z")
    text = cli("overview", WORKSHOP).out
    assert f"{figures.revenue:,.2f} NOK" in text
    assert document["services_by_category"]["items"][0]["category"] in text


def test_overview_of_a_period_without_anything(cli: Cli) -> None:
    document = cli.ask("overview", WORKSHOP, "--from", "1999-01-01", "--to", "1999-02-01")
    assert document["overview"]["jobs"] == {"done_in_range": 0, "revenue_in_range": Decimal("0.00")}
    assert document["overview"]["ratings"] == {"avg": None, "count": 0}
    assert [point["period"] for point in document["ratings_timeseries"]["points"]] == ["1999-01", "1999-02"]


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


def test_jobs(cli: Cli) -> None:
    done = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]["job_id"]
    waiting = pending(cli)
    other = cli.ask("export", "102", "services", "--format", "csv", "--no-wait")["job"]["job_id"]
    listed = [job["job_id"] for job in cli.ask("jobs")["items"]]
    assert listed == [other, waiting, done]
    assert [job["job_id"] for job in cli.ask("jobs", "--limit", "1")["items"]] == [other]
    assert [job["job_id"] for job in cli.ask("jobs", "--workshop", "102")["items"]] == [other]
    assert [job["job_id"] for job in cli.ask("jobs", "--status", "completed")["items"]] == [done]
    assert cli.ask("jobs", "--workshop", "no such") == {"items": []}
    text = cli("jobs").out
    assert all(job_id in text for job_id in listed)


def test_job(cli: Cli) -> None:
    made = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]
    document = cli.ask("job", made["job_id"])
    assert document["job"] == made
    assert [event["event"] for event in document["events"]] == ["created", "claimed", "completed"]
    assert document["manifest"]["sha256"] == made["sha256"]
    assert document["manifest"]["rows_written"] == made["rows_written"]
    assert "lease_token" not in document["job"]
    text = cli("job", made["job_id"]).out
    assert "claimed" in text
    assert "rows_expected" in text
    waiting = cli.ask("job", pending(cli))
    assert waiting["manifest"] is None
    assert waiting["job"]["file_url"] is None


def test_cancel(cli: Cli) -> None:
    job_id = pending(cli)
    assert cli.ask("cancel", job_id)["job"]["status"] == "cancelled"
    assert cli("cancel", job_id).code == 4
    assert cli("run", job_id).code == 4
    other = pending(cli)
    answer = cli("cancel", other)
    assert answer.code == 0
    assert "cancelled" in answer.out


def test_expire(cli: Cli) -> None:
    cli.set("RETENTION_DAYS", "0.000001")
    job_id = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]["job_id"]
    assert cli.stored()
    time.sleep(0.15)
    assert cli.ask("expire") == {"jobs": 1, "leftovers": 0}
    assert not cli.stored()
    document = cli.ask("job", job_id)
    assert document["job"]["status"] == "expired"
    assert document["job"]["file_url"] is None
    assert "expired jobs: 0" in cli("expire").out


EXPORT = ("export", WORKSHOP, "ratings", "--format", "csv")
BAD: Mapping[str, tuple[tuple[str, ...], int, str, str]] = {
    "no command": (("--nothing",), 2, "VALIDATION_ERROR", "--nothing"),
    "unknown command": (("exprot",), 2, "VALIDATION_ERROR", "exprot"),
    "unknown option": (("types", "--nope"), 2, "VALIDATION_ERROR", "--nope"),
    "missing argument": (("overview",), 2, "VALIDATION_ERROR", "WORKSHOP"),
    "missing format": (EXPORT[:3], 2, "VALIDATION_ERROR", "--format"),
    "not UTF-8": (("overview", "\udcff"), 2, "VALIDATION_ERROR", "UTF-8"),
    "swapped dates": (
        ("overview", WORKSHOP, "--from", "2026-03-02", "--to", "2026-03-01"),
        2, "INVALID_DATE_RANGE", "2026-03-02 is after date_to 2026-03-01",
    ),
    "swapped dates of an export": (
        (*EXPORT, "--from", "2026-03-02", "--to", "2026-03-01"), 2, "INVALID_DATE_RANGE", "is after",
    ),
    "swapped dates as filters": (
        (*EXPORT, "--filter", "date_from=2026-03-02", "--filter", "date_to=2026-03-01"),
        2, "INVALID_DATE_RANGE", "is after",
    ),
    "no such day": (("overview", WORKSHOP, "--from", "2026-02-30"), 2, "VALIDATION_ERROR", "YYYY-MM-DD"),
    "other date format": (("overview", WORKSHOP, "--to", "20260201"), 2, "VALIDATION_ERROR", "YYYY-MM-DD"),
    "week date": (("overview", WORKSHOP, "--to", "2026-W01-1"), 2, "VALIDATION_ERROR", "YYYY-MM-DD"),
    "empty date": (("overview", WORKSHOP, "--from", ""), 2, "VALIDATION_ERROR", "YYYY-MM-DD"),
    "bad date as filter": ((*EXPORT, "--filter", "date_from=1.2.26"), 2, "VALIDATION_ERROR", "date_from"),
    "unknown workshop": (("overview", "999"), 3, "WORKSHOP_NOT_FOUND", "'999'"),
    "export of unknown workshop": (
        ("export", "999", "ratings", "--format", "csv"), 3, "WORKSHOP_NOT_FOUND", "'999'",
    ),
    "empty workshop": (("overview", ""), 3, "WORKSHOP_NOT_FOUND", "''"),
    "hostile workshop": (("overview", "1' OR '1'='1"), 3, "WORKSHOP_NOT_FOUND", "OR"),
    "unknown type": (("export", WORKSHOP, "sales", "--format", "csv"), 2, "UNSUPPORTED_TYPE", "revenue"),
    "unknown format": (("export", WORKSHOP, "ratings", "--format", "doc"), 2, "UNSUPPORTED_FORMAT", "xlsx"),
    "unknown filter": ((*EXPORT, "--filter", "stars=5"), 2, "VALIDATION_ERROR", "rating_min"),
    "filter without value": ((*EXPORT, "--filter", "rating_min"), 2, "VALIDATION_ERROR", "KEY=VALUE"),
    "filter with empty value": ((*EXPORT, "--filter", "rating_min="), 2, "VALIDATION_ERROR", "KEY=VALUE"),
    "filter twice": (
        (*EXPORT, "--from", "2026-01-01", "--filter", "date_from=2026-01-01"), 2, "VALIDATION_ERROR", "twice",
    ),
    "bad decimal": ((*EXPORT, "--filter", "rating_min=many"), 2, "VALIDATION_ERROR", "must be a number"),
    "not a finite decimal": ((*EXPORT, "--filter", "rating_min=NaN"), 2, "VALIDATION_ERROR", "a number"),
    "bad boolean": ((*EXPORT, "--filter", "only_public=perhaps"), 2, "VALIDATION_ERROR", "true or false"),
    "no folder for the output": ((*EXPORT, "--output", "/nowhere/x.csv"), 2, "VALIDATION_ERROR", "/nowhere"),
    "no folder as output": ((*EXPORT, "--output", "/nowhere/"), 2, "VALIDATION_ERROR", "/nowhere"),
    "empty output": ((*EXPORT, "--output", ""), 2, "VALIDATION_ERROR", "--output"),
    "output without waiting": ((*EXPORT, "--no-wait", "--output", "."), 2, "VALIDATION_ERROR", "--no-wait"),
    "unknown job": (("job", UNKNOWN_JOB), 3, "EXPORT_NOT_FOUND", UNKNOWN_JOB),
    "job that is no UUID": (("job", "../etc"), 3, "EXPORT_NOT_FOUND", "../etc"),
    "cancel of unknown job": (("cancel", UNKNOWN_JOB), 3, "EXPORT_NOT_FOUND", UNKNOWN_JOB),
    "unknown state": (("jobs", "--status", "done"), 2, "VALIDATION_ERROR", "completed"),
    "limit of nothing": (("jobs", "--limit", "0"), 2, "VALIDATION_ERROR", "--limit"),
    "limit that is no number": (("jobs", "--limit", "all"), 2, "VALIDATION_ERROR", "--limit"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(cli: Cli, name: str) -> None:
    arguments, code, word, part = BAD[name]
    told = cli(*arguments)
    assert (told.code, told.out) == (code, "")
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    assert part in told.err
    scripted = cli(*arguments, "--json")
    assert (scripted.code, scripted.err) == (code, "")
    assert scripted.error["code"] == word
    assert part in scripted.error["message"]
    with cli.records() as records:
        assert records.list() == ()


def test_cancel_of_completed(cli: Cli) -> None:
    job_id = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]["job_id"]
    answer = cli("cancel", job_id, "--json")
    assert answer.code == 4
    assert answer.error["details"] == {"job_id": job_id, "status": "completed"}
    assert cli.ask("job", job_id)["job"]["status"] == "completed"


@pytest.mark.parametrize("arguments", [("workshops",), ("overview", WORKSHOP), EXPORT])
def test_nothing_published(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.set("DATA_FOLDER", str(cli.folder / "empty"))
    answer = cli(*arguments, "--json")
    assert (answer.code, answer.error["code"]) == (5, "NO_DATA")


def test_broken_warehouse(cli: Cli, sample_data: Path) -> None:
    data = cli.folder / "data"
    shutil.copytree(sample_data / "warehouse", data / "warehouse")
    current_generation(data / "warehouse").path.write_bytes(b"not a database" * 1000)
    cli.set("DATA_FOLDER", str(data))
    answer = cli("overview", WORKSHOP, "--json")
    assert (answer.code, answer.error["code"]) == (5, "WAREHOUSE_UNAVAILABLE")
    assert ".duckdb" in answer.error["message"]


@pytest.mark.parametrize(
    ("setting", "value", "code", "part"),
    [
        ("STORE_URL", "ftp://host/folder", "STORE_UNAVAILABLE", "s3://"),
        ("JOBS_URL", "mysql://me:hunter2@host/jobs", "JOBS_UNAVAILABLE", "postgresql://"),
        ("JOBS_URL", "sqlite:////proc/nowhere/jobs.db", "JOBS_UNAVAILABLE", "/proc/nowhere"),
        ("LEASE_SECONDS", "hunter2", "INVALID_SETTINGS", "REPORTS_LEASE_SECONDS: "),
        ("MAX_ATTEMPTS", "0", "INVALID_SETTINGS", "REPORTS_MAX_ATTEMPTS: "),
    ],
)
def test_unavailable(cli: Cli, setting: str, value: str, code: str, part: str) -> None:
    cli.set(setting, value)
    for arguments in (("jobs",), EXPORT):
        told = cli(*arguments)
        assert (told.code, told.out, told.err.count("\n")) == (5, "", 1)
        scripted = cli(*arguments, "--json")
        assert (scripted.code, scripted.error["code"]) == (5, code)
        assert part in scripted.error["message"]
        assert "hunter2" not in told.err + scripted.out


def test_failed_export(cli: Cli) -> None:
    cli.store.write_text("a file where the store's folder must be")
    answer = cli(*EXPORT, "--json")
    assert (answer.code, answer.error["code"]) == (1, "STORE_FAILED")
    assert answer.error["details"]["status"] == "failed"
    assert cli(*EXPORT).err.startswith("error: job ")


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
    target = cli.folder / ("x" * 300)
    answer = cli(*EXPORT, "--output", str(target), "--json")
    assert (answer.code, answer.error["code"]) == (5, "OUTPUT_FAILED")
    assert cli.ask("job", answer.error["details"]["job_id"])["job"]["status"] == "completed"


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

    def request_and_lose(self: Exports, *arguments: Any) -> Job:
        job = request(self, *arguments)
        assert self.jobs.claim("elsewhere", timedelta(seconds=0.3), job.job_id) is not None
        return job

    monkeypatch.setattr(Exports, "request", request_and_lose)
    job = cli.ask(*EXPORT)["job"]
    assert (job["status"], job["attempt"]) == ("completed", 2)


def test_process(cli: Cli) -> None:
    """The program itself, as scripts start it."""
    done = cli.subprocess("export", WORKSHOP, "revenue", "--format", "csv", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["job"]["status"] == "completed"
    assert cli.subprocess("jobs").out.count(done.document["job"]["job_id"]) == 1
    refused = cli.subprocess("export", WORKSHOP, "sales", "--format", "csv")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)


def test_help_is_quick(cli: Cli) -> None:
    """It imports nothing of the rooms behind."""
    code = (
        "import sys; from api.cli import execute; execute(['--help']);"
        "sys.exit(not {'duckdb', 'pyarrow', 'polars', 'sqlalchemy', 'settings'}.isdisjoint(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr


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
            deadline = time.monotonic() + 60
            while not any(job.rows_written for job in records.list(status=Status.PROCESSING)):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            [job] = records.list()
    finally:
        process.kill()
    assert (process.returncode, err) == (130, b"")
    assert json.loads(out)["error"]["details"] == {"job_id": job.job_id, "status": "cancelled"}
    assert job.status is Status.CANCELLED
    assert cli.stored() == []

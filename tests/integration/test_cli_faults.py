"""What goes wrong on the command line: one clear line, or JSON, and the exit code that scripts trust."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.built import ROOT
from tests.command_line import EXPORT, UNKNOWN_JOB, WORKSHOP, Cli
from warehouse.generations import current_generation

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
    "folder below a file": ((*EXPORT, "--output", "settings.py/a/"), 2, "VALIDATION_ERROR", "settings.py"),
    "file named as a folder": ((*EXPORT, "--output", "settings.py/"), 2, "VALIDATION_ERROR", "not a folder"),
    "file below a file": ((*EXPORT, "--output", "settings.py/x"), 2, "VALIDATION_ERROR", "settings.py"),
    "name that is too long": ((*EXPORT, "--output", "x" * 300), 2, "VALIDATION_ERROR", "too long"),
    "output of an unknown job": (("job", UNKNOWN_JOB, "--output", "."), 3, "EXPORT_NOT_FOUND", UNKNOWN_JOB),
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
        ("MEMORY_LIMIT", "hunter2", "INVALID_SETTINGS", "such as 4GB"),
        ("DATA_FOLDER", f"{__file__}/hunter2", "INVALID_SETTINGS", "REPORTS_DATA_FOLDER: must be a folder"),
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("types", "--json"), "stdout cannot be written: No space left on device"),
        (("types",), "stdout cannot be written: No space left on device"),
        (("overview", "999", "--json"), "'999'"),
        (("--help",), "No space left on device"),
    ],
)
def test_stdout_on_a_full_disk(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=ROOT,
            env=cli.environment,
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 5
    assert ended.stderr.startswith("error: ")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_both_streams_on_a_full_disk(cli: Cli) -> None:
    command = [sys.executable, "-m", "api.cli", "types"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, cwd=ROOT, env=cli.environment, check=False, stdout=full, stderr=full)
    assert ended.returncode == 5

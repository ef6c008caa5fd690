"""The pipeline's command line: what a night tells, and how wrong usage, settings and failures are told."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.__main__ import app
from tests.built import ROOT, night_environment
from warehouse.generations import open_snapshot


def run(
    data: Path, *arguments: str, program: Path = ROOT, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, whose output is no terminal and narrow."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=program,
        env=night_environment(data, settings or {}) | {"COLUMNS": "40", "PYTHONUTF8": "1"},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def run_here(data: Path, *arguments: str, settings: dict[str, str] | None = None) -> Result:
    """Run the command line in this process, on the environment that one of its own would have."""
    wanted = night_environment(data, settings or {})
    changed = dict.fromkeys(os.environ, None) | wanted | {"COLUMNS": "40"}
    return CliRunner().invoke(app, arguments, env=changed, prog_name="python -m pipelines")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("│\n ").split("│")]


def test_a_night_tells_what_became_of_every_row(
    sample_data: Path, sample_files: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(sample_data, data)
    night = run(data, "night", settings={"SOURCE_ROOT": str(sample_files.parent)})
    assert night.returncode == 0, night.stderr
    with open_snapshot(data / "warehouse") as snapshot:
        accounts = snapshot.rows(
            "SELECT source, entity, rows_in, loaded, duplicate, quarantined FROM load_report"
            " WHERE stage = 'entity'"
        )
        [(quarantined,)] = snapshot.rows("SELECT count(*) FROM quarantine")
    told = [cells(line) for line in night.stdout.splitlines() if line.startswith("│")]
    assert len(accounts) == 6
    for source, entity, *counts in accounts:
        assert [source, entity, *(f"{count:,}" for count in counts)] in told
    assert quarantined > 0
    assert f"\n{quarantined} rows are quarantined: " in night.stdout
    assert "the table `quarantine` says why" in night.stdout
    assert f": {snapshot.generation.path}\n" in night.stdout


def spoil(folder: Path, condition: str) -> Path:
    """The same program, with a condition in one mart's query."""
    for package in ("warehouse", "exporters", "pipelines", "sql"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("settings.py", "setting_checks.py", "sources.toml", "dagster.yaml"):
        shutil.copy(ROOT / name, folder)
    mart = folder / "sql" / "marts" / "rating_days.sql"
    header, end, query = mart.read_text(encoding="utf-8").partition("*/\n")
    mart.write_text(f"{header}{end}select q.* from (\n{query}\n) as q where {condition}\n", encoding="utf-8")
    return folder


def test_a_failure_is_told_in_one_line_without_class_names(
    sample_data: Path, sample_files: Path, tmp_path: Path
) -> None:
    data, long = tmp_path / "data", "no_such_column_" + "x" * 150
    shutil.copytree(sample_data, data)
    program = spoil(tmp_path / "program", f"{long} is null")
    night = run(data, "night", program=program, settings={"SOURCE_ROOT": str(sample_files.parent)})
    assert night.returncode == 1
    assert "published generation" not in night.stdout
    [told] = [line for line in night.stderr.splitlines() if not line.startswith("warn: ")]
    assert told.startswith("error: rating_days: marts/rating_days.sql: ")
    assert long in told
    assert "warehouse." not in told
    assert "LINE" not in night.stderr


TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--from 2015-12-31 --to 2016-01-02",
            "--from 2015-12-31 is before REPORTS_BACKFILL_START, 2016-01-01",
        ),
        (f"--from {TOMORROW} --to {TOMORROW}", f"--from {TOMORROW} is in the future"),
        (f"--from 2026-01-01 --to {TOMORROW}", f"--to {TOMORROW} is in the future"),
        ("--from 2026-1-1 --to 2026-01-02", "--from is '2026-1-1'; it must be a date as YYYY-MM-DD"),
        ("--from 2026-02-30 --to 2026-03-01", "--from is '2026-02-30'"),
        ("--days 3", "--days"),
    ],
)
def test_wrong_days_are_refused_before_anything_is_begun(
    tmp_path: Path, arguments: str, message: str
) -> None:
    night = run_here(tmp_path / "data", "night", *arguments.split())
    assert night.exit_code == 2
    assert message in night.stderr
    assert "Traceback" not in night.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("THREADS", "hunter2", "error: REPORTS_THREADS: "),
        ("NIGHTLY_TIME_ZONE", "hunter2", "error: REPORTS_NIGHTLY_TIME_ZONE: must be an IANA time zone"),
        ("BACKFILL_START", "2016-02-30", "error: REPORTS_BACKFILL_START: must be a date"),
        ("DATA_FOLDER", f"{__file__}/hunter2", "error: REPORTS_DATA_FOLDER: must be a folder"),
        ("DATA_FOLDER", "/proc/nowhere", "error: /proc/nowhere: cannot be made or written: "),
        ("SOURCE_CONFIG", "/nowhere.toml", "error: /nowhere.toml: cannot be read: "),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path: Path, setting: str, value: str, message: str) -> None:
    night = run_here(tmp_path / "data", "night", settings={setting: value})
    assert (night.exit_code, night.stdout) == (1, "")
    assert night.stderr.startswith(message)
    assert night.stderr.count("\n") == 1
    assert "hunter2" not in night.stderr


def test_sample(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run_here(tmp_path, "sample", str(tmp_path / "file" / "sample"))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert re.fullmatch(r"error: \S+: cannot be made or written: Not a directory\n", refused.stderr)
    made = run(tmp_path, "sample")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"sample source written to {tmp_path}/sources/sample\n"
    assert (tmp_path / "sources" / "sample" / "workshops.csv").exists()

"""Settings: read from the environment under one prefix and checked; paths default into the data folder."""

import re
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from settings import Settings, SettingsError, load_settings
from warehouse.database import DatabaseOptions, connect
from warehouse.errors import WarehouseError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"REPORTS_{name.upper()}", raising=False)


def test_defaults_need_nothing_and_lie_in_the_data_folder() -> None:
    settings = load_settings()
    assert settings.sources == ("sample",)
    assert settings.source_folder == Path("data/sources")
    assert settings.landing_folder == Path("data/landing")
    assert settings.warehouse_folder == Path("data/warehouse")
    assert settings.store_location == f"file://{Path('data/store').resolve()}"
    assert settings.jobs_database == f"sqlite:///{Path('data/jobs.db').resolve()}"
    assert settings.generation_grace == timedelta(hours=24)
    assert settings.stale_after == timedelta(hours=30)
    assert settings.landing_retention == timedelta(days=30)


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("REPORTS_SOURCES", " olist, openrepair ,")
    monkeypatch.setenv("REPORTS_SOURCE_ROOT", "/elsewhere")
    monkeypatch.setenv("REPORTS_STORE_URL", "s3://bucket/files")
    monkeypatch.setenv("REPORTS_JOBS_URL", "postgresql://user:hunter2@host/jobs")
    monkeypatch.setenv("REPORTS_GENERATION_GRACE_HOURS", "0.5")
    monkeypatch.setenv("REPORTS_STALE_AFTER_HOURS", "1.5")
    monkeypatch.setenv("REPORTS_LANDING_DAYS", "0.5")
    monkeypatch.setenv("REPORTS_THREADS", "")
    settings = load_settings()
    assert settings.sources == ("olist", "openrepair")
    assert settings.source_folder == Path("/elsewhere")
    assert settings.warehouse_folder == tmp_path / "warehouse"
    assert settings.store_location == "s3://bucket/files"
    assert settings.jobs_database == "postgresql://user:hunter2@host/jobs"
    assert settings.generation_grace == timedelta(minutes=30)
    assert settings.stale_after == timedelta(minutes=90)
    assert settings.landing_retention == timedelta(hours=12)
    assert settings.threads is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nightly_at", "2:15"),
        ("nightly_at", "24:00"),
        ("nightly_at", "12:60"),
        ("nightly_at", "1２:00"),
        ("nightly_time_zone", "Oslo"),
        ("nightly_time_zone", "Europe"),
        ("nightly_time_zone", "../UTC"),
        ("backfill_start", "last year"),
        ("backfill_start", "2026-02-30"),
        ("backfill_start", "20260201"),
        ("backfill_start", "0001-01-01"),
        ("backfill_start", "9999-12-31"),
        ("memory_limit", "much"),
        ("memory_limit", "4"),
        ("memory_limit", "63MB"),
        ("memory_limit", "80%"),
        ("memory_limit", "-1GB"),
        ("memory_limit", "none"),
        ("memory_limit", "1GB'; DROP"),
        ("memory_limit", "1001TB"),
        ("sources", " , "),
        ("data_folder", f"{__file__}/data"),
        ("data_folder", __file__),
        ("keep_generations", "0"),
        ("generation_grace_hours", "-1"),
        ("stale_after_hours", "0.5"),
        ("stale_after_hours", "nan"),
        ("stale_after_hours", "1e12"),
        ("threads", "0"),
        ("threads", "many"),
        ("threads", "1025"),
        ("generation_grace_hours", "1e12"),
        ("generation_grace_hours", "nan"),
        ("lease_seconds", "1e300"),
        ("lease_seconds", "inf"),
        ("retention_days", "3000000"),
        ("max_attempts", "99999999999999999999"),
        ("lease_seconds", "0"),
        ("max_attempts", "0"),
        ("retention_days", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"REPORTS_{name.upper()}", value)
    with pytest.raises(SettingsError, match=rf"\AREPORTS_{name.upper()}: [^;]+\Z"):
        load_settings()


def test_all_faults_are_told_at_once_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("THREADS", "MEMORY_LIMIT", "NIGHTLY_AT", "NIGHTLY_TIME_ZONE", "BACKFILL_START"):
        monkeypatch.setenv(f"REPORTS_{name}", "hunter2")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    told = "".join(traceback.format_exception(raised.value))
    assert str(raised.value).count("REPORTS_") == 5
    assert "hunter2" not in told


@pytest.mark.parametrize("limit", ["64MB", "0.5GB", "4 GiB", "62MiB", "16gb", "1000TB"])
def test_duckdb_takes_the_memory_limits_that_are_taken(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("REPORTS_MEMORY_LIMIT", limit)
    monkeypatch.setenv("REPORTS_THREADS", "1024")
    connection = connect(None, options=load_settings().database)
    assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1024,)]
    connection.close()


@pytest.mark.parametrize("options", [DatabaseOptions("much"), DatabaseOptions(threads=-1)])
def test_duckdb_refuses_other_options_clearly(tmp_path: Path, options: DatabaseOptions) -> None:
    path = tmp_path / "x.duckdb"
    with pytest.raises(WarehouseError, match=r"x\.duckdb: cannot be opened with these options: [^\n]+\Z"):
        connect(path, options=options)
    connect(path).close()  # nothing holds it


def test_the_longest_times_can_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTS_RETENTION_DAYS", "36500")
    monkeypatch.setenv("REPORTS_GENERATION_GRACE_HOURS", "876000")
    settings = load_settings()
    now = datetime.now(UTC)
    assert now - settings.generation_grace < now + settings.exports.retention


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTS_S3_SECRET_KEY", "hunter2")
    monkeypatch.setenv("REPORTS_JOBS_URL", "postgresql://user:hunter2@host/jobs")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r} {settings}"


def test_nothing_else_reads_the_environment() -> None:
    root = Path(__file__).resolve().parents[2]
    readers = [
        path.relative_to(root).as_posix()
        for package in ("api", "exporters", "pipelines", "warehouse")
        for path in (root / package).rglob("*.py")
        if re.search(r"os\.environ|getenv|environ\[", path.read_text(encoding="utf-8"))
    ]
    assert readers == []

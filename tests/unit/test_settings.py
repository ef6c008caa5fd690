"""Settings: read from the environment under one prefix and checked; paths default into the data folder."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import Settings, load_settings


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


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("REPORTS_SOURCES", " olist, openrepair ,")
    monkeypatch.setenv("REPORTS_SOURCE_ROOT", "/elsewhere")
    monkeypatch.setenv("REPORTS_STORE_URL", "s3://bucket/files")
    monkeypatch.setenv("REPORTS_JOBS_URL", "postgresql://user:hunter2@host/jobs")
    monkeypatch.setenv("REPORTS_GENERATION_GRACE_HOURS", "0.5")
    monkeypatch.setenv("REPORTS_THREADS", "")
    settings = load_settings()
    assert settings.sources == ("olist", "openrepair")
    assert settings.source_folder == Path("/elsewhere")
    assert settings.warehouse_folder == tmp_path / "warehouse"
    assert settings.store_location == "s3://bucket/files"
    assert settings.jobs_database == "postgresql://user:hunter2@host/jobs"
    assert settings.generation_grace == timedelta(minutes=30)
    assert settings.threads is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nightly_at", "2:15"),
        ("backfill_start", "last year"),
        ("keep_generations", "0"),
        ("generation_grace_hours", "-1"),
        ("threads", "0"),
        ("threads", "many"),
        ("lease_seconds", "0"),
        ("max_attempts", "0"),
        ("retention_days", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"REPORTS_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        load_settings()


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

"""The examples of the documentation work as printed: an own source, an own report type, queries."""

import os
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporters.catalogue import load_catalogue
from pipelines.sources.files import EntityFiles, LocalFolder
from tests.api_server import ApiServer
from tests.built import ROOT
from warehouse.build_file import open_build
from warehouse.database import DatabaseOptions
from warehouse.figures import overview
from warehouse.generations import open_snapshot
from warehouse.landing import Landing
from warehouse.models import load_models
from warehouse.publishing import publish
from warehouse.sources import FileSource, load_sources


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language on a page of the documentation."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_own_source(tmp_path: Path) -> None:
    config = tmp_path / "sources.toml"
    config.write_text(blocks("sources.md", "toml")[0])
    sql = tmp_path / "sql"
    shutil.copytree(ROOT / "sql", sql)
    bookings, workshops = blocks("sources.md", "sql")
    (sql / "staging" / "stg_garage__bookings.sql").write_text(bookings)
    (sql / "staging" / "stg_garage__workshops.sql").write_text(workshops)
    jobs = tmp_path / "garage" / "jobs"
    jobs.mkdir(parents=True)
    (jobs / "one.csv").write_text(
        "job_no;site;what;begun;state;amount;changed\n"
        "1;Sør;Bremser;03.02.2026 08:00;closed;1234,50;03.02.2026 12:00\n"
        "2;Sør;Olje;04.02.2026 08:00;open;99,00;04.02.2026 08:00\n"
        "2;Sør;Olje;04.02.2026 08:00;closed;100,25;05.02.2026 08:00\n"
    )
    sources = load_sources(config, ["garage"])
    models = load_models(sources, sql)
    landing = Landing(tmp_path / "landing")
    folder = LocalFolder(tmp_path / "garage")
    source = sources["garage"]
    assert isinstance(source, FileSource)
    verdict = EntityFiles(landing, folder, "garage", source, "jobs").load()
    assert (verdict.status, verdict.detail) == ("loaded", "3 rows from 1 files")
    with open_build(tmp_path / "build.duckdb", landing, sources, models, DatabaseOptions()) as build:
        build.create_raw("garage", "jobs")
        for name in models:
            build.build_model(name)
        publish(build, tmp_path, keep=1, grace=timedelta(0))
    with open_snapshot(tmp_path) as snapshot:
        figures = overview(snapshot.figures, "Sør")
    assert (figures.done, figures.revenue, figures.currency) == (2, Decimal("1334.75"), "NOK")


def test_own_report_type(tmp_path: Path, sample_data: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "cancellations.sql").write_text(blocks("reports.md", "sql")[0])
    report = load_catalogue(tmp_path)["cancellations"]
    with open_snapshot(sample_data / "warehouse") as snapshot:
        rows = snapshot.rows(report.sql, {**report.parse_filters({}), "workshop_id": "101"})
        [(cancelled,)] = snapshot.rows(
            "select sum(cancelled) from booking_days where workshop_id = $workshop_id", {"workshop_id": "101"}
        )
    assert len(rows) == cancelled > 0


QUERIES = [query for block in blocks("analysts.md", "sql") for query in block.split(";") if query.strip()]


@pytest.mark.parametrize("query", QUERIES)
def test_analyst_queries(query: str, sample_data: Path) -> None:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        assert snapshot.rows(query)


def test_published_file_explains_itself(sample_data: Path) -> None:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        tables = "select table_name from duckdb_tables() where comment is null and schema_name = 'main'"
        assert snapshot.rows(tables) == []
        columns = (
            "select column_name from duckdb_columns()"
            " where comment is null and schema_name = 'main' and not internal"
        )
        assert snapshot.rows(columns) == []


def test_a_file_in_four_calls(api: ApiServer, tmp_path: Path) -> None:
    calls = blocks("api.md", "sh")[1]
    environment = {"API": api.url, "KEY": api.new_key("101"), "PATH": os.environ["PATH"]}
    with api.exports() as exports, ThreadPoolExecutor(1) as worker:
        ended = worker.submit(
            subprocess.run, ["bash", "-euc", calls], cwd=tmp_path, env=environment, timeout=300, check=True
        )
        while not ended.done():
            exports.run()
            time.sleep(0.05)
        ended.result()
    assert [path.name for path in tmp_path.iterdir()] == ["minbil-bookings-2026-01-01-2026-01-31.xlsx"]

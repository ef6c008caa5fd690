"""The commands that export and erase: what they say, their exit codes, and that nothing is left."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pipelines.__main__ import app
from tests.built import build_once, run_night
from tests.integration.test_erasure import (
    BOOKINGS,
    KARI,
    MARKER,
    RATINGS,
    SERVICES,
    WORKSHOPS,
    House,
    copy_house,
    export,
    open_house,
)
from tests.integration.test_pipelines_cli import cells

Run = Callable[..., Result]


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> House:
    """Two workshops, loaded by a night of Dagster, with exports."""
    return copy_house(build_once(tmp_path_factory, "night_house", build_house), tmp_path / "data")


def build_house(data: Path) -> None:
    house = open_house(data)
    house.small.write_sample(workshops=WORKSHOPS, services=SERVICES, bookings=BOOKINGS, ratings=RATINGS)
    run_night(house.data)
    with house.exports() as exports:
        for workshop in ("101", "102"):
            export(exports, workshop, "bookings")


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(house.data))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return invoke


def test_a_workshop_is_exported_whole(house: House, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    done = run("export-workshop", "102", "--to", str(folder))
    assert done.exit_code == 0, done.output
    index = json.loads((folder / "index.json").read_text())
    rows = {file["path"]: file["rows"] for file in index["files"]}
    assert rows.keys() == {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "index.json"
    }
    for file in index["files"]:
        content = (folder / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size_bytes"], file["sha256"])
        if file["path"].endswith(".parquet"):
            assert pl.read_parquet(folder / file["path"]).height == file["rows"]
    assert rows["tables/bookings.parquet"] == 2
    landed = pl.read_parquet(folder / "landed/sample/bookings/load=000001/part-0000.parquet")
    assert landed["id"].to_list() == ["11", "12"]
    assert landed["notes"].to_list() == [f"{MARKER} notat"] * 2
    ratings = pl.read_parquet(folder / "landed/sample/ratings/load=000001/part-0000.parquet")
    assert ratings["booking_id"].to_list() == ["11"]
    [job] = json.loads((folder / "jobs.json").read_text())
    assert [event["event"] for event in job["events"]] == ["created", "claimed", "completed"]
    assert "lease_token" not in job
    assert len(list((folder / "files").rglob("*.csv"))) == 1
    assert all("101" not in table["workshop_id"] for table in read_tables(folder))
    again = run("export-workshop", "102", "--to", str(folder))
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)
    unknown = run("export-workshop", "7", "--to", str(tmp_path / "seven"))
    assert (unknown.exit_code, unknown.stderr) == (2, "error: nothing is kept of workshop 7\n")
    assert not (tmp_path / "seven").exists()


def read_tables(folder: Path) -> list[pl.DataFrame]:
    return [pl.read_parquet(path) for path in (folder / "tables").glob("*.parquet")]


def test_no_file_holds_anything_of_an_erased_workshop(house: House, run: Run) -> None:
    shown = [place for place in house.places_of(MARKER) if place.startswith("dagster/")]
    assert shown, "previews show rows"
    assert run("erase-workshop", "102").exit_code == 2
    done = run("erase-workshop", "102", "--yes", "--reason", "contract ended")
    assert done.exit_code == 0, done.output
    assert house.places_of(MARKER) == []
    assert "of the source sample still hold such rows: bookings/bookings-2026-01.csv," in done.stdout
    assert "1 export jobs and 2 of their files and manifests are removed" in done.stdout
    [row] = [line for line in run("erasures").stdout.splitlines() if line.startswith("│")]
    told = cells(row)
    assert told[:5] == ["1", "workshop", "102", "", "sample"]
    assert told[7:] == ["5", "1", "0", "contract ended"]
    for path in (house.data / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_customer_is_erased(house: House, run: Run) -> None:
    done = run("erase-customer", "101", KARI, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 exports were withdrawn: " in done.stdout
    places = house.places_of("Kari Åsnes", "Karis ord", KARI)
    assert [place for place in places if not place.startswith("landing/erasures.json")] == []
    unknown = run("erase-customer", "101", "7", "--yes")
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "error: nothing is kept of customer 7 of workshop 101\n",
    )

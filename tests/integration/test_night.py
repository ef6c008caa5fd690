"""The night, from files to a published generation: what it counts, what it survives, what it says."""

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app
from pipelines.assets import SOURCE_READ
from pipelines.instance import find_instance
from tests.built import ROOT, night_environment, run_night
from tests.small_warehouse import BOOKING, RATING, Row, SmallWarehouse
from warehouse.generations import current_generation, open_snapshot
from warehouse.landing import Days, Landing


def contents(data: Path) -> dict[str, tuple[int, int]]:
    """Rows and digest of every published table; of the load report what does not tell of the last run."""
    volatile = "* EXCLUDE (status, detail, data_as_of)"
    with open_snapshot(data / "warehouse") as snapshot:
        listed = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"
        tables = [name for (name,) in snapshot.rows(listed)]
        return {
            table: snapshot.rows(
                "SELECT count(*), sum(CAST(hash(t) AS HUGEINT))"
                f" FROM (SELECT {volatile if table == 'load_report' else '*'} FROM {table}) AS t"
            )[0]
            for table in tables
            if table != "generation"
        }


def copy(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_the_counts_of_the_sample_are_its_quirks(sample_data: Path, sample_files: Path) -> None:
    quirks = Counter(json.loads((sample_files / "quirks.json").read_text(encoding="utf-8")))
    with open_snapshot(sample_data / "warehouse") as snapshot:
        reasons = Counter(
            {
                (entity, reason): count
                for entity, reason, count in snapshot.rows(
                    "SELECT entity, regexp_replace(reason, '-?[0-9]+(\\.[0-9]+)?', 'N', 'g'), count(*)"
                    " FROM quarantine GROUP BY ALL"
                )
            }
        )
        accounts = {
            (entity, stage): counts
            for entity, stage, *counts in snapshot.rows(
                "SELECT entity, stage, rows_in, loaded, duplicate, quarantined FROM load_report"
            )
        }
        [(unknown,)] = snapshot.rows("SELECT count(*) FROM bookings WHERE outcome = 'unknown'")
        [(unpriced,)] = snapshot.rows(
            "SELECT count(*) FROM bookings WHERE outcome = 'done' AND price IS NULL"
        )
    assert reasons == {
        ("bookings", "unreadable record: not UTFN text"): quirks["booking_utf8_broken"],
        ("bookings", "unreadable record: too many fields"): quirks["booking_too_many_fields"],
        ("bookings", "price N is negative"): quirks["booking_price_negative"],
        ("bookings", "price 'gratis' is not DECIMAL(N,N)"): quirks["booking_price_not_a_number"],
        ("bookings", "currency SEK is not the workshop's, NOK"): quirks["booking_currency_other"],
        ("bookings", "workshop N is unknown"): quirks["booking_workshop_unknown"],
        ("bookings", "service N is unknown at workshop N"): quirks["booking_service_unknown"],
        ("bookings", "start_time is missing"): quirks["booking_start_time_missing"],
        ("bookings", "start_time 'NNNTN:N:NZ' is not TIMESTAMP"): quirks["booking_start_time_impossible"],
        ("ratings", "unreadable record: not a JSON object"): quirks["rating_json_broken"],
        ("ratings", "rating N is not N to N"): quirks["rating_zero"] + quirks["rating_six"],
        ("ratings", "booking N is unknown"): quirks["rating_booking_unknown"],
    }
    assert unknown == quirks["booking_status_unknown"]
    assert unpriced == quirks["booking_price_missing"]
    again = quirks["booking_duplicate_row"] + quirks["booking_key_twice"] + quirks["booking_update"]
    assert accounts["bookings", "source"][2] == again
    assert accounts["ratings", "source"][2] == quirks["rating_duplicate_row"] + quirks["rating_key_twice"]
    for rows_in, loaded, duplicate, quarantined in accounts.values():
        assert rows_in == loaded + duplicate + quarantined
    lines = 0
    for path in (sample_files / "bookings").glob("*.csv"):
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            lines += sum(1 for _ in csv.reader(stream)) - 1
    assert accounts["bookings", "source"][0] == lines


def test_a_second_night_changes_no_figure(sample_data: Path, sample_files: Path, tmp_path: Path) -> None:
    data = copy(sample_data, tmp_path / "data")
    night = run_night(data, SOURCE_ROOT=str(sample_files.parent))
    assert night.stdout.count("unchanged") == 6
    assert "warn: bookings: status_is_known: 3 rows" in night.stderr
    assert contents(data) == contents(sample_data)
    before, after = (current_generation(folder / "warehouse") for folder in (sample_data, data))
    assert after.generation > before.generation
    assert after.data_as_of is not None
    assert before.data_as_of is not None
    assert after.data_as_of > before.data_as_of


def test_a_backfill_reads_its_days_again_and_changes_no_figure(
    sample_data: Path, sample_files: Path, tmp_path: Path
) -> None:
    data = copy(sample_data, tmp_path / "data")
    days = ("--from", "2026-01-10", "--to", "2026-01-12")
    night = run_night(data, *days, SOURCE_ROOT=str(sample_files.parent))
    assert "published generation" in night.stdout
    again, before = contents(data), contents(sample_data)
    del again["load_report"], before["load_report"]  # rows that were read again count as duplicates
    assert again == before
    landing = Landing(data / "landing")
    expected = Days(date(2026, 1, 10), date(2026, 1, 12))
    for entity in ("bookings", "ratings", "services", "workshops"):
        assert [load.days for load in landing.loads("sample", entity)] == [None, expected], entity
    for entity in ("categories", "booking_statuses"):
        assert len(landing.loads("sample", entity)) == 1, "nothing tells its days: read whole, and unchanged"
    landed = sum(file.rows for file in landing.loads("sample", "bookings")[-1].files)
    with open_snapshot(data / "warehouse") as snapshot:
        [(loaded,)] = snapshot.rows(
            "SELECT count(*) FROM bookings WHERE CAST(updated_at AT TIME ZONE 'UTC'"
            " AT TIME ZONE 'Europe/Oslo' AS DATE) BETWEEN '2026-01-10' AND '2026-01-12'"
        )
    assert 0 < loaded <= landed < 400


def test_failing_sources_keep_their_data_and_hold_up_no_other(
    sample_data: Path, sample_files: Path, tmp_path: Path
) -> None:
    data, source = copy(sample_data, tmp_path / "data"), copy(sample_files, tmp_path / "sources" / "sample")
    workshops = (source / "workshops.csv").read_text(encoding="utf-8")
    (source / "workshops.csv").write_text(workshops.replace(",currency,", ",money,", 1), encoding="utf-8")
    (source / "categories.csv").unlink()
    (source / "booking_statuses.csv").write_bytes(b"")
    services = (source / "services.parquet").read_bytes()
    (source / "services.parquet").write_bytes(services[: len(services) // 2])
    (source / "bookings" / "bookings-2024-03.csv").write_text('id,"\n', encoding="utf-8")
    with open_snapshot(sample_data / "warehouse") as snapshot:
        [(booking,)] = snapshot.rows(
            "SELECT min(booking_id) FROM bookings WHERE booking_id NOT IN (SELECT booking_id FROM ratings)"
        )
    rating: Row = {**RATING, "id": 900001, "booking_id": int(booking), "created_at": "2026-02-01T00:00:00Z"}
    with (source / "ratings.ndjson").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(rating) + "\n")
    night = run_night(data, check=False, SOURCE_ROOT=str(source.parent))
    assert night.returncode == 3, night.stderr
    details = verdicts(data)
    assert {entity: status for entity, (status, _) in details.items()} == {
        "workshops": "failed",
        "categories": "failed",
        "booking_statuses": "failed",
        "services": "failed",
        "bookings": "failed",
        "ratings": "loaded",
    }
    assert details["workshops"][1].startswith(
        "workshops.csv: lacks the column currency; it has id, org_number"
    )
    assert details["categories"][1] == "no file matches categories.csv in sample"
    assert "booking_statuses.csv: is empty" in details["booking_statuses"][1]
    assert "services.parquet: cannot be landed" in details["services"][1]
    assert "bookings/bookings-2024-03.csv: its header line cannot be read" in details["bookings"][1]
    assert night.stdout.count("failed") == 5
    before, after = contents(sample_data), contents(data)
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"ratings", "rating_days", "load_report", "restatements"}
    assert after["ratings"][0] == before["ratings"][0] + 1
    was, now = (current_generation(folder / "warehouse") for folder in (sample_data, data))
    assert was.data_as_of is not None
    assert now.data_as_of is not None
    assert now.data_as_of <= max(v.data_as_of for v in stored_verdicts(sample_data))
    assert failed_checks(data) == {"workshops", "categories", "booking_statuses", "services", "bookings"}


def stored_verdicts(data: Path) -> list[Any]:
    landing = Landing(data / "landing")
    found = [landing.verdict("sample", path.name) for path in (data / "landing" / "sample").iterdir()]
    return [verdict for verdict in found if verdict and verdict.data_as_of]


def verdicts(data: Path) -> dict[str, tuple[str, str]]:
    """Status and detail of each source entity, as analysts see them in the published load report."""
    with open_snapshot(data / "warehouse") as snapshot:
        rows = snapshot.rows("SELECT entity, status, detail FROM load_report WHERE stage = 'source'")
    return {entity: (status, detail) for entity, status, detail in rows}


def failed_checks(data: Path) -> set[str]:
    """Source entities whose check Dagster shows as failed."""
    entities = [path.name for path in (data / "landing" / "sample").iterdir()]
    keys = {dg.AssetCheckKey(dg.AssetKey(["sample", entity]), SOURCE_READ): entity for entity in entities}
    with dg.DagsterInstance.from_ref(find_instance(data)) as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    assert set(latest) == set(keys)
    return {keys[key] for key, record in latest.items() if record.status.value == "FAILED"}


def test_a_failing_check_keeps_the_served_generation(
    sample_data: Path, sample_files: Path, tmp_path: Path
) -> None:
    """The same program with one more check, which its data breaks."""
    data, program = copy(sample_data, tmp_path / "data"), tmp_path / "program"
    for package in ("warehouse", "exporters", "pipelines", "sql"):
        shutil.copytree(ROOT / package, program / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("settings.py", "setting_checks.py", "sources.toml", "dagster.yaml"):
        shutil.copy(ROOT / name, program)
    ratings = program / "sql" / "entities" / "ratings.sql"
    check = '[[checks]]\nname = "nobody_is_sad"\ndescription = "."\n'
    check += 'sql = "select * from ratings where rating < 2"\n*/'
    ratings.write_text(ratings.read_text(encoding="utf-8").replace("*/", check, 1), encoding="utf-8")
    night = subprocess.run(
        [sys.executable, "-m", "pipelines", "night"],
        cwd=program,
        env=night_environment(data, {"SOURCE_ROOT": str(sample_files.parent)}),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert night.returncode == 1
    assert "error: ratings: nobody_is_sad:" in night.stderr
    assert "published generation" not in night.stdout
    assert current_generation(data / "warehouse") == moved(
        current_generation(sample_data / "warehouse"), data
    )
    assert contents(data) == contents(sample_data)


def moved(generation: Any, data: Path) -> Any:
    path = data / "warehouse" / "generations" / generation.path.name
    return type(generation)(generation.generation, generation.published_at, generation.data_as_of, path)


@pytest.mark.parametrize(
    ("arguments", "sources", "code", "message"),
    [
        ("--from 2026-01-02", "sample", 2, "--from and --to go together"),
        ("--from 2026-01-02 --to 2026-01-01", "sample", 2, "not after the last"),
        ("--from yesterday --to 2026-01-01", "sample", 2, "--from"),
        ("", "nowhere", 1, "declares no source nowhere; it declares"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_done(
    tmp_path: Path, arguments: str, sources: str, code: int, message: str
) -> None:
    data = tmp_path / "data"
    environment = {"REPORTS_DATA_FOLDER": str(data), "REPORTS_SOURCES": sources, "NO_COLOR": "1"}
    environment |= {"REPORTS_SOURCE_CONFIG": str(ROOT / "sources.toml")}
    result = CliRunner().invoke(app, ["night", *arguments.split()], env=environment)
    assert result.exit_code == code
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not data.exists()


def test_a_backfill_takes_the_changes_of_its_days_only_and_the_next_night_the_rest(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    rows = [{**BOOKING, "id": str(day), "updated_at": f"2026-01-0{day}T12:00:00Z"} for day in (1, 2, 3)]
    warehouse.write_sample(bookings=rows)
    warehouse.night()
    warehouse.write_bookings("bookings/bookings-2026-01.csv", [{**row, "price": "5.00"} for row in rows[:2]])
    warehouse.load("bookings", Days(date(2026, 1, 2), date(2026, 1, 3)))

    def prices() -> list[tuple[str, int]]:
        with warehouse.open() as build:
            build.create_raw("sample", "bookings")
            for name in ("stg_sample__bookings", "bookings"):
                build.build_model(name)
            found = build.connection.execute("SELECT booking_id, price FROM bookings ORDER BY 1").fetchall()
        return [(booking, int(price)) for booking, price in found]

    assert prices() == [("1", 1000), ("2", 5), ("3", 1000)], "only a whole load tells what is gone"
    assert warehouse.load("bookings").status == "loaded"
    assert prices() == [("1", 5), ("2", 5)]

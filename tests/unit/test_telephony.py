"""Queues and calls: kept up with changes from night to night, empty without their source; golden files."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporters.catalogue import TENANT, load_catalogue
from exporters.formats import FORMATS
from exporters.formats.table import Table
from tests.small_warehouse import WORKSHOP, Row, SmallWarehouse, csv_text
from tests.unit.conftest import Golden
from warehouse.sources import load_sources

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "samples" / "telephony"
REPORTS = ("queue_missed_calls", "queue_report_per_day", "queue_member_report_per_hour")
WORKSHOPS: tuple[Row, ...] = (WORKSHOP, {**WORKSHOP, "id": "102", "time_zone": "America/New_York"})
TABLES = ("queues", "queue_members", "calls")


def warehouse(root: Path, *sources: str) -> SmallWarehouse:
    small = SmallWarehouse(root, dict(load_sources(ROOT / "sources.toml", list(sources))))
    if "sample" in sources:
        small.write_sample(workshops=WORKSHOPS)
    if "telephony" in sources:
        for path in FILES.rglob("*.csv"):
            small.write(str(path.relative_to(FILES)), path.read_bytes(), "telephony")
    return small


def tables_of(small: SmallWarehouse) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(small.rows(f"select * from {name}"), key=str) for name in TABLES}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SmallWarehouse:
    small = warehouse(tmp_path_factory.mktemp("telephony"), "sample", "telephony")
    small.night()
    return small


@pytest.mark.parametrize("name", REPORTS)
def test_golden(name: str, built: SmallWarehouse, golden: Golden) -> None:
    report = load_catalogue()[name]
    asked = report.parse_filters({"date_from": "2025-10-24", "date_to": "2025-10-27"})
    out = io.BytesIO()
    table = Table(report.title("en"), report.columns("en"), (), datetime(2026, 3, 1, tzinfo=UTC))
    with built.snapshot() as snapshot:
        rows = snapshot.batches(report.sql, {**asked, TENANT: "101"}).read_all()
    FORMATS["csv"].write(table, rows.to_batches(), out)
    golden.check(f"reports/{name}.csv", out.getvalue())


def test_the_rows_of_a_group_follow_one_another(built: SmallWarehouse) -> None:
    for name in REPORTS:
        report = load_catalogue()[name]
        assert report.header.group
        with built.snapshot() as snapshot:
            asked = {**report.parse_filters({}), TENANT: "101"}
            groups = snapshot.batches(report.sql, asked).read_all()[report.header.group.name].to_pylist()
        changes = [group for before, group in zip([None, *groups], groups, strict=False) if group != before]
        assert len(changes) == len(set(changes)) > 1


def test_what_changes_from_night_to_night_is_as_if_built_anew(tmp_path: Path) -> None:
    changed = warehouse(tmp_path / "changed", "sample", "telephony")
    changed.night()
    before = tables_of(changed)
    for small in (changed, warehouse(tmp_path / "anew", "sample", "telephony")):
        october = small.file("calls/2025-10.csv", "telephony")
        header, *lines = october.read_text(encoding="utf-8").splitlines()
        small.write("calls/2025-10.csv", "\n".join([header, *lines[5:]]) + "\n", "telephony")  # five are gone
        small.write(
            "calls/2025-12.csv",  # one is corrected, one comes
            f"{header}\n101,q8,1,+4799999999,2025-10-15T10:38:00Z,ANSWERED,201,3,9,2025-12-01T08:00:00Z\n"
            "102,n1,2,,2025-12-01T08:00:00Z,ABANDONED,,60,0,2025-12-01T08:01:00Z\n",
            "telephony",
        )
        small.write(  # the queue 3 is gone, the queue 9 comes, and the calls that waited for it
            "queues.csv",
            "workshop_id,id,name,updated_at\n101,1,Verksted Nord,2025-12-01T08:00:00Z\n"
            "101,2,Dekkhotell,2025-09-01T06:00:00Z\n101,9,Ny,2025-12-01T08:00:00Z\n"
            "102,1,Service desk,2025-09-01T06:00:00Z\n102,2,Parts,2025-09-01T06:00:00Z\n"
            "901,1,Huolto,2025-09-01T06:00:00Z\n",
            "telephony",
        )
        moved = {**WORKSHOPS[1], "time_zone": "Europe/Oslo", "updated_at": "2025-12-01T08:00:00Z"}
        small.write("workshops.csv", csv_text([WORKSHOPS[0], moved], list(WORKSHOP)))
        small.night()
        if small is not changed:
            anew = tables_of(small)
    after = tables_of(changed)
    gone = {("101", "3"), ("999", "1")}  # the folder that never saw the queue cannot know of it
    assert [row for row in after["queues"] if (row[1], row[2]) not in gone] == anew["queues"]
    assert [row for row in after["queue_members"] if (row[1], row[2]) not in gone] == anew["queue_members"]
    column = list(changed.models["calls"].header.columns).index("queue_id")
    assert [row for row in after["calls"] if (row[1], row[column]) not in gone] == anew["calls"]
    assert {(row[1], row[2]) for row in before["queues"]} - {
        (row[1], row[2]) for row in after["queues"]
    } == set()
    assert ("101", "q1") in {(row[1], row[2]) for row in after["calls"]}
    assert ("101", "q1") not in {(row[1], row[2]) for row in before["calls"]}
    assert len(before["calls"]) != len(after["calls"])


def test_without_their_source_the_tables_are_empty_and_the_reports_too(tmp_path: Path) -> None:
    small = warehouse(tmp_path, "sample")
    small.night()
    assert not any(tables_of(small).values())
    for name in REPORTS:
        report = load_catalogue()[name]
        assert small.rows(report.sql, **report.parse_filters({}), workshop_id="101") == []


def test_alone_they_have_the_workshops_that_the_telephone_system_knows(tmp_path: Path) -> None:
    small = warehouse(tmp_path, "telephony")
    small.night()
    assert small.rows("select workshop_id, time_zone from workshops") == [("901", "Europe/Helsinki")]
    assert small.rows("select distinct workshop_id from calls") == [("901",)]
    assert ("workshop 101 is unknown",) in small.rows("select distinct reason from quarantine")

"""The report types of events: their rows against the files worked through by hand, and their golden files."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlglot
from sqlglot.errors import ErrorLevel

from exporters.catalogue import TENANT, load_catalogue
from exporters.event_reports import EVENT_REPORTS
from exporters.formats import FORMATS
from exporters.formats.table import Table
from exporters.report_types import company_types, list_entities
from tests.event_books import Asked, EventBooks
from tests.unit.conftest import Golden
from warehouse.generations import Snapshot, open_snapshot

CATALOGUE = load_catalogue()
TYPES = tuple(f"event_{report}" for report in EVENT_REPORTS)
BOOKS = EventBooks()


@pytest.fixture(scope="module")
def served(events_data: Path) -> Iterator[Snapshot]:
    with open_snapshot(events_data / "warehouse") as snapshot:
        yield snapshot


def read(snapshot: Snapshot, name: str, workshop_id: str, **asked: Any) -> pa.Table:
    report = CATALOGUE[name]
    return snapshot.batches(report.sql, {**report.parse_filters(asked), TENANT: workshop_id}).read_all()


@pytest.mark.parametrize("name", TYPES)
def test_golden(name: str, served: Snapshot, golden: Golden) -> None:
    report = CATALOGUE[name]
    rows = read(served, name, "502", date_from="2026-01-01", date_to="2026-03-31")
    out = io.BytesIO()
    table = Table(report.title("en"), report.columns("en"), (), datetime(2026, 3, 1, tzinfo=UTC))
    FORMATS["csv"].write(table, rows.to_batches(), out)
    golden.check(f"reports/{name}.csv", out.getvalue())


@pytest.mark.parametrize("name", TYPES)
def test_rows_are_the_tenants_in_the_declared_columns_and_groups(name: str, served: Snapshot) -> None:
    report = CATALOGUE[name]
    for workshop_id in ("501", "502"):
        rows = read(served, name, workshop_id)
        assert rows.schema.names == list(report.fields)
        assert set(rows[TENANT].to_pylist()) == {workshop_id}
        if report.header.group:
            groups = rows[report.header.group.name].to_pylist()
            changes = [group for before, group in pairwise([None, *groups]) if group != before]
            assert len(changes) == len(set(changes)) >= 1
    assert read(served, name, "101").num_rows == 0, "nothing is no row, so that only_when_data is told right"


@pytest.mark.parametrize("name", TYPES)
def test_each_argument_narrows_the_rows(name: str, served: Snapshot) -> None:
    every = read(served, name, "501").to_pylist()
    for asked in ({"date_from": "2026-02-10"}, {"date_to": "2026-02-10"}, {"event_key": "messe-2026"}):
        rows = read(served, name, "501", **asked).to_pylist()
        assert rows, asked
        assert rows != every, asked
    assert read(served, name, "501", event_key="alpen-2026").num_rows == 0, "another tenant's event"


def test_no_sum_is_made_over_currencies() -> None:
    for name in TYPES:
        columns = CATALOGUE[name].header.columns
        if "currency" in columns:
            assert not [
                column for column, its in columns.items() if its.total and its.kind in {"money", "decimal"}
            ]


def test_revenue_by_currency_and_month(served: Snapshot) -> None:
    asked = Asked("502", "alpen-2026", date(2026, 1, 10), date(2026, 3, 20))
    books = BOOKS.revenue(asked)
    rows = read(
        served, "event_revenue", "502", event_key="alpen-2026", date_from=asked.first, date_to=asked.last
    )
    assert {
        (row["currency"], row["period"]): (row["invoice_count"], row["invoiced"], row["paid"], row["open"])
        for row in rows.to_pylist()
    } == {
        (currency, period): (month["invoice_count"], month["invoiced"], month["paid"], month["open"])
        for currency, months in books.items()
        for period, month in months.items()
    }
    assert {type(value) for value in rows["invoiced"].to_pylist()} == {Decimal}


def test_the_events_of_a_tenant_can_be_chosen(served: Snapshot) -> None:
    report = CATALOGUE["event_revenue"]
    assert list_entities(served, report, "event_key", "501") == [
        ("herbst-2026", "Herbsttreff der Betriebe"),
        ("messe-2026", "Werkstattmesse 2026"),
    ]
    shown = company_types(CATALOGUE)
    assert [shown[str(number)].name for number in range(201, 206)] == [
        "Event revenue",
        "Event participants",
        "Event applications",
        "Event payments",
        "Event overview",
    ]


@pytest.mark.parametrize("name", TYPES)
def test_queries_can_be_carried_to_spark(name: str) -> None:
    [carried] = sqlglot.transpile(
        CATALOGUE[name].sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE
    )
    assert sqlglot.parse_one(carried, dialect="spark")

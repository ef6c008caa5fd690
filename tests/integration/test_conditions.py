"""Conditions on the published sample: what is seen of a report."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporters.catalogue import ReportType, RequestError, load_catalogue
from exporters.definitions.conditions import Sight, look, look_at_each
from exporters.report_headers import ReportHeader
from tests.sample_snapshot import busiest_workshop, last_booked_day, open_sample
from warehouse.errors import ModelError, WarehouseError
from warehouse.figures import Workshop, overview
from warehouse.generations import Snapshot
from warehouse.period import Period

_CATALOGUE = load_catalogue()
_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def snapshot(sample_data: Path) -> Iterator[Snapshot]:
    with open_sample(sample_data) as opened:
        yield opened


@pytest.fixture(scope="module")
def workshop(snapshot: Snapshot) -> Workshop:
    return busiest_workshop(snapshot)


@pytest.fixture(scope="module")
def last_day(snapshot: Snapshot, workshop: Workshop) -> date:
    return last_booked_day(snapshot, workshop)


def _made_up(rows: str, kind: str = "money", **more: str) -> ReportType:
    """A report of the values of a column `amount`, beside others of the kinds told."""
    columns = {"amount": kind} | more
    header = ReportHeader.model_validate(
        {
            "title": "Amounts",
            "description": "Amounts.",
            "formats": ["csv"],
            "arguments": {},
            "columns": {
                name: {"title": name, "kind": kind, "description": name} for name, kind in columns.items()
            },
        }
    )
    names = ", ".join(columns)
    sql = f"SELECT $workshop_id AS workshop_id, {names} FROM (VALUES {rows}) t({names})"
    return ReportType("amounts", header, sql)


def _see(snapshot: Snapshot, rows: str, kind: str = "money", **more: str) -> Sight:
    return look(snapshot, _made_up(rows, kind, **more), "1", {})


@pytest.mark.parametrize("name", ["bookings", "ratings", "revenue", "services"])
def test_what_is_seen_is_what_the_report_gives(
    snapshot: Snapshot, workshop: Workshop, last_day: date, name: str
) -> None:
    report = _CATALOGUE[name]
    filters = {"date_from": str(last_day - 20 * _DAY), "date_to": str(last_day)}
    parameters = {**report.parse_filters(filters), "workshop_id": workshop.workshop_id}
    rows = [dict(zip(report.fields, row, strict=True)) for row in snapshot.rows(report.sql, parameters)]
    sight = look(snapshot, report, workshop.workshop_id, filters)
    assert sight.rows == len(rows) > 0
    numeric = {"integer", "decimal", "money"}
    for column in (name for name, one in report.header.columns.items() if one.kind in numeric):
        assert sight.totals[column] == sum(Decimal(row[column]) for row in rows if row[column] is not None)


def test_the_total_of_revenue_is_that_of_the_overview(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    period = Period(last_day - 30 * _DAY, last_day)
    filters = {"date_from": period.date_from, "date_to": period.date_to}
    sight = look(snapshot, _CATALOGUE["revenue"], workshop.workshop_id, filters)
    figures = overview(snapshot.figures, workshop.workshop_id, period)
    assert sight.totals == {"done_jobs": figures.done, "revenue": figures.revenue}


def test_a_workshop_sees_its_own_rows(snapshot: Snapshot) -> None:
    report = _CATALOGUE["bookings"]
    seen = {
        workshop_id: look(snapshot, report, workshop_id, {}).rows
        for (workshop_id,) in snapshot.rows("SELECT workshop_id FROM workshops")
    }
    counted = snapshot.rows(
        "SELECT w.workshop_id, count(b.booking_id) FROM workshops w LEFT JOIN bookings b"
        " ON b.workshop_id = w.workshop_id GROUP BY w.workshop_id"
    )
    assert seen == dict(counted)
    assert look(snapshot, report, "nobody' OR 1 = 1 --", {}).rows == 0


def test_money_is_added_exactly(snapshot: Snapshot) -> None:
    sight = _see(snapshot, "(0.10::DECIMAL(18, 2)), (0.20), (100000000000000.05), (NULL)")
    assert (sight.rows, str(sight.totals["amount"])) == (4, "100000000000000.35")
    floats = _see(snapshot, "(0.1::DOUBLE), (0.2), (0.3)", "decimal")
    assert floats.totals["amount"] == Decimal("0.6")


def test_without_rows_totals_are_nothing_and_with_unknown_values_unknown(snapshot: Snapshot) -> None:
    assert _see(snapshot, "(1.50::DECIMAL(9, 2))").totals == {"amount": Decimal("1.50")}
    none = look(snapshot, _CATALOGUE["bookings"], "nobody", {})
    assert (none.rows, none.totals) == (0, {"price": Decimal(0)})
    assert _see(snapshot, "(NULL::DECIMAL(9, 2))").totals == {"amount": None}
    assert _see(snapshot, "(1::DOUBLE), ('inf')", "decimal").totals == {"amount": None}


def test_amounts_of_several_currencies_are_not_added(snapshot: Snapshot) -> None:
    one = _see(snapshot, "(1.5, 'NOK'), (2.5, 'NOK'), (NULL, 'SEK')", currency="text")
    assert one.totals["amount"] == 4
    assert _see(snapshot, "(1.5, 'NOK'), (2.5, 'SEK')", currency="text").totals["amount"] is None
    assert _see(snapshot, "(1.5, 'NOK'), (2.5, NULL)", currency="text").totals["amount"] is None


def test_a_digest_tells_rows_apart_but_not_their_order(snapshot: Snapshot) -> None:
    whole = _see(snapshot, "(1, 'a'), (2, 'b'), (2, 'b'), (NULL, 'c')", "integer", name="text").digest
    assert whole == _see(snapshot, "(2, 'b'), (NULL, 'c'), (1, 'a'), (2, 'b')", "integer", name="text").digest
    others = [
        "(1, 'a'), (2, 'b'), (NULL, 'c')",  # a row that is there twice
        "(1, 'a'), (2, 'b'), (2, 'b'), (2, 'b'), (NULL, 'c')",
        "(1, 'b'), (2, 'a'), (2, 'b'), (NULL, 'c')",  # values of two rows exchanged
        "(1, 'a'), (2, 'b'), (2, 'b'), (0, 'c')",
        "(1, 'a'), (2, 'b'), (2, 'b'), (NULL, 'C')",
    ]
    digests = {_see(snapshot, rows, "integer", name="text").digest for rows in others}
    assert len(digests) == len(others)
    assert whole not in digests


def test_texts_that_run_on_into_one_another_are_told_apart(snapshot: Snapshot) -> None:
    pairs = ["('a', 'bc')", "('ab', 'c')", "('', 'abc')", "(NULL, 'abc')", "('a1:b', 'c')", "('-', '')"]
    digests = {_see(snapshot, pair, "text", name="text").digest for pair in pairs}
    assert len(digests) == len(pairs)


def test_filters_that_the_report_does_not_take_are_refused(snapshot: Snapshot) -> None:
    with pytest.raises(RequestError, match="takes no filter 'colour'"):
        look(snapshot, _CATALOGUE["bookings"], "1", {"colour": "red"})


def test_a_query_that_fails_or_never_ends_is_an_error_and_the_snapshot_goes_on(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(_made_up("(1)"), sql="SELECT $workshop_id AS workshop_id, amount FROM nowhere")
    with pytest.raises(ModelError, match="nowhere"):
        look(snapshot, broken, "1", {})
    endless = replace(
        _made_up("(1)"),
        sql="SELECT $workshop_id AS workshop_id, a.range * b.range AS amount"
        " FROM range(10000000) a, range(10000000) b",
    )
    monkeypatch.setattr("exporters.definitions.conditions._PATIENCE", 200)
    began = time.monotonic()
    with pytest.raises(WarehouseError):
        look(snapshot, endless, "1", {})
    assert time.monotonic() - began < 600  # to its end it would take days
    assert snapshot.rows("SELECT current_setting('max_execution_time')") in ([(0,)], [("0",)])


def test_many_looks_end_together(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.definitions.conditions._WHOLE_PATIENCE", 0.05)
    with pytest.raises(WarehouseError, match="ask for fewer"):
        look_at_each(snapshot, _CATALOGUE["bookings"], "1", ({} for _ in range(10_000)))

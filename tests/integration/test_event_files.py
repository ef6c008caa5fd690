"""The event reports as files: in every format and language, and the same figures as over the API."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import polars as pl
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters.event_reports import EVENT_REPORTS, EventReports, figures_of
from exporters.event_rows import Row
from exporters.exports import Exports, open_exports
from exporters.formats.table import Language
from exporters.formats.wording import LANGUAGES
from exporters.jobs import Status
from tests.exported import export, options_for, read

EVENTS = {"501": ["messe-2026", "herbst-2026"], "502": ["alpen-2026", "gipfel-2026"]}
DAYS = st.dates(date(2025, 12, 25), date(2026, 4, 20))
CONVERT: dict[str, Any] = {"integer": int, "decimal": Decimal, "text": str}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory, events_data: Path) -> Iterator[Exports]:
    with open_exports(options_for(tmp_path_factory.mktemp("event_files"), events_data)) as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(exports: Exports) -> EventReports:
    return EventReports(exports.catalogue, exports.snapshots)


def rows_of_file(exports: Exports, name: str, workshop_id: str, filters: dict[str, Any]) -> list[Row]:
    """The rows of the CSV, by the columns' names."""
    declared = exports.catalogue[name].header.columns
    job = export(exports, workshop_id, name, "csv", **filters)
    assert job.status is Status.COMPLETED, job
    _, *lines = csv.reader(io.StringIO(read(exports, job.file_key).decode(), newline=""))
    return [
        {
            column: CONVERT[its.kind](text) if text else None
            for (column, its), text in zip(declared.items(), line, strict=True)
        }
        for line in lines
    ]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data(), report=st.sampled_from(EVENT_REPORTS), workshop_id=st.sampled_from(sorted(EVENTS)))
def test_the_figures_of_a_file_are_those_of_the_api(
    exports: Exports, reports: EventReports, data: st.DataObject, report: str, workshop_id: str
) -> None:
    first, last = data.draw(st.none() | DAYS), data.draw(st.none() | DAYS)
    if first and last and first > last:
        first, last = last, first
    event = data.draw(st.none() | st.sampled_from(EVENTS[workshop_id]))
    asked = {
        name: str(value)
        for name, value in (("event_key", event), ("date_from", first), ("date_to", last))
        if value is not None
    }
    rows = rows_of_file(exports, f"event_{report}", workshop_id, asked)
    told = reports.read(report, workshop_id, **asked)
    assert told.data == figures_of(report, rows, "EUR" if workshop_id == "501" else "CHF")
    by_hand(report, rows, vars(told.data))


def by_hand(report: str, rows: list[Row], told: dict[str, Any]) -> None:
    """Some of the figures, added up from the rows without a word of the product."""
    if report == "revenue":
        assert told["invoice_count"] == sum(row["invoice_count"] for row in rows)
        for part in told["by_currency"]:
            own = [row for row in rows if row["currency"] == part.currency]
            assert part.invoiced == sum(row["invoiced"] for row in own)
            assert [month.paid for month in part.by_month] == [row["paid"] for row in own]
    elif report == "participants":
        assert told["confirmed"] == sum(row["confirmed"] for row in rows)
    elif report == "applications":
        assert told["total"] == sum(row["applications"] for row in rows if row["breakdown"] == "all")
        assert told["total"] == sum(row["applications"] for row in rows if row["breakdown"] == "rating")
    elif report == "payments":
        done = [row for row in rows if row["status"] == "completed"]
        assert told["count"] == sum(row["payments"] for row in done)
        for part in told["by_currency"]:
            assert part.net == sum(row["net"] for row in done if row["currency"] == part.currency)
    else:
        values = {(row["figure"], row["currency"]): row["value"] for row in rows if row["area"] == "revenue"}
        for part in told["revenue"].by_currency:
            assert part.open == values["open", part.currency]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("report", EVENT_REPORTS)
def test_every_format_holds_the_rows(exports: Exports, report: str, language: Language) -> None:
    name = f"event_{report}"
    type_ = exports.catalogue[name]
    titles = [column.title for column in type_.columns(language)]
    files = {}
    for format_ in ("csv", "xlsx", "pdf", "html", "parquet"):
        asked = exports.request("502", name, format_, {"date_to": "2026-03-31"}, language=language)
        job = exports.run(asked.job_id)
        assert job is not None
        assert job.status is Status.COMPLETED, job
        files[format_] = read(exports, job.file_key)
    lines = list(csv.reader(io.StringIO(files["csv"].decode(), newline="")))
    assert lines[0] == titles
    frame = pl.read_parquet(files["parquet"])
    texts = [["" if value is None else str(value) for value in row] for row in frame.rows()]
    assert texts == lines[1:]
    sheets = pandas.read_excel(io.BytesIO(files["xlsx"]), sheet_name=None, header=None, dtype=str)
    assert any(set(titles) <= set(map(str, row)) for sheet in sheets.values() for row in sheet.values)
    document = pypdfium2.PdfDocument(files["pdf"])
    page_text = "".join(page.get_textpage().get_text_range() for page in document)
    html = files["html"].decode()
    for text in (page_text, html):
        assert type_.title(language) in text.replace("\r\n", " ")
    if report in {"participants", "applications"}:
        assert "Alpenforum Mobilität" in html


def test_a_file_of_events_has_no_summary_of_bookings(exports: Exports) -> None:
    job = export(exports, "501", "event_revenue", "html")
    html = read(exports, job.file_key).decode()
    assert "Event revenue" in html
    assert "Done jobs" not in html
    assert "Active services" not in html


def test_amounts_carry_no_sign_of_another_currency(exports: Exports) -> None:
    html = read(exports, export(exports, "502", "event_revenue", "html").file_key).decode()
    assert "(CHF)" not in html
    workbook = read(exports, export(exports, "502", "event_revenue", "xlsx").file_key)
    cells = [cell for sheet in openpyxl.load_workbook(io.BytesIO(workbook)) for row in sheet for cell in row]
    assert {cell.number_format for cell in cells if cell.value == 7179.56} == {"#,##0.00"}


def test_figures_are_kept_while_a_generation_is_served(reports: EventReports) -> None:
    first = reports.read("revenue", "501")
    assert reports.read("revenue", "501").data is first.data
    assert reports.read("revenue", "502").data is not first.data
    assert reports.read("revenue", "501", date_from="2026-02-02").data != first.data


def test_figures_of_many_rows_are_not_kept(exports: Exports) -> None:
    reports = EventReports(exports.catalogue, exports.snapshots, most_rows=1)
    assert reports.read("participants", "501").data is not reports.read("participants", "501").data
    few = {"date_from": "2030-01-01"}
    assert reports.read("revenue", "501", **few).data is reports.read("revenue", "501", **few).data

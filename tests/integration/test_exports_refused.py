"""Files that must not be: of another workshop's rows, other columns, or other values than SQL counts."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from exporters.catalogue import load_catalogue
from exporters.exports import Exports
from exporters.formats import FORMATS
from exporters.formats.table import Table, Written
from tests.exported import FORMAT_NAMES, check_failed, export

DOCTORED = """/*
title = "Doctored"
description = "Forgets whose rows it gives."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]
arguments = {{}}

[columns]
booking_id = {{ title = "Booking", kind = "text", description = "Identifies the booking." }}
*/
{sql}
"""


def add_report(exports: Exports, sql_root: Path, sql: str) -> None:
    """Give `exports` a report type `doctored` whose query is `sql`."""
    folder = sql_root / "reports"
    folder.mkdir(parents=True)
    (folder / "doctored.sql").write_text(DOCTORED.format(sql=sql), encoding="utf-8")
    exports.catalogue.update(load_catalogue(sql_root))


FOREIGN = {
    "every workshop's": "select workshop_id, booking_id from bookings where $workshop_id <> ''"
    " order by booking_id limit 50",
    "another's": "select workshop_id, booking_id from bookings where workshop_id <> $workshop_id limit 1",
    "nobody's": "select nullif(workshop_id, $workshop_id) as workshop_id, booking_id from bookings"
    " where workshop_id = $workshop_id limit 1",
    "some nobody's": "select if(status = 'PENDING', null, workshop_id) as workshop_id, booking_id"
    " from bookings where workshop_id = $workshop_id",
}
"""Whose rows a query gives, and the query."""


@pytest.mark.parametrize(
    ("whose", "format_"),
    [*((whose, "csv") for whose in FOREIGN), *(("some nobody's", name) for name in FORMAT_NAMES[1:])],
)
def test_a_foreign_row_fails_the_job(fresh: Exports, tmp_path: Path, whose: str, format_: str) -> None:
    sql = FOREIGN[whose]
    add_report(fresh, tmp_path / "sql", sql)
    job = export(fresh, "101", "doctored", format_)
    check_failed(fresh, job, "FOREIGN_ROW")
    assert job.error_message == "the report gave a row of another workshop than 101"


def test_one_foreign_row_after_many_own_ones_fails_the_job(fresh: Exports, tmp_path: Path) -> None:
    sql = (
        "select workshop_id, booking_id from bookings, range(40) as again"
        " where workshop_id = $workshop_id or booking_id = (select max(booking_id) from bookings"
        " where workshop_id = '102') order by workshop_id, booking_id"
    )
    add_report(fresh, tmp_path / "sql", sql)
    job = export(fresh, "101", "doctored")
    check_failed(fresh, job, "FOREIGN_ROW")
    assert job.rows_expected is not None
    assert job.rows_expected > 40_000


@pytest.mark.parametrize(
    "columns", ["workshop_id, booking_id, status", "booking_id, workshop_id", "workshop_id, status"]
)
def test_a_query_of_other_columns_fails_the_job(fresh: Exports, tmp_path: Path, columns: str) -> None:
    add_report(fresh, tmp_path / "sql", f"select {columns} from bookings where workshop_id = $workshop_id")
    job = export(fresh, "112", "doctored")
    check_failed(fresh, job, "REPORT_BROKEN")
    assert f"gives the columns {columns}; declared are workshop_id, booking_id" in (job.error_message or "")


@pytest.mark.parametrize("format_", FORMAT_NAMES)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("'infinity'::date", "date"),
        ("'infinity'::timestamp", "timestamp"),
        ("timestamp '290000-01-01'", "timestamp"),
        ("'x'", "integer"),
    ],
)
def test_values_that_fit_no_file_fail_the_job_at_once(
    fresh: Exports, tmp_path: Path, value: str, kind: str, format_: str
) -> None:
    folder = tmp_path / "sql" / "reports"
    folder.mkdir(parents=True)
    text = DOCTORED.format(sql=f"select workshop_id, {value} as booking_id from workshops")
    text = text.replace('kind = "text"', f'kind = "{kind}"') + "where workshop_id = $workshop_id\n"
    (folder / "doctored.sql").write_text(text, encoding="utf-8")
    fresh.catalogue.update(load_catalogue(tmp_path / "sql"))
    job = export(fresh, "101", "doctored", format_)
    check_failed(fresh, job, "REPORT_BROKEN")
    assert "'booking_id'" in (job.error_message or "")


@pytest.mark.parametrize("told", [-1, 1])
def test_a_file_of_another_number_of_rows_fails_the_job(
    fresh: Exports, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    def write(table: Table, batches: Any, out: Any) -> Written:
        if told > 0:
            written = FORMATS["csv"].write(table, batches, out)
            return replace(written, rows=written.rows + told)
        return FORMATS["csv"].write(table, (batch.slice(1) for batch in batches), out)

    monkeypatch.setitem(FORMATS, "html", replace(FORMATS["html"], write=write))
    job = export(fresh, "112", "bookings", "html")
    check_failed(fresh, job, "INCOMPLETE")
    assert job.error_message == f"{542 + told} rows were written of 542 expected"


@pytest.mark.parametrize(
    ("column", "change", "told"),
    [
        ("price", lambda prices: pc.add(prices, Decimal("0.01")), "column price: the values written sum to "),
        (
            "status",
            lambda texts: pc.if_else(True, None, texts),
            "column status: 0 values were written of 542",
        ),
    ],
)
def test_a_file_of_other_values_fails_the_job(
    fresh: Exports, monkeypatch: pytest.MonkeyPatch, column: str, change: Callable[[Any], Any], told: str
) -> None:
    def write(table: Table, batches: Any, out: Any) -> Written:
        changed = (
            batch.set_column(
                batch.schema.get_field_index(column),
                batch.schema.field(column),
                change(batch[column]).cast(batch[column].type),
            )
            for batch in batches
        )
        return FORMATS["csv"].write(table, changed, out)

    monkeypatch.setitem(FORMATS, "html", replace(FORMATS["html"], write=write))
    job = export(fresh, "112", "bookings", "html")
    check_failed(fresh, job, "INCOMPLETE")
    assert (job.error_message or "").startswith(told)

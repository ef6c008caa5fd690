"""Files of real workshops: every report in every format holds what the published warehouse holds.

The rows are read from the warehouse by the report's query, and from the files by programs of others.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import pandas
import pikepdf
import polars as pl
import pyarrow.parquet as pq
import pytest

from exporters.formats.table import Language
from tests.acceptance.readings import (
    PageTable,
    check_pages_numbered,
    check_rows_in_layout,
    check_rows_on_pages,
    in_csv,
    in_workbook,
    on_page,
    read_pages,
    read_with_openpyxl,
    read_with_polars,
    sum_exactly,
)
from tests.acceptance.report_files import CSV_FORMATS, Report, make_reports
from tests.exported import TYPES
from tests.tools import check_archival, convert, open_in_browser, run_tool, validate_workbook
from warehouse.database import connect, quote_name, quote_text

LANGUAGES: Mapping[str, Language] = {"olist": "nb", "openrepair": "de"}


Shelf = dict[tuple[str, str], Report]


@pytest.fixture(scope="module")
def shelf(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """By source and report type, what is in the warehouse and in the files."""
    folder = tmp_path_factory.mktemp("files")
    return {
        (source, name): report
        for source in LANGUAGES
        for name, report in make_reports(folder / source, source, real_data(source), LANGUAGES[source])
    }


@pytest.fixture(
    scope="module", params=[(source, name) for source in LANGUAGES for name in TYPES], ids="-".join
)
def report(shelf: Shelf, request: pytest.FixtureRequest) -> Report:
    return shelf[request.param]


def test_manifests_and_figures_are_the_second_count(report: Report) -> None:
    filled = {c.name: sum(v is not None for v in report.values(n)) for n, c in enumerate(report.columns)}
    summed = {
        column.name: sum_exactly(report.values(n))
        for n, column in enumerate(report.columns)
        if column.kind in {"integer", "decimal", "money"} and report.rows
    }
    for manifest in report.manifests.values():
        sums = {name: None if text is None else Decimal(text) for name, text in manifest["sums"].items()}
        assert (manifest["rows_written"], manifest["filled"]) == (len(report.rows), filled)
        assert sums == summed
        assert manifest["notes"] == []
    if "done_jobs" in summed:
        assert summed == {"done_jobs": report.figures.done, "revenue": report.figures.revenue}


def test_summaries_show_the_figures(report: Report) -> None:
    counts = (report.figures.done, report.figures.services, report.figures.rating_count)
    figures = [f for f in (*counts, report.figures.revenue, report.figures.rating_average) if f is not None]
    cells = [value for row in read_with_openpyxl(report.files["xlsx"], 0) for value in row]
    assert [figure for figure in figures if float(figure) not in cells] == []
    shown = [on_page(figure, report.language).replace("\u00a0", " ") for figure in figures]
    cover = " ".join(read_pages(report.files["pdf"])[0].split())
    page = " ".join(re.sub("<[^>]*>", " ", report.files["html"].read_text(encoding="utf-8")).split())
    assert [text for text in shown if text not in cover or text not in page] == []


@pytest.mark.parametrize("key", CSV_FORMATS)
def test_duckdb_reads_each_csv_in_the_types_of_the_warehouse(report: Report, key: str) -> None:
    types = ", ".join(f"{quote_text(n)}: {quote_text(t)}" for n, t in report.types.items())
    excel = "delim = ';', decimal_separator = ','" if key == "csv;excel-nb" else "delim = ','"
    with connect(None) as connection:
        found = connection.execute(
            f"FROM read_csv({quote_text(str(report.files[key]))}, {excel}, header = true, quote = '\"', "
            f"escape = '\"', auto_detect = false, allow_quoted_nulls = false, columns = {{{types}}})"
        ).fetchall()
    assert [list(row) for row in found] == [
        [in_csv(value) if isinstance(value, str) else value for value in row] for row in report.rows
    ]


@pytest.mark.parametrize("key", ["csv", "csv;excel-nb", "csv;gzip"])
def test_pandas_reads_the_text_of_each_field(report: Report, key: str) -> None:
    comma = key == "csv;excel-nb"
    frame = pandas.read_csv(
        report.files[key], sep=";" if comma else ",", dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
    assert list(frame.columns) == report.titles
    assert frame.to_numpy().tolist() == [
        [in_csv(value, decimal_comma=comma) or "" for value in row] for row in report.rows
    ]


def test_polars_reads_each_workbook(report: Report) -> None:
    titles, *found = read_with_polars(report.files["xlsx"])
    assert titles == report.titles
    assert found == [[in_workbook(value) for value in row] for row in report.rows]


def test_openpyxl_and_the_open_xml_sdk_read_each_workbook(report: Report) -> None:
    titles, *found = read_with_openpyxl(report.files["xlsx"])
    assert titles == report.titles
    assert found == [[in_workbook(value) for value in row] for row in report.rows]
    assert validate_workbook(report.files["xlsx"]) == []


def test_libreoffice_reads_each_workbook(shelf: Shelf, tmp_path: Path) -> None:
    for source in LANGUAGES:
        reports = [report for (of, _), report in shelf.items() if of == source]
        converted = convert([report.files["xlsx"] for report in reports], "xlsx", tmp_path)
        for report, file in zip(reports, converted, strict=True):
            titles, *found = read_with_openpyxl(file)
            assert titles == report.titles
            assert found == [[in_workbook(value) for value in row] for row in report.rows]


def test_libreoffice_reads_each_csv_as_text(shelf: Shelf, tmp_path: Path) -> None:
    columns = "/".join(f"{position}/2" for position in range(1, 10))
    files = [report.files["csv"] for report in shelf.values()]
    converted = convert(files, "xlsx", tmp_path, f"CSV:44,34,76,1,{columns}")
    for report, file in zip(shelf.values(), converted, strict=True):
        titles, *found = read_with_openpyxl(file, 0)
        assert titles == report.titles
        assert found == [[in_csv(value) or None for value in row] for row in report.rows]


def test_libreoffice_recognizes_the_numbers_and_times_of_the_excel_dialect(
    shelf: Shelf, tmp_path: Path
) -> None:
    files = [report.files["csv;excel-nb"] for report in shelf.values()]
    # Semicolons, UTF-8 and the conventions of Norwegian; numbers are recognized.
    converted = convert(files, "xlsx", tmp_path, "CSV:59,34,76,1,,1044,false,true,false,false,false,-1,true")
    for report, file in zip(shelf.values(), converted, strict=True):
        typed = [n for n, column in enumerate(report.columns) if column.kind not in {"text", "boolean"}]
        found = read_with_openpyxl(file, 0)[1:]
        assert [[row[n] for n in typed] for row in found] == [
            [in_workbook(row[n]) for n in typed] for row in report.rows
        ]


def test_duckdb_polars_and_pyarrow_read_each_parquet(report: Report) -> None:
    file = report.files["parquet"]
    names = ", ".join(quote_name(column.name) for column in report.columns)
    with connect(None) as connection:
        rows = connection.execute(f"SELECT {names} FROM {quote_text(str(file))}").fetchall()
        described = connection.execute(f"DESCRIBE FROM {quote_text(str(file))}").fetchall()
    assert {row[0]: row[1] for row in described} == report.types
    assert [list(row) for row in rows] == report.rows
    assert [list(row) for row in pl.read_parquet(file).rows()] == report.rows
    assert [list(row.values()) for row in pq.read_table(file).to_pylist()] == report.rows


def test_pages_hold_each_row_in_its_order(report: Report) -> None:
    file = report.files["pdf"]
    pages = read_pages(file)
    check_pages_numbered(pages, report.language)
    check_rows_on_pages(pages, report.shown())
    check_rows_in_layout(run_tool("pdftotext", "-layout", file, "-"), report.shown(), report.columns)
    words = " ".join(" ".join(pages).split())
    reached = 0
    for key, _ in groupby(report.groups):
        reached = words.index(f"{report.group_title}: {key}", reached)
    for label, sums in report.shown_sums():
        shown = " ".join([label, *(text or "–" for text in sums)])
        assert shown.replace("\u00a0", " ") in words


def test_pdfs_are_sound_and_hold_their_fonts(shelf: Shelf) -> None:
    files = [report.files["pdf"] for report in shelf.values()]
    assert check_archival(files) == []
    for file in files:
        assert "No syntax or stream encoding errors" in run_tool("qpdf", "--check", file)
        with pikepdf.open(file) as document:
            assert document.check_pdf_syntax() == []
        fonts = run_tool("pdffonts", file).splitlines()[2:]
        assert fonts
        assert {line.split()[-5] for line in fonts} == {"yes"}


def check_page(report: Report, text: str) -> None:
    table = PageTable(text)
    money = [
        f"{c.title} ({report.figures.currency})" if c.kind == "money" and report.figures.currency else c.title
        for c in report.columns
    ]
    assert table.titles == money
    assert table.rows == (
        [[in_csv(cell) for cell in row] for row in report.shown()] if report.rows else [["Keine Daten"]]
    )
    assert table.groups == [f"{report.group_title}: {key}" for key, _ in groupby(report.groups)]
    assert table.sums == [[label, *sums] for label, sums in report.shown_sums()]


def test_the_standard_parser_finds_each_row_of_the_html(report: Report) -> None:
    check_page(report, report.files["html"].read_text(encoding="utf-8"))


def test_chromium_opens_the_html_without_complaint_or_request(report: Report) -> None:
    opened = open_in_browser(report.files["html"])
    assert (opened.console, opened.requests) == ((), ())
    check_page(report, opened.page)

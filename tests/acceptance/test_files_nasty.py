"""Files of the nastiest table: programs of others find every value in every format, and no fault."""

import math
import re
import unicodedata
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pikepdf
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporters.formats import find_format
from exporters.formats.table import Brand, Chart, Column, Group, KeyFigure, Language, Table, Written
from tests.acceptance.readings import (
    PageTable,
    Rows,
    check_pages_numbered,
    check_rows_in_layout,
    check_rows_on_pages,
    in_csv,
    in_workbook,
    is_finite,
    on_page,
    read_pages,
    read_with_openpyxl,
    read_with_polars,
    sum_exactly,
)
from tests.format_tables import EVERY_KIND, NASTY, cycle, table
from tests.tools import check_archival, convert, open_in_browser, run_tool, validate_workbook
from warehouse.database import connect, quote_text

MORE_TEXTS = [
    "x" * 39_998 + "🚗å", "1e5", "12345678901234567890", "e\u0301\u0323 Z\u0335\u0336", "مرحبا 12 abc", "1/2",
    "a\u200bb", "\u202egnp.exe", "TRUE", "#REF!", "\x7f\x85", "ctl \x02", "+4790011222",
]  # fmt: skip
DOUBLES = [0.1, math.nan, math.inf, -math.inf, 1e300, -5e-324, None, -0.0, 2.0**60, 1 / 3]
ESCAPE = "_x0041_"
"""A text that in a workbook is the escape of another unless it is itself escaped, as LibreOffice does not."""
COLUMNS = (
    EVERY_KIND[0],
    Column("number", "Number", "integer"),
    *EVERY_KIND[1:],
    Column("double", "Double", "decimal"),
)
PLACE = {column.name: place for place, column in enumerate(COLUMNS)}
DUCKDB_TYPES = (
    "{Text: VARCHAR, Number: BIGINT, Integer: BIGINT, Decimal: 'DECIMAL(18,4)', Money: 'DECIMAL(12,2)',"
    " Date: DATE, Timestamp: TIMESTAMP, Boolean: BOOLEAN, Double: DOUBLE}"
)


def make_rows() -> pa.RecordBatch:
    texts = [*NASTY["text"].to_pylist(), *MORE_TEXTS]
    arrays = {
        field.name: pa.array(cycle(NASTY[field.name].to_pylist(), len(texts)), field.type)
        for field in NASTY.schema
    }
    arrays["text"] = pa.array(texts)
    arrays["number"] = pa.array([*range(7_001, 7_001 + len(texts))])
    arrays["double"] = pa.array(cycle(DOUBLES, len(texts)))
    arrays["half"] = pa.array([None if n < 15 else "=B & <b>" for n in range(len(texts))], pa.string())
    return pa.record_batch(arrays)


BATCH = make_rows()
VALUES: Rows = [[row[column.name] for column in COLUMNS] for row in BATCH.to_pylist()]


def grouped() -> Table:
    """With all that a table can have, but for totals, in Norwegian."""
    labels = ("=1+1", "Oil & <b>", "🚗", "שלום", "ctl\x01")
    charts = (
        Chart("=Bars", "bars", labels, (1, None, 3, -4, 2**60), "Count", "integer"),
        Chart("Line", "line", ("2025-01", "2025-02"), (Decimal("1.5"), None), "Mean", "decimal"),
    )
    return replace(
        table(*(replace(column, total=False) for column in COLUMNS)),
        language="nb",
        currency="NOK",
        group=Group("half", "Half"),
        key_figures=(KeyFigure("=Revenue", Decimal("1234567.50"), "money", "NOK"),),
        charts=charts,
        brand=Brand("#7a1f3d", None, "Verksted & Sønn"),
    )


TABLES = {"plain": table(*COLUMNS), "grouped": grouped()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """By table and format, the file."""
    folder = tmp_path_factory.mktemp("nasty")
    made = {}
    for name, what in TABLES.items():
        for key in ("csv", "csv;excel-nb", "csv;gzip", "csv;zstd", "xlsx", "pdf", "html", "parquet"):
            format_ = find_format(key)
            made[name, key] = folder / f"{name}-{key.replace(';', '-')}.{format_.extension}"
            with made[name, key].open("wb") as out:
                check_written(format_.write(what, iter([BATCH]), out))
    return made


def check_written(written: Written) -> None:
    """The writer has counted and summed as is done here."""
    values = [[row[place] for row in VALUES] for place in range(len(COLUMNS))]
    kept = [[value for value in column if value is not None and is_finite(value)] for column in values]
    assert dict(written.filled) == {c.name: len(v) for c, v in zip(COLUMNS, kept, strict=True)}
    assert dict(written.sums) == {
        name: sum_exactly(values[PLACE[name]]) for name in ("number", "integer", "decimal", "money")
    }


def kept(value: Any) -> Any:
    """The value in whole seconds, and none that is not finite."""
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return value if is_finite(value) else None


def alike(cell: Any, value: Any) -> Any:
    """A cell that a reader has in another type, in that of the value."""
    match value:
        case bool() | str() | None:
            return cell
        case int() | Decimal() if cell is not None:
            return Decimal(str(cell))
        case datetime() if isinstance(cell, str):
            return datetime.fromisoformat(cell)
        case date() if isinstance(cell, str):
            return datetime.fromisoformat(cell).date()
    return cell


@pytest.mark.parametrize("key", ["csv", "csv;excel-nb", "csv;gzip", "csv;zstd"])
def test_duckdb_reads_each_csv(files: dict[tuple[str, str], Path], key: str) -> None:
    excel = "delim = ';', decimal_separator = ','" if key == "csv;excel-nb" else "delim = ','"
    with connect(None) as connection:
        found = connection.execute(
            f"FROM read_csv({quote_text(str(files['plain', key]))}, {excel}, header = true, quote = '\"', "
            "escape = '\"', new_line = '\\r\\n', auto_detect = false, allow_quoted_nulls = false, "
            f"columns = {DUCKDB_TYPES})"
        ).fetchall()
    assert [list(row) for row in found] == [
        [in_csv(value) if isinstance(value, str) else kept(value) for value in row] for row in VALUES
    ]


@pytest.mark.parametrize("key", ["csv", "csv;excel-nb", "csv;gzip"])
def test_pandas_reads_the_text_of_each_field(files: dict[tuple[str, str], Path], key: str) -> None:
    comma = key == "csv;excel-nb"
    frame = pandas.read_csv(
        files["plain", key], sep=";" if comma else ",", dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
    doubles = [text.replace(",", ".") if comma else text for text in frame.pop("Double")]
    assert [float(text) if text else None for text in doubles] == [kept(row[-1]) for row in VALUES]
    assert frame.to_numpy().tolist() == [
        [in_csv(value, decimal_comma=comma) or "" for value in row[:-1]] for row in VALUES
    ]


def test_libreoffice_reads_the_csv_as_text(files: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    columns = "/".join(f"{position}/2" for position in range(1, len(COLUMNS) + 1))
    [file] = convert([files["plain", "csv"]], "xlsx", tmp_path, f"CSV:44,34,76,1,{columns}")
    titles, *found = read_with_openpyxl(file, 0)
    assert titles == [column.title for column in COLUMNS]
    for cells, row in zip(found, VALUES, strict=True):
        expected = [in_csv(value) or None for value in row[:-1]]
        assert cells[1:-1] == expected[1:]
        if row[0] is None or (row[0].isprintable() and row[0] != ESCAPE):
            assert cells[0] == in_workbook(expected[0])


@pytest.mark.parametrize("name", TABLES)
def test_openpyxl_and_the_open_xml_sdk_read_the_workbook(
    files: dict[tuple[str, str], Path], name: str
) -> None:
    assert validate_workbook(files[name, "xlsx"]) == []
    titles, *found = read_with_openpyxl(files[name, "xlsx"])
    assert titles == [column.title for column in COLUMNS]
    assert found == [[in_workbook(value) for value in row] for row in VALUES]


def test_polars_reads_the_workbook(files: dict[tuple[str, str], Path]) -> None:
    found = read_with_polars(files["plain", "xlsx"])[1:]
    for cells, row in zip(found, VALUES, strict=True):
        expected = [in_workbook(value) if isinstance(value, str) else kept(value) for value in row]
        read = [alike(cell, value) for cell, value in zip(cells, row, strict=True)]
        # It leaves the escapes of what is no character.
        read[0] = read[0] and read[0].replace("_xFFFE__xFFFF_", "\ufffe\uffff")
        assert read == expected


@pytest.mark.parametrize("name", TABLES)
def test_libreoffice_reads_the_workbook(
    files: dict[tuple[str, str], Path], name: str, tmp_path: Path
) -> None:
    [file] = convert([files[name, "xlsx"]], "xlsx", tmp_path)
    for cells, row in zip(read_with_openpyxl(file)[1:], VALUES, strict=True):
        text, *expected, double = [in_workbook(value) for value in row]
        # It knows no empty texts, ends lines by LF alone, and writes 15 digits.
        if text != ESCAPE:
            assert cells[0] == ((text and text.replace("\r\n", "\n")) or None)
        assert cells[1:-1] == expected
        assert cells[-1] == (double and pytest.approx(double, rel=1e-14))


def test_duckdb_polars_and_pyarrow_read_the_parquet(files: dict[tuple[str, str], Path]) -> None:
    file, expected = files["plain", "parquet"], [[kept(value) for value in row] for row in VALUES]
    with connect(None) as connection:
        rows = connection.execute(f"FROM {quote_text(str(file))}").fetchall()
        types = [row[1] for row in connection.execute(f"DESCRIBE FROM {quote_text(str(file))}").fetchall()]
    assert types == re.findall(r"[A-Z]{4,}(?:\(\d+,\d+\))?", DUCKDB_TYPES)
    assert [list(row) for row in rows] == expected
    assert [list(row) for row in pl.read_parquet(file).rows()] == expected
    assert [list(row.values()) for row in pq.read_table(file).to_pylist()] == expected


def is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)


@pytest.mark.parametrize("name", TABLES)
def test_pages_hold_each_row_in_its_order(files: dict[tuple[str, str], Path], name: str) -> None:
    file, what = files[name, "pdf"], TABLES[name]
    pages = read_pages(file)
    check_pages_numbered(pages, what.language)
    shown = [[on_page(kept(value), what.language) for value in row[1:-1]] for row in VALUES]
    # PDFium gives the cells of a line that has right-to-left texts from right to left.
    straight = [cells for cells, row in zip(shown, VALUES, strict=True) if not is_right_to_left(row[0] or "")]
    assert len(straight) == len(shown) - 2
    check_rows_on_pages(pages, straight)
    check_rows_in_layout(run_tool("pdftotext", "-layout", file, "-"), shown, COLUMNS[1:-1])
    words = " ".join(" ".join(pages).split())
    if what.group:
        assert words.index("Half: –") < words.index("Half: =B & <b>")
    else:
        sums = [sum_exactly([row[PLACE[name]] for row in VALUES]) for name in ("integer", "decimal", "money")]
        whole, *exact = (Decimal(0) if total is None else total for total in sums)
        texts = [on_page(total, what.language) for total in (int(whole), *exact)]
        assert " ".join(["Total", *texts]) in words


def test_pdfs_are_sound_and_hold_their_fonts(files: dict[tuple[str, str], Path]) -> None:
    pdfs = [files[name, "pdf"] for name in TABLES]
    assert check_archival(pdfs) == []
    for file in pdfs:
        assert "No syntax or stream encoding errors" in run_tool("qpdf", "--check", file)
        with pikepdf.open(file) as document:
            assert document.check_pdf_syntax() == []
        fonts = run_tool("pdffonts", file).splitlines()[2:]
        assert fonts
        assert {line.split()[-5] for line in fonts} == {"yes"}


def in_html(text: str | None) -> str:
    """The text with U+FFFD for each character that HTML forbids, safe where it is copied to."""

    def is_forbidden(character: str) -> bool:
        is_control = unicodedata.category(character) == "Cc" and character not in "\t\n\r"
        return is_control or ord(character) & 0xFFFE == 0xFFFE

    safe = in_csv(text) or ""
    return "".join("\ufffd" if is_forbidden(character) else character for character in safe)


def check_page(page: str, language: Language) -> None:
    found = PageTable(page)
    lines = [[re.sub("\r\n?", "\n", cell) for cell in row] for row in found.rows]
    doubles = [row.pop() for row in lines]
    assert lines == [
        [re.sub("\r\n?", "\n", in_html(row[0])), *(on_page(kept(value), language) for value in row[1:-1])]
        for row in VALUES
    ]
    point = doubles[0][1]
    plain = [text.replace(point, ".").replace("\u2212", "-") for text in doubles]
    assert [float(text) if text else None for text in plain] == [kept(row[-1]) for row in VALUES]


@pytest.mark.parametrize("name", TABLES)
def test_the_standard_parser_and_chromium_find_each_value_of_the_html(
    files: dict[tuple[str, str], Path], name: str
) -> None:
    file, language = files[name, "html"], TABLES[name].language
    check_page(file.read_bytes().decode(), language)
    opened = open_in_browser(file)
    assert (opened.console, opened.requests) == ((), ())
    check_page(opened.page, language)


def test_chromium_tells_what_a_page_does_that_it_must_not(
    files: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    page = files["plain", "html"].read_bytes().decode()
    harm = '<main><script>console.log("ran")</script><img src="http://127.0.0.1:9/seen.png">'
    free = re.sub("<meta http-equiv=[^>]*>", "", page)
    assert free != page
    for name, text in (("held", page), ("free", free)):
        (tmp_path / f"{name}.html").write_bytes(text.replace("<main>", harm, 1).encode())
    held, freed = (open_in_browser(tmp_path / f"{name}.html") for name in ("held", "free"))
    assert held.requests == ()
    assert [line for line in held.console if "ran" in line] == []
    assert len([line for line in held.console if "Content Security Policy" in line]) == 2
    assert freed.requests == ("http://127.0.0.1:9/seen.png",)
    assert len([line for line in freed.console if '"ran"' in line]) == 1

"""The plain file formats: what one writes, another program's reader must read back."""

import csv
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.dom import minidom

import openpyxl
import pyarrow as pa
import pyarrow.csv
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.formats import FORMATS, xlsx
from exporters.formats.table import Column, Kind, Table, Written

CREATED = datetime(2025, 4, 1, 2, 20, tzinfo=UTC)
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 4),
    "money": pa.decimal128(12, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
KINDS = tuple(TYPES)
EVERY_KIND = tuple(
    Column(kind, kind.title(), kind, kind in {"integer", "decimal", "money"}) for kind in KINDS
)

TEXTS = [
    None, "", "=1+1", "+47 900", "-1", "@x", "\ttab", "\rcr", "\nlf", "a\r\nb", 'say "hi"', "a,b;c", "0047",
    "æøå ł", "Ελλάδα", "Дмитрий", "🚗 😀", "שלום", "ctl \x00\x01\x1f", "_x0041_", "\ufffe\uffff", "  wide  ",
    "<r><t>&</r>", "{pages}", "https://example.org", "NULL", "true", "'quoted",
]  # fmt: skip
INTEGERS = [2**60, -(2**63), 10**15, 10**15 - 1, -(10**15) + 1, 0, None]
DECIMALS = [
    Decimal("12345678901234.5678"),
    Decimal("-9.95"),
    Decimal("12345678901234.5000"),
    Decimal(0),
    None,
]
MONEY = [Decimal("1234.50"), Decimal("-0.01"), Decimal(0), None]
DATES = [date(1899, 12, 31), date(1900, 1, 1), date(1900, 2, 28), date(1900, 3, 1), date(9999, 12, 31), None]
TIMESTAMPS = [
    *map(datetime.fromisoformat, ("1899-12-31 23:59:59", "1900-01-01 12:00", "2025-03-30 02:30")),
    *map(datetime.fromisoformat, ("2025-10-26 02:30:59.999999", "9999-12-31 23:59:59.999999")),
    None,
]


def cycle(values: list[Any], length: int) -> list[Any]:
    return [values[position % len(values)] for position in range(length)]


def batch(columns: Iterable[Column], **values: list[Any]) -> pa.RecordBatch:
    arrays = {column.name: pa.array(values[column.name], TYPES[column.kind]) for column in columns}
    return pa.record_batch(arrays)


NASTY = batch(
    EVERY_KIND,
    text=TEXTS,
    integer=cycle(INTEGERS, len(TEXTS)),
    decimal=cycle(DECIMALS, len(TEXTS)),
    money=cycle(MONEY, len(TEXTS)),
    date=cycle(DATES, len(TEXTS)),
    timestamp=cycle(TIMESTAMPS, len(TEXTS)),
    boolean=cycle([True, False, None], len(TEXTS)),
)


def table(*columns: Column, title: str = "Bookings, æøå") -> Table:
    details = (("Workshop", "=Verksted & Sønn"), ("Period", "2025-01-01 to 2025-03-31"))
    return Table(title, columns or EVERY_KIND, details, CREATED)


class ForwardOnly(io.RawIOBase):
    """A stream that can only be written to, like an upload."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self.content += chunk
        return len(chunk)


def write(key: str, what: Table, *batches: pa.RecordBatch) -> tuple[bytes, Written]:
    out = ForwardOnly()
    written = FORMATS[key].write(what, iter(batches), cast(BinaryIO, out))
    return bytes(out.content), written


def read_workbook(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def read_pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def unescape(text: str) -> str:
    """What Excel shows of a cell's text, of which openpyxl leaves the escapes."""
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def defused(text: str) -> str:
    return "'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else text


def as_csv(value: Any) -> str | None:
    """What the readers of CSV must find for a value."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return defused(value)
        case datetime():
            return value.replace(microsecond=0).isoformat(" ")
        case None:
            return None
        case _:
            return str(value)


def as_xlsx(value: Any) -> Any:
    """What the reader of XLSX must find for a value; an empty text is kept apart from null there too."""
    match value:
        case bool() | None:
            return value
        case str():
            return defused(value)
        case int():
            return value if abs(value) < 10**15 else str(value)
        case Decimal():
            return float(value) if len(str(value).strip("-0.").replace(".", "")) <= 15 else f"{value:f}"
        case datetime():
            whole = value.replace(microsecond=0)
            return whole if whole.year >= 1900 else whole.isoformat(" ")
        case date():
            return datetime.combine(value, time()) if value.year >= 1900 else value.isoformat()


def check_csv(columns: tuple[Column, ...], rows: pa.RecordBatch) -> None:
    content, written = write("csv", table(*columns), rows)
    expected = [[as_csv(row[column.name]) for column in columns] for row in rows.to_pylist()]
    assert written == Written(rows=rows.num_rows)
    plain = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert [row or [""] for row in plain[1:]] == [[cell or "" for cell in row] for row in expected]
    # The standard library does not tell null and the empty text apart; this reader does.
    read = pyarrow.csv.read_csv(
        io.BytesIO(content),
        read_options=pyarrow.csv.ReadOptions(column_names=[c.name for c in columns], skip_rows_after_names=1),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={column.name: pa.string() for column in columns},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    assert [list(row.values()) for row in read.to_pylist()] == expected


def check_xlsx(columns: tuple[Column, ...], rows: pa.RecordBatch) -> None:
    content, written = write("xlsx", table(*columns), rows)
    expected = [[as_xlsx(row[column.name]) for column in columns] for row in rows.to_pylist()]
    assert written.rows == rows.num_rows
    cells = list(read_workbook(content)["Data"].iter_rows(min_row=2, max_row=rows.num_rows + 1))
    read = [[unescape(cell.value) if cell.data_type == "s" else cell.value for cell in row] for row in cells]
    assert read == expected
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "b", "d"}


@pytest.mark.parametrize("check", [check_csv, check_xlsx])
def test_nasty_table_is_read_back(check: Callable[[tuple[Column, ...], pa.RecordBatch], None]) -> None:
    check(EVERY_KIND, NASTY)


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    # Without the underscores that XLSX gives a meaning; they are among the texts below.
    "text": st.text(st.characters(codec="utf-8", exclude_characters="_"), max_size=12)
    | st.sampled_from([text for text in TEXTS if text]),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.decimals(-(10**14) + 1, 10**14 - 1, places=4),
    "money": st.decimals(-(10**10) + 1, 10**10 - 1, places=2),
    "date": st.dates(),
    "timestamp": st.datetimes(),
    "boolean": st.booleans(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[Column, ...], pa.RecordBatch]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    columns = tuple(Column(f"c{position}", "Title", kind) for position, kind in enumerate(kinds))
    count = draw(st.integers(0, 5))
    values = {
        column.name: draw(st.lists(st.none() | VALUES[column.kind], min_size=count, max_size=count))
        for column in columns
    }
    return columns, batch(columns, **values)


@pytest.mark.parametrize("check", [check_csv, check_xlsx])
def test_any_table_is_read_back(check: Callable[[tuple[Column, ...], pa.RecordBatch], None]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(tables())
    def holds(drawn: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
        check(*drawn)

    holds()


@pytest.mark.parametrize("key", FORMATS)
def test_equal_rows_give_equal_bytes_however_they_are_cut(key: str) -> None:
    whole, written = write(key, table(), NASTY)
    parts, written_in_parts = write(key, table(), NASTY.slice(0, 0), NASTY.slice(0, 3), NASTY.slice(3))
    assert parts == whole
    assert written_in_parts == written


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("batches", [[], [NASTY.slice(0, 0)]])
def test_table_without_rows(key: str, batches: list[pa.RecordBatch]) -> None:
    content, written = write(key, table(), *batches)
    assert written == Written(rows=0)
    if key == "csv":
        assert content == b"Text,Integer,Decimal,Money,Date,Timestamp,Boolean\r\n"
    elif key == "xlsx":
        sheet = read_workbook(content)["Data"]
        assert [[cell.value for cell in row] for row in sheet] == [[column.title for column in EVERY_KIND]]
    else:
        assert "No rows" in "".join(read_pages(content))


@pytest.mark.parametrize("key", FORMATS)
def test_fields_come_in_any_order_and_further_ones_are_not_written(key: str) -> None:
    rows = pa.record_batch({"secret": ["hidden"], "b": ["second"], "a": ["first"]})
    what = table(Column("a", "A", "text"), Column("b", "B", "text"))
    assert write(key, what, rows) == write(key, what, pa.record_batch({"a": ["first"], "b": ["second"]}))


@pytest.mark.parametrize("key", FORMATS)
def test_numbers_that_are_not_finite_are_left_empty_and_noted(key: str) -> None:
    rows = pa.record_batch({"x": [1.5, float("nan"), float("inf"), float("-inf"), None]})
    content, written = write(key, table(Column("x", "X", "decimal")), rows)
    assert written.rows == 5
    assert written.notes == ('Column "X": left empty where the value is not a finite number (3 times).',)
    if key == "csv":
        assert content == b"X\r\n1.5\r\n" + 4 * b"\r\n"


def test_zoned_timestamps_are_written_as_their_zones_wall_clock() -> None:
    instants = pa.array(map(datetime.fromisoformat, ("2025-03-30T01:30Z", "2025-10-26T01:30Z")))
    rows = pa.record_batch({"t": instants.cast(pa.timestamp("us", "Europe/Oslo"))})
    content, _ = write("csv", table(Column("t", "T", "timestamp")), rows)
    assert content == b"T\r\n2025-03-30 03:30:00\r\n2025-10-26 02:30:00\r\n"


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize(
    ("columns", "rows", "error", "says"),
    [
        ((Column("a", "A", "text"),), {"b": ["x"]}, ValueError, "'a' is not, or not once"),
        ((Column("a", "A", "integer"),), {"a": ["x"]}, TypeError, "'a' is of kind integer and needs a whole"),
        ((Column("a", "A", "money"),), {"a": [1.5]}, TypeError, "decimal of at most two places"),
        ((Column("a", "A", "decimal", True),), {"a": [1.5]}, TypeError, "must be exact"),
        ((Column("a", "A", "text", True),), {"a": ["x"]}, ValueError, "has no sum"),
        ((Column("a", "A", "text"),) * 2, {"a": ["x"]}, ValueError, r"\['a'\] more than once"),
    ],
)
def test_tables_that_cannot_be_written_say_why(
    key: str, columns: tuple[Column, ...], rows: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        write(key, table(*columns), pa.record_batch(rows))


@pytest.mark.parametrize("key", FORMATS)
def test_creation_time_must_be_utc(key: str) -> None:
    local = CREATED.astimezone(timezone(timedelta(hours=2)))
    with pytest.raises(ValueError, match="in UTC"):
        write(key, Table("T", EVERY_KIND, (), local), NASTY)


def test_xlsx_that_fails_midway_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.BytesIO()
    with pytest.raises(ValueError, match="'text' is not"):
        FORMATS["xlsx"].write(table(), [NASTY, pa.record_batch({"other": [1]})], out)
    assert out.getvalue() == b""
    assert list(tmp_path.iterdir()) == []


def test_xlsx_goes_on_to_further_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 3)
    rows = pa.record_batch({"n": range(7)})
    content, written = write(
        "xlsx", table(Column("n", "N", "integer", True)), rows.slice(0, 2), rows.slice(2)
    )
    book = read_workbook(content)
    sheets = {sheet.title: [cell.value for cell in sheet["A"]] for sheet in book}
    assert written.rows == 7
    assert list(sheets) == ["Data", "Data 2", "Data 3", "Info"]
    assert sheets["Data"] == ["N", 0, 1, 2]
    assert sheets["Data 2"] == ["N", 3, 4, 5]
    assert sheets["Data 3"] == ["N", 6]
    assert book["Data 2"].auto_filter.ref == "A1:A4"
    assert book["Data 2"].freeze_panes == "A2"


def test_xlsx_says_what_the_rows_are() -> None:
    content, written = write("xlsx", table(), NASTY)
    book = read_workbook(content)
    info = [(label.value, value.value) for label, value in book["Info"].iter_rows()]
    assert info[:5] == [
        ("Title", "Bookings, æøå"),
        ("Workshop", "'=Verksted & Sønn"),
        ("Period", "2025-01-01 to 2025-03-31"),
        ("Created (UTC)", CREATED.replace(tzinfo=None)),
        ("Rows", NASTY.num_rows),
    ]
    sums = {kind: sum(value or 0 for value in NASTY[kind].to_pylist()) for kind in ("integer", "decimal")}
    assert ("Total Integer", str(sums["integer"])) in info
    assert ("Total Decimal", str(sums["decimal"])) in info
    assert [value for label, value in info if label == "Note"] == list(written.notes)
    assert (book.properties.title, book.properties.created) == ("Bookings, æøå", CREATED.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["x" * 40_000, "🚗" * 20_000, "<r>" + "x" * 32_760 + "</r>" + "x" * 9_000])
def test_xlsx_cuts_texts_that_no_cell_can_hold(text: str) -> None:
    rows = pa.record_batch({"a": [text]})
    content, written = write("xlsx", table(Column("a", "A", "text")), rows)
    kept = read_workbook(content)["Data"]["A2"].value
    assert text.startswith(kept)
    assert len(kept.encode("utf-16-le")) // 2 in {32_766, 32_767}
    assert written.notes == ('Column "A": text cut to the 32,767 characters of a cell (1 time).',)


def test_pdf_repeats_titles_numbers_pages_and_sums_exactly() -> None:
    rows = pa.record_batch({"n": range(150), "m": pa.array([Decimal("0.10")] * 150, pa.decimal128(12, 2))})
    columns = (Column("n", "Number", "integer"), Column("m", "Amount", "money", True))
    content, written = write("pdf", table(*columns), rows)
    pages = read_pages(content)
    assert written == Written(rows=150)
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "Number Amount" in page
        assert f"Page {number} of 3" in page
    assert pages[0].startswith(
        "Bookings, æøå\nWorkshop: =Verksted & Sønn\nPeriod: 2025-01-01 to 2025-03-31\n"
    )
    assert "Total 15.00" in pages[2]
    found = [int(n) for page in pages for n in re.findall(r"^(\d+) 0\.10$", page, re.MULTILINE)]
    assert found == list(range(150))


def test_pdf_describes_itself_and_lies_as_wide_as_it_must() -> None:
    narrow, _ = write("pdf", table(Column("text", "Text", "text")), NASTY)
    wide, _ = write("pdf", table(), NASTY)
    reader = pypdf.PdfReader(io.BytesIO(wide))
    assert reader.metadata is not None
    assert reader.metadata.title == "Bookings, æøå"
    assert reader.metadata.creation_date == CREATED
    assert str(reader.root_object["/Lang"]) == "en"
    assert reader.pages[0].mediabox.width > reader.pages[0].mediabox.height
    upright = pypdf.PdfReader(io.BytesIO(narrow)).pages[0].mediabox
    assert upright.width < upright.height


def test_pdf_notes_what_it_cannot_show() -> None:
    rows = pa.record_batch({"a": ["漢字 ok", "{pages}", "x" * 40_000], "n": [1, 10**18, None]})
    content, written = write("pdf", table(Column("a", "A", "text"), Column("n", "N", "integer")), rows)
    (page,) = read_pages(content)
    assert "�� ok" in page
    assert "{pages} 1000000000000000000" in page
    assert "xxx…" in page
    assert written.notes == (
        'Column "A": shown as � because the font has no such character (2 times).',
        'Column "A": text cut to the column\'s width (1 time).',
    )


def test_pdf_takes_nothing_in_a_cell_for_the_number_of_pages() -> None:
    content, _ = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": ["{nb} {pages}"] * 100}))
    pages = read_pages(content)
    assert len(pages) == 2
    assert sum(page.count("{nb} {pages}") for page in pages) == 100


def test_pdf_with_more_columns_than_room_keeps_every_number_whole() -> None:
    columns = tuple(Column(f"c{n}", f"Column {n}", "integer") for n in range(40))
    rows = pa.record_batch({column.name: [10**9 + n] for n, column in enumerate(columns)})
    (page,) = read_pages(write("pdf", table(*columns), rows)[0])
    digits = re.sub(r"\s", "", page)
    assert all(str(10**9 + n) in digits for n in range(40))


def test_golden_csv(golden: Any) -> None:
    golden.check("formats/nasty.csv", write("csv", table(), NASTY)[0])


def test_golden_xlsx(golden: Any) -> None:
    """The workbook's own parts, as indented XML; the theme is the library's."""
    parts = []
    with zipfile.ZipFile(io.BytesIO(write("xlsx", table(), NASTY)[0])) as archive:
        for name in sorted(archive.namelist()):
            if "theme" not in name:
                xml = minidom.parseString(archive.read(name)).toprettyxml(indent=" ")
                parts.append(f"== {name}\n{xml}")
    golden.check("formats/nasty.xlsx.txt", "\n".join(parts).encode())


def test_golden_pdf(golden: Any) -> None:
    content, written = write("pdf", table(), NASTY)
    pages = [f"== page {number}\n{page}\n" for number, page in enumerate(read_pages(content), start=1)]
    golden.check("formats/nasty.pdf.txt", "\n".join([*pages, *written.notes, ""]).encode())


def test_table_of_formats_loads_no_pdf_library() -> None:
    code = "import sys, exporters.formats; sys.exit('fpdf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""XLSX: what other programs read in a workbook is what was written, typed, safe and within Excel's limits."""

import csv
import dataclasses
import io
import re
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.dom import minidom
from xml.etree import ElementTree

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

from exporters.formats import xlsx
from exporters.formats.table import Brand, Chart, Column, Group, KeyFigure, Language, Note, Table
from exporters.formats.wording import LANGUAGES
from exporters.formats.xlsx.zip_stream import ZipStream, deflate
from tests.format_tables import CREATED, EVERY_KIND, NASTY, ForwardOnly, random_tables, table, write
from tests.tools import convert, validate_workbook

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def make_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\xff\xcc\x00" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def full_table(language: Language = "en") -> Table:
    """Everything that a table may have, with texts that would do harm if they were taken for more."""
    figures = (
        KeyFigure("Revenue", Decimal("1234567.50"), "money", "NOK"),
        KeyFigure("=Bookings", 4321, "integer"),
        KeyFigure("Rating", None, "decimal"),
    )
    labels = ("Oil & <b>", "=1+1", "æøå", "ctl\x01", "_x0041_x0042_")
    values = (Decimal("10.5"), Decimal(3), None, Decimal(7), Decimal(1))
    charts = (
        Chart("=Revenue by service", "bars", labels, values, "Revenue", "money"),
        Chart("Bookings", "line", tuple(f"day {n}" for n in range(31)), tuple(range(31)), "Count", "integer"),
        Chart("Nothing", "bars", (), (), "Count", "integer"),
    )
    brand = Brand("#7a1f3d", make_png(160, 60), "Verksted & Sønn AS, page &P")
    return dataclasses.replace(
        table(), language=language, currency="NOK", key_figures=figures, charts=charts, brand=brand
    )


def read_workbook(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def read_parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("latin-1") for name in archive.namelist()}


def unescape(text: str) -> str:
    """What Excel shows of a cell's text, of which openpyxl leaves the escapes."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def as_read(value: Any) -> Any:
    """What a reader must find for a value; an empty text is kept apart from null."""
    match value:
        case bool() | str() | None:
            return value
        case int():
            return value if abs(value) < 10**15 else str(value)
        case Decimal():
            return float(value) if len(str(value).strip("-0.").replace(".", "")) <= 15 else f"{value:f}"
        case datetime():
            whole = value.replace(microsecond=0)
            return whole if whole.date() >= date(1900, 3, 1) else whole.isoformat(" ")
        case date():
            return datetime.combine(value, time()) if value >= date(1900, 3, 1) else value.isoformat()


def check(columns: tuple[Column, ...], rows: pa.RecordBatch) -> None:
    content, written = write("xlsx", table(*columns), rows)
    expected = [[as_read(row[column.name]) for column in columns] for row in rows.to_pylist()]
    assert written.rows == rows.num_rows
    cells = list(read_workbook(content)["Data"].iter_rows(min_row=2, max_row=rows.num_rows + 1))
    read = [[unescape(cell.value) if cell.data_type == "s" else cell.value for cell in row] for row in cells]
    assert read == expected
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "b", "d"}
    for cell in (cell for row in cells for cell in row if cell.data_type == "s"):
        assert cell.quotePrefix >= unescape(cell.value).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_nasty_table_is_read_back() -> None:
    check(EVERY_KIND, NASTY)


@settings(max_examples=35, deadline=None)
@given(random_tables())
def test_any_table_is_read_back(drawn: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
    check(*drawn)


def test_texts_that_look_like_escapes_are_read_back_as_they_are() -> None:
    texts = ["_x0041_x0042_", "_x0041\x01", "_x00e5_", "_x", "a_xb", "_x005F_x0041_", "no_show", "\r_x000D_"]
    check((Column("a", "A", "text"),), pa.record_batch({"a": texts}))
    # Shared, they are read from the part: openpyxl takes every "x005F_" out of shared strings.
    content, _ = write("xlsx", table(Column("a", "A", "text")), pa.record_batch({"a": texts * 20}))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        strings = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    assert [unescape(element.text or "") for element in strings.iter(f"{NS}t")] == texts


def test_calamine_reads_the_same_values(tmp_path: Path) -> None:
    pytest.importorskip("fastexcel", reason="fastexcel, by which polars reads workbooks, is not installed")
    path = tmp_path / "nasty.xlsx"
    path.write_bytes(write("xlsx", table(), NASTY)[0])
    read = pl.read_excel(path, sheet_name="Data", engine="calamine", infer_schema_length=None)
    for column in ("money", "boolean"):
        assert read[column.title()].to_list() == [as_read(value) for value in NASTY[column].to_pylist()]
    # The reader takes an empty text for null, and leaves the escapes of what is no character.
    texts = [(text or "").replace("_xFFFE__xFFFF_", "\ufffe\uffff") for text in read["Text"]]
    assert texts == [text or "" for text in NASTY["text"].to_pylist()]


def test_libreoffice_reads_the_same_values(tmp_path: Path) -> None:
    columns = tuple(column for column in EVERY_KIND if column.kind in {"text", "integer", "date", "boolean"})
    texts = [
        " a b ",
        "=1+1",
        "0047",
        "æøå ł",
        "🚗 😀",
        "<r><t>&</r>",
        "+47 900",
        "-1",
        "a\nb",
        "x,y;z",
        'q"q',
        "'q",
    ]
    days = pa.array([date(1900, 3, 1), date(9999, 12, 31), None] * 4)
    rows = NASTY.slice(0, len(texts)).set_column(0, "text", pa.array(texts)).set_column(4, "date", days)
    path = tmp_path / "nasty.xlsx"
    path.write_bytes(write("xlsx", dataclasses.replace(table(*columns), language="sv"), rows)[0])
    # All sheets, as CSV in UTF-8, cells as they are shown.
    wanted = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    convert([path], wanted, tmp_path)
    with (tmp_path / "nasty-Data.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == [column.title for column in columns]
    for cells, row in zip(read[1:], rows.to_pylist(), strict=True):
        expected = ["" if row[column.name] is None else str(row[column.name]) for column in columns]
        assert [cells[0], cells[1], cells[2], cells[3].capitalize()] == expected


@pytest.mark.parametrize("case", ["nasty", "empty", "sheets", "shared", *LANGUAGES])
def test_open_xml_sdk_finds_nothing(case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what = full_table(case) if case in LANGUAGES else table()
    rows = [] if case == "empty" else [NASTY] * 40 if case == "shared" else [NASTY]
    if case == "sheets":
        monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 5)
    path = tmp_path / f"{case}.xlsx"
    path.write_bytes(write("xlsx", what, *rows)[0])
    assert validate_workbook(path) == []


@pytest.mark.parametrize("times", [1, 60])
def test_equal_rows_give_equal_bytes_however_they_are_cut(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "_CHUNK_CELLS", 70)
    monkeypatch.setattr(xlsx, "_FEWEST_CHUNK_ROWS", 1)
    rows = pa.Table.from_batches([NASTY] * times).combine_chunks().to_batches()[0]
    whole = write("xlsx", full_table(), rows)
    cuts = [0, 0, 3, 11, rows.num_rows // 2, rows.num_rows]
    parts = [rows.slice(start, end - start) for start, end in pairwise(cuts)]
    assert write("xlsx", full_table(), *parts) == whole


def test_rows_beyond_a_sheet_go_on_to_further_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 3)
    rows = pa.record_batch({"n": range(7)})
    content, written = write(
        "xlsx", table(Column("n", "N", "integer", True)), rows.slice(0, 2), rows.slice(2)
    )
    book = read_workbook(content)
    sheets = {sheet.title: [cell.value for cell in sheet["A"]] for sheet in book}
    assert written.rows == 7
    assert list(sheets) == ["Summary", "Data", "Data 2", "Data 3"]
    assert sheets["Data"] == ["N", 0, 1, 2]
    assert sheets["Data 2"] == ["N", 3, 4, 5]
    assert sheets["Data 3"] == ["N", 6]
    assert [book[name].auto_filter.ref for name in ("Data", "Data 2", "Data 3")] == [
        "A1:A4",
        "A1:A4",
        "A1:A2",
    ]
    assert book["Data 2"].freeze_panes == "A2"
    assert book["Data 3"].print_title_rows == "$1:$1"


def test_exactly_filled_sheet_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 3)
    content, _ = write("xlsx", table(Column("n", "N", "integer")), pa.record_batch({"n": range(6)}))
    assert read_workbook(content).sheetnames == ["Summary", "Data", "Data 2"]


def test_more_columns_than_a_sheet_holds_are_refused() -> None:
    columns = tuple(Column(f"c{n}", "C", "integer") for n in range(16_385))
    with pytest.raises(ValueError, match="16385 columns, but a sheet holds 16384"):
        write("xlsx", table(*columns))


def test_table_without_rows_has_its_titles() -> None:
    content, written = write("xlsx", table())
    assert written.rows == 0
    sheet = read_workbook(content)["Data"]
    assert [[cell.value for cell in row] for row in sheet] == [[column.title for column in EVERY_KIND]]


@pytest.mark.parametrize("text", ["R&G Auto", "&[Picture]", "Salg &Garanti", "A&P&N", "x" * 300])
def test_printed_pages_have_their_title_and_footer(text: str) -> None:
    branded = dataclasses.replace(table(title=text), brand=Brand(footer=text))
    parts = read_parts(write("xlsx", branded, NASTY)[0])
    for sheet in (1, 2):
        page = ElementTree.fromstring(parts[f"xl/worksheets/sheet{sheet}.xml"]).find(f"{NS}headerFooter")
        assert page is not None
        shown = text[:75].replace("&", "&&")
        assert page.findtext(f"{NS}oddHeader") == f"&L{shown}"
        assert page.findtext(f"{NS}oddFooter") == f"&L{shown}&RPage &P of &N"


def test_rows_of_the_summary_are_no_higher_than_excel_allows() -> None:
    long = dataclasses.replace(table(), details=(("Filter", "value, " * 2_000),))
    summary = read_parts(write("xlsx", long, NASTY)[0])["xl/worksheets/sheet1.xml"]
    assert max(map(float, re.findall(r' ht="([0-9.]+)"', summary))) <= 409


def test_summary_says_what_the_rows_are() -> None:
    content, written = write("xlsx", full_table(), NASTY)
    book = read_workbook(content)
    facts = [(row[0].value, row[1].value) for row in book["Summary"].iter_rows(max_col=2) if row[0].value]
    assert facts[:9] == [
        ("Bookings, æøå", None),
        ("Revenue", 1234567.5),
        ("=Bookings", 4321),
        ("Rating", "–"),
        ("Workshop", "=Verksted & Sønn"),
        ("Period", "2025-01-01 to 2025-03-31"),
        ("Created (UTC)", "01/04/2025 02:20:00"),
        ("Rows", NASTY.num_rows),
        ("Total Integer", str(written.sums["integer"])),
    ]
    assert ("Total Money", float(written.sums["money"] or 0)) in facts
    notes = [value for label, value in facts if label == "Note"]
    assert len(notes) == len(written.notes) == 5
    assert "because Excel keeps 15 digits (12 times)." in notes[0]
    assert written.notes[4] == Note(None, "characters_replaced", 1)
    assert ("Oil & <b>", 10.5) in facts
    assert (book.properties.title, book.properties.created) == ("Bookings, æøå", CREATED.replace(tzinfo=None))
    harmful = [cell for row in book["Summary"] for cell in row if str(cell.value).startswith("=")]
    assert {cell.value for cell in harmful} >= {
        "=Bookings",
        "=Verksted & Sønn",
        "=Revenue by service",
        "=1+1",
    }
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in harmful)


def test_charts_are_excels_own_and_the_logo_is_there() -> None:
    content, _ = write("xlsx", full_table(), NASTY)
    parts = read_parts(content)
    assert '<c:barDir val="bar"/>' in parts["xl/charts/chart1.xml"]
    assert "<c:f>Summary!$A$" in parts["xl/charts/chart1.xml"]
    assert "<c:lineChart>" in parts["xl/charts/chart2.xml"]
    assert "xl/charts/chart3.xml" not in parts
    assert parts["xl/media/image1.png"].encode("latin-1") == full_table().brand.logo
    assert not any(name.endswith((".bin", ".vml")) or "externalLink" in name for name in parts)
    assert not any("hyperlink" in part for name, part in parts.items() if name.endswith((".xml", ".rels")))


def test_logo_that_is_no_image_is_refused() -> None:
    what = dataclasses.replace(table(), brand=Brand(logo=b"<svg/>"))
    with pytest.raises(ValueError, match="give a PNG or JPEG image"):
        write("xlsx", what, NASTY)


@pytest.mark.parametrize(
    ("language", "sheets", "money", "moment"),
    [
        ("nb", ["Sammendrag", "Data"], '#,##0.00" kr";-#,##0.00" kr"', "dd.mm.yyyy hh:mm:ss"),
        ("sv", ["Sammanfattning", "Data"], '#,##0.00" Nkr"', "yyyy-mm-dd hh:mm:ss"),
        ("da", ["Oversigt", "Data"], '#,##0.00" NOK"', "dd.mm.yyyy hh:mm:ss"),
        ("de", ["Zusammenfassung", "Daten"], '#,##0.00" NOK"', "dd.mm.yyyy hh:mm:ss"),
        ("en", ["Summary", "Data"], '"NOK "#,##0.00', "dd\\/mm\\/yyyy hh:mm:ss"),
    ],
)
def test_formats_and_names_are_the_languages(
    language: Language, sheets: list[str], money: str, moment: str
) -> None:
    book = read_workbook(write("xlsx", full_table(language), NASTY)[0])
    assert book.sheetnames == sheets
    cells = {column.kind: cell for column, cell in zip(EVERY_KIND, book[sheets[1]][23], strict=True)}
    assert cells["money"].number_format == money
    assert cells["timestamp"].number_format == moment
    assert cells["date"].number_format == moment.removesuffix(" hh:mm:ss")
    assert cells["decimal"].number_format == "#,##0.0000"
    assert isinstance(cells["timestamp"].value, datetime)


def test_titles_look_alike_on_every_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_PER_SHEET", 20)
    columns = (Column("text", "=Text", "text"), *EVERY_KIND[1:])
    book = read_workbook(write("xlsx", dataclasses.replace(full_table(), columns=columns), NASTY)[0])
    for sheet in (book["Data"], book["Data 2"]):
        looks = [(cell.font.bold, cell.font.sz, cell.fill.fgColor.rgb) for cell in sheet[1]]
        assert looks == [(True, 11, "FF7A1F3D")] * len(columns)
        assert [cell.quotePrefix for cell in sheet[1]] == [True] + [False] * (len(columns) - 1)
        assert sheet["A1"].value == "=Text"


def test_footer_counts_pages_and_takes_no_code_from_the_brand() -> None:
    sheet = read_workbook(write("xlsx", full_table("nb"), NASTY)[0])["Data"]
    assert sheet.oddFooter.right.text == "Side &P av &N"
    assert "&&P" in read_parts(write("xlsx", full_table("nb"))[0])["xl/worksheets/sheet2.xml"].replace(
        "amp;", ""
    )
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


@pytest.mark.parametrize("text", ["x" * 40_000, "🚗" * 20_000, "<r>" + "x" * 32_760 + "</r>" + "x" * 9_000])
def test_texts_that_no_cell_can_hold_are_cut_and_noted(text: str) -> None:
    content, written = write("xlsx", table(Column("a", "A", "text")), pa.record_batch({"a": [text, "b"]}))
    kept = read_workbook(content)["Data"]["A2"].value
    assert text.startswith(kept)
    assert len(kept.encode("utf-16-le")) // 2 in {32_766, 32_767}
    assert written.notes == (Note("a", "cut_to_cell", 1),)


def test_text_of_the_greatest_length_is_whole() -> None:
    text = "å" * 32_767
    content, written = write("xlsx", table(Column("a", "A", "text")), pa.record_batch({"a": [text]}))
    assert read_workbook(content)["Data"]["A2"].value == text
    assert written.notes == ()


def repeated(count: int) -> pa.RecordBatch:
    few = [f"Verksted {n * n * 7_919 % 101 % 50} i Åsgård" for n in range(count)]
    return pa.record_batch({"few": few, "many": [f"u{n}" for n in range(count)]})


TWO_TEXTS = (Column("few", "Few", "text"), Column("many", "Many", "text"))


def test_repeating_texts_are_kept_once_and_make_the_file_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    check(TWO_TEXTS, repeated(3_000))
    shared, _ = write("xlsx", table(*TWO_TEXTS), repeated(3_000))
    assert read_parts(shared)["xl/sharedStrings.xml"].count("<si>") == len(
        set(repeated(3_000)["few"].to_pylist())
    )
    monkeypatch.setattr(xlsx.strings, "_LIMIT_BYTES", -1)
    inline, _ = write("xlsx", table(*TWO_TEXTS), repeated(3_000))
    assert read_parts(inline)["xl/sharedStrings.xml"].count("<si>") == 0
    assert len(shared) < len(inline)


def test_texts_first_met_later_stay_in_their_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_SAMPLE_ROWS", 400)
    few = [f"t{n % 50}" if n < 500 else f"={n % 700} <&> " for n in range(2_000)]
    rows = pa.record_batch({"few": few, "many": [None, "x"] * 1_000})
    check(TWO_TEXTS, rows)
    content, _ = write("xlsx", table(*TWO_TEXTS), rows)
    assert read_parts(content)["xl/sharedStrings.xml"].count("<si>") == 51
    assert write("xlsx", table(*TWO_TEXTS), rows.slice(0, 7), rows.slice(7))[0] == content


def test_long_texts_that_repeat_are_cut_and_noted_each_time() -> None:
    for texts in (["x" * 40_000] * 40, ["y"] * 5_000 + ["x" * 40_000] * 40):
        content, written = write("xlsx", table(Column("a", "A", "text")), pa.record_batch({"a": texts}))
        assert read_workbook(content)["Data"].cell(len(texts), 1).value == "x" * 32_767
        assert written.notes == (Note("a", "cut_to_cell", 40),)


def test_error_of_the_rows_is_raised_and_the_threads_end() -> None:
    before = threading.active_count()

    def batches() -> Iterator[pa.RecordBatch]:
        yield NASTY
        raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError, match="cancelled"):
        xlsx.write(table(), batches(), ForwardOnly())  # type: ignore[arg-type]
    assert threading.active_count() == before


def test_error_of_the_stream_is_raised_and_the_threads_end() -> None:
    class Full(ForwardOnly):
        def write(self, chunk: Any) -> int:
            if len(self.content) > 50_000:
                raise OSError("no space left")
            return super().write(chunk)

    before = threading.active_count()
    with pytest.raises(OSError, match="no space left"):
        xlsx.write(table(*TWO_TEXTS), (repeated(9_000) for _ in range(1_000)), Full())  # type: ignore[arg-type]
    assert threading.active_count() == before


def test_group_is_no_column_of_its_own() -> None:
    what = dataclasses.replace(table(TWO_TEXTS[1]), group=Group("few", "Few"))
    assert write("xlsx", what, repeated(200)) == write("xlsx", table(TWO_TEXTS[1]), repeated(200))


def test_file_is_known_by_its_first_parts_and_has_no_time() -> None:
    with zipfile.ZipFile(io.BytesIO(write("xlsx", table(), NASTY)[0])) as archive:
        assert archive.namelist()[0] == "_rels/.rels"
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("limit", [10, 150, 1_000, 0xFFFF_FFFF])
def test_zip_goes_on_beyond_the_limit_of_sizes(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx.zip_stream, "_LIMIT", limit)
    out = ForwardOnly()
    archive = ZipStream(out)  # type: ignore[arg-type]
    archive.add("first.txt", b"first")
    archive.begin("large.txt")
    for number in range(20):
        archive.append(deflate(b"%d " % number * 100))
    archive.end()
    archive.add("last.txt", b"")
    archive.finish()
    with zipfile.ZipFile(io.BytesIO(bytes(out.content))) as read:
        assert read.testzip() is None
        assert read.read("large.txt") == b"".join(b"%d " % number * 100 for number in range(20))
        assert [read.read(name) for name in ("first.txt", "last.txt")] == [b"first", b""]


def test_golden_workbook(golden: Any) -> None:
    """The workbook's own parts, as indented XML; the theme is the library's."""
    parts = []
    with zipfile.ZipFile(io.BytesIO(write("xlsx", full_table("nb"), NASTY)[0])) as archive:
        for name in sorted(archive.namelist()):
            if "theme" not in name and not name.endswith(".png"):
                xml = minidom.parseString(archive.read(name)).toprettyxml(indent=" ")
                parts.append(f"== {name}\n{xml}")
    golden.check("formats/nasty.xlsx.txt", "\n".join(parts).encode())

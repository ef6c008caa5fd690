"""The PDF writer: what its documents say and how their pages are laid, read by other libraries."""

import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from unicodedata import category

import pikepdf
import pyarrow as pa
import pypdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import exporters.formats
from exporters.formats import FORMATS
from exporters.formats.display import show_column
from exporters.formats.table import Brand, Chart, Column, Group, KeyFigure, Note, Table
from tests.format_tables import CREATED, NASTY, ForwardOnly, random_tables, table, write
from tests.tools import check_archival, find_tool, run_tool

MONEY = pa.decimal128(12, 2)


def read_pages(content: bytes) -> list[str]:
    """The pages' texts as a reader copies them."""
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]


def read_lines(content: bytes) -> list[str]:
    return [" ".join(line.split()) for page in read_pages(content) for line in page.splitlines()]


def read_cells(content: bytes) -> list[str]:
    """The texts of the rows' cells, and of totals, in the order in which they are drawn."""
    with pikepdf.open(io.BytesIO(content)) as document:
        operations = [found for page in document.pages for found in pikepdf.parse_content_stream(page)]
    shown: list[Any] = [found.operands[0] for found in operations if str(found.operator) == "TJ"]
    return [
        "".join(bytes(p).decode("utf-16-be") for p in parts if isinstance(p, pikepdf.String))
        for parts in shown
    ]


def read_lines_of_cells(content: bytes) -> list[list[str]]:
    """Of each cell its lines: a cell ends where the text goes on to another place."""
    cells, lines = [], [""]
    with pikepdf.open(io.BytesIO(content)) as document:
        for page in document.pages:
            for found in pikepdf.parse_content_stream(page):
                match str(found.operator):
                    case "TJ":
                        parts: Any = found.operands[0]
                        lines[-1] += b"".join(
                            bytes(p) for p in parts if isinstance(p, pikepdf.String)
                        ).decode("utf-16-be")
                    case "T*":
                        lines.append("")
                    case "Td":
                        cells.append(lines)
                        lines = [""]
                    case "BT":
                        lines = [""]
    return cells


def assert_sound(content: bytes) -> None:
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []
        assert document.pdf_version == "1.4"


def bookmarks(content: bytes) -> list[tuple[int, str, int]]:
    """Depth, words and page of each bookmark."""
    document = pypdfium2.PdfDocument(content)
    return [(mark.level, mark.get_title(), mark.get_dest().get_index()) for mark in document.get_toc()]


def logo() -> bytes:
    image = io.BytesIO()
    Image.new("RGBA", (300, 100), (200, 30, 30, 128)).save(image, "PNG")
    return image.getvalue()


def grouped(rows_of_group: int = 60) -> tuple[Table, pa.RecordBatch]:
    names = [name for name in ("Bergen", "Oslo", None) for _ in range(rows_of_group)]
    rows = pa.record_batch(
        {
            "city": names,
            "id": [f"B-{n:04} of this year" for n in range(len(names))],
            "amount": pa.array([Decimal(n) / 100 for n in range(len(names))], MONEY),
        }
    )
    columns = (Column("id", "Booking", "text"), Column("amount", "Amount", "money", True))
    return replace(table(*columns), group=Group("city", "City")), rows


def covered() -> tuple[Table, pa.RecordBatch]:
    what, rows = grouped()
    figure = KeyFigure("Bookings", 180, "integer")
    chart = Chart("By city", "bars", ("Bergen", "Oslo"), (60, 60), "Bookings", "integer")
    line = Chart("By month", "line", ("2025-01", "2025-02", "漢"), (1, 3, None), "Bookings", "integer")
    brand = Brand("#0b5d3b", logo(), "Norsk Verksted AS")
    return replace(what, key_figures=(figure,), charts=(chart, line), brand=brand, language="nb"), rows


def test_every_page_has_titles_and_its_number_and_sums_are_exact() -> None:
    rows = pa.record_batch({"n": range(150), "m": pa.array([Decimal("0.10")] * 150, MONEY)})
    columns = (Column("n", "Number", "integer"), Column("m", "Amount", "money", True))
    content, written = write("pdf", table(*columns), rows)
    pages = read_pages(content)
    assert (written.rows, written.notes, written.sums["m"]) == (150, (), Decimal("15.00"))
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert "Number Amount" in page
        assert f"Page {number} of 3" in " ".join(page.split())
    assert pages[0].startswith(
        "Bookings, æøå\nWorkshop: =Verksted & Sønn\nPeriod: 2025-01-01 to 2025-03-31\n"
    )
    assert "Total 15.00" in read_lines(content)
    found = [int(n) for page in pages for n in re.findall(r"^(\d+) 0\.10$", page, re.MULTILINE)]
    assert found == list(range(150))


def test_the_document_describes_itself_in_the_language_of_the_table() -> None:
    content, _ = write("pdf", replace(table(), language="nb"), NASTY)
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert reader.metadata is not None
    assert reader.xmp_metadata is not None
    assert reader.metadata.title == "Bookings, æøå"
    assert reader.xmp_metadata.dc_title == {"x-default": "Bookings, æøå"}
    assert reader.metadata.creation_date == CREATED
    assert reader.xmp_metadata.xmp_create_date == CREATED.replace(tzinfo=None)
    assert str(reader.root_object["/Lang"]) == "nb-NO"
    assert cast(Any, reader.root_object["/ViewerPreferences"])["/DisplayDocTitle"]
    assert "Side 1 av 1" in " ".join(read_pages(content)[0].split())
    assert "1 234,50" in read_cells(content)


def test_a_page_lies_on_its_side_only_when_the_columns_do_not_fit_upright() -> None:
    narrow, _ = write("pdf", table(Column("text", "Text", "text")), NASTY)
    wide, _ = write("pdf", table(), NASTY)
    (upright,) = {page.get_size() for page in pypdfium2.PdfDocument(narrow)}
    (lying,) = {page.get_size() for page in pypdfium2.PdfDocument(wide)}
    assert upright == pytest.approx((595.28, 841.89), abs=0.01)
    assert lying == pytest.approx((841.89, 595.28), abs=0.01)


def test_scripts_of_both_fonts_are_shown_and_the_rest_is_boxes_that_are_counted() -> None:
    texts = ["漢字テスト 한국어", "Ωμέγα Дмитрий łąka", "🚗 x 😀", "\x00\ufffe\uffff", "\ufffd"]
    content, written = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": texts}))
    lines = read_lines(content)
    assert "漢字テスト 한국어" in lines
    assert "Ωμέγα Дмитрий łąka" in lines
    assert read_cells(content)[2:] == ["� x �", "���", "�"]
    assert written.notes == (Note("a", "no_glyph", 5),)


def test_a_right_to_left_text_is_drawn_in_the_order_seen() -> None:
    rows = pa.record_batch({"a": ["שלום 12", "left"]})
    assert read_cells(write("pdf", table(Column("a", "A", "text")), rows)[0]) == ["12 םולש", "left"]


def test_a_right_to_left_text_is_wrapped_and_cut_from_its_beginning() -> None:
    long = " ".join(f"שלום{number}" for number in range(300))
    rows = pa.record_batch({"a": [long] * 3})
    content, written = write("pdf", table(Column("a", "A", "text"), title="T"), rows)
    cells = [lines for lines in read_lines_of_cells(content) if "שלום"[::-1] in lines[0]]
    assert len(cells) == 3
    for lines in cells:
        assert 1 < len(lines) <= 3
        # Each line begins at its right: its words are read from there.
        shown = [int(number) for line in lines for number in reversed(re.findall(r"\d+", line))]
        assert shown[:-1] == list(range(len(shown) - 1))  # of the last word a part may be left
    assert written.notes == (Note("a", "cut_to_width", 3),)


def test_a_group_without_totals_leaves_every_row_readable(tmp_path: Path) -> None:
    what, _ = grouped()
    rows = pa.record_batch({"group": ["2025-01"] * 3 + ["2025-02"] * 3, "a": [f"row {n}" for n in range(6)]})
    what = replace(what, columns=(Column("a", "A", "text"),), group=Group("group", "Month"))
    file = tmp_path / "grouped.pdf"
    file.write_bytes(write("pdf", what, rows)[0])
    text = run_tool(find_tool("pdftotext"), file, "-")
    assert re.findall(r"row \d", text) == [f"row {n}" for n in range(6)]


def test_a_text_wider_than_its_column_is_cut_and_noted() -> None:
    texts = ["short"] * 40 + ["x" * 40_000, "long words " * 200]
    content, written = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": texts}))
    cut = read_cells(content)[40:]
    assert [text[-1] for text in cut] == ["…", "…"]
    assert re.fullmatch("x{50,200}…", cut[0])
    assert (("long words " * 200).startswith(cut[1][:-1]), cut[1][-2] != " ") == (True, True)
    assert written.notes == (Note("a", "cut_to_width", 2),)
    assert_inside_margins(content)


def test_texts_of_a_column_that_is_often_too_narrow_are_wrapped_between_words() -> None:
    words = [f"word{n:02}" for n in range(30)]
    columns = (Column("a", "A", "text"), Column("b", "B", "text"), Column("n", "N", "integer"))
    rows = pa.record_batch({"a": [" ".join(words)] * 30, "b": ["x"] * 30, "n": range(30)})
    content, written = write("pdf", table(*columns), rows)
    lines = read_cells(content)
    assert " ".join(lines).split().count("word29") == 30
    assert all(re.fullmatch(r"(word\d\d ?)+", line) for line in lines if line.startswith("word"))
    assert len([line for line in lines if line.startswith("word")]) == 60
    assert written.notes == ()
    longer = pa.record_batch({"a": [" ".join(words * 5)] * 30, "b": ["x"] * 30, "n": range(30)})
    content, written = write("pdf", table(*columns), longer)
    assert sum(line.endswith("…") for line in read_cells(content)) == 30
    assert written.notes == (Note("a", "cut_to_width", 30),)


def test_a_letter_is_not_parted_from_its_marks() -> None:
    text = "e\u0301\u0323" * 400
    content, _ = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": ["x"] * 40 + [text]}))
    assert re.fullmatch("(e\u0301\u0323)+…", read_cells(content)[40])


def test_values_that_are_no_texts_are_never_cut() -> None:
    """Although the columns' widths are chosen on rows of small values."""
    columns = (Column("n", "N", "integer"), Column("at", "At", "timestamp"), Column("m", "M", "integer"))
    large = [10**18 + n for n in range(3)]
    schema = pa.schema([("n", pa.int64()), ("at", pa.timestamp("us")), ("m", pa.int64())])
    noon = datetime.fromisoformat("2025-01-01 12:00")
    rows = pa.record_batch([[*range(1_500), *large], [noon] * 1_503, [7] * 1_503], schema=schema)
    content, written = write("pdf", table(*columns), rows)
    shown = [cell for cell in read_cells(content)[4_500:] if cell and len(cell) > 20]
    assert shown == [f"{value:,}" for value in large]
    assert written.notes == ()
    assert_inside_margins(content)


def assert_inside_margins(content: bytes) -> None:
    for page in pypdfium2.PdfDocument(content):
        text = page.get_textpage()
        boxes = [text.get_charbox(n) for n in range(text.count_chars())]
        assert min(box[0] for box in boxes if box[2] > box[0]) >= 33
        assert max(box[2] for box in boxes) <= page.get_width() - 33
        assert min(box[1] for box in boxes if box[3] > box[1]) > 10


@pytest.mark.parametrize("count", [40, 200])
def test_more_columns_than_room_keep_every_number_whole(count: int) -> None:
    columns = tuple(Column(f"c{n}", f"Column {n}", "integer") for n in range(count))
    rows = pa.record_batch({column.name: [10**9 + n] for n, column in enumerate(columns)})
    content, _ = write("pdf", table(*columns), rows)
    assert read_cells(content) == [f"{10**9 + n:,}" for n in range(count)]
    assert_inside_margins(content)


def test_nothing_in_a_cell_is_taken_for_anything_but_text() -> None:
    texts = [
        "{nb} {pages}",
        "a) Tj (b",
        "\\",
        "(",
        ")",
        "\\(\\)",
        "⠨⠩ 尀",
        "a\r\nb\tc",
        "%PDF",
        "endstream",
    ] * 10
    content, _ = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": texts}))
    assert read_cells(content) == [re.sub(r"\s", " ", text) for text in texts]
    assert_sound(content)


def test_groups_have_headings_totals_and_bookmarks() -> None:
    what, rows = grouped()
    content, written = write("pdf", what, rows)
    lines = read_lines(content)
    expected = [f"Total Bergen {sum(range(60)) / 100:.2f}", f"Total Oslo {sum(range(60, 120)) / 100:.2f}"]
    found = [line for line in lines if line.startswith(("City", "Total"))]
    assert found == [
        "City: Bergen", expected[0], "City: Oslo", expected[1], "City: –",
        f"Total – {sum(range(120, 180)) / 100:.2f}", "Total 161.10",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines if line.startswith("B-")] == [f"B-{n:04}" for n in range(180)]
    assert written.notes == ()
    pages = read_pages(content)
    assert bookmarks(content) == [(0, "Data", 0)] + [
        (1, title, next(n for n, page in enumerate(pages) if title in page))
        for title in ("City: Bergen", "City: Oslo", "City: –")
    ]


@pytest.mark.parametrize("rows_of_group", [34, 35, 36, 37, 38])
def test_a_heading_stands_with_its_first_row_and_a_total_with_its_last(rows_of_group: int) -> None:
    content, _ = write("pdf", *grouped(rows_of_group))
    for page in read_pages(content):
        rows = [line for line in page.splitlines() if re.match("B-|City|Total", line)]
        assert not rows[0].startswith("Total")
        assert not rows[-1].startswith("City")


def test_money_names_its_currency() -> None:
    what, rows = grouped(3)
    (page,) = read_pages(write("pdf", replace(what, currency="NOK"), rows)[0])
    assert "Amount (NOK)" in " ".join(page.split())


def test_totals_of_a_table_whose_columns_all_have_one() -> None:
    columns = (Column("a", "A", "integer", True), Column("b", "B", "integer", True))
    content, _ = write("pdf", table(*columns), pa.record_batch({"a": [2**62] * 4, "b": [None, 1, 2, None]}))
    lines = read_lines(content)
    assert lines[lines.index("Total") + 1] == f"{2**64:,} 3"


def test_bytes_are_equal_however_the_rows_are_cut() -> None:
    what, rows = grouped(1_500)
    whole, written = write("pdf", what, rows)
    for size in (7, 1_000, 2_048):
        pieces = [rows.slice(at, size) for at in range(0, rows.num_rows, size)]
        assert write("pdf", what, *pieces) == (whole, written)


def test_a_table_without_rows_says_so() -> None:
    content, written = write("pdf", table(), NASTY.slice(0, 0))
    (page,) = read_pages(content)
    assert "No data" in page
    assert "Total" not in page
    assert written.rows == 0
    assert_sound(content)


def test_a_cover_comes_first_and_is_numbered_with_the_rest() -> None:
    content, _ = write("pdf", *covered())
    pages = [" ".join(page.split()) for page in read_pages(content)]
    assert all(f"Side {number} av {len(pages)}" in page for number, page in enumerate(pages, start=1))
    assert "Workshop" in pages[0]
    assert "180" in pages[0]
    assert pages[1].startswith("Bookings, æøå Booking Amount City: Bergen B-0000")
    assert all("Norsk Verksted AS" in page for page in pages)
    assert [(mark[1], mark[2]) for mark in bookmarks(content)][:3] == [
        ("Sammendrag", 0), ("Data", 1), ("City: Bergen", 1),
    ]  # fmt: skip
    assert_sound(content)


def test_a_brand_is_seen_on_the_first_page() -> None:
    what, rows = grouped(3)
    content, _ = write("pdf", replace(what, brand=Brand("#0b5d3b", logo(), "Verksted")), rows)
    page = pypdfium2.PdfDocument(content)[0]
    picture = page.render().to_pil().convert("RGB")
    colors = {color for _, color in picture.getcolors(1 << 20) or []}
    assert {(11, 93, 59), (227, 142, 142)} <= colors or (11, 93, 59) in colors
    assert any(abs(r - 227) < 3 and abs(g - 142) < 3 and abs(b - 142) < 3 for r, g, b in colors)
    assert "Verksted" in page.get_textpage().get_text_range()


@pytest.mark.parametrize(
    ("brand", "named"),
    [(Brand(logo=b"<svg/>"), "logo"), (Brand(logo=logo()[:90]), "logo"), (Brand("red"), "red")],
)
def test_a_brand_that_cannot_be_shown_is_refused_before_anything_is_written(brand: Brand, named: str) -> None:
    out = ForwardOnly()
    with pytest.raises(ValueError, match=named):
        FORMATS["pdf"].write(replace(table(), brand=brand), [NASTY], cast(BinaryIO, out))
    assert out.content == b""


def test_a_long_document_is_whole() -> None:
    rows = pa.record_batch({"n": range(190_000)})
    content, written = write("pdf", table(Column("n", "N", "integer", True)), rows)
    document = pypdfium2.PdfDocument(content)
    assert len(document) > 64 * 50
    last = document[len(document) - 1].get_textpage().get_text_range()
    assert "189,999" in last
    assert f"{sum(range(190_000)):,}" in last
    assert f"Page {len(document):,} of {len(document):,}".replace(",", "") in " ".join(last.split())
    assert written.rows == 190_000


def test_an_error_of_the_rows_ends_the_writing_and_its_threads() -> None:
    class CancelledError(Exception):
        pass

    def rows() -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            yield pa.record_batch({"n": range(5_000)})
        raise CancelledError

    before = threading.active_count()
    with pytest.raises(CancelledError):
        FORMATS["pdf"].write(table(Column("n", "N", "integer")), rows(), cast(BinaryIO, ForwardOnly()))
    assert threading.active_count() == before


def test_only_what_is_shown_is_embedded() -> None:
    content, _ = write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": ["漢字"]}))
    assert len(content) < 60_000


def test_a_cover_and_rows_in_latin_need_no_library_of_fonts() -> None:
    code = """
import dataclasses, io, sys, pyarrow as pa, exporters.formats as formats
from tests.format_tables import table
from exporters.formats.table import Chart, Column
heavy = {"fpdf", "fontTools", "pikepdf", "PIL", "vl_convert"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
chart = Chart("By city", "bars", ("Bergen", "Oslo"), (60, 60), "Bookings", "integer")
what = dataclasses.replace(table(Column("a", "A", "text")), charts=(chart,))
formats.FORMATS["pdf"].write(what, [pa.record_batch({"a": ["x"]})], io.BytesIO())
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@cache
def characters() -> frozenset[int]:
    """The code points that one of the fonts has a glyph for."""
    import noto_cjk_sans_otc

    latin = TTFont(Path(exporters.formats.__file__).parent / "fonts" / "DejaVuSans.ttf")
    others = TTFont(Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc", fontNumber=0)
    return frozenset(latin.getBestCmap()) | frozenset(others.getBestCmap())


def shown(text: str) -> str:
    return "".join(
        " "
        if c.isspace()
        else c
        if ord(c) in characters() and ord(c) < 65_536 and category(c) != "Cc"
        else "�"
        for c in text
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random_tables())
def test_random_tables_are_shown_value_for_value(made: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
    import polars as pl

    columns, rows = made
    content, written = write("pdf", table(*columns), rows)
    assert_sound(content)
    texts = [show_column(pl.Series(rows.column(c.name)), c.kind, "en").fill_null("") for c in columns]
    expected = [shown(text) for row in zip(*texts, strict=True) for text in row]
    read = read_cells(content)
    right_to_left = re.compile("[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc]")
    assert len(read) == len(expected)
    for one, other in zip(read, expected, strict=True):
        assert one == other or right_to_left.search(other)
    boxes = sum(note.count for note in written.notes if note.what == "no_glyph")
    assert boxes == sum(text.count("�") for text in expected) - sum(
        text.count("�") for column in texts for text in column
    )


_WORDS = st.lists(
    st.text(st.sampled_from("iWłé()\\漢\u0301 "), min_size=1, max_size=30) | st.just("ordinary words"),
    max_size=60,
).map(" ".join)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(_WORDS, st.none() | _WORDS, st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=40
    ),
    st.integers(1, 6),
)
def test_texts_of_any_length_lose_nothing_that_is_not_noted(
    values: list[tuple[str, str | None, int]], times: int
) -> None:
    """A text is shown whole, or up to an ellipsis, which is counted; no number is cut; nothing sticks out."""
    names = [f"{letter}{n}" for n in range(times) for letter in "abn"]
    columns = tuple(Column(name, name, "integer" if name[0] == "n" else "text") for name in names)
    rows = pa.record_batch({name: [row["abn".index(name[0])] for row in values] for name in names})
    content, written = write("pdf", table(*columns), rows)
    # The page's number is drawn behind a move, too, but by another operator.
    cells = [lines for lines in read_lines_of_cells(content) if lines != [""]]
    expected = [
        shown(f"{value:,}" if isinstance(value, int) else value or "")
        for row in values
        for value in row * times
    ]
    filled = [text for text in expected if text]
    assert len(cells) == len(filled)
    cut = 0
    for lines, text in zip(cells, filled, strict=True):
        whole = "".join(lines).replace(" ", "")
        assert len(lines) <= 3
        if whole != text.replace(" ", ""):
            cut += 1
            assert whole.endswith("…")
            assert text.replace(" ", "").startswith(whole[:-1])
    assert cut == sum(note.count for note in written.notes if note.what == "cut_to_width")
    assert_sound(content)
    assert_inside_margins(content)


def test_pdfa_1b_as_the_checker_has_it(tmp_path: Path) -> None:
    documents = {
        "nasty": write("pdf", table(), NASTY)[0],
        "groups": write("pdf", *grouped())[0],
        "cover": write("pdf", *covered())[0],
        "empty": write("pdf", table(), NASTY.slice(0, 0))[0],
        "han": write("pdf", table(Column("a", "A", "text")), pa.record_batch({"a": ["漢字 한국어"]}))[0],
    }
    files = [tmp_path / f"{name}.pdf" for name in documents]
    for file, content in zip(files, documents.values(), strict=True):
        file.write_bytes(content)
    assert check_archival(files) == []


def test_golden_pdf(golden: Any) -> None:
    content, written = write("pdf", table(), NASTY)
    pages = [f"== page {number}\n{page}\n" for number, page in enumerate(read_pages(content), start=1)]
    notes = [f"{note.column}: {note.what} {note.count}" for note in written.notes]
    golden.check("formats/nasty.pdf.txt", "\n".join([*pages, *notes, ""]).encode())


def test_brief_is_one_page_with_the_key_figures_above_the_rows(tmp_path: Path) -> None:
    column = Column("price", "Price", "money")
    what = replace(
        table(column),
        language="nb",
        currency="NOK",
        key_figures=(
            KeyFigure("Omsetning", Decimal("1234.50"), "money", "NOK"),
            KeyFigure("Snitt", None, "decimal"),
        ),
        charts=(Chart("By month", "bars", ("a", "b"), (1, 2), "Value", "integer"),),
    )
    rows = pa.RecordBatch.from_pydict({"price": pa.array([Decimal("1234.50")], MONEY)})
    content, written = write("pdf;brief", what, rows)
    [page] = read_pages(content)
    assert "Omsetning: 1 234,50 kr" in " ".join(page.split())
    assert "Snitt: –" in page
    assert "By month" not in page
    assert written.rows == 1
    (tmp_path / "brief.pdf").write_bytes(content)
    assert not check_archival([tmp_path / "brief.pdf"])


def test_a_parameter_that_pdf_does_not_take() -> None:
    with pytest.raises(exporters.formats.UnknownFormatError, match="brief"):
        exporters.formats.find_format("pdf;short")

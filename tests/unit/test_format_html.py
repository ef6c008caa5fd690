"""HTML files: what a browser's parser reads back, and that nothing in them can act."""

import io
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, BinaryIO, cast

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from exporters.formats import html
from exporters.formats.contrast import contrast, readable_on, text_on
from exporters.formats.display import show_column, show_value
from exporters.formats.formulas import defuse
from exporters.formats.frames import Frames
from exporters.formats.table import Brand, Chart, Column, Group, KeyFigure, Note, Table
from exporters.formats.wording import LANGUAGES, say, say_count
from tests.format_tables import EVERY_KIND, NASTY, ForwardOnly, batch, random_tables, table, write

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
EMPTY = {"meta", "img"}
"""Elements without an end."""

BARS = Chart("By category", "bars", ("Brakes", "Tyres"), (Decimal("12.5"), None), "Turnover", "decimal")
LINE = Chart("By month", "line", ("Jan", "Feb", "Mar"), (3, None, 5), "Bookings", "integer")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' style='x' &amp; </style></title>"
SHOPS = (Column("service", "Service", "text"), Column("price", "Price", "money", total=True))


class Reader(HTMLParser):
    """What a parser finds in a file."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.path: list[str] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.rows: list[tuple[str, list[str]]] = []
        """Of the table of the data: the section, and the cells' texts."""
        self._in_data = False
        self.feed(content.decode())
        assert self.path == [], "an element was not ended"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._in_data = (dict(attrs).get("class") or "").split()[0] == "data"
        if tag == "tr" and self._in_data:
            self.rows.append((self.path[-1], []))
        if tag in {"td", "th"} and self._in_data:
            self.rows[-1][1].append("")
        if tag not in EMPTY:
            self.path.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.path), data))
        if self._in_data and ("td" in self.path or "th" in self.path):
            self.rows[-1][1][-1] += data

    def text(self, tag: str) -> str:
        return "".join(data for path, data in self.texts if path and path[-1] == tag)

    def section(self, name: str) -> list[list[str]]:
        return [cells for section, cells in self.rows if section == name]


def full(**changes: Any) -> Table:
    whole = replace(
        table(),
        key_figures=(
            KeyFigure("Turnover", Decimal("1234.50"), "money", "NOK"),
            KeyFigure("Rating", None, "decimal"),
        ),
        charts=(BARS, LINE),
        brand=Brand(footer="Workshop Ltd"),
    )
    return replace(whole, **changes)


def expect(what: Table, rows: pa.RecordBatch) -> list[list[str]]:
    """Returns the texts of the cells that the rows must be shown as."""
    columns = []
    for frame in Frames(what, [rows]):
        for column in what.columns:
            texts = show_column(frame[column.name], column.kind, what.language).to_list()
            if column.kind == "text":
                texts = [text and FORBIDDEN.sub("\ufffd", defuse(text)) for text in texts]
            columns.append([text or "" for text in texts])
    return [list(row) for row in zip(*columns, strict=True)]


def grouped(**shops: list[str | None]) -> pa.RecordBatch:
    names = [name for name, prices in shops.items() for _ in prices]
    prices = [None if price is None else Decimal(price) for prices in shops.values() for price in prices]
    return pa.record_batch(
        {
            "shop": pa.array([None if name == "none" else name for name in names], pa.string()),
            "service": pa.array(["Brakes"] * len(names), pa.string()),
            "price": pa.array(prices, pa.decimal128(12, 2)),
        }
    )


def cut(rows: pa.RecordBatch, size: int) -> list[pa.RecordBatch]:
    return [rows.slice(start, size) for start in range(0, rows.num_rows, size)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_read_back_in_each_language(language: Any) -> None:
    what = full(language=language)
    content, written = write("html", what, NASTY)
    read = Reader(content)
    assert read.section("tbody") == expect(what, NASTY)
    assert ("html", {"lang": language}) in read.tags
    assert say_count(language, "rows", NASTY.num_rows, str(NASTY.num_rows)) in read.text("p")
    assert say(language, "summary") in read.text("h2")
    assert show_value(Decimal("1234.50"), "money", language, "NOK") in read.text("dd")
    assert written.rows == NASTY.num_rows


@settings(deadline=None, max_examples=30)
@given(random_tables(), st.sampled_from(LANGUAGES), st.integers(1, 3))
def test_random_tables_read_back(drawn: Any, language: Any, size: int) -> None:
    columns, rows = drawn
    what = replace(table(*columns), language=language)
    content, _ = write("html", what, *cut(rows, size))
    assert Reader(content).section("tbody") == (expect(what, rows) or [[say(language, "no_data")]])


def test_no_rows() -> None:
    content, written = write("html", full())
    read = Reader(content)
    assert read.section("tbody") == [["No data"]]
    assert read.section("tfoot") == []
    assert "0 rows" in read.text("p")
    assert written.rows == 0


def test_totals() -> None:
    content, written = write("html", table(), NASTY)
    shown = [
        show_column(pl.Series([f"{written.sums[kind]:f}"]), kind, "en").item()
        for kind in ("integer", "decimal", "money")
    ]  # fmt: skip
    assert Reader(content).section("tfoot") == [["Total", *shown, "", "", ""]]


def test_total_of_the_first_column_keeps_its_label() -> None:
    columns = (Column("money", "Price", "money", total=True),)
    content, _ = write("html", table(*columns), batch(columns, money=[Decimal("1.50"), Decimal("-2000")]))
    assert Reader(content).section("tfoot") == [["Total: -1,998.50"]]


def test_groups_have_headings_and_totals() -> None:
    rows = grouped(Oslo=["1.50", "2.00", None], Bergen=["-1000.25"], none=[None])
    what = replace(table(*SHOPS), group=Group("shop", "Workshop"))
    read = Reader(write("html", what, rows)[0])
    assert read.section("tbody") == [
        ["Workshop: Oslo"],
        ["Brakes", "1.50"],
        ["Brakes", "2.00"],
        ["Brakes", ""],
        ["Total Oslo", "3.50"],
        ["Workshop: Bergen"],
        ["Brakes", "-1,000.25"],
        ["Total Bergen", "-1,000.25"],
        ["Workshop: –"],
        ["Brakes", ""],
        ["Total –", ""],
    ]
    assert read.section("tfoot") == [["Total", "-996.75"]]
    assert sum(tag == "tbody" for tag, _ in read.tags) == 3
    headings = [attrs for tag, attrs in read.tags if tag == "th" and attrs.get("scope") == "rowgroup"]
    assert headings == [{"scope": "rowgroup", "colspan": "2"}] * 3


def test_groups_without_totals() -> None:
    columns = (SHOPS[0],)
    what = replace(table(*columns), group=Group("shop", "Workshop"))
    read = Reader(write("html", what, grouped(Oslo=["1", "2"]), grouped(Oslo=["3"]))[0])
    assert read.section("tbody") == [["Workshop: Oslo"], ["Brakes"], ["Brakes"], ["Brakes"]]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_equal_bytes_however_cut(size: int) -> None:
    rows = grouped(Oslo=["1.50", "2.00", None], Bergen=["7.25"], none=[None, "3.00"], Ås=["0.10"] * 4)
    what = replace(full(columns=SHOPS), group=Group("shop", "Workshop"))
    assert write("html", what, *cut(rows, size)) == write("html", what, rows)
    assert write("html", full(), *cut(NASTY, size)) == write("html", full(), NASTY)


def test_nothing_from_data_is_markup() -> None:
    chart = replace(BARS, title=EVIL, labels=(EVIL, EVIL), value_title=EVIL)
    what = Table(
        EVIL,
        (Column("service", EVIL, "text"), replace(SHOPS[1], title=EVIL)),
        ((EVIL, EVIL),),
        table().created_at,
        currency=EVIL,
        key_figures=(KeyFigure(EVIL, 1, "integer"),),
        charts=(chart, replace(chart, form="line")),
        group=Group("shop", EVIL),
        brand=Brand(footer=EVIL),
    )
    rows = pa.record_batch({"shop": [EVIL], "service": [EVIL], "price": [Decimal("1.00")]})
    rows = rows.cast(
        pa.schema([("shop", pa.string()), ("service", pa.string()), ("price", pa.decimal128(9, 2))])
    )
    read = Reader(write("html", what, rows)[0])
    assert read.section("tbody") == [[f"{EVIL}: {EVIL}"], [EVIL, "1.00"], [f"Total {EVIL}", "1.00"]]
    assert read.text("h1") == read.text("caption")[: len(EVIL)] == EVIL
    assert not {"script", "a", "link", "iframe", "form", "object", "base"} & {tag for tag, _ in read.tags}
    names = {name for _, attributes in read.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")} | names & {
        "style",
        "href",
        "xlink:href",
        "src",
    }


def test_formulas_are_made_safe() -> None:
    columns = (Column("text", "=title", "text"),)
    what = replace(
        table(*columns, title="=1+1"),
        details=(("@label", "-2"),),
        charts=(replace(BARS, labels=("+1", "x")),),
    )
    read = Reader(write("html", what, batch(columns, text=["=1+1", "+47", "-1", "@x", "\ttab", "a=b"]))[0])
    assert read.section("thead") == [["'=title"]]
    assert read.section("tbody") == [["'=1+1"], ["'+47"], ["'-1"], ["'@x"], ["'\ttab"], ["a=b"]]
    assert (read.text("h1"), read.text("dt"), read.text("dd")) == ("'=1+1", "'@label", "'-2")
    assert ("details", "table", "tbody", "tr", "th") in {
        path[-5:] for path, text in read.texts if text == "'+1"
    }


def test_policy_allows_the_style_sheet_and_nothing_else() -> None:
    read = Reader(write("html", full(), NASTY)[0])
    digest = b64encode(sha256(read.text("style").encode()).digest()).decode()
    policy = [
        attrs["content"] for _, attrs in read.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == [
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert not [attrs for _, attrs in read.tags if "style" in attrs]
    assert "url(" not in read.text("style")
    assert "@import" not in read.text("style")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_logo_is_within_the_file(form: str) -> None:
    image = io.BytesIO()
    Image.new("RGB", (400, 100), "#c8102e").save(image, form)
    read = Reader(write("html", full(brand=Brand(logo=image.getvalue())), NASTY)[0])
    logo = next(attributes for tag, attributes in read.tags if tag == "img")
    head, data = str(logo["src"]).split(",")
    assert (head, b64decode(data)) == (f"data:image/{form.lower()};base64", image.getvalue())
    assert (logo["width"], logo["height"], logo["alt"]) == ("192", "48", "")


@pytest.mark.parametrize("brand", [Brand(logo=b"GIF89a"), Brand(color="red"), Brand(color="#fff;}*{x:y")])
def test_a_brand_that_cannot_be_shown_is_refused_before_anything_is_written(brand: Brand) -> None:
    out = ForwardOnly()
    with pytest.raises(ValueError, match=r"logo|Colour"):
        html.write(full(brand=brand), iter([NASTY]), cast(BinaryIO, out))
    assert not out.content


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_texts_are_read_on_and_in_any_color(color: str) -> None:
    assert contrast(text_on(color), color) >= 4.5
    assert contrast(readable_on("#ffffff", color), "#ffffff") >= 4.5
    assert contrast(readable_on("#1b222c", color), "#1b222c") >= 4.5


def test_colors_of_the_style_sheet_are_read() -> None:
    style = Reader(write("html", full(), NASTY)[0]).text("style")
    for block in style.split("@media")[:2]:
        colors = dict(re.findall(r"--(\w+): (#\w{6})", block))
        for ground in ("ground", "card", "stripe", "head"):
            assert contrast(colors["text"], colors[ground]) >= 4.5
            assert contrast(colors["muted"], colors[ground]) >= 4.5


def test_charts_are_named_and_their_figures_listed() -> None:
    read = Reader(write("html", full(), NASTY)[0])
    drawn = [attributes for tag, attributes in read.tags if tag == "svg"]
    assert [attributes["role"] for attributes in drawn] == ["img", "img"]
    named = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    assert named == {
        attributes[f"aria-{key}"] for attributes in drawn for key in ("labelledby", "describedby")
    }
    cells = [text for path, text in read.texts if "details" in path and path[-1] in {"th", "td"}]
    assert cells[:6] == ["Name", "Turnover", "Brakes", "12.5", "Tyres", "–"]
    assert cells[6:] == ["Period", "Bookings", "Jan", "3", "Feb", "–", "Mar", "5"]


def test_replaced_characters_are_noted_once() -> None:
    columns = (Column("text", "Text\x01", "text"),)
    what = table(*columns, title="A\x00\x02")
    content, written = write("html", what, batch(columns, text=["\x00a", "b\ufffe\x7f", None]))
    assert written.notes == (Note(None, "characters_replaced", 3), Note("text", "characters_replaced", 3))
    notes = Reader(content).text("li")
    assert "Heading: characters replaced" in notes
    assert "(3 times)" in notes


def test_currency_is_told_with_the_column() -> None:
    read = Reader(write("html", replace(table(*SHOPS), currency="NOK"), grouped(Oslo=["1"]))[0])
    assert read.section("thead") == [["Service", "Price (NOK)"]]


def test_an_error_of_the_rows_ends_the_file_unfinished() -> None:
    def rows() -> Iterator[pa.RecordBatch]:
        yield NASTY
        raise InterruptedError

    out = ForwardOnly()
    with pytest.raises(InterruptedError):
        html.write(full(), rows(), cast(BinaryIO, out))
    assert b"</html>" not in out.content


def test_rows_are_written_as_they_come() -> None:
    out = ForwardOnly()
    seen = []

    def rows() -> Iterator[pa.RecordBatch]:
        for _ in range(4):
            seen.append(out.content.count(b"<tr>"))
            yield NASTY

    html.write(table(), rows(), cast(BinaryIO, out))
    # All but the last, which is read ahead.
    assert [later - earlier for earlier, later in pairwise(seen)][1:] == [NASTY.num_rows] * 2


def test_golden_html(golden: Any) -> None:
    shop = pa.array(["Oslo", "=Ås & Sønn"] * 2, pa.string()).take(pa.array([0] * 14 + [1] * 14))
    rows = NASTY.append_column("shop", shop)
    what = full(charts=(), language="nb", currency="NOK", group=Group("shop", "Verksted"), columns=EVERY_KIND)
    golden.check("formats/nasty.html", write("html", what, rows)[0])

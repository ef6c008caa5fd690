"""PDF covers: what other readers find on them, and that PDF/A-1 forbids none of it."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pikepdf
import pypdf
import pypdfium2
import pytest
from PIL import Image

from exporters.formats.display import show_value
from exporters.formats.logo import flatten, read_logo
from exporters.formats.table import Brand, Chart, KeyFigure, Note, Table
from exporters.formats.wording import LANGUAGES, say
from tests.format_tables import NASTY, table, write

BARS = Chart(
    "By category", "bars", ("Brakes", "Tyres", "Łódź"), (Decimal("1.5"), 2, None), "Turnover", "decimal"
)
LINE = Chart("By month", "line", ("Jan", "Feb", "Mar"), (3, None, 5), "Bookings", "integer")
FIGURES = (
    KeyFigure("Turnover", Decimal("1234.50"), "money", "NOK"),
    KeyFigure("Bookings", 1200, "integer"),
    KeyFigure("Rating", None, "decimal"),
)


def image(mode: str, form: str) -> bytes:
    content = io.BytesIO()
    Image.new(mode, (300, 100), "#c8102e").save(content, form)
    return content.getvalue()


def full(**changes: Any) -> Table:
    brand = Brand("#7a1f4e", image("RGBA", "PNG"), "Workshop Ltd, Main Street 1")
    return replace(replace(table(), key_figures=FIGURES, charts=(BARS, LINE), brand=brand), **changes)


def draw(what: Table) -> tuple[bytes, tuple[Note, ...]]:
    content, written = write("pdf", what, NASTY.slice(0, 0))
    return content, written.notes


def read(content: bytes) -> list[str]:
    """Returns the texts of the pages before the rows as PDFium finds them, with one space for any."""
    pages = list(pypdfium2.PdfDocument(content))[:-1]
    return [" ".join(page.get_textpage().get_text_range().split()) for page in pages]


def operations(document: pikepdf.Pdf) -> list[Any]:
    return list(pikepdf.parse_content_stream(document.pages[0]))


def dictionaries(document: pikepdf.Pdf) -> list[Any]:
    return [thing for thing in document.objects if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_found_in_each_language(language: Any) -> None:
    what = full(language=language)
    content, notes = draw(what)
    (page,) = read(content)
    wanted = [
        what.title,
        what.brand.footer,
        say(language, "created"),
        BARS.title,
        LINE.title,
        "Turnover",
        "Rating",
    ]
    wanted += [text for detail in what.details for text in detail]
    wanted += [show_value(figure.value, figure.kind, language, figure.currency) for figure in FIGURES]
    wanted += [*BARS.labels, *LINE.labels, show_value(Decimal("1.5"), "decimal", language)]
    assert [text for text in wanted if " ".join(text.split()) not in page] == []
    assert notes == ()
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    assert what.title in pages[0].extract_text()
    assert (pages[0].mediabox.width, pages[0].mediabox.height) == pytest.approx((595.28, 841.89))


def test_nothing_that_pdf_a_1_forbids() -> None:
    content, _ = draw(full(charts=(BARS, LINE, replace(BARS, labels=("日本語", "한국어", "c")))))
    assert content.startswith(b"%PDF-1.4")
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []
        found = dictionaries(document)
        keys = set().union(*(thing.keys() for thing in found))
        assert not keys & {"/SMask", "/Group", "/ca", "/CA", "/BM", "/JS", "/AA", "/URI", "/Encrypt"}
        assert not {str(thing.get("/Type")) for thing in found} & {"/ObjStm", "/XRef"}
        fonts = [thing for thing in found if str(thing.get("/Subtype")) == "/CIDFontType2"]
        assert len(fonts) == 2
        assert all("/CIDSet" in font.FontDescriptor and "/CIDToGIDMap" in font for font in fonts)
        assert document.Root.OutputIntents[0].S == "/GTS_PDFA1"


def test_equal_tables_give_equal_bytes() -> None:
    mixed = full(title="日本語のレポート", charts=(BARS, LINE, replace(BARS, labels=("漢", "한", "Ελ"))))
    assert len({draw(mixed)[0] for _ in range(3)}) == 1


def test_charts_without_room_go_on_to_a_second_page() -> None:
    high = replace(BARS, labels=tuple(f"n{n}" for n in range(18)), values=tuple(range(18)))
    pages = read(draw(full(charts=(high, replace(high, title="Again"))))[0])
    assert ["By category" in page for page in pages] == [True, False]
    assert ["Again" in page for page in pages] == [False, True]
    assert all("Workshop Ltd" in page for page in pages)


def test_a_bare_table() -> None:
    bare = replace(table(), details=(), key_figures=FIGURES[:1])
    (page,) = read(draw(bare)[0])
    assert bare.title in page
    assert say("en", "created") in page


def test_characters_of_many_scripts() -> None:
    chart = replace(BARS, labels=("日本語", "한국어", "Ελληνικά"))
    title = "報告 리포트 Ελλάδα Дмитрий"
    content, notes = draw(full(title=title, details=(("店", "東京工場"),), charts=(chart,)))
    (page,) = read(content)
    assert title in page
    assert all(label in page for label in chart.labels)
    assert "東京工場" in page
    assert notes == ()


def test_missing_glyphs_are_boxes_and_counted() -> None:
    what = full(
        title="Cars \U0001f697\U0001f697",
        details=(("a\x00b", "c"),),
        charts=(replace(LINE, value_title="\U0001f697"),),
    )
    content, notes = draw(what)
    (page,) = read(content)
    assert "Cars \ufffd\ufffd" in page
    assert "a\ufffdb" in page
    # The title is shown again above the rows.
    assert notes == (Note(None, "no_glyph", 6),)


def test_long_texts_are_wrapped_and_cut_and_noted() -> None:
    what = full(title="Verksted " * 60, details=(("Label", "x" * 500),))
    content, notes = draw(what)
    (page,) = read(content)
    assert page.count("…") == 2
    assert notes == (Note(None, "cut_to_width", 3),)


def test_a_long_figure_is_shrunk_and_whole() -> None:
    figure = KeyFigure("Turnover", Decimal("-12345678901234567.89"), "money", "NOK")
    content, notes = draw(full(key_figures=(figure,) * 6))
    shown = " ".join(show_value(figure.value, "money", "en", "NOK").split())
    assert read(content)[0].count(shown) == 6
    assert notes == ()


@pytest.mark.parametrize(("mode", "form"), [("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("L", "JPEG")])
def test_logos_become_plain_images(mode: str, form: str) -> None:
    content, _ = draw(full(brand=Brand(logo=image(mode, form))))
    with pikepdf.open(io.BytesIO(content)) as document:
        (placed,) = [thing for thing in dictionaries(document) if thing.get("/Subtype") == "/Image"]
        assert placed.ColorSpace == "/DeviceRGB"
        shown = [str(found.operands[0]) for found in operations(document) if str(found.operator) == "Do"]
        assert shown == ["/Logo", "/Count"]


@pytest.mark.parametrize(
    "brand", [Brand(logo=b"GIF89a"), Brand(logo=image("RGB", "PNG")[:60]), Brand(color="blue")]
)
def test_a_brand_that_cannot_be_shown_is_refused(brand: Brand) -> None:
    with pytest.raises(ValueError, match=r"logo|Colour"):
        draw(full(brand=brand))


def test_a_photograph_stands_as_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(out, "JPEG", exif=exif)
    logo = read_logo(out.getvalue())
    assert (logo.width, logo.height) == (100, 200)
    assert Image.open(io.BytesIO(flatten(logo))).size == (100, 200)


def test_grey_of_sixteen_bits_stays_grey() -> None:
    out = io.BytesIO()
    Image.new("I;16", (2, 2), 0x8000).save(out, "PNG")
    with Image.open(io.BytesIO(flatten(read_logo(out.getvalue())))) as image:
        assert image.convert("L").getpixel((0, 0)) == 0x80

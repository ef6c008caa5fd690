"""Charts: what stands in the drawings, and that they are as long as they say."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pikepdf
import pypdfium2
import pytest

from exporters.formats.charts import PDF_WIDTH, SVG_WIDTH, draw_pdf, draw_svg
from exporters.formats.display import show_value
from exporters.formats.table import Chart
from exporters.formats.wording import LANGUAGES, say

BLUE = "#1f4e79"
BARS = Chart(
    "Turnover",
    "bars",
    ("Brakes", "Tyres & wheels", "Service"),
    (Decimal("1000.50"), Decimal("2001.00"), None),
    "In <kroner>",
    "money",
)
LINE = Chart(
    "Bookings", "line", ("Jan", "Feb", "Mar", "Apr", "May"), (3, 5, None, 4, 1200), "Count", "integer"
)


def texts(svg: str) -> list[str]:
    return [
        element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def paths(svg: str, mark: str) -> list[str]:
    """Returns the outlines that the marks of a kind are drawn along."""
    groups = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    return [
        child.get("d", "") for group in groups if mark in group.get("class", "").split() for child in group
    ]


def lengths(svg: str) -> list[float]:
    return [float(width) for path in paths(svg, "mark-rect") for width in re.findall(r"h([\d.]+)v", path)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_of_bars(language: Any) -> None:
    found = texts(draw_svg(BARS, language, BLUE))
    assert set(found) == {
        *BARS.labels,
        BARS.value_title,
        show_value(Decimal("1000.50"), "money", language),
        show_value(Decimal("2001.00"), "money", language),
        say(language, "no_value"),
    }


def test_bars_are_as_long_as_their_values() -> None:
    short, long, nothing = lengths(draw_svg(BARS, "en", BLUE))
    assert long == pytest.approx(2 * short)
    assert nothing == 0
    far = replace(BARS, values=(Decimal(100), Decimal(101), Decimal(102)))
    first, _, last = lengths(draw_svg(far, "en", BLUE))
    assert last / first == pytest.approx(1.02)


def test_equal_labels_stay_apart() -> None:
    svg = draw_svg(replace(BARS, labels=("Same", "Same", "Other")), "en", BLUE)
    assert texts(svg).count("Same") == 2
    assert len(lengths(svg)) == 3


def test_values_have_as_many_places() -> None:
    svg = draw_svg(replace(BARS, kind="decimal", values=(Decimal("1.5"), 2, Decimal("0.25"))), "en", BLUE)
    assert {"1.50", "2.00", "0.25"} <= set(texts(svg))


def test_below_zero() -> None:
    svg = draw_svg(replace(BARS, kind="integer", values=(-10, 20, 0)), "nb", BLUE)
    left, right, none = lengths(svg)
    assert right == pytest.approx(2 * left)
    assert none == 0
    assert show_value(-10, "integer", "nb") in texts(svg)


def test_a_label_of_a_megabyte_holds_nobody_up() -> None:
    chart = Chart("Title", "bars", ("x" * 1_000_000, "b"), (1, 2), "Value", "integer")
    assert any(re.fullmatch("x+…", text) for text in texts(draw_svg(chart, "en", "#1f4e79")))


def test_long_labels_are_cut() -> None:
    svg = draw_svg(replace(BARS, labels=("A" * 200, "b", "c")), "en", BLUE)
    cut = next(text for text in texts(svg) if text.startswith("AAA"))
    assert cut.endswith("…")
    assert len(cut) < 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_bars_than_can_be_read_are_counted(language: Any) -> None:
    many = replace(BARS, kind="integer", labels=tuple(f"n{n}" for n in range(45)), values=tuple(range(45)))
    found = texts(draw_svg(many, language, BLUE))
    assert "n18" in found
    assert "n19" not in found
    assert say(language, "more", count="26") in found


def test_a_line_has_gaps_where_there_is_no_value() -> None:
    svg = draw_svg(LINE, "en", BLUE)
    (line,) = paths(svg, "mark-line")
    assert line.count("M") == 2
    assert line.count("L") == 2
    assert len(paths(svg, "mark-symbol")) == 4
    assert {*LINE.labels, "Count", "0", "1,200"} <= set(texts(svg))


def test_a_lonely_point_is_seen() -> None:
    svg = draw_svg(replace(LINE, values=(None, None, 7, None, None)), "en", BLUE)
    assert len(paths(svg, "mark-symbol")) == 1


def test_the_axis_of_a_line_begins_at_zero_unless_values_lie_far_from_it() -> None:
    assert "0" in texts(draw_svg(replace(LINE, values=(40, 50, 60, 70, 80)), "en", BLUE))
    far = texts(draw_svg(replace(LINE, values=(400, 410, 405, 403, 402)), "en", BLUE))
    assert "0" not in far
    assert "400" in far


@pytest.mark.parametrize(
    "values", [(0,) * 5, (-3, -2, -1, -5, -4), (10**15, 1, 2, 3, 4), (5, None, None, None, None)]
)
def test_any_values_can_be_a_line(values: tuple[int | None, ...]) -> None:
    known = sum(value is not None for value in values)
    assert len(paths(draw_svg(replace(LINE, values=values), "de", BLUE), "mark-symbol")) == known


def test_names_of_many_points_are_thinned() -> None:
    days = replace(LINE, labels=tuple(f"2025-01-{n:03}" for n in range(400)), values=tuple(range(400)))
    shown = [text for text in texts(draw_svg(days, "en", BLUE)) if text.startswith("2025")]
    assert 2 <= len(shown) <= 6


@pytest.mark.parametrize("form", ["bars", "line"])
@pytest.mark.parametrize("values", [(), (None, None)])
def test_no_values(form: Any, values: tuple[None, ...]) -> None:
    chart = replace(BARS, form=form, labels=tuple("ab")[: len(values)], values=values)
    assert texts(draw_svg(chart, "sv", BLUE)) == ["Inga data"]
    assert "Inga data" in read_pdf(draw_pdf(chart, "sv", BLUE))


@pytest.mark.parametrize("chart", [BARS, LINE])
def test_svg_holds_nothing_that_a_page_forbids(chart: Chart) -> None:
    svg = draw_svg(replace(chart, value_title="<script>\x00\"'</text>"), "en", BLUE)
    elements = list(ElementTree.fromstring(svg).iter())
    assert {element.tag.partition("}")[2] for element in elements} <= {"svg", "g", "path", "line", "text"}
    names = {name for element in elements for name in element.attrib}
    assert not names & {"style", "href", "fill-opacity", "stroke-opacity", "filter", "mask"}
    assert {element.get("opacity", "1") for element in elements} == {"1"}
    assert elements[0].get("width") == str(SVG_WIDTH)
    assert "<script>\ufffd\"'</text>" in texts(svg)


def test_a_color_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        draw_svg(BARS, "en", "red")


def read_pdf(content: bytes) -> str:
    return str(pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range())


@pytest.mark.parametrize("chart", [BARS, LINE])
def test_pdf_holds_the_texts_and_no_transparency(chart: Chart) -> None:
    content = draw_pdf(chart, "nb", BLUE)
    text = read_pdf(content)
    assert all(label in text for label in chart.labels)
    assert show_value(chart.values[1], chart.kind, "nb").replace("\xa0", " ") in text.replace("\xa0", " ")
    assert content.startswith(b"%PDF-1.4")
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []
        keys = set().union(*(thing.keys() for thing in document.objects if is_dictionary(thing)))
        assert not keys & {"/Group", "/SMask", "/ca", "/CA", "/BM"}
        assert list(document.pages[0].mediabox)[2] == PDF_WIDTH


def is_dictionary(thing: pikepdf.Object) -> bool:
    return isinstance(thing, pikepdf.Dictionary | pikepdf.Stream)


def test_equal_charts_give_equal_bytes() -> None:
    mixed = replace(BARS, labels=("日本語", "한국어", "Ελληνικά"))
    assert len({draw_pdf(mixed, "nb", BLUE) for _ in range(6)}) == 1
    assert "日本語" in read_pdf(draw_pdf(mixed, "nb", BLUE))


def test_formats_are_imported_without_what_draws() -> None:
    script = (
        "import sys, exporters.formats; print({'vl_convert', 'fpdf', 'pikepdf', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"

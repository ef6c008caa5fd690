"""Charts: what stands in the drawings, and that they are as long as they say."""

import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pypdfium2
import pytest

from exporters.formats.charts import SVG_WIDTH, draw_svg
from exporters.formats.display import show_value
from exporters.formats.pdf.charts import draw_chart
from exporters.formats.pdf.typeface import Typeface
from exporters.formats.table import Brand, Chart
from exporters.formats.wording import LANGUAGES, say
from tests.format_tables import NASTY, table, write

BLUE = "#1f4e79"
MARGIN = 14 / 25.4 * 72
"""Of a cover, in points."""

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


def draw_page(chart: Chart) -> pypdfium2.PdfPage:
    """Returns the cover of a PDF that has this chart alone, with bars and lines in BLUE."""
    what = replace(table(), charts=(chart,), language="nb", brand=Brand(BLUE))
    return pypdfium2.PdfDocument(write("pdf", what, NASTY.slice(0, 0))[0])[0]


def read_page(page: pypdfium2.PdfPage) -> str:
    return " ".join(page.get_textpage().get_text_range().split())


def blue_areas(page: pypdfium2.PdfPage) -> list[tuple[int, int]]:
    """Returns the chart's rows of pixels in which there is BLUE: where it begins and ends in each."""
    picture = page.render(scale=4, rev_byteorder=True).to_numpy()
    rows = (picture == tuple(bytes.fromhex(BLUE[1:]))).all(axis=2)[len(picture) // 5 :]
    return [(int(row.argmax()), int(row.nonzero()[0][-1]) + 1) for row in rows if row.any()]


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
    assert "Ingen data" in read_page(draw_page(chart))


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


@pytest.mark.parametrize("chart", [BARS, LINE])
def test_pdf_holds_the_texts(chart: Chart) -> None:
    page = read_page(draw_page(chart))
    assert all(label in page for label in (*chart.labels, chart.value_title))
    assert " ".join(show_value(chart.values[1], chart.kind, "nb").split()) in page or chart.form == "line"


def test_pdf_bars_are_as_long_as_their_values() -> None:
    areas = blue_areas(draw_page(replace(BARS, kind="integer", values=(-10, 20, 0))))
    left, right = areas[0], areas[-1]
    assert right[1] - right[0] == pytest.approx(2 * (left[1] - left[0]), abs=4)
    assert left[1] == pytest.approx(right[0], abs=4)


def test_a_pdf_line_goes_through_its_values_and_has_gaps() -> None:
    chart = replace(LINE, values=(0, 10, None, 5, 5))
    content = draw_chart(chart, "nb", BLUE, 640, Typeface("F1", "DejaVuSans.ttf")).content.decode("latin-1")
    runs = [
        [tuple(map(float, point)) for point in re.findall(r"(\S+) (\S+) [ml]\n", run)]
        for run in re.findall(r"1 j ((?:\S+ \S+ [ml]\n)+)S\n", content)
    ]
    ((x1, y1), (x2, y2)), ((x4, y4), (x5, y5)) = runs
    assert (x2 - x1, x4 - x2) == pytest.approx((x5 - x4, 2 * (x5 - x4)), abs=0.02)
    assert y4 == y5 == pytest.approx((y1 + y2) / 2, abs=0.02)
    assert y2 > y1
    assert len(re.findall(r" c\n", content)) == 4 * 4, "a point in four quarters for each value"


@pytest.mark.parametrize(
    "chart",
    [
        replace(
            BARS, labels=("A" * 400, "\u05e9\u05dc\u05d5\u05dd " * 40, "漢" * 90), value_title="x " * 200
        ),
        replace(BARS, values=(Decimal(-(10**15)), Decimal(10**15), 1)),
        replace(LINE, values=(-(10**15), 10**15, 0, 1, None)),
        replace(LINE, labels=tuple(f"2025-01-{n:03}" for n in range(400)), values=tuple(range(400))),
        replace(LINE, labels=("A month with a long name " * 4,), values=(0,)),
    ],
)
def test_nothing_of_a_pdf_chart_leaves_its_place(chart: Chart) -> None:
    page = draw_page(chart)
    found = page.get_textpage()
    boxes = [found.get_rect(n) for n in range(found.count_rects())]
    assert min(left for left, *_ in boxes) >= MARGIN - 1
    assert max(right for _, _, right, _ in boxes) <= page.get_width() - MARGIN + 1


def test_formats_are_imported_without_what_draws() -> None:
    script = (
        "import sys, exporters.formats; print({'vl_convert', 'fpdf', 'pikepdf', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"

"""The charts of the summary sheet: Excel's own, drawn from cells of the sheet."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import chain
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart as Drawing
from xlsxwriter.worksheet import Worksheet

from exporters.formats.table import Chart, Table
from exporters.formats.xlsx.formats import CellFormats
from exporters.formats.xlsx.numbers import format_code, show_number
from exporters.formats.xlsx.text import as_line

_FIRST_ROW, _COLUMN = 2, 3
"""Where the first chart is drawn."""

_WIDTH, _HEIGHT, _BETWEEN = 640, 300, 20
"""Pixels."""

_BAR_HEIGHT, _AROUND_BARS = 26, 90
"""Pixels that a bar takes, and the title and axis around all."""

_LETTER_WIDTH = 6
"""Pixels that a letter of a label takes, roughly."""

_GRAY = "#d9d9d9"


def write_charts(workbook: Workbook, sheet: Worksheet, formats: CellFormats, table: Table, row: int) -> None:
    """Writes the charts' data from `row` on, in the first two columns, and draws them beside the facts."""
    below = 0
    for chart in table.charts:
        _write_data(sheet, formats, table, chart, row)
        if chart.labels:
            height = _height(chart)
            drawing = _draw(workbook, sheet.get_name(), table, chart, row)
            drawing.set_size({"width": _WIDTH, "height": height})
            place = {"y_offset": below, "description": as_line(chart.title)}
            sheet.insert_chart(_FIRST_ROW, _COLUMN, drawing, place)
            below += height + _BETWEEN
        row += len(chart.labels) + 3


def count_replaced(charts: Iterable[Chart]) -> int:
    """Returns how many texts of the charts have characters that a chart cannot hold; they become spaces."""
    texts = chain.from_iterable((chart.title, chart.value_title, *chart.labels) for chart in charts)
    return sum(as_line(text) != text for text in texts)


def _write_data(sheet: Worksheet, formats: CellFormats, table: Table, chart: Chart, row: int) -> None:
    heading = {"bold": True, "font_color": table.brand.color}
    formats.write_text(sheet, row, 0, as_line(chart.title), heading)
    formats.write_text(sheet, row + 1, 0, "", {"bottom": 1})
    formats.write_text(sheet, row + 1, 1, as_line(chart.value_title), {"bold": True, "bottom": 1})
    for position, (label, value) in enumerate(zip(chart.labels, chart.values, strict=True), start=row + 2):
        formats.write_text(sheet, position, 0, as_line(label), {})
        if value is not None:
            _, code = show_number(value, chart.kind, table.language, table.currency)
            sheet.write_number(position, 1, float(value), formats.of({"num_format": code, "align": "left"}))


def _draw(workbook: Workbook, name: str, table: Table, chart: Chart, row: int) -> Drawing:
    is_bars = chart.form == "bars"
    drawing = workbook.add_chart({"type": "bar" if is_bars else "line"})
    first, last = row + 2, row + 1 + len(chart.labels)
    fill = {"fill": {"color": table.brand.color}, "gap": 50}
    color = {"color": table.brand.color}
    # A marker, because a line of one point is nothing.
    marker = {"type": "circle", "size": 5, "fill": color, "border": color}
    line = {"line": {**color, "width": 2.25}, "marker": marker}
    # By reference: a name given as text would be taken for a formula if it began with "=".
    drawing.add_series(
        {
            "name": [name, row + 1, 1],
            "categories": [name, first, 0, last, 0],
            "values": [name, first, 1, last, 1],
            **(fill if is_bars else line),
        }
    )
    drawing.set_title({"name": [name, row, 0], "name_font": {"size": 12, "bold": True}})
    drawing.set_legend({"none": True})
    places = max(-int(Decimal(value or 0).as_tuple().exponent) for value in chart.values)
    code = format_code(chart.kind, places, table.language, table.currency)
    values: dict[str, Any] = {
        "num_format": "#,##0" if chart.kind == "integer" else code or "General",
        "major_gridlines": {"visible": True, "line": {"color": _GRAY, "width": 0.75}},
        "line": {"none": True},
    }
    labels: dict[str, Any] = {
        "line": {"color": _GRAY},
        "major_gridlines": {"visible": False},
        "num_font": {"size": 8},
    }
    if is_bars:
        # Bars are drawn from below; reversed, the first is the topmost and its axis of values lies below.
        drawing.set_y_axis({**labels, "reverse": True, "interval_unit": 1})
        drawing.set_x_axis({**values, "label_position": "high"})
        drawing.set_plotarea({"layout": _bars_place(chart)})
    else:
        drawing.set_x_axis(labels)
        drawing.set_y_axis(values)
    return drawing


def _bars_place(chart: Chart) -> dict[str, float]:
    """Returns where the bars lie, in parts of the drawing: each label has a line beside its bar."""
    longest = max(len(label) for label in chart.labels)
    left = min(_LETTER_WIDTH * longest + _BETWEEN, _WIDTH // 2) / _WIDTH
    top = _AROUND_BARS / 2 / _height(chart)
    return {"x": left, "y": top, "width": 0.96 - left, "height": 1 - 2 * top}


def _height(chart: Chart) -> int:
    if chart.form == "line":
        return _HEIGHT
    return max(_HEIGHT, _AROUND_BARS + _BAR_HEIGHT * len(chart.labels))

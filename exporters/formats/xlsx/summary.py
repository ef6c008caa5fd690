"""The summary sheet: what the table is, its figures, charts, totals and notes."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from xlsxwriter import Workbook
from xlsxwriter.image import Image
from xlsxwriter.worksheet import Worksheet

from exporters.formats.display import show_time
from exporters.formats.frames import Frames
from exporters.formats.table import Table
from exporters.formats.wording import say, say_note
from exporters.formats.xlsx.charts import write_charts
from exporters.formats.xlsx.formats import CellFormats
from exporters.formats.xlsx.numbers import grouped_code, show_number

_TITLE_HEIGHT = 45
"""Points."""
_LOGO_HEIGHT = 44
"""Pixels of 96 to the inch."""

_LINE_HEIGHT, _LARGE_HEIGHT, _HIGHEST = 15, 24, 409
"""Points; the last is Excel's limit of a row."""
_LABEL_WIDTH, _VALUE_WIDTH = 32, 40
_LABEL_LETTERS, _VALUE_LETTERS = 32, 40
"""Letters that surely have room on a line of the columns' widths."""

_LABEL = {"font_color": "#595959", "valign": "vcenter", "text_wrap": True}
_VALUE = {"align": "left", "valign": "vcenter", "text_wrap": True}
_LARGE = {"align": "left", "valign": "vcenter", "bold": True, "font_size": 14}


@dataclass(frozen=True)
class _Line:
    """A row of the sheet: a label and its value, shown by the number format."""

    label: str
    value: str | int | Decimal
    code: str = "General"
    is_large: bool = False


def write_summary(
    workbook: Workbook, sheet: Worksheet, formats: CellFormats, table: Table, frames: Frames
) -> None:
    """Fills the sheet: figures and facts in two columns on the left, charts on the right, their data below.

    Raises XlsxWriterException when the logo is no image.
    """
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, _LABEL_WIDTH)
    sheet.set_column(1, 1, _VALUE_WIDTH)
    sheet.set_column(2, 2, 3)
    sheet.set_column(3, 12, 9)
    _write_title(sheet, formats, table)
    row = 2
    for is_large, lines in groupby(_lines(table, frames), lambda line: line.is_large):
        for line in lines:
            _write_line(sheet, formats, row, line)
            row += 1
        row += is_large
    write_charts(workbook, sheet, formats, table, row + 1)
    sheet.fit_to_pages(1, 0)


def _write_title(sheet: Worksheet, formats: CellFormats, table: Table) -> None:
    look = {"bg_color": table.brand.color, "font_color": "#ffffff"}
    sheet.set_row(0, _TITLE_HEIGHT)
    for position in range(1, 13):
        sheet.write_blank(0, position, None, formats.of(look))
    formats.write_text(
        sheet, 0, 0, table.title, look | {"bold": True, "font_size": 18, "valign": "vcenter", "indent": 1}
    )
    if table.brand.logo:
        image = Image(io.BytesIO(table.brand.logo))
        scale = _LOGO_HEIGHT / image.height * image.y_dpi / 96
        place = {"x_offset": 10, "y_offset": 8, "x_scale": scale, "y_scale": scale, "decorative": True}
        sheet.insert_image(0, 10, "logo", {"image_data": io.BytesIO(table.brand.logo), **place})


def _lines(table: Table, frames: Frames) -> Iterator[_Line]:
    language = table.language
    for figure in table.key_figures:
        value, code = show_number(figure.value, figure.kind, language, figure.currency)
        yield _Line(figure.label, value, code, is_large=True)
    for label, text in table.details:
        yield _Line(label, text)
    yield _Line(say(language, "created"), show_time(table.created_at, language))
    yield _Line(say(language, "rows"), frames.rows, grouped_code(0))
    totals = frames.totals()
    for column in table.columns:
        if column.total:
            value, code = show_number(totals[column.name], column.kind, language, table.currency)
            yield _Line(f"{say(language, 'total')} {column.title}", value, code)
    for note in frames.notes():
        yield _Line(say(language, "note"), say_note(note, table, language))


def _write_line(sheet: Worksheet, formats: CellFormats, row: int, line: _Line) -> None:
    text = line.value if isinstance(line.value, str) else ""
    lines = max(1, math.ceil(len(text) / _VALUE_LETTERS), math.ceil(len(line.label) / _LABEL_LETTERS))
    sheet.set_row(row, _LARGE_HEIGHT if line.is_large else min(lines * _LINE_HEIGHT, _HIGHEST))
    formats.write_text(sheet, row, 0, line.label, _LABEL)
    look = {**(_LARGE if line.is_large else _VALUE), "num_format": line.code}
    if isinstance(line.value, str):
        formats.write_text(sheet, row, 1, line.value, look)
    else:
        sheet.write_number(row, 1, line.value, formats.of(look))

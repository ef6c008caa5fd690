"""The shell of a workbook: every part but the rows, made by XlsxWriter."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from exporters.formats.display import show_column
from exporters.formats.frames import Frames, TableError
from exporters.formats.table import Column, Table
from exporters.formats.wording import say
from exporters.formats.xlsx.cells import CellStyles
from exporters.formats.xlsx.formats import CellFormats, Look
from exporters.formats.xlsx.numbers import column_code
from exporters.formats.xlsx.summary import write_summary
from exporters.formats.xlsx.text import as_line, cut_to_units, text_elements

SHARED_STRINGS = "xl/sharedStrings.xml"

_NARROWEST, _WIDEST = 8, 60
_FILTER_BUTTON = 3
"""Characters of width that it takes."""

_FOOTER_UNITS = 150
"""Of the 255 UTF-16 units that a header or footer may have, those left to a text that is not ours."""

_SHARED_CELL = re.compile(rb' t="s"><v>(\d+)</v></c>')
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_ROWS_END = b"</sheetData>"


@dataclass(frozen=True)
class Layout:
    """What is decided on the first rows: each column's number format and width."""

    codes: Sequence[str | None]
    widths: Sequence[int]


def measure(table: Table, sample: pl.DataFrame) -> Layout:
    """Returns the layout of the table's data sheets."""
    fields = [(column, sample[column.name]) for column in table.columns]
    codes = [column_code(c.kind, v.dtype, table.language, table.currency) for c, v in fields]
    return Layout(codes, [_width(table, column, values) for column, values in fields])


@dataclass(frozen=True)
class Shell:
    """The parts of a workbook, its data sheets without rows."""

    parts: Mapping[str, bytes]
    styles: CellStyles

    def head(self, sheet: int) -> bytes:
        """Returns the start of a data sheet, with the titles as its first row."""
        content = _DIMENSION.sub(b"", self.parts[data_part(sheet)])
        return content[: content.index(_ROWS_END)]

    def tail(self, sheet: int) -> bytes:
        """Returns the end of a data sheet, after its rows."""
        content = self.parts[data_part(sheet)]
        return content[content.index(_ROWS_END) :]


def data_part(sheet: int) -> str:
    """Returns the name of the part that holds a data sheet, which are counted from 0."""
    return f"xl/worksheets/sheet{sheet + 2}.xml"


def make_shell(table: Table, layout: Layout, rows: Sequence[int], frames: Frames | None = None) -> Shell:
    """Returns the shell of a workbook with so many rows on each of its data sheets.

    The summary says what the frames counted; without frames it is left empty. The data sheets are the same
    either way. Raises TableError when the brand's logo is no image that a workbook takes.
    """
    file = io.BytesIO()
    workbook = Workbook(file, {"in_memory": True})
    title = as_line(table.title)
    workbook.set_properties({"title": title, "created": table.created_at.replace(tzinfo=None)})
    formats = CellFormats(workbook)
    # Styles are numbered when they are first asked for: those of the data sheets come before the summary's.
    columns = [
        formats.number({"num_format": code, **_place(column)}) if code else None
        for code, column in zip(layout.codes, table.columns, strict=True)
    ]
    styles = CellStyles(columns, formats.number({"quote_prefix": True}))
    for column in table.columns:
        formats.number_text(column.title, _title_look(table, column))
    name = say(table.language, "data")
    summary = workbook.add_worksheet(say(table.language, "summary"))
    for number, count in enumerate(rows):
        sheet = workbook.add_worksheet(f"{name} {number + 1}" if number else name)
        _write_data_sheet(sheet, formats, table, layout, count)
    try:
        if frames:
            write_summary(workbook, summary, formats, table, frames)
        _set_print(summary, table)
        workbook.close()
    except XlsxWriterException as error:
        raise TableError(
            f"The logo of table {table.title!r} cannot be used: give a PNG or JPEG image."
        ) from error
    return Shell(_parts(workbook, file), styles)


def _write_data_sheet(
    sheet: Worksheet, formats: CellFormats, table: Table, layout: Layout, rows: int
) -> None:
    for position, (column, width, code) in enumerate(
        zip(table.columns, layout.widths, layout.codes, strict=True)
    ):
        style = formats.of({"num_format": code, **_place(column)}) if code else None
        sheet.set_column(position, position, width, style)
        formats.write_text(sheet, 0, position, column.title, _title_look(table, column))
    last = len(table.columns) - 1
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, rows, last)
    # Texts of digits, such as numbers with leading zeros, are meant as they are: no warning triangles.
    sheet.ignore_errors({"number_stored_as_text": xl_range(0, 0, rows, last)})
    _set_print(sheet, table)
    sheet.fit_to_pages(1, 0)


def _title_look(table: Table, column: Column) -> Look:
    look: dict[str, object] = {
        "bold": True,
        "font_color": "#ffffff",
        "bg_color": table.brand.color,
        "valign": "vcenter",
    }
    return look | _place(column)


def _set_print(sheet: Worksheet, table: Table) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
    page = say(table.language, "page", page="&P") + "&N"
    # Not by `set_header`: it takes a text such as "R&&G" for one with a picture, and then writes nothing.
    sheet.header = f"&L{_page_text(table.title)}"
    sheet.footer = f"&L{_page_text(table.brand.footer)}&R{page}"
    sheet.header_footer_changed = True


def _page_text(text: str) -> str:
    """Returns a text as headers and footers hold it, where an ampersand begins a code."""
    return cut_to_units(as_line(text), _FOOTER_UNITS // 2).replace("&", "&&")


def _place(column: Column) -> dict[str, object]:
    match column.kind:
        case "integer" | "decimal" | "money":
            return {"align": "right"}
        case "date" | "timestamp":
            # Away from a number at its left.
            return {"align": "left", "indent": 1}
        case _:
            return {"align": "left"}


def _width(table: Table, column: Column, sample: pl.Series) -> int:
    """Returns a column's width, in characters of the default font."""
    texts = show_column(sample, column.kind, table.language)
    longest = texts.str.len_chars().max()
    symbol = 4 if column.kind == "money" and table.currency else 0
    wanted = int(longest) + 1 + symbol if isinstance(longest, int) else 0
    return min(max(_NARROWEST, len(column.title) + _FILTER_BUTTON, wanted), _WIDEST)


def _parts(workbook: Workbook, file: io.BytesIO) -> dict[str, bytes]:
    """Returns the parts; the sheets hold their own strings: the workbook's list is left to the rows'."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    strings = text_elements(pl.Series(workbook.str_table.string_array, dtype=pl.String)).to_list()
    cells = [f' t="inlineStr"><is>{string}</is></c>'.encode() for string in strings]
    return {
        name: _SHARED_CELL.sub(lambda found: cells[int(found[1])], content)
        if name.startswith("xl/worksheets/sheet")
        else content
        for name, content in parts.items()
    }

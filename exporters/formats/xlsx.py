"""XLSX: a workbook of typed cells, the rows on sheets "Data" and what they are on a sheet "Info".

A text is always a string cell, never a formula or a link. A number, date or text that Excel cannot hold
exactly is written as text or cut, and noted.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO

import polars as pl
import pyarrow as pa
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from exporters.formats.formulas import defuse, defuse_column
from exporters.formats.frames import Frames
from exporters.formats.table import Column, NoteKind, Table, Written
from exporters.formats.wording import say_note

ROWS_PER_SHEET = 1_048_575
"""Data rows on one sheet: Excel's limit less the header row."""

_COLUMNS_PER_SHEET = 16_384
_TEXT_LIMIT = 32_767
"""Excel's limit of a cell's text, in UTF-16 code units."""

_DIGITS = 15
"""Significant decimal digits that Excel keeps of a number."""

_SAMPLE_ROWS = 1_000
"""First rows, which decide the column widths."""

_CHUNK_BYTES = 1 << 20

_UNWRITABLE = re.compile("[\x00-\x1f\ufffe\uffff]")
"""Characters that XML cannot hold."""

_Cell = int | float | Decimal | str | bool | None


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as a workbook; the workbook is built in temporary files of about its own size.

    Raises ValueError and TypeError as `Frames` does, and ValueError when the table has more columns than a
    sheet. Nothing is written to `out` when it raises before the rows are read to their end.
    """
    if len(table.columns) > _COLUMNS_PER_SHEET:
        raise ValueError(
            f"Table {table.title!r} has {len(table.columns)} columns, "
            f"but a sheet holds {_COLUMNS_PER_SHEET}: choose fewer, or another format."
        )
    frames = Frames(table, batches)
    # XlsxWriter's own temporary files go to the folder, so that an error leaves none behind.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
        workbook = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        # Properties are written as they are, without the escapes that cells have.
        title = _UNWRITABLE.sub(" ", table.title)
        workbook.set_properties({"title": title, "created": table.created_at.replace(tzinfo=None)})
        sheets = _DataSheets(workbook, table, frames)
        for frame in frames:
            sheets.append(frame)
        sheets.finish()
        _write_info(workbook, table, frames)
        workbook.close()
        file.seek(0)
        shutil.copyfileobj(file, out, _CHUNK_BYTES)
    return frames.written()


class _DataSheets:
    """The sheets of rows, begun one after the other as each is filled."""

    def __init__(self, workbook: Workbook, table: Table, frames: Frames) -> None:
        self._workbook = workbook
        self._columns = table.columns
        self._frames = frames
        self._headers = {
            align: workbook.add_format({"bold": True, "bottom": 1, "align": align})
            for align in ("left", "right")
        }
        sample = frames.sample(_SAMPLE_ROWS)
        self._formats = [self._format(column, sample.schema[column.name]) for column in self._columns]
        self._widths = [_width(column, sample[column.name]) for column in self._columns]
        self._count = 0
        self._filled = 0
        self._sheet = self._begin()

    def append(self, frame: pl.DataFrame) -> None:
        """Writes the frame's rows below the ones before, on as many sheets as they need."""
        start = 0
        while start < frame.height:
            if self._filled == ROWS_PER_SHEET:
                self.finish()
                self._sheet = self._begin()
            part = frame.slice(start, ROWS_PER_SHEET - self._filled)
            self._write_rows(part)
            self._filled += part.height
            start += part.height

    def finish(self) -> None:
        """Completes the sheet that was begun last."""
        last = len(self._columns) - 1
        self._sheet.autofilter(0, 0, self._filled, last)
        # Texts of digits, such as numbers with leading zeros, are meant as they are: no warning triangles.
        self._sheet.ignore_errors({"number_stored_as_text": xl_range(0, 0, self._filled, last)})

    def _begin(self) -> Worksheet:
        self._count += 1
        self._filled = 0
        sheet = self._workbook.add_worksheet("Data" if self._count == 1 else f"Data {self._count}")
        for position, (width, style) in enumerate(zip(self._widths, self._formats, strict=True)):
            sheet.set_column(position, position, width, style)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for position, column in enumerate(self._columns):
            _write_text(sheet, 0, position, defuse(column.title), self._headers[_alignment(column)])
        return sheet

    def _format(self, column: Column, dtype: pl.DataType) -> Format | None:
        code = _number_format(column, dtype)
        return self._workbook.add_format({"num_format": code, "align": _alignment(column)}) if code else None

    def _write_rows(self, frame: pl.DataFrame) -> None:
        sheet = self._sheet
        columns = [self._cells(column, frame[column.name]) for column in self._columns]
        cuts = [0] * len(columns)
        for row, cells in enumerate(zip(*columns, strict=True), start=self._filled + 1):
            for position, cell in enumerate(cells):
                if cell is None:
                    continue
                if isinstance(cell, str):
                    cuts[position] += _write_text(sheet, row, position, cell)
                elif isinstance(cell, bool):
                    sheet.write_boolean(row, position, cell)
                else:
                    sheet.write_number(row, position, cell)
        for column, count in zip(self._columns, cuts, strict=True):
            self._frames.note(column, "cut_to_cell", count)

    def _cells(self, column: Column, values: pl.Series) -> list[_Cell]:
        match column.kind:
            case "text":
                return values.to_frame().select(defuse_column(values.name)).to_series().to_list()
            case "boolean":
                return values.to_list()
            case "date" | "timestamp":
                numbers, texts = _split_dates(values)
                reason: NoteKind = "date_as_text"
            case "integer" | "decimal" | "money":
                numbers, texts = _split_numbers(values)
                reason = "number_as_text"
        count = texts.len() - texts.null_count()
        self._frames.note(column, reason, count)
        if not count:
            return numbers.to_list()
        return [number if text is None else text for number, text in zip(numbers, texts, strict=True)]


def _split_numbers(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns the numbers, and in their places the texts of those with more digits than Excel keeps."""
    texts = values.cast(pl.String)
    if values.dtype.is_float():
        return values, texts.clear(values.len())
    if values.dtype.is_integer():
        is_exact = values.is_between(-(10**_DIGITS) + 1, 10**_DIGITS - 1)
    else:
        is_exact = texts.str.replace_all(r"[-.]", "").str.strip_chars("0").str.len_bytes() <= _DIGITS
    return values, texts.set(is_exact.fill_null(True), None)


def _split_dates(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns Excel's day numbers, and in their places the texts of the dates outside its calendar."""
    years = values.dt.year()
    is_inside = years.is_between(1900, 9999).fill_null(True)
    if isinstance(values.dtype, pl.Date):
        days = values.cast(pl.Int32).cast(pl.Int64) + 25_569
        texts = values.dt.to_string("%Y-%m-%d")
    else:
        days = values.dt.epoch("s").cast(pl.Float64) / 86_400 + 25_569
        texts = values.dt.to_string("%Y-%m-%d %H:%M:%S")
    # Excel's calendar has a 29 February 1900, so the days before it have a number one less.
    return days - (days < 61).cast(days.dtype), texts.set(is_inside, None)


def _alignment(column: Column) -> str:
    return "right" if column.kind in {"integer", "decimal", "money"} else "left"


def _number_format(column: Column, dtype: pl.DataType) -> str | None:
    match column.kind:
        case "integer":
            return "0"
        case "money":
            return "0.00"
        case "decimal" if isinstance(dtype, pl.Decimal):
            return _places(dtype.scale)
        case "date":
            return "yyyy-mm-dd"
        case "timestamp":
            return "yyyy-mm-dd hh:mm:ss"
        case _:
            return None


def _places(count: int) -> str:
    return f"0.{'0' * min(count, 30)}" if count else "0"


def _width(column: Column, sample: pl.Series) -> int:
    """Returns a column's width, in characters of the default font."""
    if column.kind == "timestamp":
        lengths = [len("YYYY-MM-DD HH:MM:SS")]
    else:
        lengths = sample.cast(pl.String).str.len_chars().drop_nulls().to_list()
    # Three characters more than the title, for the filter's button.
    return min(max(8, len(column.title) + 3, max(lengths, default=0) + 1), 60)


def _write_text(sheet: Worksheet, row: int, position: int, text: str, style: Format | None = None) -> bool:
    """Writes `text` as a string cell, whatever it holds; returns whether it had to be cut."""
    kept = _cut(text)
    if kept.startswith("<r>") and kept.endswith("</r>"):
        # XlsxWriter takes such a string for finished XML; given in parts it is escaped like any other.
        sheet.write_rich_string(row, position, kept[:1], kept[1:2], kept[2:], *([style] if style else []))
    else:
        sheet.write_string(row, position, kept, style)
    return len(kept) < len(text)


def _cut(text: str) -> str:
    if 2 * len(text) <= _TEXT_LIMIT:
        return text
    units = text.encode("utf-16-le")[: 2 * _TEXT_LIMIT]
    return units.decode("utf-16-le", errors="ignore")


def _write_info(workbook: Workbook, table: Table, frames: Frames) -> None:
    sheet = workbook.add_worksheet("Info")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 60)
    label_style = workbook.add_format({"bold": True, "valign": "top"})
    for row, (label, value, code) in enumerate(_info(table, frames)):
        _write_text(sheet, row, 0, defuse(label), label_style)
        style = workbook.add_format({"num_format": code, "align": "left", "text_wrap": code == "General"})
        if isinstance(value, str):
            _write_text(sheet, row, 1, value, style)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, 1, value, style)
        elif value is not None:
            sheet.write_number(row, 1, value, style)


def _info(table: Table, frames: Frames) -> Iterator[tuple[str, _Cell | datetime, str]]:
    """Yields what the rows are: a label, its value and the value's number format."""
    yield "Title", defuse(table.title), "General"
    for label, value in table.details:
        yield label, defuse(value), "General"
    yield "Created (UTC)", table.created_at.replace(tzinfo=None, microsecond=0), "yyyy-mm-dd hh:mm:ss"
    yield "Rows", frames.rows, "0"
    for column in table.columns:
        if column.total:
            yield f"Total {column.title}", *_total(frames.totals()[column.name])
    for note in frames.notes():
        yield "Note", defuse(say_note(note, table, "en")), "General"


def _total(value: Decimal | None) -> tuple[_Cell, str]:
    if value is None:
        return None, "General"
    text = f"{value:f}"
    if len(text.replace("-", "").replace(".", "").strip("0")) > _DIGITS:
        return text, "General"
    return value, _places(len(text.partition(".")[2]))

"""Cells: chunks of rows as the XML of a sheet, built by column.

A text is always a string cell. One that looks like a formula carries the style that keeps Excel from
evaluating it when it is edited. What Excel cannot hold exactly, a number of many digits or a date outside its
calendar, is a string too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl
import pyarrow.compute as pc
from xlsxwriter.utility import xl_col_to_name

from exporters.formats.table import Column, NoteKind
from exporters.formats.xlsx.numbers import DIGITS
from exporters.formats.xlsx.strings import SharedStrings
from exporters.formats.xlsx.text import cut_column, escape, find_traits, looks_like_formula, text_elements

_EPOCH = 25_569
"""Excel's number of the day 1970-01-01."""

_FIRST = 61
"""Its number of 1 March 1900. Its calendar has a 29 February before, which others leave out: the days until
then are not the same to all readers."""

_END = 2_958_466
"""Its number of 1 January 10000, where the calendar has ended."""

_Noted = tuple[Column, NoteKind, int]


@dataclass(frozen=True)
class CellStyles:
    """The numbers of the workbook's styles that cells refer to."""

    columns: Sequence[int | None]
    """Of each column's values; None: none of its own."""
    quoted: int
    """Of a text that looks like a formula."""


@dataclass(frozen=True)
class Chunk:
    """Rows that follow one another on one sheet."""

    sheet: int
    first_row: int
    """The sheet's number of the first row, from 1."""
    frame: pl.DataFrame


@dataclass(frozen=True)
class _Cells:
    """A column's cells after their reference: before + middle + after, or nothing where middle is null."""

    middle: pl.Series
    before: str = ""
    after: str = ""
    noted: tuple[_Noted, ...] = ()


class RowXml:
    """Makes rows of the table's columns. It may be called by several threads at once."""

    def __init__(self, columns: Sequence[Column], styles: CellStyles, strings: SharedStrings) -> None:
        self._columns = columns
        self._styles = styles
        self._strings = strings
        texts = pl.Series(list(strings.places), dtype=pl.String)
        places = pl.Series(range(texts.len()), dtype=pl.Int64).cast(pl.String)
        self._texts_placed = texts.to_arrow()
        self._references = self._styled(texts, ' t="s"><v>', places, "</v></c>")
        self._starts = [f'<c r="{xl_col_to_name(position)}' for position in range(len(columns))]

    def __call__(self, chunk: Chunk) -> tuple[list[memoryview], list[_Noted]]:
        """Returns the rows as XML, in pieces, and what had to be noted of them."""
        rows = range(chunk.first_row, chunk.first_row + chunk.frame.height)
        pieces = _Pieces(pl.Series(rows, dtype=pl.Int64).cast(pl.String))
        pieces.text('<row r="').row_number().text('">')
        noted: list[_Noted] = []
        for position, start in enumerate(self._starts):
            cells = self._cells(position, chunk)
            pieces.cells(start, cells)
            noted.extend(cells.noted)
        return pieces.text("</row>").join(), noted

    def _cells(self, position: int, chunk: Chunk) -> _Cells:
        column, style = self._columns[position], self._styles.columns[position]
        values = chunk.frame[column.name]
        match column.kind:
            case "text" if column.name in self._strings.columns:
                return self._shared(column, values)
            case "text":
                return self._texts(column, values)
            case "boolean":
                return _Cells(values.cast(pl.Int8).cast(pl.String), ' t="b"><v>', "</v></c>")
            case "date" | "timestamp":
                numbers, odd = _split_dates(values)
                reason: NoteKind = "date_as_text"
            case "integer" | "decimal" | "money":
                numbers, odd = _split_numbers(values)
                reason = "number_as_text"
        before = f' s="{style}"><v>' if style else "><v>"
        if odd is None:
            return _Cells(numbers, before, "</v></c>")
        texts = pl.concat_str(
            pl.lit(f' s="{self._styles.quoted}" t="inlineStr"><is><t>'), "odd", pl.lit("</t></is></c>")
        )
        cells = pl.coalesce(texts, pl.concat_str(pl.lit(before), "number", pl.lit("</v></c>")))
        middle = pl.DataFrame({"number": numbers, "odd": odd}).select_seq(cells).to_series()
        return _Cells(middle, noted=((column, reason, odd.len() - odd.null_count()),))

    def _texts(self, column: Column, values: pl.Series) -> _Cells:
        traits = find_traits(values)
        count = 0
        if traits.long:
            values, count = cut_column(values)
        noted: tuple[_Noted, ...] = ((column, "cut_to_cell", count),) if count else ()
        if traits.formulas or traits.outer_space:
            elements = text_elements(values)
            return _Cells(self._styled(values, ' t="inlineStr"><is>', elements, "</is></c>"), noted=noted)
        texts = escape(values) if traits.escapable else values
        return _Cells(texts, ' t="inlineStr"><is><t>', "</t></is></c>", noted)

    def _shared(self, column: Column, values: pl.Series) -> _Cells:
        places = pl.Series(pc.index_in(values.to_arrow(), value_set=self._texts_placed))
        cells = self._references.gather(places)
        if places.null_count() > values.null_count():
            own = values.set(places.is_not_null(), None)
            if find_traits(own).long:
                return self._texts(column, values)
            inline = self._styled(own, ' t="inlineStr"><is>', text_elements(own), "</is></c>")
            cells = cells.zip_with(places.is_not_null(), inline)
        return _Cells(cells)

    def _styled(self, texts: pl.Series, before: str, contents: pl.Series, after: str) -> pl.Series:
        """Returns the contents between `before` and `after`, with the style of each one's text."""
        columns = {"content": contents, "quoted": looks_like_formula(texts).fill_null(False)}
        style = pl.when("quoted").then(pl.lit(f' s="{self._styles.quoted}"')).otherwise(pl.lit(""))
        cells = pl.concat_str(style, pl.lit(before), "content", pl.lit(after))
        return pl.DataFrame(columns).select_seq(cells).to_series()


class _Pieces:
    """What each row is joined of: texts that are the same in all, and columns of texts."""

    def __init__(self, row_numbers: pl.Series) -> None:
        self._columns = {"row": row_numbers}
        self._parts: list[pl.Expr] = []
        self._text = ""

    def text(self, text: str) -> "_Pieces":
        self._text += text
        return self

    def row_number(self) -> "_Pieces":
        return self._add(pl.col("row"))

    def cells(self, start: str, cells: _Cells) -> None:
        name = f"cells {len(self._columns)}"
        self._columns[name] = cells.middle
        if not cells.middle.null_count():
            self.text(start).row_number().text('"' + cells.before)._add(pl.col(name)).text(cells.after)
            return
        whole = (pl.lit(start), pl.col("row"), pl.lit('"' + cells.before), pl.col(name), pl.lit(cells.after))
        self._add(pl.concat_str(*whole).fill_null(""))

    def join(self) -> list[memoryview]:
        self._add(pl.lit(""))
        # One after the other: the chunks themselves are made side by side.
        rows = pl.DataFrame(self._columns).select_seq(pl.concat_str(self._parts)).to_series()
        # The rows lie one behind the other in a few buffers: nothing is copied.
        buffers = rows.to_arrow(compat_level=pl.CompatLevel.newest()).buffers()[2:]
        if sum(buffer.size for buffer in buffers) != rows.str.len_bytes().sum():
            buffers = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2:]
        return [memoryview(buffer) for buffer in buffers]

    def _add(self, part: pl.Expr) -> "_Pieces":
        if self._text:
            self._parts.append(pl.lit(self._text))
            self._text = ""
        self._parts.append(part)
        return self


def _is_within(values: pl.Series, above: int, below: int) -> bool:
    """Returns whether all values lie between the two numbers."""
    least, greatest = cast(Any, values.min()), cast(Any, values.max())
    return least is None or (above < least and greatest < below)


def _split_numbers(values: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Returns the numbers as texts, and in their places those with more digits than Excel keeps, if any."""
    texts = values.cast(pl.String)
    if values.dtype.is_float():
        return texts, None
    scale = values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0
    limit = 10 ** (DIGITS - scale) if scale <= DIGITS else 0
    if _is_within(values, -limit, limit):
        return texts, None
    digits = texts.str.replace_all(r"[-.]", "")
    kept = digits.str.strip_chars("0") if isinstance(values.dtype, pl.Decimal) else digits
    is_exact = (kept.str.len_bytes() <= DIGITS).fill_null(True)
    return texts, texts.set(is_exact, None) if not is_exact.all() else None


def _split_dates(values: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Returns Excel's day numbers as texts, and in their places the dates outside its calendar, if any."""
    if isinstance(values.dtype, pl.Date):
        days, directives = values.cast(pl.Int32).cast(pl.Int64) + _EPOCH, "%Y-%m-%d"
    else:
        days, directives = values.dt.epoch("s") / 86_400 + _EPOCH, "%Y-%m-%d %H:%M:%S"
    if _is_within(days, _FIRST - 1, _END):
        return days.cast(pl.String), None
    is_inside = days.is_between(_FIRST, _END, closed="left").fill_null(True)
    return days.cast(pl.String), values.dt.to_string(directives).set(is_inside, None)
